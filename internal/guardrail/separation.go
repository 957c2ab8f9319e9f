// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// What must not be one: environments, keys, blocks. A key that passes from one identity to another is refused within
// one apply, since a plan cannot tell which change is made first, and both would have it for a while; in two applies it
// passes. What takes the place of its holder is no second one (evaluation.succeeds).

// separationRules returns the rules that keep apart what must not be one: environments, keys, and resource blocks.
func separationRules() []Rule {
	return []Rule{{
		Slug: "separation/environment", Title: "The object belongs to another environment",
		Level: Deny, Fixed: true, On: everything, Reads: []string{"environment", "identity_id", "parent_id"},
		Why:    "A configuration that changes two environments at once lets a mistake in the one into the other.",
		Remedy: "Use the provider of that environment, or name the environment in guardrails.environments.",
		Precedent: Precedent{
			"Midnight Blizzard entered Microsoft in 2023 through an old test tenant that was not part of production, " +
				"and from there reached the mail of its leadership.",
			"https://www.microsoft.com/en-us/security/blog/2024/01/25/midnight-blizzard-guidance-for-responders-on-nation-state-attack/",
		},
		Controls: []Control{NHI8, ISO831, AC6},
		own:      otherEnvironment,
	}, {
		Slug: "separation/shared-key", Title: "Two identities prove themselves with one key",
		Level: Deny, On: carriers, Reads: proofArguments(), Needs: whose,
		Why:    "If two identities share a key, nobody can tell them apart, or end one without the other.",
		Remedy: "Ask the partner for a key, or a workload, of its own for each identity.",
		Precedent: Precedent{
			"F5 shipped BIG-IP appliances with one and the same SSH key for all customers (CVE-2012-1493): whoever " +
				"had it from one could log in to the others.",
			"https://nvd.nist.gov/vuln/detail/CVE-2012-1493",
		},
		Controls: []Control{NHI9, IA4, IA5, ISO517},
		beside:   sharedKey, meet: keyholders, atApply: true,
	}, {
		Slug: "separation/duplicate", Title: "Two resources declare one id",
		Level: Deny, Fixed: true, On: everything, Reads: []string{"identity_id"}, Needs: whose,
		Why:    "Each would undo what the other does, and destroying one would end the other's access.",
		Remedy: "Remove one of the two blocks, or give it another name.",
		Precedent: Precedent{
			"Terraform's documentation expects every object to be bound to one resource only: with several, " +
				"Terraform may behave unexpectedly.",
			"https://developer.hashicorp.com/terraform/language/state",
		},
		Controls: []Control{NHI9, IA4, CIS51},
		beside:   duplicate, meet: namesakes,
	}}
}

// otherEnvironment finds an id of an environment that this provider is not for. The id says it, so it is known even
// before the identity is.
func otherEnvironment(c *Context, s *Subject) []problem {
	ours := append([]string{c.Settings.Environment}, c.Settings.Environments...)
	var found []problem
	check := func(attribute, environment string) {
		if environment != "" && !slices.Contains(ours, environment) {
			found = append(found, problem{attribute: attribute,
				text: say("%s: %s says the environment %s, but this provider is for %s",
					s, attribute, environment, strings.Join(ours, ", "))})
		}
	}
	if i := s.identity(); i != nil {
		check("environment", i.ID.Environment)
		check("parent_id", i.ParentID.Environment)
	} else {
		check("identity_id", s.Object.Holder().Environment)
	}
	return found
}

// keyholders returns the credentials of other identities that hold a key of the entry's, or held it until this plan.
func keyholders(v view, e *entry) []*entry {
	var all []*entry
	for _, k := range e.keys {
		for o := range v.keys[k.print] {
			if o.holder != e.holder && !slices.Contains(all, o) {
				all = append(all, o)
			}
		}
	}
	return all
}

// sharedKey finds a key, a recipient or a federated workload that two identities hold (see keyholders). Who held it
// before this plan is told, since that one is rarely at fault.
func sharedKey(_ *Context, a, b *Subject) []problem {
	for _, ka := range a.keys {
		for _, kb := range b.keys {
			if !shares(a, ka, b, kb) {
				continue
			}
			const passOn = "Ask the partner for a key, or a workload, of its own for each identity. To pass one on, " +
				"take it from the one in one apply, and give it to the other in the next."
			text := say("%s and %s both hold %s", a, b, ka.name())
			switch first, second := a.heldBefore(ka.print), b.heldBefore(ka.print); {
			case first && !second:
				return two(ka.attribute, kb.attribute, text+": the first held it before this plan", passOn)
			case second && !first:
				return two(ka.attribute, kb.attribute, text+": the second held it before this plan", passOn)
			}
			return two(ka.attribute, kb.attribute, text, "")
		}
	}
	return nil
}

// shares reports whether two subjects hold one key, and this plan has a part in that. A partner may have all that it is
// given sealed to one recipient.
func shares(a *Subject, ka heldKey, b *Subject, kb heldKey) bool {
	toOnePartner := (ka.recipient || kb.recipient) && a.partner() == b.partner()
	if ka.print != kb.print || toOnePartner || (ka.prior && kb.prior) {
		return false
	}
	return !givesUpAlone(a, ka, b) && !givesUpAlone(b, kb, a)
}

// givesUpAlone reports whether a key that a subject held before this plan is no finding by that: who keeps it is found
// by what it keeps, and who gives it up shares it only with who had none of it before.
func givesUpAlone(s *Subject, k heldKey, other *Subject) bool {
	return k.prior && (s.holdsNow(k.print) || other.heldBefore(k.print))
}

// heldBefore reports whether a subject held a key before this plan.
func (s *Subject) heldBefore(print string) bool {
	return slices.ContainsFunc(s.keys, func(k heldKey) bool { return k.print == print && k.prior })
}

// holdsNow reports whether a subject holds a key as it is planned, or declared.
func (s *Subject) holdsNow(print string) bool {
	return slices.ContainsFunc(s.keys, func(k heldKey) bool { return k.print == print && !k.prior })
}

// namesakes returns the other resources of this plan that declare the entry's id. At apply they
// were told apart already.
func namesakes(v view, e *entry) []*entry {
	if v.phase == Apply || len(v.planned[e.ref]) < 2 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(v.planned[e.ref]), func(o *entry) bool { return o == e })
}

// duplicate finds two resource blocks of one plan that declare the same id: the second would take over the first.
func duplicate(_ *Context, a, _ *Subject) []problem {
	attribute := "name"
	if a.Object.Ref().Type == access.TypeCredential {
		attribute = "identity_id"
	}
	return two(attribute, attribute, say("two resources of this plan declare %s", a), "")
}
