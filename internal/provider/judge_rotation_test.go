// SPDX-License-Identifier: MPL-2.0

//go:build unix

package provider_test

import (
	"crypto"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// chain are the certificates of an issued text, the leaf first.
func chain(text string) (all [][]byte) {
	for block, rest := pem.Decode([]byte(text)); block != nil; block, rest = pem.Decode(rest) {
		all = append(all, block.Bytes)
	}
	return all
}

// showing is a request with a certificate, as a gateway hands it to OPA.
func showing(leaf []byte) request {
	sum := sha256.Sum256(leaf)
	return reading(nil).but("credential", object{"certificate": object{"fingerprint": hex.EncodeToString(sum[:])}})
}

// rotatedPartner uses what he holds, at a running OPA and at nginx, and counts how often he was refused.
type rotatedPartner struct {
	key         []byte
	certificate *tls.Certificate
	ask         map[string]func() bool

	asked   int
	refused []string
}

func newRotatedPartner(j *judged, w *workload, g *gateway, n *realtool.Nginx) *rotatedPartner {
	j.t.Helper()
	p := &rotatedPartner{key: opened(j.t, j.attribute("partner_credential."+w.name+"-secret", "sealed_secret")),
		certificate: w.presents(j)}
	p.ask = map[string]func() bool{
		"OPA, with the key":           func() bool { return g.allows(reading(p.key)) },
		"OPA, with the certificate":   func() bool { return g.allows(showing(p.certificate.Certificate[0])) },
		"nginx, with the certificate": func() bool { status, _ := n.Get(j.t, p.certificate); return status == 200 },
	}
	return p
}

// use uses everything until something comes.
func (p *rotatedPartner) use(done func() bool) {
	for ; !done(); time.Sleep(100 * time.Millisecond) {
		p.once()
	}
}

func (p *rotatedPartner) once() {
	for what, ask := range p.ask {
		if p.asked++; !ask() {
			p.refused = append(p.refused, what+" at "+time.Now().Format(time.TimeOnly))
		}
	}
}

// works says whether a gateway knows by now all that a partner was given.
func (p *rotatedPartner) works() bool {
	for _, ask := range p.ask {
		if !ask() {
			return false
		}
	}
	return true
}

// A partner who takes up the new one within the overlap sees no refusal; the old one is refused from its end on, and no
// provider is running then.
func TestAPartnerIsNeverRefusedThroughARotation(t *testing.T) {
	t.Parallel()
	j := newJudged(t)
	pids := j.leash("")
	w := newWorkload(t, "orders-etl", newKey(t), nil)
	rotating := args{"rotation": `{ every = "14s", overlap = "12s" }`}
	blocks := []string{
		w.blocks(j, nil, rotating), j.credential(w.name, "secret", fmt.Sprintf("{ recipient = %q }", partnerRecipient),
			rotating),
		j.grant(w.name, "daily", "orders/acme/daily/*", `["read", "list"]`, nil),
	}
	j.apply(blocks...)
	g := newGateway(t, j)
	n := realtool.StartNginx(t, realtool.NginxConf{ClientCA: j.published("ca.pem"), CRL: j.published("crl.pem")})
	moment := func(address, attribute string) time.Time {
		at, err := time.Parse(time.RFC3339, j.attribute(address, attribute))
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	due := moment(w.address(), "rotates_at")
	if other := moment("partner_credential.orders-etl-secret", "rotates_at"); other.After(due) {
		due = other
	}
	old := newRotatedPartner(j, w, g, n)
	old.use(func() bool { return !time.Now().Before(due) })

	type answer struct {
		out string
		err error
	}
	applied := make(chan answer, 1)
	go func() {
		out, err := j.try("apply", "-no-color", "-input=false", "-auto-approve")
		applied <- answer{out, err}
	}()
	var got *answer
	old.use(func() bool {
		select {
		case a := <-applied:
			got = &a
			return true
		default:
			return false
		}
	})
	out := strings.Join(strings.Fields(got.out), " ")
	if got.err != nil ||
		!strings.Contains(out, "0 added, 2 changed, 0 destroyed") ||
		!strings.Contains(out, "is rotated, with overlap") {
		t.Fatalf("the rotation: %v\n%s", got.err, got.out)
	}
	fresh := newRotatedPartner(j, w, g, n)
	old.use(fresh.works) // a gateway pulls once a second
	noProviderIsAlive(t, pids)
	if string(fresh.key) == string(old.key) ||
		string(fresh.certificate.Certificate[0]) == string(old.certificate.Certificate[0]) {
		t.Fatal("nothing was rotated")
	}
	_, published := j.policyData()
	entry, _ := published["secrets"].(object)[hashOf(old.key)].(object)
	keyEnds, err := time.Parse(time.RFC3339Nano, fmt.Sprint(entry["ends_at"]))
	leaf, leafErr := x509.ParseCertificate(old.certificate.Certificate[0])
	if err != nil || leafErr != nil {
		t.Fatal(err, leafErr)
	}
	endByThemselves(t,
		ending{"the old key", keyEnds, old.ask["OPA, with the key"]},
		ending{"the old certificate, at OPA", leaf.NotAfter, old.ask["OPA, with the certificate"]},
		ending{"the old certificate, at nginx", leaf.NotAfter, func() bool {
			fresh.once()
			return old.ask["nginx, with the certificate"]()
		}},
	)
	if len(old.refused)+len(fresh.refused) > 0 || old.asked+fresh.asked < 100 {
		t.Errorf("of %d uses were refused: %v, %v", old.asked+fresh.asked, old.refused, fresh.refused)
	}
	t.Logf("%d uses, none refused", old.asked+fresh.asked)
}

// issuedNames are the attributes of a credential that a change of something else must not move.
var issuedNames = []string{"serial", "fingerprint", "sealed_secret", "issued", "rotates_at"}

// many are identities with a credential of each of some kinds, and a grant.
type many struct {
	*judged
	kinds []string
	keys  map[string]crypto.Signer // of certificates, by the identity's name
	csrs  map[string]string
	lines map[string]string
}

func newMany(j *judged, identities int, kinds ...string) *many {
	m := &many{j, kinds, map[string]crypto.Signer{}, map[string]string{}, map[string]string{}}
	for n := range identities {
		name := fmt.Sprintf("app-%d", n)
		m.keys[name], m.csrs[name] = newCSR()
		m.lines[name] = newSSHKey()
	}
	return m
}

func (m *many) config(owner, purpose string) (blocks []string) {
	for name := range m.csrs {
		owned := args{"owner": fmt.Sprintf("%q", owner)}
		blocks = append(blocks, m.identity(name,
			args{"owner": fmt.Sprintf("%q", owner), "purpose": fmt.Sprintf("%q", purpose)}),
			m.grant(name, "daily", "orders/acme/daily/*", `["read"]`,
				args{"owner": fmt.Sprintf("%q", owner), "purpose": fmt.Sprintf("%q", purpose)}))
		for _, kind := range m.kinds {
			given := map[string]string{
				"secret":          fmt.Sprintf("{ recipient = %q }", partnerRecipient),
				"certificate":     fmt.Sprintf("{ csr = %q }", m.csrs[name]),
				"ssh_certificate": fmt.Sprintf("{ public_key = %q }", m.lines[name]),
			}[kind]
			blocks = append(blocks, m.credential(name, kind, given, owned))
		}
	}
	return blocks
}

// credentials are the state's, by their addresses.
func (m *many) credentials() map[string]map[string]any {
	all := m.state()
	for address := range all {
		if !strings.HasPrefix(address, "partner_credential.") {
			delete(all, address)
		}
	}
	return all
}

// changesUnrelated changes the owner and the purpose of everything, and claims that nothing was rotated by it.
func (m *many) changesUnrelated(apply func(blocks ...string) string) (before map[string]map[string]any) {
	m.t.Helper()
	apply(m.config("jane.doe@example.com", "Nightly order feed into the ERP")...)
	before = m.credentials()
	out := apply(m.config("joe@example.com", "Nightly order feed into the warehouse")...)
	if want := fmt.Sprintf("0 added, %d changed, 0 destroyed", len(m.state())); !strings.Contains(out, want) {
		m.t.Errorf("not %s:\n%s", want, out[max(0, len(out)-500):])
	}
	after := m.credentials()
	if len(after) != len(m.csrs)*len(m.kinds) || len(before) != len(after) {
		m.t.Errorf("there are %d credentials, and were %d", len(after), len(before))
	}
	for address, was := range before {
		for _, name := range issuedNames {
			if is := after[address][name]; is != was[name] {
				m.t.Errorf("%s of %s was %v, and is %v", name, address, was[name], is)
			}
		}
		if was["fingerprint"] == nil ||
			(was["sealed_secret"] == nil && was["issued"] == nil) ||
			after[address]["owner"] != "joe@example.com" {
			m.t.Errorf("%s: nothing was issued, or its owner is not another", address)
		}
	}
	return before
}

func TestAnUnrelatedChangeOfAHundredCredentialsRotatesNone(t *testing.T) {
	t.Parallel()
	m := newMany(newJudged(t), 34, "secret", "certificate", "ssh_certificate")
	before := m.changesUnrelated(m.apply)
	g := newGateway(t, m.judged)
	for address, was := range before {
		switch issued, _ := was["issued"].(string); {
		case was["sealed_secret"] != nil:
			if !g.allows(reading(opened(t, was["sealed_secret"].(string)))) {
				t.Errorf("OPA refuses the key of %s", address)
			}
		case strings.HasPrefix(issued, "-----BEGIN"):
			if !g.allows(showing(chain(issued)[0])) {
				t.Errorf("OPA refuses the certificate of %s", address)
			}
			if out, ok := openssl(t, m.judged, m.save("leaf.pem", issued), "-crl_check"); !ok {
				t.Errorf("openssl refuses the certificate of %s: %s", address, out)
			}
		default:
			revoked(t, m.judged, m.save("id-cert.pub", issued), false)
		}
	}
}

func TestAnUnrelatedChangeOfAHundredCredentialsOnOpenBaoRotatesNone(t *testing.T) {
	t.Parallel()
	j := newJudged(t)
	c := &cluster{cli: j.cli, bao: realtool.StartBao(t)}
	c.as(c.bao.RootToken)
	c.must("POST", "sys/mounts/orders", map[string]any{"type": "kv"})
	m := newMany(j, 50, "secret", "certificate")
	before := m.changesUnrelated(func(blocks ...string) string {
		t.Helper()
		c.write("provider \"partner\" {\n  environment = \"prod\"\n  stack = \"partners\"\n  openbao = { bootstrap = " +
			"true }\n  journal = { path = \"journal.jsonl\" }\n}\n" +
			strings.ReplaceAll(strings.Join(blocks, ""), `["203.0.113.0/24"]`, `["127.0.0.0/24"]`))
		return c.cli.must("apply", "-no-color", "-input=false", "-auto-approve")
	})
	for address, was := range before {
		login := was["login"].(map[string]any)
		path := fmt.Sprint(login["path"])
		var token string
		if sealed, ok := was["sealed_secret"].(string); ok {
			token = c.login(path, nil, object{"role_id": login["role_id"], "secret_id": string(opened(t, sealed))})
		} else {
			name := strings.TrimSuffix(strings.TrimPrefix(address, "partner_credential."), "-certificate")
			token = c.login(path, &tls.Certificate{Certificate: chain(fmt.Sprint(was["issued"])),
				PrivateKey: m.keys[name]}, object{"name": login["name"]})
		}
		c.may(address, token, "GET", "orders/acme/daily/1.csv", true)
	}
}
