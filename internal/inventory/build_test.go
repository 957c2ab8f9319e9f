// SPDX-License-Identifier: MPL-2.0

package inventory

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

const day = 24 * time.Hour

var (
	today  = time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
	orders = access.IdentityID{Partner: "acme", Environment: "prod", Name: "orders"}
	judged = Options{
		System: "openbao", KnowsLastUse: true, WarnBefore: 30 * day, DormantAfter: 45 * day,
		Departed: func(owner string) bool { return owner == "gone@example.com" },
		Partners: []string{"globex"},
	}
)

// edit changes a record that is healthy otherwise.
type edit func(*access.Record)

func days(n int) time.Time { return today.Add(time.Duration(n) * day) }

func record(o access.Object, edits ...edit) *access.Record {
	terms := o.Common()
	terms.Owner, terms.ExpiresAt = "jane@example.com", access.At(days(100))
	r := &access.Record{Object: o, EndsAt: days(100), LastUsedAt: days(-1)}
	r.CreatedAt, r.Stack, r.UID = days(-80), "partners", "u"
	for _, e := range edits {
		e(r)
	}
	return r
}

func identityOf(id access.IdentityID, edits ...edit) *access.Record {
	return record(&access.Identity{ID: id}, edits...)
}

func credentialOf(id access.IdentityID, edits ...edit) *access.Record {
	return record(&access.Credential{IdentityID: id, Federated: &access.FederatedTrust{}}, edits...)
}

func grantOf(id access.IdentityID, edits ...edit) *access.Record {
	return record(&access.Grant{IdentityID: id, Name: "daily"}, edits...)
}

func ending(n int) edit {
	return func(r *access.Record) { r.Object.Common().ExpiresAt, r.EndsAt = access.At(days(n)), days(n) }
}

func used(n int) edit            { return func(r *access.Record) { r.LastUsedAt = days(n) } }
func never(r *access.Record)     { r.LastUsedAt = time.Time{} }
func unseen(r *access.Record)    { never(r); r.UseUnknown = true }
func fresh(r *access.Record)     { never(r); r.CreatedAt = days(-2) }
func drifted(r *access.Record)   { r.Drift = []string{"The policy was edited."} }
func adopted(r *access.Record)   { r.Adopted = []string{"auth/legacy/role/acme lets in."} }
func gone(r *access.Record)      { r.Object.Common().Owner = "gone@example.com" }
func suspended(r *access.Record) { r.Suspended = true }

func under(parent access.IdentityID) edit {
	return func(r *access.Record) { r.Object.(*access.Identity).ParentID = parent }
}

func seldom(r *access.Record) { r.Object.(*access.Identity).ExpectedUse.Duration = 200 * day }

// trio is an identity with a credential and a grant, of which the first is edited.
func trio(edits ...edit) []*access.Record {
	return []*access.Record{identityOf(orders, edits...), credentialOf(orders), grantOf(orders)}
}

func TestFlagsSayWhatIsNeglected(t *testing.T) {
	child := access.IdentityID{Partner: "globex", Environment: "prod", Name: "lab"}
	for name, c := range map[string]struct {
		records []*access.Record
		id      string // whose flags
		want    []Flag
	}{
		"what is healthy":                  {trio(), "acme/prod/orders", nil},
		"what is new and was not used yet": {trio(fresh), "acme/prod/orders", nil},
		"whose owner left":                 {trio(gone), "acme/prod/orders", []Flag{Orphaned}},
		"what hangs on nothing": {append(trio(),
			identityOf(child, under(access.IdentityID{Partner: "x", Environment: "y", Name: "z"}))), "globex/prod/lab",
			[]Flag{Orphaned, Unused}},
		"what hangs on what is there": {append(trio(), identityOf(child, under(orders)),
			credentialOf(child), grantOf(child)), "globex/prod/lab", nil},
		"what hangs on what has ended": {append(trio(ending(-1)), identityOf(child, under(orders)),
			credentialOf(child), grantOf(child)), "globex/prod/lab", []Flag{Orphaned}},
		"a credential without its identity": {[]*access.Record{credentialOf(orders), grantOf(orders)},
			"acme/prod/orders/federated", []Flag{Orphaned}},
		"what was edited by hand":                 {trio(drifted), "acme/prod/orders", []Flag{Drifted}},
		"what has a login of before its adoption": {trio(adopted), "acme/prod/orders", []Flag{Drifted}},
		"a grant for a login of before": {[]*access.Record{identityOf(orders, adopted), grantOf(orders)},
			"acme/prod/orders/daily", nil},
		"what was used long ago":            {trio(used(-46)), "acme/prod/orders", []Flag{Dormant}},
		"what was used 45 days ago":         {trio(used(-45)), "acme/prod/orders", nil},
		"what is used seldom, as expected":  {trio(used(-79), seldom), "acme/prod/orders", nil},
		"what was never used":               {trio(never), "acme/prod/orders", []Flag{Unused}},
		"whose use the system does not see": {trio(unseen), "acme/prod/orders", nil},
		"what is suspended and not used":    {trio(used(-70), suspended), "acme/prod/orders", nil},
		"a credential without a grant":      {trio()[:2], "acme/prod/orders/federated", []Flag{Unused}},
		"a credential whose grant has ended": {append(trio()[:2], grantOf(orders, ending(-1))),
			"acme/prod/orders/federated", []Flag{Unused}},
		"a grant without a credential": {[]*access.Record{identityOf(orders), grantOf(orders)},
			"acme/prod/orders/daily", []Flag{Unused}},
		"an identity with nothing": {trio()[:1], "acme/prod/orders", []Flag{Unused}},
		"an identity that only others hang on": {append(trio()[:1], identityOf(child, under(orders))),
			"acme/prod/orders", nil},
		"what ends in 20 days": {trio(ending(20)), "acme/prod/orders", []Flag{Expiring}},
		"what ends in 31 days": {trio(ending(31)), "acme/prod/orders", nil},
		"what has ended":       {trio(ending(-1), used(-70)), "acme/prod/orders", nil},
		"what is suspended and ends in 20 days": {trio(ending(20), suspended), "acme/prod/orders",
			[]Flag{Expiring}},
		"all of it at once, in the constants' order": {trio(gone, drifted, used(-60), ending(5)), "acme/prod/orders",
			[]Flag{Orphaned, Drifted, Dormant, Expiring}},
	} {
		t.Run(name, func(t *testing.T) {
			inv := Build(c.records, nil, today, judged)
			at := slices.IndexFunc(inv.Items, func(i Item) bool { return i.ID == c.id })
			if want := append([]Flag{Governed}, c.want...); !slices.Equal(inv.Items[at].Flags, want) {
				t.Errorf("got %q, want %q", inv.Items[at].Flags, want)
			}
		})
	}
}

func TestAStrayIsThePartnersWhoseNameItBears(t *testing.T) {
	for names, want := range map[string]string{
		"acme-ci": "acme", "svc_ACME_prod": "acme", "globex": "globex", "acmes": "", "xacme": "", "acme and globex": "",
		"acme/acme": "acme", "robot": "",
	} {
		inv := Build(trio(), []access.Stray{{
			NativeID:  "auth/userpass/users/x",
			Kind:      "user",
			Names:     []string{names},
			Adoptable: true,
		}}, today, judged)
		stray := inv.Items[0]
		if stray.Partner != want ||
			!stray.Has(Ungoverned) ||
			stray.Has(Governed) ||
			stray.Import == "" {
			t.Errorf("%q is of %q, want %q: %+v", names, stray.Partner, want, stray)
		}
	}
}

func TestEachFilterWantsWhatItSays(t *testing.T) {
	other := access.IdentityID{Partner: "globex", Environment: "test", Name: "lab"}
	inv := Build(append(trio(gone), identityOf(other, ending(20)), credentialOf(other), grantOf(other)),
		[]access.Stray{{NativeID: "x"}}, today, judged)
	for name, c := range map[string]struct {
		filter Filter
		want   int
	}{
		"nothing":               {Filter{}, 7},
		"a partner":             {Filter{Partner: "globex"}, 3},
		"an environment":        {Filter{Environment: "prod"}, 3},
		"an owner in any case":  {Filter{Owner: "Gone@Example.com"}, 1},
		"an end":                {Filter{ExpiresBefore: days(21)}, 1},
		"an end that is no one": {Filter{ExpiresBefore: days(20)}, 0},
		"a flag":                {Filter{Flags: []Flag{Expiring}}, 1},
		"any of several flags":  {Filter{Flags: []Flag{Expiring, Ungoverned, Orphaned}}, 3},
		"all at once": {Filter{
			Partner:     "acme",
			Environment: "prod",
			Owner:       "gone@example.com",
			Flags:       []Flag{Orphaned},
		}, 1},
	} {
		if got := inv.Filter(c.filter); len(got.Items) != c.want || got.At != today {
			t.Errorf("%s: %d items, want %d", name, len(got.Items), c.want)
		}
	}
	if count := inv.Count(); count[Governed] != 6 ||
		count[Ungoverned] != 1 ||
		count[Orphaned] != 1 ||
		len(count) != len(Flags()) {
		t.Errorf("%v", count)
	}
}

// What is imported under a name of its own does not end as another's.
func TestEachIDHasALabelOfItsOwn(t *testing.T) {
	seen := map[string]string{}
	for _, id := range []string{"a/b/c", "a/b-c", "a-b/c", "a_b/c", "1a/b/c", "a.b/c", "A/b/c", "a/b/c/secret"} {
		l := label(id)
		if other, taken := seen[l]; taken {
			t.Errorf("%s and %s are both %s", id, other, l)
		}
		seen[l] = id
	}
}

func TestThreeThousandAreJudgedAtOnce(t *testing.T) {
	var records []*access.Record
	for n := range 1000 {
		id := access.IdentityID{Partner: fmt.Sprintf("p%d", n%20), Environment: "prod", Name: fmt.Sprintf("feed-%d", n)}
		records = append(records, identityOf(id), credentialOf(id), grantOf(id))
	}
	begun := time.Now()
	if inv := Build(records, nil, today, judged); len(inv.Items) != 3000 || inv.Count()[Governed] != 3000 {
		t.Errorf("%d items", len(inv.Items))
	}
	if took := time.Since(begun); took > time.Second {
		t.Errorf("it took %s", took)
	}
}

// What a killed rehearsal left is nobody's neglect, and nothing to declare; no stray is taken for its own.
func TestATwinOfARehearsalIsNobodysNeglect(t *testing.T) {
	twin := access.IdentityID{Partner: access.ShadowPartner("1a2b3c4d"), Environment: "prod", Name: "twin"}
	stray := access.Stray{NativeID: "x", Names: []string{"rehearsal-1a2b3c4d acme"}}
	records := append(trio(), identityOf(twin, drifted))
	inv := Build(records, []access.Stray{stray}, today, judged)
	for _, i := range inv.Items {
		switch {
		case i.NativeID == "x" && i.Partner != "acme":
			t.Errorf("the stray is taken for %q's", i.Partner)
		case i.ID == twin.String() && (len(i.Flags) != 1 ||
			i.Flags[0] != Governed ||
			i.Import != "" ||
			i.Why == ""):
			t.Errorf("the twin is shown as %+v", i)
		}
	}
	if out := inv.Offboard("acme", "partners", records); len(out.Records) != 3 || len(out.Items) != 4 {
		t.Errorf("with acme go %v", out.Items)
	}
}
