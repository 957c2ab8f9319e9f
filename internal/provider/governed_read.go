// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Read asks the system. The clock decides here, and only here.
func (g *governed[M, P]) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	ctx, leave := g.traffic.enter(ctx)
	defer leave()
	state, ok := readState[M](ctx, req.State, &resp.Diagnostics)
	if !ok {
		return
	}
	stillKnownBy(resp.Identity, P(state).common().ID)
	ref := g.meant(state)
	k := keptIn(ctx, req.Private, &resp.Diagnostics).of(P(state).common())
	if k.Adopt != "" && !g.adopted(ctx, ref, &k, resp) {
		return
	}
	rec, ref, err := g.found(ctx, state, ref, &k, &resp.Diagnostics)
	now, clockErr := g.system.Now(ctx)
	var damaged *access.DamagedError
	switch {
	case errors.Is(err, errUntold):
		sayUntold(ref, &resp.Diagnostics)
	case errors.As(err, &damaged) && k.History.UID != "":
		g.readDamaged(ctx, state, ref, damaged, now, k, resp)
	case clockErr != nil:
		failed(&resp.Diagnostics, "read", ref, cmp.Or(err, clockErr))
	case isNotFound(err):
		g.readGone(ctx, state, ref, now, k, resp)
	case err != nil:
		failed(&resp.Diagnostics, "read", ref, err)
	default:
		g.readFound(ctx, state, ref, observed{rec, now, g.inForce(ctx).WarnBefore}, k, resp)
	}
}

// found asks the system for the very object that a state means, and completes what the state knows of it. Another one
// under its id is not found.
func (g *governed[M, P]) found(ctx context.Context, state *M, ref access.Ref, k *kept,
	diags *diag.Diagnostics) (*access.Record, access.Ref, error) {
	rec, err := g.system.Get(ctx, ref)
	imported := k.History.UID == "" && P(state).common().Owner.IsNull()
	if imported {
		return rec, ref, err
	}
	told := k.History.UID != "" || k.System != ""
	if !told && g.locate(ctx).none {
		return nil, ref, g.belongs("", g.locate(ctx), lacksIt)
	}
	answered := err == nil || isNotFound(err)
	if err == nil && rec.UID != k.History.UID {
		err = access.ErrNotFound
	}
	if told {
		err = g.sameSystem(ctx, k.System, rec, err, diags)
	}
	if answered && isNotFound(err) {
		if rec, ref, err = g.resolve(ctx, state, ref, *k, diags); err == nil {
			k.History.UID = rec.UID
		}
	}
	if err != nil {
		return rec, ref, g.notInOlder(ctx, state, *k, err)
	}
	return rec, ref, g.retell(ctx, P(state).knows, rec)
}

// notInOlder returns why an object is not found, if that is since an older copy of the system was asked; else the error
// that it is given. What has ended gives nothing, wherever it is.
func (g *governed[M, P]) notInOlder(ctx context.Context, state *M, k kept, err error) error {
	if !isNotFound(err) || errors.Is(err, errReplaced) {
		return err
	}
	ends := timeOf(P(state).common().EndsAt)
	if now, failed := g.system.Now(ctx); failed == nil && !ends.IsZero() && !now.Before(ends) {
		return err
	}
	return cmp.Or(g.refuseOlder(ctx, k.History, k.System), err)
}

// readFound takes over what the system holds of an object.
func (g *governed[M, P]) readFound(ctx context.Context, state *M, ref access.Ref, seen observed, k kept,
	resp *resource.ReadResponse) {
	imported := k.History.UID == ""
	if imported && seen.Stack != g.stack {
		resp.Diagnostics.AddWarning(fmt.Sprintf("The %s belongs to the stack %q", ref, seen.Stack),
			fmt.Sprintf("This import brings it into the stack %q. Remove it from the state of %q, or both stacks will "+
				"change it.", g.stack, seen.Stack))
	}
	was := *state
	P(state).declare(seen.Object)
	P(state).observe(seen, allComputed)
	moved := !reflect.DeepEqual(&was, state)
	if moved {
		writeState(ctx, resp, state)
	}
	next := keptOf(seen)
	next.CutAt = g.cutAt(ctx, seen.Object)
	next.System = cmp.Or(next.System, k.System)
	if moved || len(k.Applied) > 0 {
		next.told = k.claims(g.kind, claimed[M, P](&was), seen.History)
	}
	next.tell(next.told, seen.Object)
	keep(ctx, resp.Private, next, &resp.Diagnostics)
	g.see(ref, next)
}

// readGone decides what an object that the system does not hold means: after its end it stays, as expired; before, it
// has vanished and the plan proposes it again.
func (g *governed[M, P]) readGone(ctx context.Context, state *M, ref access.Ref, now time.Time, k kept,
	resp *resource.ReadResponse) {
	t := P(state).common()
	if k.History.UID == "" && t.Owner.IsNull() {
		g.warnAbsent(ctx, &resp.Diagnostics)
		resp.Diagnostics.AddError("Cannot import "+ref.String(),
			"The system holds no such access. Check the id and the provider's environment and directory.")
		return
	}
	if ends := timeOf(t.EndsAt); !ends.IsZero() && !now.Before(ends) {
		t.Status = types.StringValue("expired")
		writeState(ctx, resp, state)
		return
	}
	g.vanish(ref)
	remove(ctx, resp)
}

// readDamaged keeps what the state says of an object whose record cannot be read, and says so as drift. Where the
// record is gone and something of the object is left, the plan replaces it: what is left goes, and new access takes its
// place. What is left of another object, by its uid, is nothing of this one: that has gone.
func (g *governed[M, P]) readDamaged(ctx context.Context, state *M, ref access.Ref, damaged *access.DamagedError,
	now time.Time, k kept, resp *resource.ReadResponse) {
	if damaged.UID != "" && damaged.UID != k.History.UID {
		g.readGone(ctx, state, ref, now, k, resp)
		return
	}
	text := sentence(damaged) + "."
	if drift := textSet([]string{text}); !P(state).common().Drift.Equal(drift) {
		P(state).common().Drift = drift
		writeState(ctx, resp, state)
	}
	k.Drift, k.Damaged, k.Lost = []string{text}, true, len(damaged.Left) > 0
	keep(ctx, resp.Private, k, &resp.Diagnostics)
	g.vanish(ref) // if it is made anew, then as new access
}
