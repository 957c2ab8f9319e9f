package guardrail

import (
	"maps"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

func partnerRules() []Rule {
	return []Rule{{
		Slug: "partner/unknown", Title: "The register does not hold this partner",
		Level: Deny, Fixed: true, On: everything, Reads: []string{"partner"},
		Why:    "A partner outside the register has no agreement and no contact, and nobody offboards it.",
		Remedy: "Add the partner to the provider's partners with its agreement, domains and contact, or correct its name.",
		Precedent: Precedent{
			"PCI DSS 4.0.1, requirement 12.8.1: a list of all third-party service providers is kept, with what each of them does.",
			"https://www.pcisecuritystandards.org/document_library/",
		},
		Controls: []Control{NHI3, GVSC05, SA9, ISO519},
		own:      partnerUnknown,
	}}
}

func partnerUnknown(c *Context, s *Subject) []problem {
	name := s.partner()
	if _, known := c.Settings.Partners[name]; known || c.Settings.Partners == nil {
		return nil
	}
	attribute := "identity_id"
	if s.Object.Ref().Type == access.TypeIdentity {
		attribute = "partner"
	}
	known := slices.Sorted(maps.Keys(c.Settings.Partners))
	known = nearest(name, known)
	holds := "it holds none; where there is no register, write partners = null"
	if len(known) > 0 {
		holds = "it holds " + strings.Join(known[:min(len(known), 5)], ", ")
		if more := len(known) - 5; more > 0 {
			holds += say(" and %d more", more)
		}
	}
	return one(attribute, say("%s is of the partner %s, which is not in the register of partners (%s)", s, shown(name), holds), "")
}
