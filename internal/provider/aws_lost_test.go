// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// Somebody removes from the ledger what it has of a partner, whose role goes on. No command says that it is
// destroyed before it is.
func TestAPageRemovedFromTheLedgerHidesNoAccess(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real STS")
	}
	t.Parallel()
	a := newAccount(t, realtool.StartMinistack(t))
	arn, vendor := a.vendorLogin("444455556666")
	trust := a.ending(args{"federated": `{ aws_principal = "` + arn + `", external_id = "acme-7-example" }`})
	a.write(a.provider() + identity(a.ending(nil)) + credential("federated", trust) + a.grant() +
		"output \"login\" { value = partner_credential.orders.login }\n")
	a.must("apply", "-auto-approve", "-no-color")
	var told map[string]string
	a.output("login", &told)
	const page, file = "ledger/prod/identities/acme/prod/orders-etl.json", "exchange/acme/daily/1.csv"
	status, text := a.cloud.Call(t, a.cloud.Root(), "s3", http.MethodGet, page, "")
	if status != http.StatusOK {
		t.Fatalf("the page answers %d %s", status, text)
	}
	for _, way := range []struct{ name, page string }{{"removed", ""}, {"damaged", string(text[:len(text)/2])}} {
		session, in := a.comesIn(vendor, told["role_arn"], told["external_id"])
		if !in || !a.reads(session, file) {
			t.Fatalf("%s: the vendor does not come in", way.name)
		}
		method := http.MethodPut
		if way.page == "" {
			method = http.MethodDelete
		}
		if status, answer := a.cloud.Call(t, a.cloud.Root(), "s3", method, page,
			way.page); status >= http.StatusBadRequest {
			t.Fatalf("%s the page: %d %s", method, status, answer)
		}
		out, err := a.try("plan", "-no-color", "-detailed-exitcode")
		if err == nil || !strings.Contains(out, "orders-etl.json") {
			t.Errorf("%s: the plan does not tell of it: %v\n%s", way.name, err, out)
		}
		out = a.must("destroy", "-auto-approve", "-no-color")
		if _, again := a.comesIn(vendor, told["role_arn"], told["external_id"]); again || a.reads(session, file) {
			t.Fatalf("%s: the vendor is in after\n%s", way.name, out)
		}
		a.must("apply", "-auto-approve", "-no-color")
	}
}
