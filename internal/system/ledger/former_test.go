// SPDX-License-Identifier: MPL-2.0

package ledger

import (
	"fmt"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Five hundred grants that were made and removed pushed out the key that had been removed before them.
func TestNoGrantPushesAKeyOutOfMemory(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	id := access.IdentityID{Partner: "acme", Environment: "prod", Name: "etl"}
	memory := []access.Former{{
		Object:    &access.Credential{IdentityID: id, Federated: &access.FederatedTrust{Issuer: "https://login.acme.test", Subject: "svc"}},
		RemovedAt: now.AddDate(0, -6, 0),
	}}
	for n := range mostFormers + 100 {
		memory = remembered(memory, now, access.Former{
			Object:    &access.Grant{IdentityID: id, Resource: access.Pattern(fmt.Sprintf("orders/acme/%d", n)), Actions: []string{"read"}},
			RemovedAt: now.Add(time.Duration(n) * time.Second),
		})
	}
	keys := 0
	for _, f := range memory {
		if f.Object.Ref().Type == access.TypeCredential {
			keys++
		}
	}
	if len(memory) != mostFormers || keys != 1 {
		t.Errorf("%d are remembered, %d keys among them", len(memory), keys)
	}
}
