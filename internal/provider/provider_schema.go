// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
	"github.com/partner-access/terraform-provider-partner/internal/signed"
	"github.com/partner-access/terraform-provider-partner/internal/worksheet"
)

// The provider block: its schema, and the settings of the rules that it makes. What a system's block takes stands in
// that system's own file.

// providerSchema returns the schema. It has nothing required: what is, may come from the environment of a pipeline, and
// readProvider asks for it.
func providerSchema() schema.Schema {
	s := schema.Schema{
		MarkdownDescription: "Governs the access that partners have into a company: who answers for it, what it " +
			"reaches, when it ends. One configuration governs one access system; use aliases for more.",
		Attributes: map[string]schema.Attribute{
			"environment": schema.StringAttribute{
				Optional: true, Validators: []validator.String{part("an environment's name")},
				MarkdownDescription: "The environment that this configuration governs, and the default of its " +
					"identities. Required, here or in `PARTNER_ENVIRONMENT`.",
			},
			"stack": schema.StringAttribute{
				Optional: true, Validators: []validator.String{part("a stack's name")},
				MarkdownDescription: "The owner of what this configuration makes: no other stack changes it. " +
					"Default: `PARTNER_STACK`, else `default` on the embedded system; OpenBao and AWS need one " +
					"of the two.",
			},
			"journal":    journalAttribute(),
			"guardrails": guardrailsAttribute(),
			"partners":   partnersAttribute(),
			"worksheets": worksheetsAttribute(),
		},
	}
	// each system brings its own block, so a new one changes nothing here
	for _, b := range systemBlocks() {
		s.Attributes[b.name] = b.schema
	}
	return s
}

// guardrailsAttribute returns the schema of the rules' settings. Defaults are guardrail.Defaults's, and not the
// schema's, so that Settings.Written can tell what a configuration wrote from what it left out: a default gives way to
// a floor silently.
func guardrailsAttribute() schema.Attribute {
	texts := func(description string, each ...validator.String) schema.Attribute {
		return schema.SetAttribute{
			Optional: true, ElementType: types.StringType, MarkdownDescription: description,
			Validators: []validator.Set{setvalidator.ValueStringsAre(each...)},
		}
	}
	length := func(description string) schema.Attribute {
		return schema.StringAttribute{
			Optional:            true,
			MarkdownDescription: description,
			Validators:          []validator.String{span()},
		}
	}
	count := func(description string) schema.Attribute {
		return schema.Int64Attribute{
			Optional:            true,
			MarkdownDescription: description,
			Validators:          []validator.Int64{int64validator.Between(1, 1000)},
		}
	}
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "The rules' settings. Each has a safe default.",
		Attributes: map[string]schema.Attribute{
			"owner_domains": texts("Domains that owners must belong to; subdomains count. Default: any.",
				someText()),
			"active_owners": texts("Everybody who may own access: a list from your directory. Default: anybody.",
				someText()),
			"environments": texts("Further environments that identities may belong to. Default: none.",
				part("an environment's name")),
			"shared": texts("Patterns on which several partners may meet. It shares only the paths that "+
				"it names: on OpenBao, the names of secrets in a KV store and their values are two patterns. "+
				"Default: none.", pattern()),
			"warn_before":  length("How long before an end `expiry/soon` warns. Default `720h` (30 days)."),
			"review_every": length("How long a review counts. Default `2160h` (90 days)."),
			"dormant_after": length("How long access may go unused before it counts as dormant. Default " +
				"`1080h` (45 days)."),
			"min_fixed_segments": count("How many literal segments a resource must have before its first " +
				"wildcard. Default 2."),
			"max_grants": count("How many grants one identity may have. Default 20."),
			// It is an argument, and no variable: whoever reviews the configuration sees that it refuses nothing.
			"enforcement": schema.StringAttribute{
				Optional: true, Validators: []validator.String{stringvalidator.OneOf("refuse", "collect")},
				MarkdownDescription: "What a finding does: `refuse` (default), or `collect`, for tests of modules. " +
					"With `collect`, the data source `partner_guardrails` returns the findings, nothing is refused, " +
					"and nothing can be changed.",
			},
			"levels": schema.MapAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Levels of rules by slug, `deny`, `warn` or `off`, if they differ from the " +
					"defaults. Fixed rules cannot be lowered.",
			},
			"max_lifetime": schema.SingleNestedAttribute{
				Optional: true, MarkdownDescription: "How long access may live from its creation or renewal.",
				Attributes: map[string]schema.Attribute{
					"identity":   length("Default `8784h` (366 days); at most two years."),
					"credential": length("Default `8784h` (366 days); at most two years."),
					"grant":      length("Default `4416h` (184 days); at most one year."),
				},
			},
		},
	}
}

// partnersAttribute returns the schema of the register. Without one (null), every partner may appear.
func partnersAttribute() schema.Attribute {
	return schema.MapNestedAttribute{
		Optional:            true,
		MarkdownDescription: "The register of partners by name. With it, no other partner can appear.",
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			// The kind is for reports: no rule reads it.
			"kind": schema.StringAttribute{
				Optional: true, Validators: []validator.String{stringvalidator.OneOf("vendor", "reseller",
					"distributor", "msp", "integrator", "lab", "subcontractor")},
				MarkdownDescription: "The kind of partner, for `partner_report`: `vendor`, `reseller`, " +
					"`distributor`, `msp`, `integrator`, `lab` or `subcontractor`.",
			},
			"domains": schema.SetAttribute{
				Optional: true, ElementType: types.StringType,
				Validators:          []validator.Set{setvalidator.ValueStringsAre(domain())},
				MarkdownDescription: "The partner's own domains: none of its people may own its access or review it.",
			},
			"contact": schema.StringAttribute{
				Optional: true, Validators: []validator.String{someText()},
				MarkdownDescription: "Whom to call at the partner.",
			},
			"aws_accounts": schema.SetAttribute{
				Optional: true, ElementType: types.StringType,
				Validators: []validator.Set{setvalidator.ValueStringsAre(accountNumber())},
				MarkdownDescription: "The partner's own AWS accounts, twelve digits each. On AWS, no other is " +
					"trusted as the partner's.",
			},
			"agreement": schema.SingleNestedAttribute{
				Optional: true, MarkdownDescription: "The contract: all access of the partner ends with it.",
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

// worksheetsAttribute returns the schema of the signed worksheets. They stand here as a whole, since a signature is of
// a whole file: see package signed.
func worksheetsAttribute() schema.Attribute {
	return schema.MapNestedAttribute{
		Optional: true,
		MarkdownDescription: "The filled worksheets that are signed, by file name: the same map that the function " +
			"`decisions` takes. A decision counts as signed only if its whole worksheet is here, with a signature of " +
			"exactly these bytes.",
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"csv": schema.StringAttribute{
				Required: true, Validators: []validator.String{fileText()},
				MarkdownDescription: "The file, read with `filebase64(...)`. With `file(...)`, Terraform may change " +
					"its characters, and the signature would not fit.",
			},
			"by": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Who filled it in, and signed it: an e-mail address.",
				Validators:          []validator.String{someText()},
			},
			"at": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "When: an RFC 3339 moment, within 31 days of the worksheet's.",
				Validators:          []validator.String{moment()},
			},
			"signature": schema.StringAttribute{
				Optional: true, Validators: []validator.String{longText()},
				MarkdownDescription: "The signature that `ssh-keygen -Y sign -n partner-access -f KEY FILE` wrote. " +
					"Without it, nothing in the worksheet is signed.",
			},
		}},
	}
}

// collects reports whether findings are recorded instead of refused.
func (m *providerModel) collects() bool {
	v, ok := m.Guardrails.Attributes()["enforcement"].(types.String)
	return ok && v.ValueString() == "collect"
}

// settings reads the rules' settings and the register, over the defaults. Each mistake is said at its argument; it
// reports false if there is one.
func (m *providerModel) settings(diags *diag.Diagnostics) (guardrail.Settings, bool) {
	r := &reader{}
	s := guardrail.Defaults()
	s.Environment = m.Environment.ValueString()
	// without a guardrails block, nothing is written, and every setting is the default
	s.Partners, s.Sheets, s.Written = r.partners(m.Partners), r.sheets(m.Worksheets), map[string]bool{}
	var unreadable []string
	if v := r.object("guardrails", m.Guardrails); v != nil {
		s.OwnerDomains, s.ActiveOwners = r.texts("guardrails", v["owner_domains"]),
			r.texts("guardrails", v["active_owners"])
		s.Environments, s.Shared = r.texts("guardrails", v["environments"]), r.patterns("guardrails", v["shared"])
		s.Written = writtenIn(v, r)
		r.length(&s.WarnBefore, v["warn_before"])
		r.length(&s.ReviewEvery, v["review_every"])
		r.length(&s.DormantAfter, v["dormant_after"])
		r.count(&s.MinFixedSegments, v["min_fixed_segments"])
		r.count(&s.MaxGrants, v["max_grants"])
		for t, name := range map[access.Type]string{
			access.TypeIdentity:   "identity",
			access.TypeCredential: "credential",
			access.TypeGrant:      "grant",
		} {
			if lifetimes := r.object("guardrails", v["max_lifetime"]); lifetimes != nil {
				length := s.MaxLifetime[t]
				r.length(&length, lifetimes[name])
				s.MaxLifetime[t] = length
			}
		}
		s.Levels, unreadable = r.levels(v["levels"])
	}
	// what is no level cannot be among the settings, which Validate looks at
	for _, problem := range unreadable {
		diags.AddAttributeError(path.Root("guardrails").AtName("levels"), "Not a level", problem)
	}
	// a name such as "max_lifetime.grant" is a path below guardrails
	for _, e := range s.Validate() {
		at := path.Root("guardrails")
		for name := range strings.SplitSeq(e.Setting, ".") {
			at = at.AtName(name)
		}
		diags.AddAttributeError(at, "Not a setting that guardrails can have", sentence(e)+".")
	}
	for _, f := range r.faults {
		diags.AddAttributeError(path.Root(f.attribute), "Not a value that "+f.attribute+" can have",
			sentence(f.err)+".")
	}
	return s, !diags.HasError()
}

// sheets reads the worksheets that are signed. What is not known yet is none.
func (r *reader) sheets(v types.Map) (all []signed.Sheet) {
	elements := r.elements("worksheets", v)
	for _, file := range slices.Sorted(maps.Keys(elements)) {
		s := r.object("worksheets", elements[file])
		sheet := worksheet.Sheet{
			File: file, CSV: r.text("worksheets", s["csv"]), By: r.text("worksheets", s["by"]),
			At: r.text("worksheets", s["at"]), Signature: r.text("worksheets", s["signature"]),
		}
		// one without a signature proves nothing, and is only read by the functions
		if sheet.Signature != "" {
			all = append(all, sheet.Signed())
		}
	}
	return all
}

// writtenIn returns the names of the settings that a guardrails block writes, as guardrail.SettingError has them.
func writtenIn(block map[string]attr.Value, r *reader) map[string]bool {
	written := map[string]bool{}
	for name, v := range block {
		written[name] = !v.IsNull()
	}
	for name, v := range r.object("guardrails", block["max_lifetime"]) {
		written["max_lifetime."+name] = !v.IsNull()
	}
	return written
}

// length sets a duration if the configuration has one, and leaves the default else.
func (r *reader) length(to *time.Duration, v attr.Value) {
	if s := r.span("guardrails", v); s.Duration > 0 {
		*to = s.Duration
	}
}

// count sets a number if the configuration has one, and leaves the default else.
func (r *reader) count(to *int, v attr.Value) {
	if r.known("guardrails", v) {
		*to = int(v.(types.Int64).ValueInt64())
	}
}

// levels reads levels by the rule's slug, and what is no level, in words. Whether a slug is a rule's, and may have the
// level, Settings.Validate says.
func (r *reader) levels(v attr.Value) (levels map[string]guardrail.Level, unreadable []string) {
	elements := r.elements("guardrails", v.(types.Map))
	for _, slug := range slices.Sorted(maps.Keys(elements)) {
		level, err := guardrail.ParseLevel(r.text("guardrails", elements[slug]))
		if err != nil {
			unreadable = append(unreadable, fmt.Sprintf("%s: %s.", slug, sentence(err)))
			continue
		}
		if levels == nil {
			levels = map[string]guardrail.Level{}
		}
		levels[slug] = level
	}
	return levels, unreadable
}

// partners reads the register; nil if there is none, which is not the same as an empty one.
func (r *reader) partners(v types.Map) map[string]guardrail.Partner {
	if !r.known("partners", v) {
		return nil
	}
	register := map[string]guardrail.Partner{}
	for name, e := range r.elements("partners", v) {
		if err := access.CheckPart(name, "a partner's name"); err != nil {
			r.faults = append(r.faults, fault{"partners", err})
			continue
		}
		p := r.object("partners", e)
		partner := guardrail.Partner{
			Kind: r.text("partners", p["kind"]), Domains: r.texts("partners", p["domains"]),
			Contact:     r.text("partners", p["contact"]),
			AWSAccounts: r.texts("partners", p["aws_accounts"]),
		}
		if a := r.object("partners", p["agreement"]); a != nil {
			partner.Agreement = &access.Agreement{Reference: r.text("partners", a["reference"]),
				EndsAt: r.moment("partners", a["ends_at"])}
		}
		register[name] = partner
	}
	return register
}
