// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// The three governed resources (identity, credential, grant) have one life, which governed has: it plans, creates,
// reads, updates, deletes and imports them. What differs between them is in the methods of their models
// (resource_identity.go, resource_credential.go, resource_grant.go), which know nothing of systems and rules.
//
// This file has what all of them do. What a plan decides is in plan.go, what an apply asks the system to do in
// governed_apply.go.

// model is what the models of the three resources have in common; M is the struct with Terraform's values. A method
// with a state gets the one that Terraform handed in, or nil.
type model[M any] interface {
	*M
	// common returns the attributes that all three share.
	common() *terms
	// complete fills in what is not given and has a default, from the provider's configuration and the state (nil:
	// none). The schemas have no defaults, for the short way's sake: see NewServer. given reports whether the
	// configuration has an argument, or an argument within an object.
	complete(s *session, state *M, given func(names ...string) bool)
	// object reads the arguments into the object that they declare. What is unknown or wrong, the reader notes.
	object(r *reader) access.Object
	// keepWriting keeps the state's spelling of arguments that mean the same, and the state's computed values: a plan
	// moves only what changes.
	keepWriting(state *M)
	// move marks the computed values that this change moves, beyond those that all resources have. For a creation
	// (c.before is nil), it sets those that are known before.
	move(c change, kept kept)
	// declare writes the arguments from an object that was read from the system.
	declare(o access.Object)
	// observe writes the computed values: all of them, or only those that the plan left unknown.
	observe(seen observed, all extent)
	// replaced names the arguments whose change makes another object of it. Each of them is part of the id.
	replaced(state *M) []string
	// release is the value by which an identity asks to lift a hold; null for none, and for the other resources.
	release() types.String
	// issued names what the state knows to be issued, by its serial, else by its fingerprint; "" for nothing. knows
	// reports whether the state was told of this very thing.
	issued() string
	knows(*access.Issued) bool
	// restore gives a plan back what the state knows of what was issued, if the plan expected something new and nothing
	// was issued: the identity was suspended between plan and apply, perhaps by another stack.
	restore(state *M, seen observed)
}

// change is a change from one object to another, as a plan or an apply decides on it. Both come to the same values, so
// that the apply does what the plan said.
type change struct {
	// before is nil for a creation. If neither the state nor the system says what it was, it is after, and untold is
	// set.
	before, after access.Object
	// stateStatus is the status that the state shows; stateEnds is the end that was asked for, by the state.
	stateStatus string
	// ends is when the object will end. Unless endsKnown, it is only the end that it has; zero for a creation.
	stateEnds, ends time.Time
	// unknown names arguments of after that are not known yet; nil at apply.
	unknown   map[string]bool
	endsKnown bool
	// fixed says that the system cannot move the end of what it has issued for this kind of credential: it is revoked
	// instead.
	fixed bool
	// cut says that the identity is suspended or held by what this plan leaves in place, so nothing is issued for it.
	cut bool
	// fresh says that it is made anew, and the system holds nothing of it that the change would take up.
	fresh bool
	// words are what the system says of it by its arguments alone; nil if these are not known enough for that.
	words *access.Words
	// untold says that neither the state nor the system tells what it was, so the rules judge it as created.
	untold bool
}

// governed is the life of a resource, one for identities, credentials and grants. P is *M: Go's way to say that the
// pointer has the methods.
type governed[M any, P model[M]] struct {
	configured
	kind access.Type
}

// Metadata names the resource: partner_identity, partner_credential or partner_grant.
func (g *governed[M, P]) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + string(g.kind)
}

// objectOf returns the object that a model declares, the names of its arguments that are unknown, and whether the rest
// could be read. What could not is said at its argument.
func objectOf[M any, P model[M]](m *M, diags *diag.Diagnostics) (access.Object, map[string]bool, bool) {
	r := &reader{}
	o := P(m).object(r)
	for _, f := range r.faults {
		diags.AddAttributeError(path.Root(f.attribute), "Not a value that "+f.attribute+" can have",
			sentence(f.err)+".")
	}
	return o, r.unknown, len(r.faults) == 0
}

// claimed returns the object that a state's attributes make; nil if they make none, as when somebody edited them. It
// says nothing to anybody: a state is not a configuration, and no plan fails over it.
func claimed[M any, P model[M]](state *M) access.Object {
	var faults diag.Diagnostics
	if o, _, ok := objectOf[M, P](state, &faults); ok {
		return o
	}
	return nil
}

// before returns what a change begins with, by the state or, if that cannot be read, by the system; nil if neither
// says. It is what the plan shows and what decides a reissue. What the rules compare with is decided in believed.go.
func (g *governed[M, P]) before(ref access.Ref, state *M) access.Object {
	if o := claimed[M, P](state); o != nil {
		return o
	}
	live, _ := g.portfolio.Holds(ref)
	return live.Object
}

// Create puts a new object in force, or adopts what its own stack left behind under the id. An error after the change
// (the clock cannot be read) does not keep the state from being written: nothing in force is unknown to it.
func (g *governed[M, P]) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	ctx, leave := g.traffic.enter(ctx)
	defer leave()
	plan, ok := read[M](ctx, req.Plan, &resp.Diagnostics)
	if !ok {
		return
	}
	rec, ok := g.apply(ctx, plan, nil, kept{}, &resp.Diagnostics)
	if !ok {
		return
	}
	knownBy(resp.Identity, types.StringValue(rec.Object.Ref().ID))
	g.finish(ctx, plan, rec, &resp.State, resp.Private, &resp.Diagnostics)
}

// Update changes an object in place, or adopts what was imported for that.
func (g *governed[M, P]) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	ctx, leave := g.traffic.enter(ctx)
	defer leave()
	plan, ok := read[M](ctx, req.Plan, &resp.Diagnostics)
	if !ok {
		return
	}
	state, ok := read[M](ctx, req.State, &resp.Diagnostics)
	if !ok {
		return
	}
	k := keptIn(ctx, req.Private, &resp.Diagnostics).of(P(state).common())
	if k.Adopt != "" {
		state = nil // nothing was declared yet
	}
	rec, ok := g.apply(ctx, plan, state, k, &resp.Diagnostics)
	if !ok {
		return
	}
	if state != nil {
		P(plan).restore(state, rec)
	}
	stillKnownBy(resp.Identity, P(plan).common().ID)
	g.finish(ctx, plan, rec, &resp.State, resp.Private, &resp.Diagnostics)
}

// meant returns what a state means by its id. A state can be edited: if its id is not one, its arguments say what is
// meant.
func (g *governed[M, P]) meant(state *M) access.Ref {
	ref := access.Ref{Type: g.kind, ID: P(state).common().ID.ValueString()}
	if _, _, err := access.ParseRef(ref.Type, ref.ID); err != nil {
		if o := claimed[M, P](state); o != nil {
			return o.Ref()
		}
	}
	return ref
}

// sayAnother warns that the system holds another object than a state means, under the same id. That one stays in force,
// whatever becomes of the state.
func sayAnother(ref access.Ref, rec *access.Record, uid string, diags *diag.Diagnostics) {
	diags.AddWarning("The state means another one: "+ref.String(),
		fmt.Sprintf("The state means the uid %q. The system holds the uid %q, of the stack %q, created on %s. This "+
			"state does not own that one, and leaves it in force. If you mean it, import it: terraform import "+
			"takes the id %s.", uid, rec.UID, rec.Stack, access.At(rec.CreatedAt), ref.ID))
}

// remove takes a resource out of the state, on either way (see unchanged.gone).
func remove(ctx context.Context, resp *resource.ReadResponse) {
	resp.State.RemoveResource(ctx)
	if u := unchangedIn(ctx); u != nil {
		u.gone = true
	}
}

// ImportState takes an id, as text or as the resource's identity, and writes it to the state; the Read that Terraform
// calls next does the rest. For identities, ID@NATIVE_ID is what nobody has declared yet, to be adopted (adoption.go).
func (g *governed[M, P]) ImportState(ctx context.Context, req resource.ImportStateRequest,
	resp *resource.ImportStateResponse) {
	if id, native, ok := strings.Cut(req.ID, "@"); ok && g.kind == access.TypeIdentity {
		g.importUngoverned(ctx, id, native, resp)
		return
	}
	id := req.ID
	if id == "" && req.Identity != nil {
		resp.Diagnostics.Append(req.Identity.GetAttribute(ctx, path.Root("id"), &id)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	if _, _, err := access.ParseRef(g.kind, id); err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("Cannot import a %s", g.kind), sentence(err)+".")
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), id)...)
}
