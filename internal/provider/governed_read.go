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

// Reading a governed resource: which object the state means (found), and what it means that the system has it, has it
// no more, or cannot read it. A reading never drops a resource whose access may live: not found means gone only in the
// state's own system, and a state that contradicts itself stays. See
// TestNoEditOfWhatAStateMeansHidesAccessFromADestroy.

// Read asks the system for what the state means. Here, and only here, the clock decides: that a rotation is due or an
// end has come is written to the state, so that a plan and its apply come to the same whenever they run.
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
	// The order of the cases is the decision. A damaged record is told whatever the clock says; but without the time,
	// nobody can say whether what is gone had ended.
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

// found asks the system for the very object that a state means, and completes k with the uid of what it found. Another
// object under the same id is not found. It returns what the state means as well, which may differ from ref if the id
// was edited.
//
// An error is access.ErrNotFound only if the state's own system was asked, no older copy, and does not hold the object;
// errUntold if nobody can tell what is meant; an elsewhereError if this is another system.
func (g *governed[M, P]) found(ctx context.Context, state *M, ref access.Ref, k *kept,
	diags *diag.Diagnostics) (*access.Record, access.Ref, error) {
	imported := k.History.UID == "" && P(state).common().Owner.IsNull()
	if imported { // it is believed: whoever imports says what they mean
		rec, err := g.system.Get(ctx, ref)
		return rec, ref, err
	}
	rec, err := g.underID(ctx, ref, *k, diags)
	if isNotFound(err) {
		if rec, ref, err = g.resolve(ctx, state, ref, *k, diags); err == nil {
			k.History.UID = rec.UID
		}
	}
	if err != nil {
		return rec, ref, g.notInOlder(ctx, state, *k, err)
	}
	return rec, ref, g.retell(ctx, P(state).knows, rec)
}

// underID asks the state's own system for the object of the state's uid under its id. Another uid there is not found;
// that this is another system is an elsewhereError.
//
// A state that was never told of a uid or a system says nothing of what is gone. If there is no system at all, it
// belongs to another one, and stays.
func (s *session) underID(ctx context.Context, ref access.Ref, k kept, diags *diag.Diagnostics) (*access.Record,
	error) {
	rec, err := s.system.Get(ctx, ref)
	told := k.History.UID != "" || k.System != ""
	if !told && s.locate(ctx).none {
		return nil, s.belongs("", s.locate(ctx), lacksIt)
	}
	if err == nil && rec.UID != k.History.UID {
		err = access.ErrNotFound
	}
	if told {
		err = s.sameSystem(ctx, k.System, rec, err, diags)
	}
	return rec, err
}

// notInOlder returns why an object is not found, if that is because an older copy of the system was asked; else the
// error that it is given. What has ended gives nothing, in whichever copy: then it is not asked.
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

// readFound takes over what the system holds of an object: arguments, computed values, and the private part. An
// argument that the system has otherwise than the state was changed outside of this configuration; the plan shows it,
// and the private part keeps what was applied, as long as the state is believed in that (kept.claims).
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
	// Most readings change nothing. Then no state is written, and the server answers the one that Terraform sent.
	moved := !reflect.DeepEqual(&was, state)
	if moved {
		writeState(ctx, resp, state)
	}
	next := keptOf(seen)
	next.CutAt = g.cutAt(ctx, seen.Object)
	next.System = cmp.Or(next.System, k.System)
	// an unmoved state is what was applied, and its fingerprint says so
	if moved || len(k.Applied) > 0 {
		next.told = k.claims(g.kind, claimed[M, P](&was), seen.History)
	}
	next.tell(next.told, seen.Object)
	keep(ctx, resp.Private, next, &resp.Diagnostics)
	g.see(ref, next)
}

// readGone decides what it means that the state's own system does not hold an object. After its end, it stays in the
// state as expired: if it left, the plan would propose it again, and access that ended would come back by itself.
// Before its end, it has vanished, and the plan proposes it again, judged as new.
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

// readDamaged keeps what the state says of an object whose record cannot be read, and says so as drift. If the record
// is gone and something of the object is left, the plan replaces it (kept.Lost): what is left goes, and new access
// takes its place. If what is left is of another object, by its uid, then this one is gone.
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
