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

// patient is how many calls may wait for what is still to be planned: Terraform makes ten at a time, and those that
// wait must leave room for what they wait for.
const patient = 4

// traffic is what Terraform has under way in this provider. It calls in no order that is told, and never says that it
// has finished. So who needs to know what another call brings waits until it came, or nothing else goes on any more.
type traffic struct {
	mu      sync.Mutex
	running int // calls that do not wait
	waiting int
	most    int // calls at once so far
	last    time.Time
	moved   chan struct{} // closed at the next move
	quiet   time.Duration // for how long nothing else has to be under way before nobody waits for more to come
	room    int           // how many calls Terraform makes at once; 0 where that cannot be told
}

func newTraffic() *traffic {
	return &traffic{moved: make(chan struct{}), last: access.WallClock(), quiet: 2 * time.Second, room: roomHere()}
}

// visit is one call, in its context.
type visit struct{ vain bool }

type visitKey struct{}

// enter returns the beginning of a call; what it returns is its end.
func (t *traffic) enter(ctx context.Context) (_ context.Context, leave func()) {
	v := &visit{}
	t.move(1, true)
	return context.WithValue(ctx, visitKey{}, v), func() { t.move(-1, !v.vain) }
}

// happened wakes all who wait: something is not as it was.
func (t *traffic) happened() { t.move(0, true) }

// move changes how many calls run, and wakes all who wait. The end of one that waited in vain is
// nothing to go on waiting for.
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

// until makes a call wait until something is so, and reports whether it came to be. It gives up
// when nothing else goes on.
func (t *traffic) until(ctx context.Context, so func() bool) bool {
	if so() {
		return true
	}
	t.pause()
	defer t.resume()
	for {
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

// pause and resume change nothing of the traffic: who waits keeps nobody else waiting.
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

// left returns when the traffic moves next, and how long is left to wait for it.
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
// was seen to: then it is not for want of room that nothing else came.
func (t *traffic) free() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return max(t.most, t.room) > t.waiting+1
}

// seek waits for what an object hangs on, where neither the system holds it nor anything of this walk was it so far,
// and reports whether it is sure to be nowhere. An id that is no reference has no order: what it names may be planned
// before or after. Where Terraform makes one call at a time nobody can wait, and it says that this is open.
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

// follow waits until what an object hangs on is made or changed, where this run does so: with an id that is no
// reference, Terraform begins with either.
func (s *session) follow(ctx context.Context, o access.Object) {
	ref := hangsOn(o).Ref()
	s.traffic.until(ctx, func() bool {
		_, planned, _ := s.portfolio.Find(ref)
		return !planned || s.isDone(ref)
	})
}

// hangsOn returns the identity above an object; zero where it hangs on none.
func hangsOn(o access.Object) access.IdentityID {
	if i, ok := o.(*access.Identity); ok {
		return i.ParentID
	}
	return o.Holder()
}
