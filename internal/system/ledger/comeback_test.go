// SPDX-License-Identifier: MPL-2.0

package ledger

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// While anything is cut by hand, each new credential is compared with all that there are: a plan of a thousand does not wait for it.
func TestLookingForWhatComesBackIsQuick(t *testing.T) {
	t.Parallel()
	csr, err := os.ReadFile("../../guardrail/testdata/p256.csr")
	if err != nil {
		t.Fatal(err)
	}
	l := Ledger{}
	credential := func(n int) *access.Credential {
		id := access.IdentityID{Partner: fmt.Sprintf("p%d", n), Environment: "prod", Name: "etl"}
		return &access.Credential{IdentityID: id, Certificate: &access.CertificateRequest{CSR: string(csr)}}
	}
	for n := range 1000 {
		c := credential(n)
		l[c.IdentityID.Ref()] = &Entry{Object: &access.Identity{ID: c.IdentityID}}
		l[c.Ref()] = &Entry{Object: c}
	}
	now := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	holds := Holds{"p7": now}
	fresh := credential(1000)
	fresh.Certificate = nil
	fresh.Federated = &access.FederatedTrust{Issuer: "https://login.test", Subject: "svc"}
	begun := access.WallClock()
	for range 100 {
		if WouldHold(l, holds, nil, fresh) {
			t.Fatal("a key that nobody cut is held")
		}
	}
	if took := access.WallClock().Sub(begun); took > 2*time.Second {
		t.Errorf("100 of them took %s", took)
	}
	fresh = credential(1000)
	if !WouldHold(l, holds, nil, fresh) {
		t.Error("a key that was cut is not held")
	}
}
