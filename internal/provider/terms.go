// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// What identities, credentials and grants have in common in Terraform: owner, end, review, waivers, and what the system
// says of each. It is written once and embedded in the three models. One test walks all resources and demands owner and
// end: TestEveryResourceRequiresAnOwnerAndAnEnd.

// terms are the attributes that identities, credentials and grants have in common: who answers, when it ends, who
// looked, and what the access system says of it.
type terms struct {
	// ID is computed, from arguments. Owner to Waivers are arguments; Status to Drift are computed.
	ID        types.String `tfsdk:"id"`
	Owner     types.String `tfsdk:"owner"`
	ExpiresAt types.String `tfsdk:"expires_at"`
	Review    types.Object `tfsdk:"review"`
	Waivers   types.Map    `tfsdk:"waivers"`
	Status    types.String `tfsdk:"status"`
	EndsAt    types.String `tfsdk:"ends_at"`
	History   types.String `tfsdk:"history"`
	Drift     types.Set    `tfsdk:"drift"`
}

// common returns the terms of the model that embeds them.
func (t *terms) common() *terms { return t }

// What most resources have nothing of: a release, and what is issued.
func (t *terms) release() types.String     { return types.StringNull() }
func (t *terms) issued() string            { return "" }
func (t *terms) knows(*access.Issued) bool { return true }

var (
	reviewType = map[string]attr.Type{
		"at": types.StringType, "by": types.StringType, "reason": types.StringType,
		"decision": types.StringType, "until": types.StringType, "access": types.StringType, "end": types.BoolType,
		"signature": types.StringType,
	}
	waiverType = map[string]attr.Type{
		"reason":    types.StringType,
		"approver":  types.StringType,
		"until":     types.StringType,
		"signature": types.StringType,
	}
)

// withTerms adds the common attributes to those of one resource, and returns these.
func withTerms(attributes map[string]schema.Attribute) map[string]schema.Attribute {
	for name, a := range map[string]schema.Attribute{
		"owner": schema.StringAttribute{
			Required:            true,
			MarkdownDescription: "The one internal person or mailbox that answers for this access: an e-mail address.",
			Validators:          []validator.String{anyText()},
		},
		"expires_at": schema.StringAttribute{
			Required: true,
			MarkdownDescription: "When this access ends: an RFC 3339 moment such as `2027-03-31T00:00:00Z`. The " +
				"access system ends it then by itself. Moving it to a later moment needs a `review` that was not " +
				"used before.",
			Validators: []validator.String{moment()},
		},
		"review":  reviewAttribute(),
		"waivers": waiversAttribute(),
	} {
		attributes[name] = a
	}
	for name, a := range computedTerms() {
		attributes[name] = a
	}
	return attributes
}

// reviewAttribute returns the schema of review. By hand, at, by and reason are enough; the rest is what the function
// decisions fills in, so that its result can be passed as it is.
func reviewAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "Evidence that somebody looked and that the partner still needs this access. A review " +
			"of an identity covers its credentials and grants. A later `expires_at` needs a review that is newer " +
			"than the last extension. It takes a decision of the function `decisions` as it is: such a review counts " +
			"for this block alone, and is void if the access is no longer that of its worksheet.",
		Attributes: map[string]schema.Attribute{
			"at": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "When: an RFC 3339 moment, not in the future.",
				Validators:          []validator.String{moment()},
			},
			"by": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Who looked: an e-mail address.",
				Validators:          []validator.String{someText()},
			},
			"reason": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Why the partner still needs it, or does not.",
				Validators:          []validator.String{someText()},
			},
			"decision": schema.StringAttribute{
				Optional: true, MarkdownDescription: "What was decided in a worksheet: `keep`, `narrow` or `end`. " +
					"With `end`, the block is an error unless `end` is `true`.",
				Validators: []validator.String{stringvalidator.OneOf(string(access.DecisionKeep),
					string(access.DecisionNarrow), string(access.DecisionEnd))},
			},
			"until": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "The latest `expires_at` that was decided on: an RFC 3339 moment.",
				Validators:          []validator.String{moment()},
			},
			"access": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "The digest of the access that was decided on, from the worksheet.",
				Validators:          []validator.String{someText()},
			},
			"end": schema.BoolAttribute{Optional: true,
				MarkdownDescription: "Lets the block stay although `decision` is `end`: the access then ends at `at`."},
			"signature": schema.StringAttribute{
				Optional: true, Validators: []validator.String{longText()},
				MarkdownDescription: "The signature of `by`: the output of `ssh-keygen -Y sign` for the line that " +
					"the plan's error prints. For a signed worksheet, `decisions` fills it in. A signed review " +
					"counts for this block alone. See the guide to reviews.",
			},
		},
	}
}

// waiversAttribute returns the schema of waivers, by the slug of the rule that each sets aside.
func waiversAttribute() schema.Attribute {
	return schema.MapNestedAttribute{
		Optional: true,
		MarkdownDescription: "Rules that are set aside here for a while, by slug. A waiver of an `expiry/` rule buys " +
			"time but exempts nothing: the access ends at its `until` at the latest.",
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"reason": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Why the rule is set aside.",
				Validators:          []validator.String{someText()},
			},
			"approver": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Who allowed it: an e-mail address other than the owner's.",
				Validators:          []validator.String{someText()},
			},
			"until": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "When the waiver ends: an RFC 3339 moment, at most 90 days ahead.",
				Validators:          []validator.String{moment()},
			},
			"signature": schema.StringAttribute{
				Optional: true, Validators: []validator.String{longText()},
				MarkdownDescription: "The signature of `approver`: the output of `ssh-keygen -Y sign` for the line " +
					"that the plan's error prints.",
			},
		}},
	}
}

// computedTerms returns the schema of what the system says of every object.
func computedTerms() map[string]schema.Attribute {
	text := func(description string) schema.Attribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	return map[string]schema.Attribute{
		"id": text("The id. It is made of the arguments, so the plan knows it."),
		"status": text("The first of these that applies: `expired`, `held` (cut by hand), `suspended`, `due` (for " +
			"rotation), `expiring`, `active`."),
		"ends_at": text("When the access system ends this access: the earliest of its own expiry, the ends of all " +
			"that it hangs on, the agreement's end, and the `until` of each waiver of an `expiry/` rule. " +
			"RFC 3339, UTC."),
		"history": text("One line: when it was created, how often and when it was last extended, and the newest " +
			"review that applies to it, its own or its identity's. RFC 3339, UTC, by the access system's clock; " +
			"`partner_inventory` has each value on its own."),
		"drift": schema.SetAttribute{
			Computed: true, ElementType: types.StringType,
			MarkdownDescription: "What the access system holds beyond the declaration, one sentence each; null " +
				"if nothing.",
		},
	}
}

// readTerms reads the common arguments. What is unknown in a part makes the whole argument unknown: a rule that reads
// reviews waits for all of one.
func (r *reader) readTerms(t *terms) access.Terms {
	out := access.Terms{
		Owner:     r.text("owner", t.Owner),
		ExpiresAt: r.moment("expires_at", t.ExpiresAt),
	}
	if v := r.object("review", t.Review); v != nil {
		out.Review = &access.Review{
			At: r.moment("review", v["at"]), By: r.text("review", v["by"]), Reason: r.text("review", v["reason"]),
			Decision: access.Decision(r.text("review", v["decision"])), Until: r.moment("review", v["until"]),
			Access: r.text("review", v["access"]),
			EndNow: r.truth("review", v["end"]), Signature: r.text("review", v["signature"]),
		}
	}
	for slug, e := range r.elements("waivers", t.Waivers) {
		if v := r.object("waivers", e); v != nil {
			if out.Waivers == nil {
				out.Waivers = map[string]access.Waiver{}
			}
			out.Waivers[slug] = access.Waiver{Reason: r.text("waivers", v["reason"]),
				Approver: r.text("waivers", v["approver"]), Until: r.moment("waivers", v["until"]),
				Signature: r.text("waivers", v["signature"])}
		}
	}
	return out
}

// declare writes the common arguments of an object that was read from the system. An empty map of waivers stays as it
// was written.
func (t *terms) declare(from *access.Terms) {
	t.Owner = types.StringValue(from.Owner)
	t.ExpiresAt = momentValue(from.ExpiresAt)
	t.Review = reviewValue(from.Review, t.Review)
	element := types.ObjectType{AttrTypes: waiverType}
	t.Waivers = noneOf(t.Waivers, types.MapNull(element))
	if len(from.Waivers) > 0 {
		waivers := map[string]attr.Value{}
		for slug, w := range from.Waivers {
			waivers[slug] = types.ObjectValueMust(waiverType, map[string]attr.Value{
				"reason": types.StringValue(w.Reason), "approver": types.StringValue(w.Approver),
				"until": momentValue(w.Until), "signature": optionalText(w.Signature),
			})
		}
		t.Waivers = types.MapValueMust(element, waivers)
	}
}

// reviewValue returns a review as an attribute. False and null mean the same of end, which keeps the spelling that it
// had.
func reviewValue(r *access.Review, was types.Object) types.Object {
	if r == nil {
		return types.ObjectNull(reviewType)
	}
	end := types.BoolNull()
	if before, ok := was.Attributes()["end"].(types.Bool); ok && !before.IsUnknown() {
		end = before
	}
	if r.EndNow != end.ValueBool() {
		end = types.BoolValue(r.EndNow)
	}
	return types.ObjectValueMust(reviewType, map[string]attr.Value{
		"at": momentValue(r.At), "by": types.StringValue(r.By), "reason": types.StringValue(r.Reason),
		"decision": optionalText(string(r.Decision)), "until": momentValue(r.Until), "access": optionalText(r.Access),
		"end": end, "signature": optionalText(r.Signature),
	})
}

// keepWriting keeps the state's spelling of arguments that mean the same, and the state's computed values: a plan moves
// only what changes.
func (t *terms) keepWriting(state *terms) {
	t.ExpiresAt = same(t.ExpiresAt, state.ExpiresAt)
	t.Review = same(t.Review, state.Review)
	t.Waivers = same(t.Waivers, state.Waivers)
	t.ID = state.ID
	t.Status = state.Status
	t.EndsAt = state.EndsAt
	t.History = state.History
	t.Drift = state.Drift
}

// observe writes what the system says of the object into the computed attributes: into all of them, or only into those
// that the plan left unknown.
func (t *terms) observe(seen observed, all extent) {
	set(&t.ID, types.StringValue(seen.Object.Ref().ID), all)
	set(&t.Status, types.StringValue(seen.Status(seen.now, seen.warnBefore)), all)
	set(&t.EndsAt, timeValue(seen.EndsAt), all)
	set(&t.History, types.StringValue(access.HistoryLine(seen.History)), all)
	set(&t.Drift, optionalSet(slices.Concat(seen.Drift, seen.Adopted)), all)
}

// extent is which of the computed attributes are written: all of them (a reading), or those alone that a plan left
// unknown (an apply, which must not change what was planned).
type extent bool

const (
	allComputed extent = true
	unknownOnly extent = false
)

// set writes a value if all are asked for, or if the plan left it unknown.
func set[V attr.Value](to *V, value V, all extent) {
	if bool(all) || (*to).IsUnknown() {
		*to = value
	}
}
