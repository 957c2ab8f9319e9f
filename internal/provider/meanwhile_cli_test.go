// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Another configuration is applied at the same time, after this one was judged and before it is put in force: what two
// of them together break is refused, and nothing of it is made.
func TestWhatAnotherApplyMakesMeanwhileIsMet(t *testing.T) {
	thorough(t)
	bolt := access.IdentityID{Partner: "bolt", Environment: "prod", Name: "feed"}
	for _, c := range []struct {
		what, config, refused string
		object                func(*world) access.Object
	}{
		{"the same key for another partner", credential("certificate", nil),
			"two identities prove themselves with one key", func(w *world) access.Object {
				return &access.Credential{
					Terms:       terms(w),
					IdentityID:  bolt,
					Certificate: &access.CertificateRequest{CSR: partnerCSR},
				}
			}},
		{"the same workload for another partner", credential("federated", nil),
			"two identities prove themselves with one key", func(w *world) access.Object {
				return &access.Credential{Terms: terms(w), IdentityID: bolt, Federated: &access.FederatedTrust{
					Issuer: "https://login.acme.test", Subject: "svc-orders", Audiences: []string{"orders.example.com"},
				}}
			}},
		{"the same path for another partner", grant(nil), "two partners meet on one resource",
			func(w *world) access.Object {
				return &access.Grant{
					Terms:      terms(w),
					IdentityID: bolt,
					Name:       "daily",
					Resource:   "orders/acme/daily/*",
					Actions:    []string{"read"},
					Purpose:    "Read the order files",
				}
			}},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			w, f := newWorld(t), &faulty{}
			came := false
			f.put = func(change access.Change) error {
				if came || change.Object.Ref().Type == access.TypeIdentity {
					return nil
				}
				came = true
				for _, o := range []access.Object{&access.Identity{Terms: terms(w), ID: bolt, Purpose: "Feed"},
					c.object(w)} {
					if _, err := w.system().Put(t.Context(),
						access.Change{Object: o, Stack: "other", EndsAt: o.Common().ExpiresAt.Time}); err != nil {
						t.Error(err)
					}
				}
				return nil
			}
			resource.UnitTest(t, resource.TestCase{ProtoV6ProviderFactories: w.faultyProviders(f),
				Steps: []resource.TestStep{
					{Config: w.config(identity(nil), c.config), ExpectError: says(c.refused)},
					{Config: w.config(identity(nil))},
				}})
			if !came {
				t.Error("nobody else came between")
			}
			w.each(func(_ access.System, r *access.Record) {
				if r.Stack != "other" {
					t.Errorf("%s was made", r.Object.Ref())
				}
			})
		})
	}
}

func terms(w *world) access.Terms {
	return access.Terms{Owner: "jane.doe@example.com", ExpiresAt: access.At(w.clock().AddDate(0, 2, 0))}
}
