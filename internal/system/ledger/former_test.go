// SPDX-License-Identifier: MPL-2.0

package ledger

import (
	"fmt"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Five hundred grants that were made and removed pushed out the key that had been removed before them, and then
// as many keys the grant.
func TestNoGrantPushesAKeyOutOfMemoryAndNoKeyAGrant(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	id := access.IdentityID{Partner: "acme", Environment: "prod", Name: "etl"}
	for many, object := range map[access.Type]func(n int) access.Object{
		access.TypeGrant: func(n int) access.Object {
			return &access.Grant{
				IdentityID: id,
				Resource:   access.Pattern(fmt.Sprintf("orders/acme/%d", n)),
				Actions:    []string{"read"},
			}
		},
		access.TypeCredential: func(n int) access.Object {
			return &access.Credential{IdentityID: id,
				Federated: &access.FederatedTrust{Issuer: "https://login.acme.test", Subject: fmt.Sprint(n)}}
		},
	} {
		memory := []access.Former{
			{Object: &access.Credential{IdentityID: id,
				Federated: &access.FederatedTrust{Issuer: "https://login.acme.test", Subject: "svc"}},
				RemovedAt: now.AddDate(0, -6, 0)},
			{Object: &access.Grant{IdentityID: id, Resource: "orders/acme/old", Actions: []string{"read"}},
				RemovedAt: now.AddDate(0, -6, 0)},
		}
		for n := range mostFormers + 100 {
			memory = remembered(memory, now,
				access.Former{Object: object(n), RemovedAt: now.Add(time.Duration(n) * time.Second)})
		}
		count := map[access.Type]int{}
		for _, f := range memory {
			count[f.Object.Ref().Type]++
			if f.Object.Ref().Type == many && f.RemovedAt.Before(now.Add(100*time.Second)) {
				t.Errorf("of many a %s one is remembered that was removed on %s", many, f.RemovedAt)
			}
		}
		if len(memory) != mostFormers+1 || count[many] != mostFormers {
			t.Errorf("of many a %s are remembered %v", many, count)
		}
	}
}
