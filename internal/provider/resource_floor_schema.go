// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// floorSchema returns the schema of partner_floor. An argument that the provider's guardrails have as well is called
// the same, so that an error can name both. Unlike those of the governed resources, it may have plan modifiers: it does
// not take the short way.
func floorSchema() schema.Schema {
	s := schema.Schema{
		MarkdownDescription: "The floor of an access system: settings of the rules that no configuration can loosen. " +
			"The system itself keeps it, and every plan of every configuration reads it. A provider block may be " +
			"tighter, but never looser: the plan then names the argument, what the floor says, and who set it. Less " +
			"access is never refused.\n\nA system has one floor. Put it into a configuration, a state and a login of " +
			"its own, which the people who declare partner access do not have. If the floor leaves a setting out, " +
			"each configuration decides. A change counts from the next run of each configuration on. A destroy " +
			"removes the floor on purpose; if it vanishes otherwise, everything that would give more access " +
			"is refused.",
		Attributes: map[string]schema.Attribute{
			"set_by": schema.StringAttribute{
				Required: true, Validators: []validator.String{someText()},
				MarkdownDescription: "Who answers for the floor: an e-mail address. Every refusal names it.",
			},
			// There is no "off": a floor that switched a rule off would loosen something.
			"levels": schema.MapAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "The lowest level that a configuration may set, `deny` or `warn`, by slug " +
					"of the rule.",
				Validators: []validator.Map{mapvalidator.ValueStringsAre(stringvalidator.OneOf("deny",
					"warn"))},
			},
			// Every setting below is optional, and null leaves it to each configuration.
			"unwaivable": floorTexts("Rules that no waiver sets aside, by slug.", someText()),
			"max_lifetime": schema.SingleNestedAttribute{
				Optional: true, MarkdownDescription: "The longest life of access, from its creation or renewal.",
				Attributes: map[string]schema.Attribute{
					"identity":   floorLength("Of identities."),
					"credential": floorLength("Of credentials."),
					"grant":      floorLength("Of grants."),
				},
			},
			"max_waiver": floorLength("How far ahead a waiver may end; at most `2160h` (90 days)."),
			"max_issued": floorLength("The longest life of what is issued once (a certificate, a secret): the " +
				"rotation must be shorter."),
			"review_every":  floorLength("How long a review may count at most."),
			"dormant_after": floorLength("The longest time without use before access counts as dormant."),
			"warn_before":   floorLength("The shortest time before an end at which `expiry/soon` warns."),
			"min_fixed_segments": schema.Int64Attribute{
				Optional: true, Validators: []validator.Int64{int64validator.Between(1, 1000)},
				MarkdownDescription: "The fewest literal segments that a resource must have before its first wildcard.",
			},
			"max_grants": schema.Int64Attribute{
				Optional: true, Validators: []validator.Int64{int64validator.Between(1, 1000)},
				MarkdownDescription: "The most grants that one identity may have.",
			},
			"owner_domains": floorTexts("Domains that owners must belong to. A configuration may name some of them, "+
				"or subdomains.", someText()),
			"environments": floorTexts("The environments that configurations and their identities may belong to.",
				part("an environment's name")),
			"shared": floorTexts("Patterns within which configurations may let partners meet. An empty set "+
				"shares nothing.", pattern()),
			// A signature needs somebody whose signature counts: without deciders, guardrail.ValidateFloor refuses it.
			"require_signed": floorTexts("What needs a signature of one of the `deciders`: `review`, `waiver`, "+
				"`hold_release`.",
				stringvalidator.OneOf(access.SignedKinds()...)),
			"partners": floorPartners(),
			"deciders": floorDeciders(),
			// The rest is the system's. Digest and generation tell whoever reviews a plan, or a report, which floor it
			// was made under.
			"id": schema.StringAttribute{
				Computed: true, PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
				MarkdownDescription: "Always `floor`.",
			},
			"digest": schema.StringAttribute{Computed: true,
				MarkdownDescription: "The SHA-256 of what the floor says."},
			"generation": schema.Int64Attribute{Computed: true,
				MarkdownDescription: "A number that grows with each change."},
			"set_at": schema.StringAttribute{Computed: true,
				MarkdownDescription: "When it was last set. RFC 3339, UTC."},
		},
	}
	return s
}

// floorTexts returns a set of texts, each of which a validator takes.
func floorTexts(description string, each validator.String) schema.Attribute {
	return schema.SetAttribute{
		Optional: true, ElementType: types.StringType, MarkdownDescription: description,
		Validators: []validator.Set{setvalidator.ValueStringsAre(each)},
	}
}

// floorLength returns a duration.
func floorLength(description string) schema.Attribute {
	return schema.StringAttribute{
		Optional:            true,
		MarkdownDescription: description,
		Validators:          []validator.String{span()},
	}
}

// floorPartners returns the schema of the register. With one, even an empty one, no configuration can add a partner.
func floorPartners() schema.Attribute {
	return schema.MapNestedAttribute{
		Optional: true, MarkdownDescription: "The register of partners by name: no configuration can add another one.",
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"domains": floorTexts("The partner's own domains: none of its people may own its access or review it.",
				domain()),
			"aws_accounts": floorTexts("The partner's own AWS accounts. On AWS, no other is trusted as the partner's.",
				accountNumber()),
			"agreement": schema.SingleNestedAttribute{
				Optional: true, MarkdownDescription: "The contract: all access of the partner ends with it at " +
					"the latest.",
				Attributes: map[string]schema.Attribute{
					"reference": schema.StringAttribute{
						Required:            true,
						MarkdownDescription: "Its number or name.",
						Validators:          []validator.String{someText()},
					},
					"ends_at": schema.StringAttribute{
						Required:            true,
						MarkdownDescription: "When it ends: an RFC 3339 moment.",
						Validators:          []validator.String{moment()},
					},
				},
			},
		}},
	}
}

// floorDeciders returns the schema of who may decide with a signature.
func floorDeciders() schema.Attribute {
	when := func(description string) schema.Attribute {
		return schema.StringAttribute{
			Optional:            true,
			MarkdownDescription: description,
			Validators:          []validator.String{moment()},
		}
	}
	return schema.ListNestedAttribute{
		Optional: true, MarkdownDescription: "Who may decide with a signature, and on what.",
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"address": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Who it is: an e-mail address.",
				Validators:          []validator.String{someText()},
			},
			"partners": floorTexts("The partners on whose access they decide. Default: all.",
				part("a partner's name")),
			"owners": floorTexts("The owners on whose access they decide: e-mail addresses. Default: all.",
				someText()),
			// Nobody is a decider for ever: who leaves the company stops being one even if nobody changes the floor.
			"until": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "When they stop being a decider: an RFC 3339 moment.",
				Validators:          []validator.String{moment()},
			},
			"decides_own": schema.BoolAttribute{Optional: true,
				MarkdownDescription: "Whether they may decide on what they own themselves. Default `false`."},
			"keys": schema.ListNestedAttribute{
				Required: true, MarkdownDescription: "The public keys that they sign with.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"key": schema.StringAttribute{
						Required:            true,
						MarkdownDescription: "A line of a `.pub` file.",
						Validators:          []validator.String{someText()},
					},
					"valid_after": when("When the key starts to count: an RFC 3339 moment. Default: always."),
					"valid_before": when("When the key stops counting: an RFC 3339 moment. Default: as long as they " +
						"are a decider."),
					"revoked": schema.BoolAttribute{Optional: true,
						MarkdownDescription: "Whether the key is revoked: then nothing that it signed counts."},
				}},
			},
		}},
	}
}
