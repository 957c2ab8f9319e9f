// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// decidedOn is a review as the function decisions gives it, on the access that the system holds of a grant.
func (l *lab) decidedOn(id, decision, until, more string) string {
	l.t.Helper()
	r, err := l.system().Get(l.t.Context(), access.Ref{Type: access.TypeGrant, ID: id})
	if err != nil {
		l.t.Fatal(err)
	}
	return fmt.Sprintf(`{ at = "2026-12-20T09:00:00Z", by = "john.roe@example.com", reason = "Looked at it", decision = %q, until = %s, access = %q%s }`, decision, until, access.Digest(r.Object), more)
}

// A decision of a worksheet is taken as it is, extends its own block alone, ends what was decided to end, and
// is void on other access.
func TestADecisionOfAWorksheetIsTakenAsItIs(t *testing.T) {
	needTerraform(t)
	t.Parallel()
	const id = "acme/prod/orders-etl/daily"
	l := newLab(t)
	write := func(of args) string {
		usual := args{"name": `"daily"`, "expires_at": `"2027-01-31T00:00:00Z"`}
		for name, value := range of {
			usual[name] = value
		}
		return identity(nil) + credential("federated", nil) + grant(usual)
	}
	l.write(write(nil))
	l.must("apply", "-auto-approve")
	l.passes(30 * day)()
	keep := l.decidedOn(id, "keep", `"2027-02-28T00:00:00Z"`, "")
	ends := func(want string) {
		t.Helper()
		r, err := l.system().Get(t.Context(), access.Ref{Type: access.TypeGrant, ID: id})
		if err != nil || access.At(r.EndsAt).String() != want {
			t.Fatalf("it ends at %v (%v), want %s", r, err, want)
		}
	}
	refused := func(what, rule string, of args) {
		t.Helper()
		for _, d := range l.refuses(write(of)) {
			if d.Severity == "error" && d.rule() == rule {
				return
			}
		}
		t.Errorf("%s: nothing says %s", what, rule)
	}
	refused("later than decided", "review/decided-otherwise",
		args{"review": keep, "expires_at": `"2027-03-01T00:00:00Z"`})
	refused("wider than decided on", "review/void",
		args{"review": keep, "actions": `["read", "list", "delete"]`, "expires_at": `"2027-02-28T00:00:00Z"`})
	refused("decided to end", "review/decided-otherwise", args{"review": l.decidedOn(id, "end", "null", "")})
	refused("to be narrowed first", "review/decided-otherwise",
		args{"review": l.decidedOn(id, "narrow", `"2027-02-28T00:00:00Z"`, ""), "expires_at": `"2027-02-28T00:00:00Z"`})

	// An identity's decision is its own: the grant is not extended by it.
	i, err := l.system().Get(t.Context(), access.Ref{Type: access.TypeIdentity, ID: "acme/prod/orders-etl"})
	if err != nil {
		t.Fatal(err)
	}
	above :=
		fmt.Sprintf(`{ at = "2026-12-20T09:00:00Z", by = "john.roe@example.com", reason = "Looked at it", decision = "keep", until = null, access = %q }`, access.Digest(i.Object))
	spoke := false
	for _, d := range l.refuses(identity(args{"review": above}) + credential("federated", nil) +
		grant(args{"name": `"daily"`, "expires_at": `"2027-02-28T00:00:00Z"`})) {
		spoke = spoke || (d.Severity == "error" && d.rule() == "expiry/rolling")
	}
	if !spoke {
		t.Error("the identity's decision extends the grant")
	}

	l.write(write(args{"review": keep, "expires_at": `"2027-02-28T00:00:00Z"`}))
	l.must("apply", "-auto-approve")
	ends("2027-02-28T00:00:00Z")
	l.must("plan", "-detailed-exitcode")
	refused("the same decision again", "review/decided-otherwise",
		args{"review": keep, "expires_at": `"2027-03-31T00:00:00Z"`})

	// Less is never refused, with a decision that has been applied.
	l.write(write(args{"review": keep, "actions": `["list"]`, "expires_at": `"2027-02-27T00:00:00Z"`}))
	l.must("apply", "-auto-approve")
	ends("2027-02-27T00:00:00Z")

	// What was decided to end ends at the moment of the decision, and stays declared.
	end := strings.Replace(l.decidedOn(id, "end", "null", ", end = true"), "2026-12-20T09", "2026-12-24T09", 1)
	l.passes(2 * day)()
	l.write(write(args{"review": end, "actions": `["list"]`, "expires_at": `"2027-02-27T00:00:00Z"`}))
	l.must("apply", "-auto-approve")
	ends("2026-12-24T09:00:00Z")
	l.must("plan", "-detailed-exitcode")
	l.must("destroy", "-auto-approve")
}

// A state of the version before has no decisions in its reviews. It plans empty.
func TestAReviewOfAnOlderStatePlansEmpty(t *testing.T) {
	needTerraform(t)
	t.Parallel()
	l := newLab(t)
	l.write(identity(args{"review": `{ at = "2026-11-20T09:00:00Z", by = "john.roe@example.com", reason = "Looked at it" }`}))
	l.must("apply", "-auto-approve")
	text, err := os.ReadFile(filepath.Join(l.folder, "terraform.tfstate"))
	if err != nil {
		t.Fatal(err)
	}
	state := string(text)
	older := state
	for _, name := range []string{"access", "decision", "end", "until"} {
		older = strings.ReplaceAll(older, fmt.Sprintf("              %q: null,\n", name), "")
	}
	older = strings.Replace(older, ",\n              \"until\": null", "", 1)
	if strings.Contains(older, `"decision"`) ||
		strings.Contains(older, `"until"`) ||
		older == state {
		t.Fatalf("the state has them in another way:\n%s", older)
	}
	l.put("terraform.tfstate", older)
	l.must("plan", "-detailed-exitcode")
	l.passes(time.Hour)()
	l.write(identity(args{"review": `{ at = "2026-11-20T09:00:00Z", by = "john.roe@example.com", reason = "Looked at it" }`, "expires_at": `"2027-03-01T00:00:00Z"`}))
	l.must("apply", "-auto-approve")
}

// The worksheet says what the system and the journal know: since when a grant gives more than at the last
// review, and what is due.
func TestAWorksheetTellsWhatWasWidenedAndIsDue(t *testing.T) {
	needTerraform(t)
	t.Parallel()
	l := newLab(t)
	const sheets = `
data "partner_review_worksheet" "all" {}
data "partner_review_worksheet" "soon" {
  owner      = "Jane.Doe@example.com"
  partner    = "acme"
  due_within = "240h"
}
data "partner_review_worksheet" "others" { owner = "bob@example.com" }
output "widened" { value = { for r in data.partner_review_worksheet.all.rows : r.id => r.widened } }
output "due" { value = [length(data.partner_review_worksheet.soon.rows), length(data.partner_review_worksheet.others.rows)] }
output "markdown" { value = data.partner_review_worksheet.all.markdown }
`
	write := func(of args) {
		usual := args{"name": `"daily"`}
		for name, value := range of {
			usual[name] = value
		}
		l.write(identity(nil) + credential("federated", nil) + grant(usual) + sheets)
	}
	write(nil)
	l.must("apply", "-auto-approve")
	l.passes(30 * day)()
	write(args{"actions": `["read", "list", "delete"]`})
	l.must("apply", "-auto-approve")
	tells := func(widened string, due int) {
		t.Helper()
		l.must("apply", "-refresh-only", "-auto-approve")
		var all map[string]string
		var counts []int
		var text string
		l.output("widened", &all)
		l.output("due", &counts)
		l.output("markdown", &text)
		if len(all) != 3 ||
			all["acme/prod/orders-etl/daily"] != widened ||
			all["acme/prod/orders-etl"] != "no" ||
			counts[0] != due ||
			counts[1] != 0 ||
			strings.Count(text, "\n| acme") != 3 {
			t.Errorf("it tells %v, due %v:\n%s", all, counts, text)
		}
	}
	tells("on 2026-12-24", 0)
	l.passes(55 * day)() // 85 days after the creation
	tells("on 2026-12-24", 3)
	keep := strings.Replace(l.decidedOn("acme/prod/orders-etl/daily", "keep", "null", ""), "2026-12-20", "2027-02-16",
		1)
	write(args{"actions": `["read", "list", "delete"]`, "review": keep})
	l.must("apply", "-auto-approve")
	tells("no", 2) // the grant was looked at, and does not end within ten days
	// From a damaged line on, a journal tells nothing: what it does not say was not widened may have been.
	journal := filepath.Join(l.directory, "journal.jsonl")
	text, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	last := bytes.LastIndexByte(bytes.TrimSpace(text), '\n')
	edited := bytes.Replace(text[last:], []byte("acme"), []byte("acne"), 1)
	if err := os.WriteFile(journal, slices.Concat(text[:last], edited), 0o600); err != nil {
		t.Fatal(err)
	}
	l.must("apply", "-refresh-only", "-auto-approve")
	var all map[string]string
	if l.output("widened", &all); all["acme/prod/orders-etl"] != "not known" ||
		all["acme/prod/orders-etl/daily"] != "no" { // the decision has the digest of its access
		t.Errorf("with a damaged journal it tells %v", all)
	}
}
