// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

func TestAChangeOfAGrantSaysWhatItReaches(t *testing.T) {
	grant := func(resource string, actions ...string) *access.Grant {
		return &access.Grant{
			IdentityID: access.IdentityID{Partner: "acme", Environment: "prod", Name: "etl"},
			Name:       "daily",
			Resource:   access.Pattern(resource),
			Actions:    actions,
		}
	}
	for name, c := range map[string]struct {
		before, after *access.Grant
		unknown       map[string]bool
		more, less    string
	}{
		"nothing changes": {before: grant("a/b/*", "read"), after: grant("a/b/*", "read")},
		"an action more": {
			before: grant("a/b/*", "read"),
			after:  grant("a/b/*", "list", "read"),
			more:   "  list on a/b/*",
		},
		"an action less": {
			before: grant("a/b/*", "list", "read"),
			after:  grant("a/b/*", "read"),
			less:   "  list on a/b/*",
		},
		"a wider pattern": {
			before: grant("a/b/*", "read"),
			after:  grant("a/*", "read"),
			more:   "  read on a/*, such as a/x",
		},
		"a narrower pattern": {
			before: grant("a/*", "read"),
			after:  grant("a/b/*", "read"),
			less:   "  read on a/*, such as a/x",
		},
		"another path": {
			before: grant("a/b", "read"),
			after:  grant("a/c", "read"),
			more:   "  read on a/c",
			less:   "  read on a/b",
		},
		"each action has a line": {
			before: grant("a/b/*", "read"),
			after:  grant("a/*", "list", "read"),
			more:   "  list on a/*\n  read on a/*, such as a/x",
		},
		"what is not known yet is left": {
			before:  grant("a/b", "read"),
			after:   grant("", "read"),
			unknown: map[string]bool{"resource": true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var diags diag.Diagnostics
			explainReach(change{before: c.before, after: c.after, unknown: c.unknown}, &diags)
			var want, got []string
			for lead, lines := range map[string]string{"Newly reachable:\n\n": c.more,
				"No longer reachable, in open sessions from their next request on:\n\n": c.less} {
				if lines != "" {
					want = append(want, lead+lines)
				}
			}
			for _, d := range diags {
				got = append(got, d.Detail())
			}
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) || diags.HasError() {
				t.Errorf("said %q, want %q", got, want)
			}
		})
	}
}
