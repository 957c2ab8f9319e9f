// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
)

// floorModel is a floor as Terraform sees it. Null is a setting that the floor leaves to each configuration; an empty
// set is a setting: of nothing. ID, Digest, Generation and SetAt are computed.
type floorModel struct {
	SetBy            types.String `tfsdk:"set_by"`
	Levels           types.Map    `tfsdk:"levels"`
	Unwaivable       types.Set    `tfsdk:"unwaivable"`
	MaxLifetime      types.Object `tfsdk:"max_lifetime"`
	MaxWaiver        types.String `tfsdk:"max_waiver"`
	MaxIssued        types.String `tfsdk:"max_issued"`
	ReviewEvery      types.String `tfsdk:"review_every"`
	DormantAfter     types.String `tfsdk:"dormant_after"`
	WarnBefore       types.String `tfsdk:"warn_before"`
	MinFixedSegments types.Int64  `tfsdk:"min_fixed_segments"`
	MaxGrants        types.Int64  `tfsdk:"max_grants"`
	OwnerDomains     types.Set    `tfsdk:"owner_domains"`
	Environments     types.Set    `tfsdk:"environments"`
	Shared           types.Set    `tfsdk:"shared"`
	RequireSigned    types.Set    `tfsdk:"require_signed"`
	Partners         types.Map    `tfsdk:"partners"`
	Deciders         types.List   `tfsdk:"deciders"`
	ID               types.String `tfsdk:"id"`
	Digest           types.String `tfsdk:"digest"`
	Generation       types.Int64  `tfsdk:"generation"`
	SetAt            types.String `tfsdk:"set_at"`
}

var (
	// the types of what is nested
	lifetimeType     = textTypes("identity", "credential", "grant")
	agreedType       = textTypes("reference", "ends_at")
	floorPartnerType = types.ObjectType{AttrTypes: map[string]attr.Type{
		"domains": textSetType, "aws_accounts": textSetType, "agreement": types.ObjectType{AttrTypes: agreedType},
	}}
	deciderKeyType = types.ObjectType{AttrTypes: with(textTypes("key", "valid_after", "valid_before"),
		map[string]attr.Type{"revoked": types.BoolType})}
	deciderType = types.ObjectType{AttrTypes: with(textTypes("address", "until"), map[string]attr.Type{
		"partners": textSetType, "owners": textSetType, "decides_own": types.BoolType,
		"keys": types.ListType{ElemType: deciderKeyType},
	})}
)

// read returns the floor that the arguments say, and whether all of it is known; what cannot be is said at its
// argument. A floor that is not known yet is not validated: the apply does that.
func (m *floorModel) read(diags *diag.Diagnostics) (f access.Floor, known bool) {
	r := &reader{}
	f = access.Floor{
		SetBy: r.text("set_by", m.SetBy), Unwaivable: r.texts("unwaivable", m.Unwaivable),
		MaxWaiver: r.span("max_waiver", m.MaxWaiver), MaxIssued: r.span("max_issued", m.MaxIssued),
		ReviewEvery:  r.span("review_every", m.ReviewEvery),
		DormantAfter: r.span("dormant_after", m.DormantAfter), WarnBefore: r.span("warn_before", m.WarnBefore),
		OwnerDomains: r.texts("owner_domains", m.OwnerDomains), Environments: r.texts("environments", m.Environments),
		Shared: r.patterns("shared", m.Shared), RequireSigned: r.texts("require_signed", m.RequireSigned),
	}
	// count and length leave the zero value if there is none, which is a floor's "not set"
	r.count(&f.MinFixedSegments, m.MinFixedSegments)
	r.count(&f.MaxGrants, m.MaxGrants)
	for slug, v := range r.elements("levels", m.Levels) {
		if f.Levels == nil {
			f.Levels = map[string]string{}
		}
		f.Levels[slug] = r.text("levels", v)
	}
	// the names of the attributes are the types of objects
	for name, v := range r.object("max_lifetime", m.MaxLifetime) {
		if s := r.span("max_lifetime", v); s.Duration > 0 {
			if f.MaxLifetime == nil {
				f.MaxLifetime = map[access.Type]access.Span{}
			}
			f.MaxLifetime[access.Type(name)] = s
		}
	}
	f.Partners, f.Deciders = r.floorPartners(m.Partners), r.deciders(m.Deciders)
	// What cannot be read is said first. If the rest is known, ValidateFloor looks at it as a whole.
	for _, e := range r.faults {
		diags.AddAttributeError(path.Root(e.attribute), "Not a value that "+e.attribute+" can have",
			sentence(e.err)+".")
	}
	if known = len(r.unknown) == 0; known {
		sayFloorFaults(guardrail.ValidateFloor(&f), diags)
	}
	return f, known
}

// floorPartners reads the register; nil if the floor has none.
func (r *reader) floorPartners(v types.Map) map[string]access.FloorPartner {
	if !r.known("partners", v) {
		return nil
	}
	register := map[string]access.FloorPartner{}
	for name, e := range r.elements("partners", v) {
		p := r.object("partners", e)
		if p == nil {
			continue
		}
		partner := access.FloorPartner{Domains: r.texts("partners", p["domains"]),
			AWSAccounts: r.texts("partners", p["aws_accounts"])}
		if a := r.object("partners", p["agreement"]); a != nil {
			partner.Agreement = &access.Agreement{Reference: r.text("partners", a["reference"]),
				EndsAt: r.moment("partners", a["ends_at"])}
		}
		register[name] = partner
	}
	return register
}

// deciders reads who may decide, in their order, with their keys; nil if the floor names none.
func (r *reader) deciders(v types.List) (deciders []access.Decider) {
	if !r.known("deciders", v) {
		return nil
	}
	for _, e := range v.Elements() {
		d := r.object("deciders", e)
		if d == nil {
			continue
		}
		decider := access.Decider{
			Address: r.text("deciders", d["address"]), Partners: r.texts("deciders", d["partners"]),
			Owners: r.texts("deciders", d["owners"]),
			Until:  r.moment("deciders", d["until"]), DecidesOwn: r.truth("deciders", d["decides_own"]),
		}
		if keys, ok := d["keys"].(types.List); ok && r.known("deciders", keys) {
			for _, e := range keys.Elements() {
				k := r.object("deciders", e)
				if k == nil {
					continue
				}
				decider.Keys = append(decider.Keys, access.DeciderKey{
					Key: r.text("deciders", k["key"]), ValidAfter: r.moment("deciders", k["valid_after"]),
					ValidBefore: r.moment("deciders", k["valid_before"]),
					Revoked:     r.truth("deciders", k["revoked"]),
				})
			}
		}
		deciders = append(deciders, decider)
	}
	return deciders
}

// observe writes what the system says of the floor.
func (m *floorModel) observe(now *access.FloorRecord) {
	m.ID, m.Digest = types.StringValue(access.FloorID), types.StringValue(now.Floor.Digest())
	m.Generation, m.SetAt = types.Int64Value(now.Generation), timeValue(now.SetAt)
}

// declare writes what was read from the system. A floor that says the same, by its digest, keeps its spelling.
func (m *floorModel) declare(now *access.FloorRecord) {
	var unread diag.Diagnostics
	// an import has no arguments yet, so its digest is another, and all of them are written
	if f, known := m.read(&unread); known && f.Digest() == now.Floor.Digest() {
		m.observe(now)
		return
	}
	f := &now.Floor
	m.SetBy, m.Unwaivable, m.RequireSigned = types.StringValue(f.SetBy), optionalSet(f.Unwaivable),
		optionalSet(f.RequireSigned)
	m.MaxWaiver, m.MaxIssued, m.ReviewEvery = optionalText(f.MaxWaiver.String()), optionalText(f.MaxIssued.String()),
		optionalText(f.ReviewEvery.String())
	m.DormantAfter, m.WarnBefore = optionalText(f.DormantAfter.String()), optionalText(f.WarnBefore.String())
	m.MinFixedSegments, m.MaxGrants = optionalCount(f.MinFixedSegments), optionalCount(f.MaxGrants)
	// of these three, an empty set is a setting, so only one that was never set is null
	m.OwnerDomains, m.Environments, m.Shared = setOrNull(f.OwnerDomains), setOrNull(f.Environments), setOrNull(f.Shared)
	m.Levels = types.MapNull(types.StringType)
	if len(f.Levels) > 0 {
		m.Levels = textMap(f.Levels)
	}
	m.MaxLifetime = types.ObjectNull(lifetimeType)
	if len(f.MaxLifetime) > 0 {
		m.MaxLifetime = types.ObjectValueMust(lifetimeType, map[string]attr.Value{
			"identity":   optionalText(f.MaxLifetime[access.TypeIdentity].String()),
			"credential": optionalText(f.MaxLifetime[access.TypeCredential].String()),
			"grant":      optionalText(f.MaxLifetime[access.TypeGrant].String()),
		})
	}
	m.Partners, m.Deciders = floorPartnersValue(f.Partners), decidersValue(f.Deciders)
	m.observe(now)
}

// optionalCount returns a number whose zero stands for null.
func optionalCount(n int) types.Int64 {
	if n == 0 {
		return types.Int64Null()
	}
	return types.Int64Value(int64(n))
}

// setOrNull returns a set that is null only if it was not set at all.
func setOrNull[T any](values []T) types.Set {
	if values == nil {
		return types.SetNull(types.StringType)
	}
	return textSet(values)
}

// floorPartnersValue returns a register as an attribute; null if the floor has none.
func floorPartnersValue(register map[string]access.FloorPartner) types.Map {
	if register == nil {
		return types.MapNull(floorPartnerType)
	}
	values := map[string]attr.Value{}
	for _, name := range slices.Sorted(maps.Keys(register)) {
		p, agreement := register[name], types.ObjectNull(agreedType)
		if a := p.Agreement; a != nil {
			agreement = types.ObjectValueMust(agreedType,
				map[string]attr.Value{"reference": types.StringValue(a.Reference), "ends_at": momentValue(a.EndsAt)})
		}
		values[name] = types.ObjectValueMust(floorPartnerType.AttrTypes, map[string]attr.Value{
			"domains": optionalSet(p.Domains), "aws_accounts": setOrNull(p.AWSAccounts), "agreement": agreement,
		})
	}
	return types.MapValueMust(floorPartnerType, values)
}

// decidersValue returns deciders as an attribute, in their order; null if the floor names none.
func decidersValue(deciders []access.Decider) types.List {
	if deciders == nil {
		return types.ListNull(deciderType)
	}
	values := []attr.Value{}
	for i := range deciders {
		d, keys := &deciders[i], []attr.Value{}
		for _, k := range d.Keys {
			keys = append(keys, types.ObjectValueMust(deciderKeyType.AttrTypes, map[string]attr.Value{
				"key": types.StringValue(k.Key), "valid_after": momentValue(k.ValidAfter),
				"valid_before": momentValue(k.ValidBefore), "revoked": truthOrNull(k.Revoked),
			}))
		}
		values = append(values, types.ObjectValueMust(deciderType.AttrTypes, map[string]attr.Value{
			"address": types.StringValue(d.Address), "partners": optionalSet(d.Partners),
			"owners": optionalSet(d.Owners), "until": momentValue(d.Until),
			"decides_own": truthOrNull(d.DecidesOwn), "keys": types.ListValueMust(deciderKeyType, keys),
		}))
	}
	return types.ListValueMust(deciderType, values)
}

// truthOrNull returns a truth whose false stands for null, as it is mostly left out.
func truthOrNull(b bool) types.Bool {
	if !b {
		return types.BoolNull()
	}
	return types.BoolValue(true)
}
