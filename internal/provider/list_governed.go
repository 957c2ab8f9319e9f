// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/list/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/inventory"
)

var _ list.ListResourceWithConfigure = (*listed[grantModel, *grantModel])(nil)

// listed is what terraform query (Terraform 1.14 and later) lists of one type: what the inventory has of it, of every
// stack. One look at the system serves all lists of a query.
type listed[M any, P model[M]] struct{ governed[M, P] }

// listModel is what a list block writes.
type listModel struct {
	filters
	Flags types.List `tfsdk:"flags"`
}

func newIdentityList() list.ListResource {
	return &listed[identityModel, *identityModel]{governed[identityModel, *identityModel]{kind: access.TypeIdentity}}
}

func newCredentialList() list.ListResource {
	return &listed[credentialModel, *credentialModel]{
		governed[credentialModel, *credentialModel]{kind: access.TypeCredential},
	}
}

func newGrantList() list.ListResource {
	return &listed[grantModel, *grantModel]{governed[grantModel, *grantModel]{kind: access.TypeGrant}}
}

// governedFlags returns the flags that what is declared may have, and that tell it apart.
func governedFlags() (names []string) {
	for _, f := range inventory.Flags() {
		if f != inventory.Governed && f != inventory.Ungoverned {
			names = append(names, string(f))
		}
	}
	return names
}

// ListResourceConfigSchema returns what a list block takes.
func (l *listed[M, P]) ListResourceConfigSchema(_ context.Context, _ list.ListResourceSchemaRequest,
	resp *list.ListResourceSchemaResponse) {
	filter := func(about string, validators ...validator.String) schema.StringAttribute {
		return schema.StringAttribute{Optional: true, MarkdownDescription: about, Validators: validators}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "What partners hold in the access system, of every stack, that is declared. What nobody " +
			"declared has no id: it is in the data source `partner_inventory`.",
		Attributes: map[string]schema.Attribute{
			"partner":        filter("Only what belongs to this partner.", part("a partner")),
			"environment":    filter("Only what is in this environment.", part("an environment")),
			"owner":          filter("Only what this owner answers for."),
			"expires_before": filter("Only what ends before this moment (RFC 3339).", moment()),
			"flags": schema.ListAttribute{
				Optional: true, ElementType: types.StringType,
				Validators: []validator.List{listvalidator.ValueStringsAre(stringvalidator.OneOf(governedFlags()...))},
				MarkdownDescription: "Only what has one of these flags, as `partner_inventory` has them: `" +
					strings.Join(governedFlags(), "`, `") + "`.",
			},
		},
	}
}

// List streams what is wanted, up to the limit. It asks the system at most once, before the stream begins; an error or
// a warning of that is the first result. TestWhatAQueryListsIsWhatAnImportReads holds that a listed resource is what an
// import makes of it.
func (l *listed[M, P]) List(ctx context.Context, req list.ListRequest, stream *list.ListResultsStream) {
	var diags diag.Diagnostics
	found, records, ok := l.find(ctx, req, &diags)
	if !ok {
		stream.Results = list.ListResultsStreamDiagnostics(diags)
		return
	}
	stream.Results = func(push func(list.ListResult) bool) {
		if len(diags) > 0 && !push(list.ListResult{Diagnostics: diags}) { // warnings
			return
		}
		for n := range found.Items {
			if req.Limit > 0 && int64(n) >= req.Limit {
				return
			}
			i := &found.Items[n]
			result := req.NewListResult(ctx)
			result.DisplayName = displayName(i)
			knownBy(result.Identity, types.StringValue(i.ID))
			if req.IncludeResource {
				result.Diagnostics.Append(result.Resource.Set(ctx,
					l.resource(observed{records[i.ID], found.At, l.inForce(ctx).WarnBefore}))...)
			}
			if !push(result) {
				return
			}
		}
	}
}

// find returns what a list block wants, and the records of its type by id. Shadows are left out: a rehearsal removes
// its own. Nothing may be unknown, for a query has no apply.
func (l *listed[M, P]) find(ctx context.Context, req list.ListRequest, diags *diag.Diagnostics) (*inventory.Inventory,
	map[string]*access.Record, bool) {
	m, ok := read[listModel](ctx, req.Config, diags)
	if !ok {
		return nil, nil, false
	}
	r := &reader{}
	wanted := m.wanted(r)
	for _, f := range r.list("flags", m.Flags) {
		wanted.Flags = append(wanted.Flags, inventory.Flag(f))
	}
	if l.session == nil || len(r.faults) > 0 || len(r.unknown) > 0 {
		diags.AddError("Cannot list "+string(l.kind)+" resources", "A value of the provider's configuration, or of a "+
			"filter of this list, is not known. Nothing was read.")
		return nil, nil, false
	}
	all, ok := l.takeStock(ctx, diags)
	if !ok {
		return nil, nil, false
	}
	found := all.Filter(wanted)
	// what nobody declared has no id, and no import block
	found.Items = slices.DeleteFunc(found.Items, func(i inventory.Item) bool {
		return i.Type != l.kind ||
			i.ID == "" ||
			access.IsShadow(i.Partner)
	})
	records := map[string]*access.Record{}
	for _, r := range all.records {
		if ref := r.Object.Ref(); ref.Type == l.kind {
			records[ref.ID] = r
		}
	}
	return found, records, true
}

// resource returns a record as the resource that an import would make of it.
func (l *listed[M, P]) resource(seen observed) *M {
	m := new(M)
	P(m).declare(seen.Object)
	P(m).observe(seen, allComputed)
	return m
}

// displayName returns a name for people: beside the id, who answers, until when, and what is wrong, such as
// "acme/prod/etl, ops@example.com, until 2027-03-31T00:00:00Z, drifted".
func displayName(i *inventory.Item) string {
	name := i.ID + ", " + i.Owner + ", until " + access.At(i.EndsAt).String()
	for _, f := range i.Flags {
		if f != inventory.Governed {
			name += ", " + string(f)
		}
	}
	return name
}
