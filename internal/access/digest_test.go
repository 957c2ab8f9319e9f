// SPDX-License-Identifier: MPL-2.0

package access

import (
	"bytes"
	"crypto/ed25519"
	"net/netip"
	"testing"

	"golang.org/x/crypto/ssh"
)

// What was looked at is named by what it gives. Ends and words may change, and spellings; anything else
// makes other access of it.
func TestADigestIsOfTheAccessAlone(t *testing.T) {
	id := IdentityID{"acme", "prod", "orders"}
	networks := func(texts ...string) (all []netip.Prefix) {
		for _, text := range texts {
			all = append(all, netip.MustParsePrefix(text))
		}
		return all
	}
	grant := func(edit func(*Grant)) Object {
		g := &Grant{IdentityID: id, Name: "daily", Resource: "orders/acme/*", Actions: []string{"read", "list"}}
		edit(g)
		return g
	}
	credential := func(edit func(*Credential)) Object {
		c := &Credential{
			IdentityID:   id,
			Federated:    &FederatedTrust{Issuer: "https://a.test", Subject: "s", Audiences: []string{"x", "y"}},
			AllowedCIDRs: networks("192.0.2.0/25", "192.0.2.128/25"),
		}
		edit(c)
		return c
	}
	identity := func(edit func(*Identity)) Object {
		i := &Identity{
			ID:             id,
			Ceiling:        []Pattern{"a/b", "c/d"},
			Subcontractors: &Subcontractors{Allowed: true, MaxDepth: 1},
		}
		edit(i)
		return i
	}
	account := func(principal, externalID string) func(*Credential) {
		return func(c *Credential) { c.Federated = &FederatedTrust{AWSPrincipal: principal, ExternalID: externalID} }
	}
	key := func(n byte) Object {
		public, err := ssh.NewPublicKey(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, 32)).Public())
		if err != nil {
			t.Fatal(err)
		}
		return &Credential{IdentityID: id,
			SSHCertificate: &SSHRequest{PublicKey: string(ssh.MarshalAuthorizedKey(public))}}
	}
	g := grant(func(*Grant) {})
	c := credential(func(*Credential) {})
	i := identity(func(*Identity) {})
	for name, pair := range map[string][2]Object{
		"another order of actions": {g, grant(func(g *Grant) { g.Actions = []string{"list", "read"} })},
		"another end and owner": {g,
			grant(func(g *Grant) {
				g.Owner, g.ExpiresAt, g.Purpose = "x", At(at("2027-01-01T00:00:00Z").Time), "Other"
			})},
		"networks in two halves": {c, credential(func(c *Credential) { c.AllowedCIDRs = networks("192.0.2.0/24") })},
		"another rotation":       {c, credential(func(c *Credential) { c.Rotation = &Rotation{} })},
		"the order of a ceiling": {i, identity(func(i *Identity) { i.Ceiling = []Pattern{"c/d", "a/b"} })},
		"none and no levels": {identity(func(i *Identity) { i.Subcontractors = nil }),
			identity(func(i *Identity) { i.Subcontractors.Allowed = false })},
	} {
		if Digest(pair[0]) != Digest(pair[1]) {
			t.Errorf("%s: another digest", name)
		}
	}
	for name, pair := range map[string][2]Object{
		"another key":      {key(1), key(2)},
		"another action":   {g, grant(func(g *Grant) { g.Actions = []string{"read"} })},
		"another pattern":  {g, grant(func(g *Grant) { g.Resource = "orders/acme/+" })},
		"another name":     {g, grant(func(g *Grant) { g.Name = "d" })},
		"another subject":  {c, credential(func(c *Credential) { c.Federated.Subject = "t" })},
		"another audience": {c, credential(func(c *Credential) { c.Federated.Audiences = []string{"x"} })},
		"another account": {credential(account("arn:aws:iam::111122223333:role/etl", "")),
			credential(account("arn:aws:iam::111122223333:role/other", ""))},
		"another external id": {credential(account("arn:aws:iam::111122223333:root", "a")),
			credential(account("arn:aws:iam::111122223333:root", "b"))},
		"no networks":        {c, credential(func(c *Credential) { c.AllowedCIDRs = nil })},
		"no ceiling":         {i, identity(func(i *Identity) { i.Ceiling = nil })},
		"another parent":     {i, identity(func(i *Identity) { i.ParentID = IdentityID{"x", "y", "z"} })},
		"deeper":             {i, identity(func(i *Identity) { i.Subcontractors.MaxDepth = 2 })},
		"another kind of it": {i, g},
	} {
		if Digest(pair[0]) == Digest(pair[1]) {
			t.Errorf("%s: the same digest", name)
		}
	}
	if !DigestNames(Digest(g), g.Ref()) ||
		DigestNames(Digest(g), c.Ref()) ||
		DigestNames("v1-x-y", g.Ref()) ||
		DigestNames("", g.Ref()) {
		t.Error("a digest does not tell whose it is")
	}
}
