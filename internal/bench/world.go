// SPDX-License-Identifier: MPL-2.0

//go:build unix

package main

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"time"

	"filippo.io/age"
	"golang.org/x/crypto/ssh"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// block is a resource as the configuration declares it. Its arguments are texts, lists of texts, objects, and blocks,
// whose ids are meant.
type block struct {
	kind      access.Type
	name, id  string
	arguments map[string]any
}

func (b *block) resource() string { return "partner_" + string(b.kind) }

// world is the access of many partners, as it might be at a large company: ten identities to a partner, and to each
// identity two credentials and two grants. It breaks no rule, but that every sixth credential is a secret, of which
// credential/static-secret warns.
type world struct {
	provider map[string]any
	blocks   []*block
}

// perIdentity is how many blocks there are to an identity, itself included.
const perIdentity = 5

const perPartner = 10

// newWorld returns identities of partners, each with a federated credential, one that is issued, and two grants, until
// there are so many resources. The register has every partner, as a company of that size would.
func newWorld(resources int, directory string, now time.Time) (*world, error) {
	const day = 24 * time.Hour
	in := func(d time.Duration) string { return access.At(now.Add(d).Truncate(day)).String() }
	register := map[string]any{}
	w := &world{provider: map[string]any{
		"environment": "prod",
		"embedded":    map[string]any{"directory": directory},
		"guardrails":  map[string]any{"owner_domains": []string{"example.com"}},
		"partners":    register,
	}}
	for i := range resources / perIdentity {
		partner := fmt.Sprintf("partner-%03d", i/perPartner)
		feed := fmt.Sprintf("feed-%04d", i)
		register[partner] = map[string]any{
			"kind": "vendor", "domains": []string{partner + ".test"}, "contact": "noc@" + partner + ".test",
			"agreement": map[string]any{"reference": fmt.Sprintf("MSA-2026-%03d", i/perPartner),
				"ends_at": in(350 * day)},
		}
		owner := fmt.Sprintf("jane.doe-%02d@example.com", i%20)
		identity := w.add(access.TypeIdentity, "i"+feed[5:], partner+"/prod/"+feed, map[string]any{
			"partner": partner, "name": feed, "owner": owner, "expires_at": in(300 * day),
			"purpose": "Nightly order " + feed + " into the partner's ERP",
			"ceiling": []string{"orders/" + partner + "/" + feed + "/*"},
		})
		w.add(access.TypeCredential, "f"+feed[5:], identity.id+"/federated", map[string]any{
			"identity_id": identity, "owner": owner, "expires_at": in(250 * day),
			"federated": map[string]any{
				"issuer":    "https://login." + partner + ".test",
				"subject":   "svc-" + feed,
				"audiences": []string{"orders.example.com"},
			},
		})
		kind, request, err := keyed(i)
		if err != nil {
			return nil, err
		}
		w.add(access.TypeCredential, "k"+feed[5:], identity.id+"/"+kind, map[string]any{
			"identity_id": identity, "owner": owner, "expires_at": in(200 * day), kind: request,
			"rotation":      map[string]any{"every": "480h", "overlap": "48h"},
			"allowed_cidrs": []string{fmt.Sprintf("203.0.%d.0/24", i%250), fmt.Sprintf("198.51.%d.0/24", i%250)},
		})
		for _, g := range []struct {
			name    string
			actions []string
		}{{"in", []string{"list", "read"}}, {"out", []string{"write"}}} {
			w.add(access.TypeGrant, g.name+feed[5:], identity.id+"/"+g.name, map[string]any{
				"identity_id": identity, "name": g.name,
				"resource": "orders/" + partner + "/" + feed + "/" + g.name + "/*", "actions": g.actions,
				"owner": owner, "purpose": "The daily order files of " + feed + ", " + g.name,
				"expires_at": in(150 * day),
			})
		}
	}
	return w, nil
}

func (w *world) add(kind access.Type, name, id string, arguments map[string]any) *block {
	b := &block{kind, name, id, arguments}
	w.blocks = append(w.blocks, b)
	return b
}

// keyed asks for a credential of one of the kinds that need a key of the partner's: each in its turn.
func keyed(i int) (kind string, request map[string]any, err error) {
	switch i % 3 {
	case 0:
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return "", nil, err
		}
		der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
		csr := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
		return "certificate", map[string]any{"csr": string(csr)}, err
	case 1:
		public, _, err := ed25519.GenerateKey(nil)
		if err != nil {
			return "", nil, err
		}
		key, err := ssh.NewPublicKey(public)
		if err != nil {
			return "", nil, err
		}
		line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
		return "ssh_certificate", map[string]any{"public_key": line}, nil
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return "", nil, err
	}
	return "secret", map[string]any{"recipient": key.Recipient().String()}, nil
}
