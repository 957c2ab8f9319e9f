// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/journal"
)

// found returns what lines of the journal say that a change found, by the object that it is of.
func found(lines []journal.Line, verb journal.Verb) map[string]string {
	all := map[string]string{}
	for _, l := range lines {
		if l.Phase == journal.Found && l.Verb == verb {
			all[l.Type+" "+l.ID] += strings.Join(l.Found, " ") + "\n"
		}
	}
	return all
}

// Somebody edits a policy, a role, an entity, adds a secret id, undoes a hold, cuts by hand: plans told it, and once it
// was healed nobody could say that it had been.
func TestWhatWasTamperedWithOnOpenBaoIsInTheJournal(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	t.Parallel()
	c := newCluster(t)
	c.cli.must("apply", "-auto-approve")
	path, seen := filepath.Join(c.folder, "journal.jsonl"), 0
	// met runs Terraform, and compares what the journal says since that somebody else did.
	met := func(what string, cuts, tampers map[string][]string, args ...string) {
		t.Helper()
		c.cli.must(args...)
		lines := journalLines(t, path)[seen:]
		seen += len(lines)
		for verb, want := range map[journal.Verb]map[string][]string{journal.Cut: cuts, journal.Tamper: tampers} {
			got := found(lines, verb)
			if !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want))) {
				t.Errorf("%s: as %s the journal has %q, want %q", what, verb, got, want)
			}
			for of, texts := range want {
				for _, text := range texts {
					if strings.Count(got[of], text) != 1 {
						t.Errorf("%s: %s says %q, want %q once", what, of, got[of], text)
					}
				}
				if n := strings.Count(got[of], "\n"); n != len(texts) {
					t.Errorf("%s: %s has %d lines, want %d: %q", what, of, n, len(texts), got[of])
				}
			}
		}
	}
	seen = len(journalLines(t, path))
	edit := func(name, add string) {
		policy := c.must("GET", "sys/policies/acl/"+name, nil)["data"].(map[string]any)["policy"].(string)
		c.must("PUT", "sys/policies/acl/"+name, map[string]any{"policy": policy + add})
	}
	initech := "partner/initech/prod/stock"
	globex := "partner/globex/prod/invoices"
	acme := "partner/acme/prod/orders-etl"
	approle := "auth/partner-approle/role/initech.prod.stock"
	c.must("POST", approle+"/secret-id", nil)
	c.must("POST", approle, map[string]any{"token_no_default_policy": false})
	edit(initech, "path \"stock/*\" {\n  capabilities = [\"read\"]\n}\n")
	c.must("POST", "identity/entity/name/"+globex, map[string]any{"policies": []string{globex, "partner-apply"}})
	c.must("DELETE", "auth/partner-cert/certs/globex.prod.invoices", nil)
	c.must("DELETE", "identity/entity/name/"+strings.Replace(acme, "prod", "test", 1), nil)
	met("a plan", nil, nil, "plan")
	met("the apply that heals it", nil, map[string][]string{
		"identity initech/prod/stock": {"somebody edited it"},
		"credential initech/prod/stock/secret": {"token_no_default_policy of " + approle,
			"There is a secret id that is not on record"},
		"identity globex/prod/invoices":               {"further policies: partner-apply"},
		"credential globex/prod/invoices/certificate": {"auth/partner-cert/certs/globex.prod.invoices is missing"},
		"identity acme/test/orders-etl":               {"is missing"},
		"credential acme/test/orders-etl/federated":   {"does not belong to this entity"},
	}, "apply", "-auto-approve")
	met("the next", nil, nil, "apply", "-auto-approve")

	c.must("PUT", "sys/policies/acl/partner/globex/held", map[string]any{"policy": "# Cut by hand."})
	c.must("POST", "identity/entity/name/"+globex, map[string]any{"disabled": true})
	c.must("POST", approle, map[string]any{"token_no_default_policy": false})
	met("a change of another one after a cut", map[string][]string{"partner globex": {"It was cut by hand"}},
		map[string][]string{"credential initech/prod/stock/secret": {"token_no_default_policy"}}, "apply",
		"-auto-approve")
	c.must("POST", "identity/entity/name/"+globex, map[string]any{"disabled": false})
	met("the hold that somebody undid", nil,
		map[string][]string{"identity globex/prod/invoices": {"The entity is enabled, but the identity was " +
			"cut by hand"}},
		"apply", "-auto-approve")

	c.must("POST", "identity/entity/name/"+acme, map[string]any{"disabled": true})
	c.must("PUT", "sys/policies/acl/"+initech+"/more",
		map[string]any{"policy": "path \"stock/*\" {\n  capabilities = [\"read\"]\n}\n"})
	c.must("DELETE", "sys/policies/acl/"+globex, nil)
	met("the destroy of what was tampered with",
		map[string][]string{"identity acme/prod/orders-etl": {"It was cut by hand"}}, map[string][]string{
			"identity initech/prod/stock":                 {"The policy " + initech + "/more was below"},
			"identity globex/prod/invoices":               {"The policy " + globex + " is gone"},
			"credential globex/prod/invoices/certificate": {"The policy " + globex + " is gone"},
		}, "destroy", "-auto-approve")
	if left := c.left(); len(left) != 2 { // the holds
		t.Errorf("after the destroy there is %v", left)
	}
}
