// SPDX-License-Identifier: MPL-2.0

package inventory

import (
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/signed"
)

// How far the review is counts each object once: what nobody declared is nobody's to review, and a twin
// of a rehearsal neither.
func TestProgressCountsEachObjectOnce(t *testing.T) {
	looked := func(n int) edit { return func(r *access.Record) { r.ReviewedAt = days(n) } }
	old := func(r *access.Record) { r.CreatedAt = days(-200) }
	twin := access.IdentityID{Partner: access.ShadowPartner("acme"), Environment: "prod", Name: "orders"}
	signs := func(r *access.Record) {
		r.Object.Common().Review = &access.Review{Signature: signed.Mark{
			Digest: strings.Repeat("0", 64),
			Key:    "SHA256:key",
			Sheet:  true,
		}.String()}
	}
	records := []*access.Record{
		identityOf(orders, old, looked(-89), signs), credentialOf(orders, old, looked(-90)),
		grantOf(orders, old, ending(0)), identityOf(twin, old),
	}
	judged := judged
	judged.ReviewEvery = 90 * day
	inv := Build(records, []access.Stray{{NativeID: "auth/x", Names: []string{"acme"}}}, today, judged)
	if got, want := inv.Progress(), (Progress{Of: 2, Reviewed: 1, Overdue: 1, Lapsed: 1, Signed: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := inv.Filter(Filter{Partner: "acme"}).Progress(); got.Of != 2 {
		t.Errorf("filtered: %+v", got)
	}
	judged.ReviewEvery = 0
	if got, want := Build(records, nil, today, judged).Progress(),
		(Progress{Of: 2, Reviewed: 2, Lapsed: 1, Signed: 1}); got != want {
		t.Errorf("where reviews are not asked for: %+v, want %+v", got, want)
	}
}
