// SPDX-License-Identifier: MPL-2.0

package systemtest

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"slices"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// reachedCases returns the cases that ask the enforcement itself: what a partner can do, not what records say.
func reachedCases() []contract {
	return []contract{
		{name: "a grant gives its actions on its paths to its identity, and nothing else", run: nothingElse},
		{name: "nobody passes with what only looks like a credential", run: lookalikes},
	}
}

// nothingElse asks for what was granted, and for what lies next to it: another identity's path with one's own
// credential, one's own path with another's, other actions, and paths above, below and beside.
func nothingElse(w *world) {
	w.granted()
	w.put(w.identity("other", 90))
	w.put(w.grant("other", "weekly", 80))
	for _, kind := range w.System.Capabilities().Kinds {
		c := w.credential("etl", kind, 60)
		o := w.credential("other", kind, 60)
		h := w.holder(c, w.put(c).Issued)
		stranger := w.holder(o, w.put(o).Issued)
		w.may("what was granted", h, "daily")
		w.may("of the other", stranger, "weekly")
		w.mayNot("the other's path", h, "weekly")
		w.mayNot("with the other's credential", stranger, "daily")
		for what, tried := range map[string]Probe{
			"an action that was not granted": {Action: "delete", Path: w.path("daily")},
			"a path that only begins alike":  {Action: "read", Path: w.Place + "orders/acme/daily2/1.csv"},
			"a path above":                   {Action: "read", Path: w.Place + "orders/acme/1.csv"},
			"a path further down":            {Action: "read", Path: w.Place + "orders/acme/daily/deep/1.csv/more"},
		} {
			further := h
			further.Action, further.Path = tried.Action, tried.Path
			inside := w.grant("etl", "daily", 1).Resource.Matches(tried.Path) && tried.Action == "read"
			w.passes(what, further, inside)
		}
	}
}

// passes claims what the enforcement answers to a probe as it is.
func (w *world) passes(when string, p Probe, want bool) {
	w.Helper()
	if w.Allows == nil || !slices.Contains(w.Proves, p.Credential.Kind()) {
		return
	}
	if got := w.Allows(w.test, p); got != want {
		w.Errorf("%s: the enforcement answers %v to %s, which may %s %s; want %v", when, got, p.Credential.Ref(),
			p.Action, p.Path, want)
	}
}

// lookalikes tries what only resembles the credential, such as a certificate of another authority with the same name
// (see alike).
func lookalikes(w *world) {
	w.granted()
	for _, kind := range w.System.Capabilities().Kinds {
		c := w.credential("etl", kind, 60)
		h := w.holder(c, w.put(c).Issued)
		w.may("the true one", h, "daily")
		for what, alike := range w.alike(h) {
			w.mayNot(what, alike, "daily")
		}
	}
}

// alike returns probes that differ from a true one in what proves who it is.
func (w *world) alike(h Probe) map[string]Probe {
	w.Helper()
	trust := func(edit func(*access.FederatedTrust)) Probe {
		p, c, f := h, *h.Credential, *h.Credential.Federated
		edit(&f)
		c.Federated = &f
		p.Credential = &c
		return p
	}
	with := func(edit func(*Probe)) Probe {
		p := h
		edit(&p)
		return p
	}
	switch h.Credential.Kind() {
	case access.Federated:
		return map[string]Probe{
			"another issuer":           trust(func(f *access.FederatedTrust) { f.Issuer = "https://login.evil.test" }),
			"another subject":          trust(func(f *access.FederatedTrust) { f.Subject = "svc-evil" }),
			"a subject in other case":  trust(func(f *access.FederatedTrust) { f.Subject = "SVC-etl" }),
			"a subject that goes on":   trust(func(f *access.FederatedTrust) { f.Subject += "x" }),
			"a subject with a * in it": trust(func(f *access.FederatedTrust) { f.Subject = "svc-*" }),
			"another audience": trust(func(f *access.FederatedTrust) {
				f.Audiences = []string{"evil.example.com"}
			}),
		}
	case access.Secret:
		return map[string]Probe{
			"no secret":              with(func(p *Probe) { p.Secret = "" }),
			"one letter less":        with(func(p *Probe) { p.Secret = p.Secret[:len(p.Secret)-1] }),
			"one letter more":        with(func(p *Probe) { p.Secret += "x" }),
			"one letter that is not": with(func(p *Probe) { p.Secret = p.Secret[:len(p.Secret)-1] + "!" }),
		}
	case access.Certificate:
		return map[string]Probe{"a certificate that says the same, of its own making": with(func(p *Probe) {
			p.Certificate = w.selfMade(*p)
		})}
	default:
		return nil
	}
}

// selfMade returns a certificate with all that another one says, signed by its own key.
func (w *world) selfMade(p Probe) string {
	w.Helper()
	block, _ := pem.Decode([]byte(p.Certificate))
	if block == nil {
		w.Fatal("the certificate is not in PEM")
	}
	same, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		w.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, same, same, same.PublicKey, p.Key)
	if err != nil {
		w.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
