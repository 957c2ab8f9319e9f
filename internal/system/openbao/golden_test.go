// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/golden"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// A change of the code that is to change nothing changes neither what is written, nor in which order, nor what
// stands there after it. So a whole life is told here, act by act: the requests that write, and what differs in
// OpenBao since the act before. The server's clock goes on, so moments stand as what lies between them and the
// beginning, in tens of minutes.
func TestALifeIsWrittenAsBefore(t *testing.T) {
	st := startStage(t)
	g := &telling{stage: st, begun: time.Now(), there: map[string]string{}}
	g.live(t)
	golden.Compare(t, filepath.Join("testdata", "life.golden"), g.text.String())
}

// telling tells a life.
type telling struct {
	*stage
	begun time.Time
	there map[string]string // as it was told last
	text  strings.Builder

	writing sync.Mutex
	writes  []string
}

// live is the life of a partner's identities: everything that is made, changed, cut by hand, adopted and removed.
func (g *telling) live(t *testing.T) {
	id := idOf("feed")
	identity := identityOf("feed")
	grant := grantOf("feed")
	federated := g.credentialOf("feed", access.Federated)
	certificate := g.credentialOf("feed", access.Certificate)
	secret := g.credentialOf("feed", access.Secret, func(c *access.Credential) {
		c.Rotation = &access.Rotation{Every: span(t, "30m"), Overlap: span(t, "10m")}
	})
	var i, gr, f, c, s *access.Record
	act := func(name string, do func()) {
		t.Helper()
		do()
		g.tell(t, name)
	}
	act("an identity is created", func() { i = g.put1(t, identity) })
	act("a grant is created", func() { gr = g.put1(t, grant) })
	act("a federated credential is created", func() { f = g.put1(t, federated) })
	act("a certificate is issued", func() { c = g.put1(t, certificate) })
	act("a secret is issued", func() { s = g.put1(t, secret) })
	act("nothing is changed", func() {
		g.put1(t, identity, known(i))
		g.put1(t, certificate, known(c), knowing(c))
		g.put1(t, secret, known(s), knowing(s))
	})
	act("a child is created", func() {
		child := identityOf("child", func(i *access.Identity) { i.ParentID = id })
		g.put1(t, child)
		g.put1(t, g.credentialOf("child", access.Federated))
		g.put1(t, grantOf("child"))
	})
	act("the identity ends earlier, and all below", func() {
		identity.ExpiresAt = in(30 * time.Minute)
		g.put1(t, identity, known(i))
	})
	act("the identity is renewed, and all below", func() {
		identity.ExpiresAt = in(3 * time.Hour)
		g.put1(t, identity, known(i))
	})
	act("the grant is renewed", func() {
		grant.ExpiresAt = in(2 * time.Hour)
		g.put1(t, grant, known(gr))
	})
	act("the certificate is rotated",
		func() { c = g.put1(t, certificate, known(c), knowing(c), issuing(access.IssueOverlap)) })
	act("the certificate is replaced",
		func() { c = g.put1(t, certificate, known(c), knowing(c), issuing(access.IssueReplace)) })
	act("the secret is rotated", func() { s = g.put1(t, secret, known(s), knowing(s), issuing(access.IssueOverlap)) })
	act("the secret is replaced", func() { s = g.put1(t, secret, known(s), knowing(s), issuing(access.IssueReplace)) })
	act("the federated credential is bound to a network", func() {
		federated.AllowedCIDRs = prefixes("127.0.0.0/8")
		g.put1(t, federated, known(f))
	})
	act("the identity is suspended", func() {
		identity.Suspended = true
		g.put1(t, identity, known(i))
	})
	act("the identity is let go on", func() {
		identity.Suspended = false
		g.put1(t, identity, known(i))
	})
	act("a credential is cut by hand, and put again", func() {
		g.run(t, g.open().words.cutByHand(nil, federated)[0])
		g.put1(t, federated, known(f))
	})
	act("the identity is cut by hand, and put again", func() {
		g.run(t, g.open().words.cutByHand(nil, identity)...)
		g.put1(t, identity, known(i))
		g.put1(t, secret, known(s), knowing(s))
	})
	act("the cut is released", func() {
		identity.HoldReleased = "the leak was closed"
		g.put1(t, identity, known(i))
	})
	act("its credential comes back", func() { g.put1(t, federated, known(f)) })
	act("somebody changes things by hand, and it is put again", func() {
		g.admin(t, "POST", entityPath(id), map[string]any{"policies": []string{store.NameOf(id), "more"}})
		g.admin(t, "DELETE", "auth/partner-cert/certs/"+roleOf(id), nil)
		g.admin(t, "POST", "identity/group",
			map[string]any{"name": "everybody",
				"member_entity_ids": []any{g.admin(t, "GET", entityPath(id), nil)["id"]}})
		g.drift(t, id.Ref(), certificate.Ref(), federated.Ref(), secret.Ref(), grant.Ref())
		g.put1(t, identity, known(i))
		g.put1(t, certificate, known(c), knowing(c))
		g.drift(t, id.Ref(), certificate.Ref(), federated.Ref(), secret.Ref(), grant.Ref())
	})
	act("a token is given out", func() { g.token1(t, id) })
	act("somebody's entity is adopted", func() {
		old := g.byHand(t, "old")
		g.writes = nil
		g.put1(t, identityOf("old"), adopting(old.native))
		g.drift(t, idOf("old").Ref())
	})
	act("what was adopted is removed", func() { g.removal(t, g.get(t, idOf("old").Ref())) })
	act("the grant is removed", func() { g.removal(t, gr) })
	act("the secret is removed", func() { g.removal(t, s) })
	act("the certificate is removed", func() { g.removal(t, c) })
	act("the identity is removed, with all below", func() { g.removal(t, i) })
	act("it is created anew", func() { i = g.put1(t, identityOf("feed")) })
	act("its record is damaged, and it is removed", func() {
		g.put1(t, g.credentialOf("feed", access.Secret))
		text := fmt.Sprint(g.admin(t, "GET", store.Folder+store.NameOf(id), nil)["policy"])
		g.admin(t, "POST", store.Folder+store.NameOf(id),
			map[string]any{"policy": strings.Replace(text, `"purpose":`, `"purpose`, 1)})
		g.removal(t, i)
	})
}

// knowing is the change of one who knows what was issued.
func knowing(r *access.Record) func(*access.Change) {
	return func(c *access.Change) { c.Known = nameOfIssued(r.Issued) }
}

// handle is what another process has, and what it writes is told.
func (g *telling) handle() *System {
	return g.open(func(o *client.Options) {
		under := o.Transport
		o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			g.note(r)
			return under.RoundTrip(r)
		})
	})
}

// note takes down a request that writes: by its path, and for the marks by what they say.
func (g *telling) note(r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	if text, err := url.PathUnescape(path); err == nil {
		path = text
	}
	if r.Method == http.MethodGet || r.Method == "LIST" || strings.Contains(path, "lookup") {
		return
	}
	body := ""
	if r.Body != nil && r.GetBody != nil {
		if copied, err := r.GetBody(); err == nil {
			text, _ := io.ReadAll(copied)
			body = g.plain(string(text))
		}
	}
	if len(body) > 160 || strings.Contains(path, "secret-id") || strings.Contains(path, "/sign/") {
		body = ""
	}
	g.writing.Lock()
	defer g.writing.Unlock()
	g.writes = append(g.writes, strings.TrimSpace(r.Method+" "+g.plain(path)+" "+body))
}

func (g *telling) put1(t *testing.T, o access.Object, edits ...func(*access.Change)) *access.Record {
	t.Helper()
	r, err := g.handle().Put(t.Context(), g.change(o, edits...))
	if err != nil {
		t.Fatal(err)
	}
	g.record(r)
	return r
}

func (g *telling) removal(t *testing.T, r *access.Record) {
	t.Helper()
	swept, err := g.handle().Delete(t.Context(), r.Object.Ref(), r.UID)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(&g.text, "-- removed with it:", swept)
}

func (g *telling) token1(t *testing.T, id access.IdentityID) {
	t.Helper()
	token, err := g.handle().Token(t.Context(), id, time.Now().Add(10*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(&g.text, "-- token until", g.plain(access.At(token.Until).String()))
}

func (g *telling) drift(t *testing.T, refs ...access.Ref) {
	t.Helper()
	s := g.handle()
	for _, ref := range refs {
		r, err := s.Get(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		g.record(r)
	}
}

// record tells what a caller is told.
func (g *telling) record(r *access.Record) {
	text, err := json.Marshal(struct {
		Ref                    access.Ref
		EndsAt                 time.Time
		Suspended, Held        bool
		Issued                 *access.Issued
		Adopted, Drift, Revoke []string
		Words                  access.Words
		LastUsed               time.Time
		UseUnknown             bool
	}{r.Object.Ref(), r.EndsAt, r.Suspended, r.Held, r.Issued, r.Adopted, r.Drift, r.Revocation, r.Words, r.LastUsedAt,
		r.UseUnknown})
	if err != nil {
		panic(err) // texts and moments
	}
	fmt.Fprintln(&g.text, "-- record", g.plain(string(text)))
}

// tell tells an act: what was written, and what differs in OpenBao since the last one.
func (g *telling) tell(t *testing.T, act string) {
	t.Helper()
	fmt.Fprintf(&g.text, "== %s\n", act)
	for _, w := range inOrder(g.writes, strings.Contains(act, "all below")) {
		fmt.Fprintln(&g.text, w)
	}
	g.writes = nil
	now := g.standing(t)
	for _, item := range slices.Sorted(maps.Keys(g.there)) {
		if now[item] == "" {
			fmt.Fprintln(&g.text, "gone:", item)
		}
	}
	for _, item := range slices.Sorted(maps.Keys(now)) {
		if now[item] != g.there[item] {
			fmt.Fprintln(&g.text, "now:", item, now[item])
		}
	}
	g.there = now
	fmt.Fprintln(&g.text)
}

// standing is what stands in OpenBao: policies and roles by their paths, entities and groups by their names.
func (g *telling) standing(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for item, text := range g.everything(t) {
		if !strings.HasPrefix(item, "identity/") &&
			item != "sys/policies/acl/default" &&
			item != "sys/policies/acl/root" {
			told := g.plain(strings.TrimPrefix(text, item))
			if strings.HasSuffix(item, store.TombstoneName) { // what was removed at the same second is in no order
				words := strings.FieldsFunc(told, func(r rune) bool { return strings.ContainsRune("[]{},", r) })
				slices.Sort(words)
				told = strings.Join(words, " ")
			}
			all[g.plain(item)] = told
		}
	}
	for _, kind := range []string{"entity", "group"} {
		_, answer := g.bao.Call(t, g.bao.RootToken, "LIST", "identity/"+kind+"/id", nil)
		data, _ := answer["data"].(map[string]any)
		keys, _ := data["keys"].([]any)
		for _, key := range keys {
			one := g.admin(t, "GET", "identity/"+kind+"/id/"+fmt.Sprint(key), nil)
			var logins []string
			aliases, _ := one["aliases"].([]any)
			for _, a := range aliases {
				of := a.(map[string]any)
				logins = append(logins, fmt.Sprint(of["mount_path"], of["name"]))
			}
			slices.Sort(logins)
			members, _ := one["member_entity_ids"].([]any)
			groups, _ := one["group_ids"].([]any)
			all[kind+" "+fmt.Sprint(one["name"])] = g.plain(fmt.Sprint("disabled:", one["disabled"], " policies:",
				one["policies"], " metadata:", one["metadata"],
				" logins:", logins, " members:", len(members), " groups:", len(groups)))
		}
	}
	return all
}

// inOrder is the order of writes, but for those that follow each other and are in no order: deletions and aliases on
// several mounts, and what is done for several credentials between two policies.
func inOrder(writes []string, several bool) []string {
	kind := func(write string) string {
		for _, k := range []string{"DELETE ", "POST identity/entity-alias "} {
			if strings.HasPrefix(write, k) {
				return k
			}
		}
		if several && !strings.HasPrefix(write, "POST "+store.Folder) {
			return "several"
		}
		return ""
	}
	for from := 0; from < len(writes); {
		to := from
		for to < len(writes) && kind(writes[to]) == kind(writes[from]) {
			to++
		}
		if kind(writes[from]) != "" {
			slices.Sort(writes[from:to])
		}
		from = to
	}
	return writes
}

// chances are what differs from run to run, beside moments.
var chances = []golden.Chance{
	golden.NewChance(`-----BEGIN [^-]*-----[A-Za-z0-9+/=\\n\s]*-----END [^-]*-----`, "PEM"),
	golden.NewChance(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`, "UUID"),
	golden.NewChance(`\b[0-9a-f]{2}(:[0-9a-f]{2}){15,19}\b`, "SERIAL"),
	golden.NewChance(`\b[0-9a-f]{64}\b`, "SHA256"),
	golden.NewChance(`keys_of_issuer expression:"[0-9a-f]{16}"|expression:"[0-9a-f]{16}" name:keys_of_issuer|"[0-9a-f]{16}"`, "KEYS"),
	golden.NewChance(`\b(auth_[a-z]+|(ns_)?identity)_[0-9a-f]{8}\b`, "ACCESSOR"),
	golden.NewChance(`\b[A-Z2-7]{26}\b`, "UID"),
	golden.NewChance(`https://(127\.0\.0\.1|localhost):\d+`, "ADDRESS"),
}

// plain is a text without what differs from run to run.
func (g *telling) plain(text string) string {
	return golden.Since(g.begun, golden.Plain(text, chances))
}
