// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// scopeRules returns the rules about what grants and ceilings reach. Patterns are compared by meaning (access.Outside,
// Pattern.Overlaps), never as text.
func scopeRules() []Rule {
	return []Rule{{
		Slug: "scope/wildcard-action", Title: "The grant allows every action",
		Level: Deny, Fixed: true, On: grants, Reads: []string{"actions"},
		Why:    "Whoever may do everything may also do what nobody thought of.",
		Remedy: "List in actions what the partner does, such as [\"read\", \"list\"].",
		Precedent: Precedent{
			"The link that Microsoft's researchers published in 2020 was meant for downloads. It allowed everything: " +
				"whoever had it could also have deleted and replaced the files.",
			"https://www.wiz.io/blog/38-terabytes-of-private-data-accidentally-exposed-by-microsoft-ai-researchers",
		},
		Controls: []Control{NHI5, AC6, PRAA05, ISO518},
		own:      wildcardAction,
	}, {
		Slug: "scope/wildcard-resource", Title: "The grant covers too much",
		Level: Deny, On: grants, Reads: []string{"resource"},
		Why: "A wildcard so near to the start also covers what is put there later, for others.",
		Remedy: "Write more literal segments before the first wildcard of resource, or begin it with the " +
			"partner's name.",
		Precedent: Precedent{
			"In 2019 an intruder at Capital One used the role of a web firewall. It could list and copy folders of " +
				"customers' data, with which a firewall has nothing to do.",
			"https://www.justice.gov/usao-wdwa/press-release/file/1188626/download",
		},
		Controls: []Control{NHI5, AC6, PRAA05, ISO518},
		own:      wildcardResource,
	}, {
		Slug: "scope/outside-ceiling", Title: "The grant is outside of its identity's ceiling",
		Level: Deny, Fixed: true, On: grants, Reads: []string{"resource"}, ReadsAbove: []string{"ceiling"},
		Why:    "The ceiling is what was agreed on for the identity; nobody agreed on a grant beyond it.",
		Remedy: "Narrow resource until it lies inside of the ceiling, or widen the ceiling in a review of its own.",
		Precedent: Precedent{
			"In 2013 intruders entered Target with the credentials of a contractor for heating and cooling. From " +
				"there they reached the tills.",
			"https://www.commerce.senate.gov/services/files/24d3c229-4f2f-405d-b8db-a3a67f183883",
		},
		Controls: []Control{NHI5, AC6, PRAA05, ISO518},
		above:    outsideCeiling, up: toIdentity,
	}, {
		Slug: "scope/exceeds-parent", Title: "A subcontractor reaches further than the partner above it",
		Level: Deny, Fixed: true, On: []access.Type{access.TypeIdentity, access.TypeGrant},
		Reads: []string{"resource", "ceiling", "parent_id"}, ReadsAbove: []string{"ceiling"},
		Why:    "A partner cannot pass on what it does not have.",
		Remedy: "Narrow it until it lies inside of the parent's ceiling.",
		Precedent: Precedent{
			"RFC 5280 (section 4.2.1.10): where a certificate authority is bound to a name space, all names in the " +
				"certificates below it must lie in that space.",
			"https://www.rfc-editor.org/rfc/rfc5280.html#section-4.2.1.10",
		},
		Controls: []Control{NHI3, NHI5, SA9, ISO521},
		above:    exceedsParent, up: toCeiling,
	}, {
		Slug: "scope/foreign-partner", Title: "Two partners meet on one resource",
		Level: Deny, On: []access.Type{access.TypeIdentity, access.TypeGrant},
		Reads: []string{"resource", "ceiling", "parent_id"}, Needs: whose,
		Why:    "One partner must not see what belongs to another.",
		Remedy: "Narrow one of the two; where partners are meant to meet, name the pattern in the setting shared.",
		Precedent: Precedent{
			"In 2021 a flaw of Azure Cosmos DB let a customer take the keys of other customers' databases.",
			"https://www.wiz.io/blog/chaosdb-how-we-hacked-thousands-of-azure-customers-databases",
		},
		Controls: []Control{NHI3, NHI5, AC6, ISO519},
		beside:   foreignPartner, meet: foreigners, chained: true,
	}, {
		Slug: "scope/overlap", Title: "Two grants allow the same",
		Level: Deny, On: grants, Reads: []string{"resource", "actions"}, Needs: whose,
		Why:    "The longer one hides the end of the shorter one: access goes on that was declared to have ended.",
		Remedy: "Unite the two, or narrow one until no action on any path is in both.",
		Precedent: Precedent{
			"Access systems add grants up. In AWS one policy that allows is enough, whatever became of another " +
				"one that did.",
			"https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html",
		},
		Controls: []Control{NHI5, AC6, PRAA05, IAM07},
		beside:   overlap, meet: siblings,
	}, {
		Slug: "scope/accumulation", Title: "The identity has gathered many grants",
		Level: Warn, On: grants, Reads: []string{"resource"},
		Why:    "If access grows grant by grant, nobody sees the whole of it.",
		Remedy: "Remove the grants that are no longer needed, or give another use case an identity of its own.",
		Precedent: Precedent{
			"NIST SP 800-53 AC-6(7): assigned privileges are reviewed for whether they are still needed, and removed " +
				"if they are not.",
			"https://csrc.nist.gov/pubs/sp/800/53/r5/upd1/final",
		},
		Controls: []Control{NHI5, NHI9, AC6, IAM08},
		own:      accumulation,
	}}
}

// wildcardAction finds actions that stand for all actions. What an action means on a certain engine is the rules of
// reaching.go.
func wildcardAction(_ *Context, s *Subject) []problem {
	var wild []string
	for _, a := range slices.Sorted(slices.Values(s.grant().Actions)) {
		if slices.Contains([]string{"*", "sudo", "root", "admin", "all"}, a) {
			wild = append(wild, a)
		}
	}
	if len(wild) == 0 {
		return nil
	}
	return one("actions", say("%s: actions holds %s, which stands for everything", s, list(wild)), "")
}

// wildcardResource finds a pattern that fixes too little before its first wildcard. A pattern without one is fine, and
// so is one that names the partner among its fixed segments. Segments that only name the place (a mount, an account)
// count as one together.
func wildcardResource(c *Context, s *Subject) []problem {
	resource := s.grant().Resource
	fixed, wild := resource.Fixed()
	place := max(c.reach(s).Place, 1) // what names a place fixes as much as one segment does
	counts := fixed - min(place, fixed) + min(fixed, 1)
	if !wild ||
		counts >= c.Settings.MinFixedSegments ||
		slices.Contains(resource.Segments()[:fixed], s.partner()) {
		return nil
	}
	such := "such as"
	if fixed+1 < c.Settings.MinFixedSegments { // the example is shorter, and passes by its name
		such = "or the partner's name among fewer, as in"
	}
	fix := say("Write %d literal segments or more before the first wildcard, %s \"%s/*\".", c.Settings.MinFixedSegments,
		such, example(resource, fixed, s.partner()))
	if fixed == 1 && resource.Segments()[0] == "ssh" {
		// what follows ssh is no folder
		fix = "Name one login, as in \"ssh/<login>\", and give each further one a grant of its own."
	}
	named := ""
	if place > 1 && fixed >= place {
		named = say(" (%s counts as one: it only names the place)", strings.Join(resource.Segments()[:place], "/"))
	}
	return one("resource", say("%s: resource %s has %s before its first wildcard%s; min_fixed_segments is %d", s,
		resource,
		counted(counts, "literal segment"), named, c.Settings.MinFixedSegments), fix)
}

// example returns the literal start of a resource, with the partner's name after it.
func example(resource access.Pattern, fixed int, partner string) string {
	return strings.Join(append(resource.Segments()[:fixed:fixed], partner), "/")
}

// outsideCeiling finds a grant that reaches beyond its identity's ceiling, and names a path that is outside. An
// identity without a ceiling bounds nothing.
func outsideCeiling(_ *Context, lower, upper *Subject) []problem {
	ceiling := upper.identity().Ceiling
	if len(ceiling) == 0 {
		return nil
	}
	path, outside := access.Outside(ceiling, lower.grant().Resource)
	if !outside {
		return nil
	}
	return two("resource", "ceiling",
		say("%s: resource %s covers %s, which the ceiling of %s (%s) does not", lower, lower.grant().Resource, path,
			upper, patterns(ceiling)), "")
}

// patterns returns patterns as one sorted text.
func patterns(all []access.Pattern) string {
	var words []string
	for _, p := range slices.Sorted(slices.Values(all)) {
		words = append(words, string(p))
	}
	return strings.Join(words, ", ")
}

// exceedsParent finds a subcontractor's grant or ceiling that reaches beyond the ceiling above it. An identity
// without a ceiling bounds nothing: toCeiling goes on to the next one above.
func exceedsParent(_ *Context, lower, upper *Subject) []problem {
	attribute := lower.reachedBy()
	ceiling := upper.identity().Ceiling
	for _, p := range lower.reach() {
		if path, outside := access.Outside(ceiling, p); outside {
			return two(attribute, "ceiling",
				say("%s: %s %s covers %s, which the ceiling of %s above it (%s) does not", lower, attribute, p, path,
					upper, patterns(ceiling)), "")
		}
	}
	return nil
}

// siblings returns the other grants of the same identity whose resources overlap the entry's.
func siblings(v view, e *entry) []*entry {
	f := v.families[e.holder]
	if f == nil || e.grant().Resource == "" {
		return nil
	}
	found := map[*entry]bool{}
	f.grants.overlapping(e.grant().Resource, "", found)
	var all []*entry
	for o := range found {
		if o.ref != e.ref {
			all = append(all, o)
		}
	}
	return all
}

// overlap finds two grants of one identity that let do the same on a path that both cover. Only what the longer one
// adds to the shorter one counts, for that hides the shorter one's end; with equal ends either may be the longer one.
func overlap(c *Context, a, b *Subject) []problem {
	shorter, longer := a.grant(), b.grant()
	if shorter.ExpiresAt.After(longer.ExpiresAt.Time) {
		shorter, longer = longer, shorter
	}
	within := func(does, other []string) bool { // what does more than the longer one adds that until its own end
		return len(does) > 0 && !slices.ContainsFunc(does, func(d string) bool { return !slices.Contains(other, d) })
	}
	same := c.alike(shorter, longer, within)
	if shorter.ExpiresAt.Equal(longer.ExpiresAt.Time) { // either is the longer one
		same = slices.Compact(slices.Sorted(slices.Values(append(same, c.alike(longer, shorter, within)...))))
	}
	if len(same) == 0 {
		return nil
	}
	text := say("%s (until %s) and %s (until %s) both allow %s on %s", a, date(a.grant().ExpiresAt.Time), b,
		date(b.grant().ExpiresAt.Time),
		strings.Join(same, ", "), shorter.Resource.Meet(longer.Resource))
	return two("resource", "resource", text, "")
}

// alike returns the actions of a grant that another one has too, or that let do the same as one of its own, by a
// measure of the caller's.
func (c *Context) alike(a, b *access.Grant, same func(does, other []string) bool) (actions []string) {
	var others [][]string // what each of b's lets do; not asked before it matters
	for _, action := range slices.Sorted(slices.Values(a.Actions)) {
		if action == "*" || slices.Contains(b.Actions, "*") || slices.Contains(b.Actions, action) {
			actions = append(actions, action)
			continue
		}
		if others == nil {
			for _, other := range b.Actions {
				others = append(others, c.does(b, other))
			}
		}
		does := c.does(a, action)
		if slices.ContainsFunc(others, func(other []string) bool { return same(does, other) }) {
			actions = append(actions, action)
		}
	}
	return actions
}

// does returns what an action of a grant lets do, in words that are alike where that is.
func (c *Context) does(g *access.Grant, action string) []string {
	if c.Capabilities.Does == nil {
		return []string{action}
	}
	return c.Capabilities.Does(g.Resource, action)
}

// share reports whether what two actions let do may have something in common: nobody knows what an action did that
// means nothing any more.
func share(a, b []string) bool {
	return len(a) == 0 ||
		len(b) == 0 ||
		slices.ContainsFunc(a, func(word string) bool { return slices.Contains(b, word) })
}

// accumulation warns once for an identity, at the first grant over max_grants.
func accumulation(c *Context, s *Subject) []problem {
	if !c.firstOver(c.Settings.MaxGrants) {
		return nil
	}
	return one("identity_id", say("identity %s has more than %s; max_grants is %d", s.Object.Holder(),
		counted(c.Settings.MaxGrants, "grant"), c.Settings.MaxGrants), "")
}

// firstOver reports whether the subject is the first of its type and identity to arrive over the limit, counting what
// other stacks hold. If other stacks hold more than that already, the first that arrives says it.
func (c *Context) firstOver(limit int) bool {
	elsewhere := c.view.families[c.subject.holder].elsewhere[c.subject.ref.Type]
	n := c.subject.rank + elsewhere
	return n > limit && (n == limit+1 || c.subject.rank == 1)
}
