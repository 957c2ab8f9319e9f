// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"maps"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// partnerRules returns the rules about the register of partners, the provider's argument partners. Without one they
// find nothing.
func partnerRules() []Rule {
	return []Rule{{
		Slug: "partner/unknown", Title: "The register does not hold this partner",
		Level: Deny, Fixed: true, On: everything, Reads: []string{"partner"},
		Why: "A partner outside the register has no agreement and no contact, and nobody offboards it.",
		Remedy: "Add the partner to the provider's partners with its agreement, domains and contact, or " +
			"correct its name.",
		Precedent: Precedent{
			"PCI DSS 4.0.1, requirement 12.8.1: a list of all third-party service providers is kept, with what each " +
				"of them does.",
			"https://www.pcisecuritystandards.org/document_library/",
		},
		Controls: []Control{NHI3, GVSC05, SA9, ISO519},
		own:      partnerUnknown,
	}, {
		Slug: "partner/unlisted-account", Title: "The register does not list this AWS account as the partner's",
		Level: Deny, Fixed: true, On: carriers, Reads: []string{"federated"},
		Why: "Nobody can tell from twelve digits whose account it is: one wrong digit lets a stranger in.",
		Remedy: "Compare the account with what the partner has signed, and add it to the partner's aws_accounts in " +
			"the register, or correct aws_principal.",
		Precedent: Precedent{
			"AWS IAM Access Analyzer reports each role and each bucket that somebody outside of the account can " +
				"reach, until somebody says that it is meant.",
			"https://docs.aws.amazon.com/IAM/latest/UserGuide/what-is-access-analyzer.html",
		},
		Controls: []Control{NHI3, GVSC05, SA9, ISO519},
		own:      unlistedAccount,
	}}
}

// unlistedAccount finds trust in an AWS account that the register does not list as the partner's.
func unlistedAccount(c *Context, s *Subject) []problem {
	trust := s.credential().Federated
	if !trust.Account() || c.Settings.Partners == nil {
		return nil
	}
	p, err := access.ParseAWSPrincipal(trust.AWSPrincipal)
	registered, known := c.Settings.Partners[s.partner()]
	if err != nil || !known || slices.Contains(registered.AWSAccounts, p.Account) {
		return nil // what does not parse, and a partner that is not there, are other rules'
	}
	lists := "lists no account"
	if len(registered.AWSAccounts) > 0 {
		lists = "lists " + strings.Join(slices.Sorted(slices.Values(registered.AWSAccounts)), ", ")
	}
	return one("federated.aws_principal",
		say("%s trusts the AWS account %s, and the register %s as %s's", s, p.Account, lists, s.partner()), "")
}

// partnerUnknown finds a partner that the register does not hold, and names the nearest ones that it does: most often
// it is a typing mistake. An empty register knows nobody; null is no register.
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
	return one(attribute, say("%s is of the partner %s, which is not in the register of partners (%s)", s, shown(name),
		holds), "")
}
