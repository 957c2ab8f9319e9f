// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
)

// A token of an identity for the running plan or apply. It is the one thing here that gives whoever runs Terraform a
// partner's access, so each refusal says why, nothing is written to state or plan (Terraform's ephemeral resources,
// 1.10), and a token ends with its identity, or after 15 minutes at the latest. See
// TestATokenWorksInItsRunAndNowhereElse and TestWhoHasNoAccessGetsNoToken.

var (
	_ ephemeral.EphemeralResourceWithConfigure = (*tokenResource)(nil)
	_ ephemeral.EphemeralResourceWithClose     = (*tokenResource)(nil)
)

// tokenResource is partner_token: a token of an identity for the running plan or apply.
type tokenResource struct{ *session }

// tokenModel is the block, and its result. Token and ExpiresAt are unknown if a plan goes on without a token.
type tokenModel struct {
	IdentityID types.String `tfsdk:"identity_id"`
	TTL        types.String `tfsdk:"ttl"`
	Token      types.String `tfsdk:"token"`
	ExpiresAt  types.String `tfsdk:"expires_at"`
}

func newToken() ephemeral.EphemeralResource { return &tokenResource{} }

func (r *tokenResource) Metadata(_ context.Context, req ephemeral.MetadataRequest, resp *ephemeral.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_token"
}

// Schema returns the schema. The token is sensitive, and Terraform refuses to use what is ephemeral where it would be
// kept.
func (r *tokenResource) Schema(_ context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A token of an identity for the running plan or apply, to act as the partner would: to " +
			"try what was granted, or to fetch something in its name. It may do what the identity is granted, and is " +
			"cut with it. Terraform revokes it when it is done with it; if Terraform dies, the token soon ends by " +
			"itself. No state and no plan contains it. AWS does not offer it.\n\nIt needs Terraform 1.10 or OpenTofu " +
			"1.11. While a plan still has to create or change the identity, its token is known after apply. OpenTofu " +
			"1.12 accepts no unknown token: it waits for an identity that `identity_id` refers to, but the login of " +
			"its plans must be one that may give out tokens.",
		Attributes: map[string]schema.Attribute{
			"identity_id": schema.StringAttribute{
				Required: true, Validators: []validator.String{identityID()},
				MarkdownDescription: "The identity of the token. Refer to it (`partner_identity.NAME.id`), so that " +
					"it is created first. A suspended, held or expired identity has none.",
			},
			"ttl": schema.StringAttribute{
				Optional: true, Validators: []validator.String{life()},
				MarkdownDescription: "How long it works: a duration from `1m` to `15m`, never beyond the identity's " +
					"end. Default `5m`.",
			},
			"token": schema.StringAttribute{
				Computed: true, Sensitive: true,
				MarkdownDescription: "The token. With the embedded system, a JWT of its own issuer for the audience " +
					"`partner`; with OpenBao, a token of the identity's entity for the header `X-Vault-Token`.",
			},
			"expires_at": schema.StringAttribute{
				Computed: true, MarkdownDescription: "When it ends by itself. RFC 3339, UTC.",
			},
		},
	}
}

// The bounds of a token's life: long enough for the slowest provisioner of a step, too short to be carried away.
const (
	shortestLife = time.Minute
	usualLife    = 5 * time.Minute
	longestLife  = access.LongestToken
)

// life takes the life of a token.
func life() validator.String {
	return parses("a duration from 1m to 15m", func(s string) (access.Span, error) {
		d, err := access.ParseSpan(s)
		if err == nil && (d.Duration < shortestLife || d.Duration > longestLife) {
			err = fmt.Errorf("%s is not between 1m and 15m: a token is for one run. For longer access, use a "+
				"credential", s)
		}
		return d, err
	})
}

func (r *tokenResource) Configure(_ context.Context, req ephemeral.ConfigureRequest, _ *ephemeral.ConfigureResponse) {
	if s, ok := req.ProviderData.(*session); ok {
		r.session = s
	}
}

// Open gives out the token. Terraform calls it in plan as well, as soon as the arguments are known: what this very plan
// creates or changes is not what it will be then, so nothing is touched and the token is unknown.
//
// Whether the system has tokens is asked first, since that is no question of the moment. If findings are only
// collected, nothing is given out.
func (r *tokenResource) Open(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	m, ok := read[tokenModel](ctx, req.Config, &resp.Diagnostics)
	if !ok {
		return
	}
	m.Token, m.ExpiresAt = types.StringUnknown(), types.StringUnknown()
	if _, ok := access.As[access.TokenIssuer](r.system); !ok && !r.collects { // before anything is made for it
		resp.Diagnostics.AddError("This system issues no tokens",
			"The access system "+r.system.Capabilities().Name+
				" has no tokens for one run: only the partner, with its own credential, can act as the partner "+
				"there. Remove this block.")
		return
	}
	reads := &reader{}
	id := parsed(reads, "identity_id", m.IdentityID, access.ParseIdentityID)
	ttl := reads.span("ttl", m.TTL).Duration
	if m.TTL.IsNull() {
		ttl = usualLife
	}
	if len(reads.unknown) == 0 && !r.collects {
		if stage, ok := r.stageOf(ctx, id, &resp.Diagnostics); !ok ||
			(stage != pending && !r.issue(ctx, id, ttl, stage, m, resp)) {
			return
		}
	}
	resp.Diagnostics.Append(resp.Result.Set(ctx, m)...)
}

// stage is how far Terraform is with an identity, as far as this walk shows. Terraform does not tell an ephemeral
// resource whether it plans or applies.
type stage int

const (
	// settled: nothing shows that this is a plan, and the identity is as it will be.
	settled stage = iota
	// planning: this is a plan, which leaves the identity as it is.
	planning
	// pending: this plan creates or changes it.
	pending
)

// stageOf says how far Terraform is with an identity: a plan reads and plans what an apply leaves alone. It reports
// false if the apply has yet to change the identity, or the system could not be asked; that is said.
func (r *tokenResource) stageOf(ctx context.Context, id access.IdentityID, diags *diag.Diagnostics) (stage, bool) {
	if err := r.load(ctx); err != nil {
		diags.AddError("Cannot read the access system", sentence(err)+". No token was issued.")
		return settled, false
	}
	ref := id.Ref()
	s, planned, _ := r.portfolio.Find(ref)
	_, seen := r.hasSeen(ref)
	switch {
	// this apply has made it what it is to be
	case r.isDone(ref):
		return settled, true
	// an apply that gave out a token now would give out one of what was before
	case planned && changes(s) && r.isApplying():
		diags.AddAttributeError(path.Root("identity_id"), fmt.Sprintf("No token for %s yet", id),
			"This apply has yet to change the identity. Refer to it (identity_id = partner_identity.NAME.id), so "+
				"that it is changed first. No token was issued.")
		return settled, false
	// a plan, and the token is to be of what it makes of the identity
	case planned && changes(s):
		return pending, true
	// it was read or planned, and is to stay as it is: an apply does neither with what it leaves alone
	case planned || seen:
		return planning, true
	}
	return settled, true
}

// refuses reports whether no token is given out, because the floor lets nothing give more. A plan goes on without a
// token, so that what it takes away goes through.
func (r *tokenResource) refuses(ctx context.Context, id access.IdentityID, at stage, diags *diag.Diagnostics) bool {
	f, err := r.stand(ctx)
	if err != nil {
		return false // what reads the system meets it as well
	}
	summary, detail := r.belowFloor(f)
	if summary == "" {
		return false
	}
	add := diags.AddAttributeError
	if at == planning {
		add = diags.AddAttributeWarning
	}
	add(path.Root("identity_id"), fmt.Sprintf("No token for %s", id),
		fmt.Sprintf("%s. %s No token was issued.", summary, detail))
	return true
}

// changes reports whether a plan creates or changes a subject. What is unknown may change.
func changes(s guardrail.Subject) bool {
	if s.Before == nil || s.Adopted || len(s.Unknown) > 0 {
		return true
	}
	before, _ := access.Declaration(s.Before)
	after, _ := access.Declaration(s.Object)
	return !bytes.Equal(before, after)
}

// issue gives out the token, keeps what Close needs (its name, not the token), and reports whether the run goes on. An
// inventory waits for it, since a token is made of changes.
func (r *tokenResource) issue(ctx context.Context, id access.IdentityID, ttl time.Duration, at stage, m *tokenModel,
	resp *ephemeral.OpenResponse) bool {
	issuer, ok := access.As[access.TokenIssuer](r.system)
	if !ok || r.refuses(ctx, id, at, &resp.Diagnostics) {
		return !resp.Diagnostics.HasError()
	}
	defer r.changes.begin()()
	now, err := r.system.Now(ctx)
	if err == nil {
		err = r.fit(ctx, id, now)
	}
	var t access.Token
	if err == nil {
		t, err = issuer.Token(warned(ctx, &resp.Diagnostics), id, now.Add(ttl))
	}
	if err != nil {
		return refusedToken(&resp.Diagnostics, id, at, err)
	}
	text, err := json.Marshal(lent{Identity: t.Identity.String(), Accessor: t.Accessor, Until: t.Until})
	if err != nil {
		resp.Diagnostics.AddError("Cannot keep what is needed to revoke the token", sentence(err)+".")
		return false
	}
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, lentKey, text)...)
	m.Token, m.ExpiresAt = types.StringValue(t.Text), timeValue(t.Until)
	return !resp.Diagnostics.HasError()
}

// lent is what is kept of a token that was given out, in the private part that Terraform hands to Close: enough to
// revoke it, and nothing that opens anything.
type lent struct {
	Identity string    `json:"identity"`
	Accessor string    `json:"accessor"`
	Until    time.Time `json:"until"`
}

// lentKey is its name in the private part.
const lentKey = "token"

// fit refuses an identity that may have no token, with what the system says of it now.
func (r *tokenResource) fit(ctx context.Context, id access.IdentityID, now time.Time) error {
	rec, err := r.system.Get(ctx, id.Ref())
	switch {
	case isNotFound(err) && r.locate(ctx).none:
		return fmt.Errorf("%w: there is nothing in %s", access.ErrNoSystem, r.system.Capabilities().Place)
	case isNotFound(err):
		return access.ErrNoIdentity
	case err != nil:
		return err
	case !now.Before(rec.EndsAt):
		return fmt.Errorf("%w: it ended at %s, and it is %s", access.ErrEnded, access.At(rec.EndsAt), access.At(now))
	case rec.Suspended:
		return fmt.Errorf("%w: it is suspended, or one above it", access.ErrCut)
	case rec.Held:
		return fmt.Errorf("%w: it is on hold, cut by hand in the system", access.ErrCut)
	}
	return nil
}

// refusedToken says why there is no token, and whether the run goes on without: only a plan whose login may give out
// none. An apply must not: some of what takes the token does not bear that it is unknown.
func refusedToken(diags *diag.Diagnostics, id access.IdentityID, now stage, err error) (goesOn bool) {
	summary := fmt.Sprintf("No token for %s", id)
	at := path.Root("identity_id")
	switch {
	case errors.Is(err, access.ErrNoIdentity):
		diags.AddAttributeError(at, summary, fmt.Sprintf("The system has no identity %s. Refer to the declared one "+
			"(identity_id = partner_identity.NAME.id), so that it is created first. No token was issued.", id))
	case errors.Is(err, access.ErrEnded):
		diags.AddAttributeError(at, summary, sentence(err)+". An identity without access gets no token. Extend its "+
			"expires_at, or remove this block.")
	case errors.Is(err, access.ErrCut):
		diags.AddAttributeError(at, summary, sentence(err)+". A token would give whoever runs Terraform the access "+
			"that was cut. Wait until the identity is active again, or remove this block.")
	case errors.Is(err, access.ErrNotPermitted) && now == planning:
		diags.AddAttributeWarning(at, summary, sentence(err)+". The plan continues without it. The token is known "+
			"after apply, if that login may issue tokens.")
		return true
	case errors.Is(err, access.ErrNotPermitted):
		diags.AddAttributeError(at, summary, sentence(err)+". Give this login the rights to issue tokens. No token "+
			"was issued.")
	default:
		diags.AddAttributeError(at, summary, sentence(err)+". No token was issued.")
	}
	return false
}

// Close revokes the token. If it cannot, that is a warning: the token still ends by itself.
func (r *tokenResource) Close(ctx context.Context, req ephemeral.CloseRequest, resp *ephemeral.CloseResponse) {
	text, d := req.Private.GetKey(ctx, lentKey)
	if resp.Diagnostics.Append(d...); len(text) == 0 || resp.Diagnostics.HasError() {
		return
	}
	var l lent
	err := json.Unmarshal(text, &l)
	if err == nil {
		err = r.revokeToken(warned(ctx, &resp.Diagnostics), l)
	}
	if err != nil {
		resp.Diagnostics.AddWarning(fmt.Sprintf("A token for %s was not revoked", l.Identity),
			fmt.Sprintf("%s. It ends by itself at %s. To cut it earlier, suspend the identity.",
				sentence(err), access.At(l.Until)))
	}
}

// revokeToken revokes a token by its name. The configuration may have been changed to a system without tokens: that is
// access.ErrUnsupported.
func (r *tokenResource) revokeToken(ctx context.Context, l lent) error {
	id, err := access.ParseIdentityID(l.Identity)
	if err != nil {
		return err
	}
	issuer, able := access.As[access.TokenIssuer](r.system)
	if !able {
		return access.ErrUnsupported
	}
	defer r.changes.begin()()
	return issuer.Revoke(ctx, access.Token{Identity: id, Accessor: l.Accessor, Until: l.Until})
}
