// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"slices"
	"strings"
	"sync"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// The one table of rules. A rule is a row: what it is called, what it reads, why it matters, what to write instead, and
// a pure function. What decides about errors and warnings, waiting, waivers and order is the same for all rules and
// stands in evaluate.go, so a new rule is a row and its cases (see TestEveryRuleJudgesItsCases,
// TestEveryRuleIsComplete).

// Rule is one row of the catalogue. Rules that this package hands out are copies: no caller changes the table.
type Rule struct {
	// Slug never changes: waivers name it.
	Slug, Title string
	// Level is the default. Fixed: no setting lowers it and no waiver hides it.
	Level Level
	Fixed bool
	// On are the types of objects that it judges.
	On []access.Type
	// Reads are the arguments that it reads. Its finding is an error where the plan creates the object or widens one of
	// these, and it waits while one of them is not known. Needs are further ones that it waits for.
	Reads, Needs []string
	// ReadsAbove are the arguments that it reads of the identity or parent above the object, NeedsAbove those that it
	// only waits for.
	ReadsAbove, NeedsAbove []string
	// Why says in a sentence why it matters, Remedy what to write instead.
	Why, Remedy string
	// Precedent is what happened elsewhere where nobody kept to it, or the standard that asks for it.
	Precedent Precedent
	Controls  []Control
	// Silences are the rules that are silent on an argument where this one speaks.
	Silences []string

	// Exactly what a rule looks at: an object by itself (own), with one above it (above, that up finds), or with
	// another beside it (beside, among those that meet finds).
	own    func(c *Context, s *Subject) []problem
	above  func(c *Context, lower, upper *Subject) []problem
	up     resolver
	beside func(c *Context, a, b *Subject) []problem
	meet   finder
	// each: it judges each of those above by what is known of that one, and names the one at
	// fault. So it waits for none.
	each bool
	// atApply: what it says against the system alone is an error at apply.
	atApply bool
	// chained: whether it compares two objects depends on what stands above them.
	chained bool
	// unready: it judges what is not known yet, so it does not wait. last: it judges after all other rules.
	unready, last bool
	// bounded: beyond a certain point it holds even where it is switched off.
	bounded bool
}

// Precedent is an incident or a standard, and the page of its publisher that says so.
type Precedent struct{ Text, Source string }

// Catalogue returns every rule, sorted by slug.
func Catalogue() []Rule {
	rules := slices.Clone(table())
	for i := range rules {
		rules[i] = rules[i].clone()
	}
	return rules
}

// Lookup finds a rule by its slug.
func Lookup(slug string) (Rule, bool) {
	at, found := find(slug)
	if !found {
		return Rule{}, false
	}
	return table()[at].clone(), true
}

// clone copies the slices. Functions and texts cannot be changed through a copy.
func (r Rule) clone() Rule {
	r.On, r.Reads, r.Needs = slices.Clone(r.On), slices.Clone(r.Reads), slices.Clone(r.Needs)
	r.NeedsAbove, r.ReadsAbove, r.Controls, r.Silences = slices.Clone(r.NeedsAbove), slices.Clone(r.ReadsAbove),
		slices.Clone(r.Controls), slices.Clone(r.Silences)
	return r
}

// Pairs reports whether the rule compares objects with others.
func (r Rule) Pairs() bool { return r.above != nil || r.beside != nil }

// Bounded reports whether there is a point beyond which no level and no waiver helps against the rule.
func (r Rule) Bounded() bool { return r.bounded }

// find returns where a slug stands in the table, which is sorted by slug.
func find(slug string) (int, bool) {
	return slices.BinarySearchFunc(table(), slug, func(r Rule, s string) int { return strings.Compare(r.Slug, s) })
}

func slugs() []string {
	var all []string
	for _, r := range table() {
		all = append(all, r.Slug)
	}
	return all
}

// table is the one table, sorted by slug. Nothing that it holds is ever changed or handed out uncloned.
var table = sync.OnceValue(func() []Rule {
	all := slices.Concat(
		planRules(), ownerRules(), partnerRules(), expiryRules(), reviewRules(), decisionRules(), signedRules(),
		purposeRules(), scopeRules(), reachRules(), separationRules(),
		credentialRules(), delegationRules(), activityRules(), incidentRules(), offboardingRules(), waiverRules(),
	)
	order.Sort(all, func(a, b Rule) int { return strings.Compare(a.Slug, b.Slug) })
	return all
})

// whose are the arguments that say whose an object is: what is compared with others waits for them.
var whose = []string{"partner", "environment", "name", "identity_id"}

// The types that rules judge.
var (
	everything = []access.Type{access.TypeIdentity, access.TypeCredential, access.TypeGrant}
	identities = []access.Type{access.TypeIdentity}
	children   = []access.Type{access.TypeCredential, access.TypeGrant}
	carriers   = []access.Type{access.TypeCredential}
	grants     = []access.Type{access.TypeGrant}
)
