// SPDX-License-Identifier: MPL-2.0

package inventory

import (
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// A partner's report holds its subcontractors at any depth, and an owner's report whole identities.
func TestWholeKeepsWhatBelongsTogether(t *testing.T) {
	item := func(kind access.Type, id, partner, name, parent, owner string) Item {
		return Item{Type: kind, ID: id, Partner: partner, Environment: "prod", Name: name, Parent: parent, Owner: owner}
	}
	inv := &Inventory{System: "embedded", Unchecked: []Flag{Ungoverned}, Items: []Item{
		{Type: access.TypeIdentity, NativeID: "auth/acme", Partner: "acme"},
		item(access.TypeIdentity, "acme/prod/a", "acme", "a", "", "ann@example.com"),
		item(access.TypeGrant, "acme/prod/a/g", "acme", "a", "", "bob@example.com"),
		item(access.TypeIdentity, "sub/prod/b", "sub", "b", "acme/prod/a", "cat@example.com"),
		item(access.TypeIdentity, "subsub/prod/c", "subsub", "c", "sub/prod/b", "cat@example.com"),
		item(access.TypeGrant, "subsub/prod/c/g", "subsub", "c", "", "cat@example.com"),
		item(access.TypeIdentity, "loop/prod/d", "loop", "d", "loop/prod/d", "cat@example.com"),
	}}
	for _, c := range []struct {
		partner, owner string
		want           int
	}{{"", "", 7}, {"acme", "", 6}, {"sub", "", 3}, {"", "Bob@example.com", 2}, {"acme", "cat@example.com", 3},
		{"nobody", "", 0}} {
		got := inv.Whole(c.partner, c.owner)
		if len(got.Items) != c.want || len(got.Unchecked) != 1 {
			t.Errorf("%q of %q: %d items, want %d", c.partner, c.owner, len(got.Items), c.want)
		}
	}
}
