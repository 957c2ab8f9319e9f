// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// pairs are configurations for the real CLI, a block for each resource.
type pairs struct{ *cli }

func newPairs(t *testing.T) pairs {
	t.Helper()
	t.Parallel()
	return pairs{newCLI(t)}
}

const quietly = `levels = { "activity/not-logged" = "off", "offboarding/rehearsal-overdue" = "off", "credential/network" = "off", "credential/static-secret" = "off" }`

// configure writes blocks: "identity acme partner = ..." with the terms that each needs.
func (p pairs) configure(provider string, blocks ...string) {
	var text strings.Builder
	fmt.Fprintf(&text, "provider \"partner\" {\n  environment = \"prod\"\n  guardrails = { owner_domains = "+
		"[\"example.com\"], %s }\n  %s\n}\n", quietly, provider)
	for _, block := range blocks {
		kind, rest, _ := strings.Cut(block, " ")
		label, body, _ := strings.Cut(rest, " ")
		if !strings.Contains(body, "\n") {
			body = strings.ReplaceAll(body, "; ", "\n  ")
		}
		if kind == "data" {
			fmt.Fprintf(&text, "resource \"terraform_data\" %q {\n  %s\n}\n", label, body)
			continue
		}
		fmt.Fprintf(&text, "resource \"partner_%s\" %q {\n  owner = \"jane.doe@example.com\"\n", kind, label)
		if !strings.Contains(body, "expires_at") {
			fmt.Fprintf(&text, "  expires_at = %q\n", access.At(time.Now().Add(60*24*time.Hour).Truncate(24*time.Hour)))
		}
		if kind != "credential" {
			text.WriteString("  purpose = \"Read the daily order files\"\n")
		}
		fmt.Fprintf(&text, "  %s\n}\n", body)
	}
	p.write(text.String())
}

// refused runs the CLI, which has to refuse; its errors have to be of the rule and of nothing else.
func (p pairs) refused(rule string, args ...string) (errors string) {
	p.t.Helper()
	out, err := p.try(append([]string{args[0], "-json"}, args[1:]...)...)
	if err == nil {
		p.t.Fatalf("terraform %s is not refused, want %s", strings.Join(args, " "), rule)
	}
	n := 0
	for line := range strings.SplitSeq(out, "\n") {
		var event struct{ Diagnostic diagnostic }
		if json.Unmarshal([]byte(line), &event) != nil || event.Diagnostic.Severity != "error" {
			continue
		}
		n++
		errors += event.Diagnostic.Summary + "\n" + event.Diagnostic.Detail + "\n"
		if event.Diagnostic.rule() != rule {
			p.t.Errorf("terraform %s: %s: %s", strings.Join(args, " "), event.Diagnostic.Summary,
				event.Diagnostic.Detail)
		}
	}
	if n == 0 {
		p.t.Errorf("terraform %s says nothing: %s", strings.Join(args, " "), out)
	}
	return errors
}

// holds says whether the ledger has something of an id.
func (p pairs) holds(id string) bool {
	for name := range p.files(".partner") {
		if (strings.Contains(name, "ledger/") && strings.Contains(name, strings.ReplaceAll(id, "/", "."))) ||
			strings.Contains(name, id) {
			return true
		}
	}
	return false
}

const (
	acme       = `identity acme partner = "acme"; name = "etl"`
	acmeReads  = `grant acme identity_id = partner_identity.acme.id; resource = "orders/acme/*"; actions = ["read"]`
	acmeWithin = `identity acme partner = "acme"; name = "etl"; ceiling = ["orders/acme/*"]`
)

// Whose access it is comes out at apply only. Then it is refused, before anything of it is made, though the other one
// is not touched by this apply.
func TestAPartnerThatIsUnknownAtPlanDoesNotMeetAnother(t *testing.T) {
	slow(t)
	p := newPairs(t)
	p.configure("", acmeWithin, acmeReads)
	p.must("apply", "-auto-approve")
	p.configure("", acmeWithin, acmeReads, `data who input = "globex"`,
		`identity globex partner = terraform_data.who.output; name = "etl"; ceiling = ["orders/acme/*"]`)
	p.must("plan")
	p.refused("scope/foreign-partner", "apply", "-auto-approve")
	p.configure("", acmeWithin, acmeReads, `data who input = "globex2"`,
		`identity globex partner = terraform_data.who.output; name = "etl"`,
		`grant globex identity_id = partner_identity.globex.id; resource = "orders/acme/x"; actions = ["read"]`)
	p.refused("scope/foreign-partner", "apply", "-auto-approve")
	for id, want := range map[string]bool{"acme/prod/etl": true, "globex/prod/etl": false, "globex2/prod/etl": true} {
		if p.holds(id) != want {
			t.Errorf("%s is held: %v", id, !want)
		}
	}
}

// The grant hangs on an identity by an id that is known at apply only, and hides the end of another one of it.
func TestAnIdentityThatIsUnknownAtPlanHidesNoEnd(t *testing.T) {
	slow(t)
	p := newPairs(t)
	p.configure("", acme, acmeReads)
	p.must("apply", "-auto-approve")
	p.configure("", acme, acmeReads, `data who input = "acme/prod/etl"`,
		`grant longer identity_id = terraform_data.who.output; resource = "orders/acme/x"; actions = ["read"]`)
	p.must("plan")
	p.refused("scope/overlap", "apply", "-auto-approve")
}

// With -target the plan does not see what else the configuration holds. The apply asks the system.
func TestATargetedApplyMeetsWhatItLeavesOut(t *testing.T) {
	slow(t)
	p := newPairs(t)
	p.configure("", acmeWithin)
	p.must("apply", "-auto-approve")
	p.configure("", acmeWithin, `identity globex partner = "globex"; name = "etl"; ceiling = ["orders/acme/*"]`)
	p.refused("scope/foreign-partner", "plan")
	p.refused("scope/foreign-partner", "apply", "-auto-approve", "-target=partner_identity.globex")
}

// What one gives up, another may have in the same apply: it waits until it is given up.
func TestAnApplyWaitsForWhatIsLeaving(t *testing.T) {
	p := newPairs(t)
	globex := `identity globex partner = "globex"; name = "etl"`
	p.configure("", acme, globex, acmeReads,
		`grant moves identity_id = partner_identity.acme.id; resource = "shop/a/*"; actions = ["read"]`)
	p.must("apply", "-auto-approve")
	p.configure("", acme, globex,
		`grant one identity_id = partner_identity.acme.id; resource = "orders/acme/one/*"; actions = ["read"]`,
		`grant two identity_id = partner_identity.acme.id; resource = "orders/acme/two/*"; actions = ["read"]`,
		`grant globex identity_id = partner_identity.globex.id; resource = "shop/a/*"; actions = ["read"]`,
		`grant moves identity_id = partner_identity.acme.id; resource = "shop/b/*"; actions = ["read"]`)
	p.must("apply", "-auto-approve")
}

// Another configuration of the same access directory gives the same key, or the same trust, to another identity, under
// the same stack's name or another one: what the apply would refuse, the plan refuses.
func TestAKeyOfAnotherConfigurationIsRefusedAtPlan(t *testing.T) {
	p := newPairs(t)
	_, request := newCSR()
	p.file("partner.csr", request)
	const (
		cert  = `credential cert identity_id = partner_identity.acme.id; rotation = { every = "720h", overlap = "48h" }; certificate = { csr = file("partner.csr") }`
		trust = `credential trust identity_id = partner_identity.acme.id; federated = { issuer = "https://login.acme.test", subject = "svc", audiences = ["orders.example.com"] }`
	)
	p.configure("", acme, cert, trust)
	p.must("apply", "-auto-approve")
	directory := fmt.Sprintf("embedded = { directory = %q }", p.folder+"/.partner/prod")
	other := pairs{newCLI(t)}
	other.file("partner.csr", request)
	mine := strings.Replace(acme, `"etl"`, `"other"`, 1)
	for _, stack := range []string{"", "\n  stack = \"another\""} {
		for _, credential := range []string{cert, trust} {
			other.configure(directory+stack, mine, credential)
			if said := other.refused("separation/shared-key", "plan"); !strings.Contains(said, "held it before") {
				t.Errorf("it is not said who held it: %s", said)
			}
		}
	}
	if p.holds("acme/prod/other") {
		t.Error("something was made")
	}
}

// A block that is renamed takes its key along, also where what is new is made before the old one goes.
func TestTheSameBlockIsNoSecondHolderOfItsKey(t *testing.T) {
	thorough(t)
	for _, lifecycle := range []string{"", "; lifecycle { create_before_destroy = true }"} {
		t.Run(strings.Trim(lifecycle, "; {}"), func(t *testing.T) {
			p := newPairs(t)
			_, request := newCSR()
			p.file("partner.csr", request)
			cert :=
				`credential cert identity_id = partner_identity.acme.id; rotation = { every = "720h", overlap = "48h" }; certificate = { csr = file("partner.csr") }` + lifecycle
			p.configure("", acme, cert)
			p.must("apply", "-auto-approve")
			p.configure("", strings.Replace(acme, `"etl"`, `"renamed"`, 1), cert)
			p.must("plan")
			p.must("apply", "-auto-approve")
			if p.must("plan", "-detailed-exitcode"); p.holds("acme/prod/etl") || !p.holds("acme/prod/renamed") {
				t.Error("it is not the new one that is held")
			}
		})
	}
}

// An id that is written out and names nothing is found at plan. One that names what the same run makes is
// not, and is waited for.
func TestAnIdentityThatIsNowhereIsFoundAtPlan(t *testing.T) {
	slow(t)
	p := newPairs(t)
	literal := `grant daily identity_id = "acme/prod/etl"; resource = "orders/acme/*"; actions = ["read"]`
	p.configure("", acme, literal,
		`grant ghost identity_id = "acme/prod/ghost"; resource = "orders/ghost/*"; actions = ["read"]`)
	if said := p.refused("delegation/unknown-parent", "plan"); !strings.Contains(said, "acme/prod/ghost") ||
		strings.Contains(said, "acme/prod/etl,") {
		t.Error(said)
	}
	// Nothing else goes on beside it: that Terraform would make more calls at once is told by its command line alone.
	p.configure("", `grant ghost identity_id = "acme/prod/ghost"; resource = "orders/ghost/*"; actions = ["read"]`)
	p.refused("delegation/unknown-parent", "plan")
	p.configure("", acme, literal)
	p.must("plan", "-parallelism=1")
	p.must("apply", "-auto-approve")
}

// Where Terraform makes one call at a time, no plan can wait for what is to come: it says that this is open, and the
// apply refuses before anything is made that hangs on what is nowhere.
func TestAnIdentityThatIsNowhereIsRefusedAtApplyWhereNoPlanCanWait(t *testing.T) {
	slow(t)
	p := newPairs(t)
	ghosts := []string{
		`grant ghost identity_id = "acme/prod/ghost"; resource = "orders/ghost/*"; actions = ["read"]`,
		`credential ghost identity_id = "acme/prod/ghost"; rotation = { every = "240h", overlap = "24h" }; secret = { recipient = "` + partnerRecipient + `" }`,
		`identity below partner = "sub"; name = "etl"; parent_id = "acme/prod/ghost"`,
		`grant below identity_id = partner_identity.below.id; resource = "orders/below/*"; actions = ["read"]`,
	}
	p.configure("", append(ghosts, acme)...)
	p.must("plan", "-parallelism=1", "-out=saved")
	if out := p.must("show", "saved"); strings.Contains(out, "unknown-parent") {
		t.Error(out)
	}
	if out := p.must("plan", "-parallelism=1"); strings.Count(out, "An identity may be missing") == 0 ||
		!strings.Contains(out, "acme/prod/ghost") {
		t.Errorf("the plan does not say that it is open:\n%s", out)
	}
	p.refused("delegation/unknown-parent", "apply", "-auto-approve", "-parallelism=1")
	journal := string(p.files(".partner")[".partner/prod/journal.jsonl"])
	if p.holds("acme/prod/ghost") ||
		p.holds("sub/prod/etl") ||
		strings.Contains(journal, `acme/prod/ghost/`) ||
		strings.Contains(journal, `sub/prod/etl`) {
		t.Errorf("something was made of what hangs on nothing:\n%s", journal)
	}
}

// The plan that lets a partner have subcontractors may bring the first one, whichever Terraform begins with.
func TestASubcontractorComesWithTheLeaveForIt(t *testing.T) {
	p := newPairs(t)
	p.configure("", acme)
	p.must("apply", "-auto-approve")
	p.configure("", acme+`; subcontractors = { allowed = true }`,
		`identity sub partner = "sub"; name = "etl"; parent_id = "acme/prod/etl"`)
	if out := p.must("apply", "-auto-approve"); strings.Contains(out, "delegation/not-allowed") {
		t.Error(out)
	}
	if out := p.must("plan", "-destroy",
		"-target=partner_identity.acme"); !strings.Contains(out, "Subcontractors go with identity acme/prod/etl") ||
		!strings.Contains(out, "sub/prod/etl") {
		t.Errorf("the plan of its offboarding does not name it:\n%s", out)
	}
}

// Who owns it approves its exception under another spelling of the same address.
func TestAnOwnerWithATagIsNobodyElse(t *testing.T) {
	p := newPairs(t)
	waived :=
		`identity acme partner = "acme"; name = "etl"; waivers = { "purpose/vague" = { reason = "Migration", approver = "Jane.Doe+ciso@example.com", until = %q } }`
	p.configure("", fmt.Sprintf(waived, access.At(time.Now().Add(20*24*time.Hour))))
	p.refused("waiver/self-approved", "plan")
}

// The moment is in the future would revoke what each apply until then issues. A clock may be a little ahead.
func TestNothingIsRevokedAheadOfTime(t *testing.T) {
	p := newPairs(t)
	key :=
		`credential key identity_id = partner_identity.acme.id; rotation = { every = "240h", overlap = "24h" }; secret = { recipient = "` + partnerRecipient + `" }; revoke_issued_before = %q`
	p.configure("", acme, fmt.Sprintf(key, access.At(time.Now().Add(time.Hour))))
	if out, err := p.try("plan", "-no-color"); err == nil || !strings.Contains(out, "The moment is in the future") {
		t.Errorf("it is not refused: %v\n%s", err, out)
	}
	p.configure("", acme, fmt.Sprintf(key, access.At(time.Now().Add(30*time.Second))))
	p.must("plan")
}
