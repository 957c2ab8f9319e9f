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

func floorSchema() schema.Schema {
	s := schema.Schema{
		MarkdownDescription: "The floor of an access system: settings of the rules that no configuration can loosen. It is kept in the system itself, and every plan of every " +
			"configuration reads it. A provider block may be tighter, never looser: the plan then names the argument, what the floor says, and who set it. " +
			"Less access is never refused.\n\nA system has one floor. Put it into a configuration, a state and a login of its own, which those who declare partners' access do not " +
			"have. What is not set leaves each configuration its own. It counts from the next run of each configuration on. Destroying it removes it on purpose; " +
			"one that vanishes otherwise stops whatever would give more access.",
		Attributes: map[string]schema.Attribute{
			"set_by": schema.StringAttribute{
				Required: true, Validators: []validator.String{someText()}, MarkdownDescription: "Who answers for the floor: an e-mail address. Every refusal names it.",
			},
			"levels": schema.MapAttribute{
				Optional: true, ElementType: types.StringType, MarkdownDescription: "Levels of rules by slug, `deny` or `warn`, below which no configuration sets them.",
				Validators: []validator.Map{mapvalidator.ValueStringsAre(stringvalidator.OneOf("deny", "warn"))},
			},
			"unwaivable": floorTexts("Rules that no waiver sets aside, by slug.", someText()),
			"max_lifetime": schema.SingleNestedAttribute{
				Optional: true, MarkdownDescription: "How long access may live at most from its creation or renewal.",
				Attributes: map[string]schema.Attribute{
					"identity":   floorLength("Of identities."),
					"credential": floorLength("Of credentials."),
					"grant":      floorLength("Of grants."),
				},
			},
			"max_waiver":    floorLength("How far ahead a waiver may end at most; never over `2160h` (90 days)."),
			"max_issued":    floorLength("How long what is issued once (a certificate, a secret) may live at most: its rotation has to be shorter."),
			"review_every":  floorLength("How long a review counts at most."),
			"dormant_after": floorLength("After how long without use access is dormant at the latest."),
			"warn_before":   floorLength("How long before an end `expiry/soon` warns at least."),
			"min_fixed_segments": schema.Int64Attribute{
				Optional: true, Validators: []validator.Int64{int64validator.Between(1, 1000)},
				MarkdownDescription: "How many literal segments a resource must have at least before its first wildcard.",
			},
			"max_grants": schema.Int64Attribute{
				Optional: true, Validators: []validator.Int64{int64validator.Between(1, 1000)}, MarkdownDescription: "How many grants one identity may have at most.",
			},
			"owner_domains": floorTexts("Domains that owners must be of; a configuration may name some of them, or subdomains.", someText()),
			"environments":  floorTexts("The environments that configurations may be of, and that their identities may be of.", part("an environment's name")),
			"shared":        floorTexts("Patterns within which configurations may let partners meet. An empty set lets nothing be shared.", pattern()),
			"require_signed": floorTexts("What nobody decides without a signature of one of the `deciders`: `review`, `waiver`, `hold_release`.",
				stringvalidator.OneOf(access.SignedKinds()...)),
			"partners": floorPartners(),
			"deciders": floorDeciders(),
			"id": schema.StringAttribute{
				Computed: true, PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()}, MarkdownDescription: "Always `floor`.",
			},
			"digest":     schema.StringAttribute{Computed: true, MarkdownDescription: "The SHA-256 of what the floor says."},
			"generation": schema.Int64Attribute{Computed: true, MarkdownDescription: "It grows with each change."},
			"set_at":     schema.StringAttribute{Computed: true, MarkdownDescription: "When it was last set. RFC 3339, UTC."},
		},
	}
	return s
}

func floorTexts(description string, each validator.String) schema.Attribute {
	return schema.SetAttribute{
		Optional: true, ElementType: types.StringType, MarkdownDescription: description, Validators: []validator.Set{setvalidator.ValueStringsAre(each)},
	}
}

func floorLength(description string) schema.Attribute {
	return schema.StringAttribute{Optional: true, MarkdownDescription: description, Validators: []validator.String{span()}}
}

func floorPartners() schema.Attribute {
	return schema.MapNestedAttribute{
		Optional: true, MarkdownDescription: "The register of partners by name: no configuration knows another one.",
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"domains":      floorTexts("The partner's own domains: none of its people may own its access or review it.", domain()),
			"aws_accounts": floorTexts("The partner's own AWS accounts: on AWS no other is trusted as the partner's.", accountNumber()),
			"agreement": schema.SingleNestedAttribute{
				Optional: true, MarkdownDescription: "The contract: all access of the partner ends with it at the latest.",
				Attributes: map[string]schema.Attribute{
					"reference": schema.StringAttribute{Required: true, MarkdownDescription: "Its number or name.", Validators: []validator.String{someText()}},
					"ends_at":   schema.StringAttribute{Required: true, MarkdownDescription: "When it ends: an RFC 3339 moment.", Validators: []validator.String{moment()}},
				},
			},
		}},
	}
}

func floorDeciders() schema.Attribute {
	when := func(description string) schema.Attribute {
		return schema.StringAttribute{Optional: true, MarkdownDescription: description, Validators: []validator.String{moment()}}
	}
	return schema.ListNestedAttribute{
		Optional: true, MarkdownDescription: "Who may decide with a signature, and on what.",
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"address":     schema.StringAttribute{Required: true, MarkdownDescription: "Who it is: an e-mail address.", Validators: []validator.String{someText()}},
			"partners":    floorTexts("The partners on whose access they decide. Default all.", part("a partner's name")),
			"owners":      floorTexts("The owners on whose access they decide: e-mail addresses. Default all.", someText()),
			"until":       schema.StringAttribute{Required: true, MarkdownDescription: "Until when they are a decider: an RFC 3339 moment.", Validators: []validator.String{moment()}},
			"decides_own": schema.BoolAttribute{Optional: true, MarkdownDescription: "Whether they may decide on what they own themselves. Default no."},
			"keys": schema.ListNestedAttribute{
				Required: true, MarkdownDescription: "The public keys that they sign with.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"key":          schema.StringAttribute{Required: true, MarkdownDescription: "A line of a `.pub` file.", Validators: []validator.String{someText()}},
					"valid_after":  when("From when on it signs: an RFC 3339 moment. Default from ever."),
					"valid_before": when("Until when it signs: an RFC 3339 moment. Default as long as they are a decider."),
					"revoked":      schema.BoolAttribute{Optional: true, MarkdownDescription: "Whether nothing that it signed counts any more."},
				}},
			},
		}},
	}
}
