// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// How one call waits for what another call brings. Terraform calls in no order that is told, says of no call what it
// replaces or hangs on, and never says that it has finished. So who needs to know what another call brings waits until
// it came, or until nothing else goes on any more: "nowhere" is told by silence.
//
// Three things wait: a plan, for the identity that a literal id names (seek); an apply, until that is made or changed
// (follow); and an apply, until what is in its way has left (judge).
//
// Silence says something only if Terraform could have made another call. It makes so many at once (its room, see
// room.go), and each that waits takes one place. So not more than patient wait, and with -parallelism=1 nobody does.

// patient is how many calls may wait for what is still to be planned: Terraform makes ten at a time, and those that
// wait must leave room for what they wait for. See TestWhoWaitsLeavesRoomForWhatIsWaitedFor.
const patient = 4

// traffic is what Terraform has under way in this provider: how many calls run and wait, and when something last moved.
type traffic struct {
	// mu guards what follows, down to moved.
	mu      sync.Mutex
	running int // calls that do not wait
	// waiting are calls that wait for another one; they do not count as running, so that two that wait for each other
	// give up.
	waiting int
	// most is how many calls there were at once so far: Terraform makes at least that many.
	most int
	// last is when a call last began, ended or changed something. By this machine's clock.
	last time.Time
	// moved is closed at the next move, and made anew then, so that all who wait wake up.
	moved chan struct{}
	// quiet is for how long nothing else has to be under way before nobody waits for more to come. It never changes.
	quiet time.Duration
	// room is how many calls Terraform makes at once; 0 if that cannot be told. It never changes.
	room int
}

// newTraffic returns the traffic of a walk that begins now. Two seconds of silence are enough, since Terraform makes
// its next call as soon as it can.
func newTraffic() *traffic {
	return &traffic{moved: make(chan struct{}), last: access.WallClock(), quiet: 2 * time.Second, room: roomHere()}
}

// visit is one call, in its context. vain says that it has waited for something that did not come.
type visit struct{ vain bool }

// visitKey is under what a visit is in a context.
type visitKey struct{}

// enter notes the beginning of a call, and returns what notes its end. Every call of a governed resource does it first,
// also one that never waits: others wait for it.
func (t *traffic) enter(ctx context.Context) (_ context.Context, leave func()) {
	v := &visit{}
	t.move(1, true)
	return context.WithValue(ctx, visitKey{}, v), func() { t.move(-1, !v.vain) }
}

// happened wakes all who wait: something is not as it was.
func (t *traffic) happened() { t.move(0, true) }

// move changes how many calls run, and wakes all who wait. counts says that it is a reason to wait on: the end of a
// call that waited in vain is not, or two that wait for each other would keep each other waiting.
func (t *traffic) move(by int, counts bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running += by
	t.most = max(t.most, t.running+t.waiting)
	if counts {
		t.last = access.WallClock()
	}
	if t.waiting > 0 {
		close(t.moved)
		t.moved = make(chan struct{})
	}
}

// until makes a call wait until something is so, and reports whether it came to be. It gives up if nothing else goes on
// for a while, or if the call is cancelled. so is called again after each move, and must not wait itself.
func (t *traffic) until(ctx context.Context, so func() bool) bool {
	if so() {
		return true
	}
	t.pause()
	defer t.resume()
	for {
		// asked before so, so that a move between the two is not missed
		moved, rest := t.left()
		if so() {
			return true
		}
		if rest <= 0 {
			if v, ok := ctx.Value(visitKey{}).(*visit); ok {
				v.vain = true
			}
			return false
		}
		idle := time.NewTimer(rest)
		select {
		case <-moved:
		case <-idle.C:
		case <-ctx.Done():
			idle.Stop()
			return false
		}
		idle.Stop()
	}
}

// pause and resume change nothing of the traffic but who counts as running: who waits keeps nobody else waiting.
func (t *traffic) pause() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running, t.waiting = t.running-1, t.waiting+1
}

func (t *traffic) resume() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running, t.waiting = t.running+1, t.waiting-1
}

// left returns what is closed when the traffic moves next, and how long is left to wait for that. While another call
// runs, that is for ever, here an hour: a call that works is no silence, however long it takes.
func (t *traffic) left() (moved <-chan struct{}, rest time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running > 0 {
		return t.moved, time.Hour
	}
	return t.moved, t.quiet - access.WallClock().Sub(t.last)
}

// crowded reports whether so many wait that what they wait for may have no room.
func (t *traffic) crowded() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.waiting >= patient || (t.room > 0 && t.waiting >= t.room-1)
}

// free reports whether Terraform is known to make more calls at once than those that wait, by its command line or as it
// was seen to: then it is not for want of room that nothing else came. See TestOneCallAtATimeSaysNothing.
func (t *traffic) free() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return max(t.most, t.room) > t.waiting+1
}

// seek waits for what an object hangs on, if neither the system holds it nor anything of this walk was it so far, and
// reports whether it is sure to be nowhere. An id that is no reference has no order: what it names may be planned
// before or after. If Terraform makes one call at a time, nobody can wait, and a warning says that this is open.
func (s *session) seek(ctx context.Context, o access.Object, unknown map[string]bool,
	diags *diag.Diagnostics) (nowhere bool) {
	id := hangsOn(o)
	here := func() bool {
		_, _, found := s.portfolio.Find(id.Ref())
		_, seeks := s.seeking.Load(id.Ref())
		return found || seeks
	}
	if id == (access.IdentityID{}) || hasAny(unknown, "identity_id", "parent_id") || here() {
		return false
	}
	if s.traffic.crowded() {
		if s.traffic.room == 1 && !s.isApplying() {
			diags.AddWarning("An identity may be missing",
				fmt.Sprintf("%s hangs on %s, which does not exist and has not been planned so far. With "+
					"-parallelism=1, the provider cannot tell whether it comes later in this plan. If it does not, "+
					"the apply refuses this resource before it creates any of it. Write a reference "+
					"(partner_identity.NAME.id) instead of the id, or leave out -parallelism.", o.Ref(), id))
		}
		return false
	}
	s.seeking.Store(o.Ref(), true) // two that hang on each other must not wait for each other
	s.traffic.happened()
	return !s.traffic.until(ctx, here) && ctx.Err() == nil && s.traffic.free()
}

// follow waits until what an object hangs on is made or changed, if this run does so: with an id that is no reference,
// Terraform begins with either. It decides nothing: if that is never made, order fails with access.ErrNoIdentity or the
// system refuses.
func (s *session) follow(ctx context.Context, o access.Object) {
	ref := hangsOn(o).Ref()
	s.traffic.until(ctx, func() bool {
		_, planned, _ := s.portfolio.Find(ref)
		return !planned || s.isDone(ref)
	})
}

// hangsOn returns the identity above an object; zero if it hangs on none. For an identity that is its parent.
func hangsOn(o access.Object) access.IdentityID {
	if i, ok := o.(*access.Identity); ok {
		return i.ParentID
	}
	return o.Holder()
}
