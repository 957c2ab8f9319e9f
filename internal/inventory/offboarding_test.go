// SPDX-License-Identifier: MPL-2.0

package inventory

import (
	"slices"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// What hangs on something goes before it, whoever's it is, and what is another's stays.
func TestWhatHangsOnAPartnerGoesFirst(t *testing.T) {
	lab := access.IdentityID{Partner: "globex", Environment: "prod", Name: "lab"}
	deep := access.IdentityID{Partner: "initech", Environment: "prod", Name: "deep"}
	other := access.IdentityID{Partner: "globex", Environment: "prod", Name: "other"}
	records := append(trio(),
		identityOf(lab, under(orders)), credentialOf(lab), grantOf(lab, drifted),
		identityOf(deep, under(lab), func(r *access.Record) { r.Stack = "labs" }),
		identityOf(other), credentialOf(other), grantOf(other))
	strays := []access.Stray{{
		NativeID: "auth/userpass/users/acme",
		Kind:     "user",
		Names:    []string{"acme"},
		Why:      "it has no owner",
	}, {NativeID: "x", Names: []string{"globex"}}}
	out := Build(records, strays, today, judged).Offboard("acme", "partners", records)
	var got []string
	for _, i := range out.Items {
		got = append(got, string(i.Type)+" "+i.ID+i.NativeID)
	}
	want := []string{
		"identity initech/prod/deep",
		"credential globex/prod/lab/federated", "grant globex/prod/lab/daily", "identity globex/prod/lab",
		"credential acme/prod/orders/federated", "grant acme/prod/orders/daily", "identity acme/prod/orders",
		"identity auth/userpass/users/acme",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	notes := strings.Join(out.Notes, "\n")
	for _, want := range []string{
		"globex/prod/lab belongs to globex and hangs on acme/prod/orders",
		"initech/prod/deep belongs to initech and hangs on globex/prod/lab",
		`identity initech/prod/deep belongs to the stack "labs"`, "grant globex/prod/lab/daily: The policy was edited.",
		"auth/userpass/users/acme was made by hand",
	} {
		if !strings.Contains(notes, want) {
			t.Errorf("%q is not in\n%s", want, notes)
		}
	}
	if len(out.Notes) != 5 || len(out.Records) != 7 {
		t.Errorf("%d records, %d notes:\n%s", len(out.Records), len(out.Notes), notes)
	}
}

// Whatever somebody wrote into the system, the search for what hangs on a partner ends.
func TestARingOfParentsEnds(t *testing.T) {
	lab := access.IdentityID{Partner: "globex", Environment: "prod", Name: "lab"}
	records := []*access.Record{identityOf(orders, under(lab)), identityOf(lab, under(orders))}
	if out := Build(records, nil, today, judged).Offboard("acme", "partners", records); len(out.Items) != 2 {
		t.Errorf("%v", out.Items)
	}
}
