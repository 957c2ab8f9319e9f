// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
	"github.com/partner-access/terraform-provider-partner/internal/system/systemtest"
)

// stage is a server with partners on it, and words for what they have. Subtests share one, each with names of its own.
type stage struct {
	*lab
	key *ecdsa.PrivateKey
	csr string

	mu      sync.Mutex
	secrets []string // every secret that was sealed, in clear
}

func startStage(t *testing.T) *stage {
	t.Helper()
	if !testing.Short() {
		t.Parallel()
	}
	return startStageAlone(t)
}

// startStageAlone is for a test that asks at the second of an end: no other test is hard at work beside it.
func startStageAlone(t *testing.T) *stage {
	t.Helper()
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	realtool.Find(t, "bao")
	return stageOn(t, startLab(t))
}

// startStandbyStage is a stage on a standby of a cluster: all goes through it.
func startStandbyStage(t *testing.T) *stage {
	t.Helper()
	cluster, l := startCluster(t)
	leader := &lab{t: t, bao: cluster.Leader(t)}
	leader.bao.RootToken = cluster.RootToken
	leader.bao.CA = cluster.CA
	leader.furnish()
	l.issuer = leader.issuer
	return stageOn(t, l)
}

func stageOn(t *testing.T, l *lab) *stage {
	t.Helper()
	st := &stage{lab: l}
	var err error
	if st.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, st.key)
	if err != nil {
		t.Fatal(err)
	}
	st.csr = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: request}))
	return st
}

func idOf(name string) access.IdentityID {
	return access.IdentityID{Partner: "acme", Environment: "prod", Name: name}
}

// in is a moment from now, in whole seconds.
func in(d time.Duration) access.Moment {
	return access.At(time.Now().Add(d).Truncate(time.Second))
}

func terms(end time.Duration) access.Terms {
	return access.Terms{Owner: "jane.doe@example.com", ExpiresAt: in(end)}
}

func identityOf(name string, edits ...func(*access.Identity)) *access.Identity {
	i := &access.Identity{ID: idOf(name), Terms: terms(2 * time.Hour), Purpose: "Nightly order feed of " + name}
	for _, edit := range edits {
		edit(i)
	}
	return i
}

func (st *stage) credentialOf(name string, kind access.Kind, edits ...func(*access.Credential)) *access.Credential {
	c := &access.Credential{IdentityID: idOf(name), Terms: terms(time.Hour)}
	switch kind {
	case access.Federated:
		c.Federated = &access.FederatedTrust{
			Issuer:    issuerURL,
			Subject:   "svc-" + name,
			Audiences: []string{"orders.example.com"},
		}
	case access.Certificate:
		c.Certificate = &access.CertificateRequest{CSR: st.csr}
	default:
		c.Secret = &access.SecretRequest{Recipient: "ssh-ed25519 AAAA"}
	}
	for _, edit := range edits {
		edit(c)
	}
	return c
}

func grantOf(name string, edits ...func(*access.Grant)) *access.Grant {
	g := &access.Grant{
		IdentityID: idOf(name), Name: "daily", Terms: terms(time.Hour), Purpose: "Read the order files",
		Resource: access.Pattern("orders/" + name + "/*"), Actions: []string{"read", "list"},
	}
	for _, edit := range edits {
		edit(g)
	}
	return g
}

// change is a change of an object by our stack. Nothing but its own terms ends it.
func (st *stage) change(o access.Object, edits ...func(*access.Change)) access.Change {
	c := access.Change{Object: o, Stack: "partners", EndsAt: o.Common().ExpiresAt.Time, Seal: st.seal}
	for _, edit := range edits {
		edit(&c)
	}
	return c
}

// known is what its caller has just read, with all that was cut by hand.
func known(r *access.Record) func(*access.Change) {
	return func(c *access.Change) {
		c.UID, c.Cuts = r.UID, access.CutsSeen{Last: time.Now().Add(time.Hour), Held: true}
	}
}
func issuing(i access.Issue) func(*access.Change) { return func(c *access.Change) { c.Issue = i } }

func (st *stage) seal(secret []byte) (string, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.secrets = append(st.secrets, string(secret))
	return fmt.Sprintf("sealed secret number %d", len(st.secrets)), nil
}

func (st *stage) put(t testing.TB, o access.Object, edits ...func(*access.Change)) *access.Record {
	t.Helper()
	r, err := st.open().Put(context.Background(), st.change(o, edits...))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// get reads as a process does that has seen nothing yet.
func (st *stage) get(t testing.TB, ref access.Ref) *access.Record {
	t.Helper()
	r, err := st.open().Get(context.Background(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (st *stage) drop(t testing.TB, r *access.Record) {
	t.Helper()
	if _, err := st.open().Delete(context.Background(), r.Object.Ref(), r.UID); err != nil {
		t.Fatal(err)
	}
}

// admin asks as the administrator, who may do all by hand, and returns the data.
func (st *stage) admin(t testing.TB, method, path string, body any) map[string]any {
	t.Helper()
	status, answer := st.bao.Call(t, st.bao.RootToken, method, path, body)
	if status >= 300 {
		t.Fatalf("%s %s: %d %v", method, path, status, answer)
	}
	if data, ok := answer["data"].(map[string]any); ok {
		return data
	}
	return answer
}

// there says whether a path can be read.
func (st *stage) there(t testing.TB, path string) bool {
	t.Helper()
	status, _ := st.bao.Call(t, st.bao.RootToken, "GET", path, nil)
	return status == 200
}

// holder is what the partner holds after a put.
func (st *stage) holder(c *access.Credential, r *access.Record) systemtest.Probe {
	p := systemtest.Probe{Credential: c, Key: st.key, Action: "read", Path: "orders/" + c.IdentityID.Name + "/1"}
	if r.Issued != nil {
		p.Certificate = r.Issued.Text
		var n int
		if _, err := fmt.Sscanf(r.Issued.Sealed, "sealed secret number %d", &n); err == nil {
			st.mu.Lock()
			p.Secret = st.secrets[n-1]
			st.mu.Unlock()
		}
	}
	return p
}

// session logs in, which must succeed.
func (st *stage) session(t testing.TB, p systemtest.Probe) string {
	t.Helper()
	token := st.login(t, p)
	if token == "" {
		t.Fatalf("%s cannot log in", p.Credential.Ref())
	}
	return token
}

// reads says whether a token may read below orders/NAME.
func (st *stage) reads(t testing.TB, token, name string) bool {
	t.Helper()
	return st.may(t, token, "read", "orders/"+name+"/1")
}

// complete is an identity with a grant and a credential of each kind.
type complete struct {
	identity, grant *access.Record
	credentials     map[access.Kind]*access.Record
	holders         map[access.Kind]systemtest.Probe
}

func (st *stage) complete(t testing.TB, name string, kinds ...access.Kind) complete {
	t.Helper()
	all := complete{credentials: map[access.Kind]*access.Record{}, holders: map[access.Kind]systemtest.Probe{}}
	all.identity = st.put(t, identityOf(name))
	all.grant = st.put(t, grantOf(name))
	for _, kind := range kinds {
		c := st.credentialOf(name, kind)
		r := st.put(t, c)
		all.credentials[kind], all.holders[kind] = r, st.holder(c, r)
	}
	return all
}

// everything is the text of all that is stored and could name an identity.
func (st *stage) everything(t testing.TB) map[string]string {
	t.Helper()
	all := map[string]string{}
	list := func(path, each string) {
		status, answer := st.bao.Call(t, st.bao.RootToken, "LIST", path, nil)
		if status != 200 {
			return
		}
		data, _ := answer["data"].(map[string]any)
		keys, _ := data["keys"].([]any)
		for _, key := range keys {
			item := fmt.Sprint(path, "/", key)
			all[item] = item
			if each != "" { // another test may have removed it meanwhile
				_, answer := st.bao.Call(t, st.bao.RootToken, "GET", each+"/"+fmt.Sprint(key), nil)
				all[item] += " " + fmt.Sprint(answer["data"])
			}
		}
	}
	list("sys/policies/acl", "sys/policies/acl")
	list("identity/entity/id", "identity/entity/id")
	list("identity/entity-alias/id", "identity/entity-alias/id")
	list("identity/group/id", "identity/group/id")
	for mount, m := range st.admin(t, "GET", "sys/auth", nil) {
		kind, _ := m.(map[string]any)
		switch fmt.Sprint(kind["type"]) {
		case "approle":
			list("auth/"+mount+"role", "auth/"+mount+"role")
		case "cert":
			list("auth/"+mount+"certs", "auth/"+mount+"certs")
		case "jwt":
			list("auth/"+mount+"cel/role", "auth/"+mount+"cel/role")
			list("auth/"+mount+"role", "auth/"+mount+"role")
		}
	}
	list("partner-pki/roles", "partner-pki/roles")
	return all
}

// traces are what is stored that names an identity in any spelling, but for what is remembered of what was removed.
func (st *stage) traces(t testing.TB, id access.IdentityID) (found []string) {
	t.Helper()
	for item, text := range st.everything(t) {
		if strings.HasSuffix(item, store.TombstoneName) {
			continue
		}
		if strings.Contains(item+" "+text, id.String()) || strings.Contains(item+" "+text, roleOf(id)) {
			found = append(found, item+": "+text)
		}
	}
	slices.Sort(found)
	return found
}

// slug makes a name of a sentence.
func slug(text string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if (r >= 'a' && r <= 'z') || (r >= '0' && r <= '9') {
			return r
		}
		return '-'
	}, strings.ToLower(text)), "-")
}

func prefixes(texts ...string) (all []netip.Prefix) {
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

func span(t testing.TB, text string) access.Span {
	t.Helper()
	s, err := access.ParseSpan(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// accessors is how many secret ids an identity has.
func (st *stage) accessors(t testing.TB, name string) int {
	t.Helper()
	_, answer := st.bao.Call(t, st.bao.RootToken, "LIST", "auth/partner-approle/role/"+roleOf(idOf(name))+"/secret-id",
		nil)
	data, _ := answer["data"].(map[string]any)
	keys, _ := data["keys"].([]any)
	return len(keys)
}
