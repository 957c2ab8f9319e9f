// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/systemtest"
)

// rotation is one credential whose rotation is interrupted.
type rotation struct {
	*stage
	t     *testing.T
	name  string
	c     *access.Credential
	first *access.Record
	old   systemtest.Probe
}

func (st *stage) rotation(t *testing.T, kind access.Kind, name string, every, overlap time.Duration) *rotation {
	t.Helper()
	st.put(t, identityOf(name))
	st.put(t, grantOf(name))
	c := st.credentialOf(name, kind, func(c *access.Credential) {
		c.Rotation = &access.Rotation{Every: span(t, every.String()), Overlap: span(t, overlap.String())}
	})
	r := st.put(t, c)
	return &rotation{stage: st, t: t, name: name, c: c, first: r, old: st.holder(c, r)}
}

// rotate is the rotation, by somebody who knows the first only: as a plan does that was made before.
func (r *rotation) rotate(ctx context.Context, s *System) error {
	_, err := s.Put(ctx, r.change(r.c, known(r.first), issuing(access.IssueOverlap), func(c *access.Change) {
		c.Known = nameOfIssued(r.first.Issued)
	}))
	return err
}

func nameOfIssued(i *access.Issued) string {
	if i.Serial != "" {
		return i.Serial
	}
	return i.Fingerprint
}

func (r *rotation) works(p systemtest.Probe) bool {
	token := r.login(r.t, p)
	return token != "" && r.reads(r.t, token, r.name)
}

// inForce is how many of what was issued would log in.
func (r *rotation) inForce() int {
	if r.c.Kind() == access.Secret {
		return r.accessors(r.t, r.name)
	}
	return len((&life{st: r.stage, t: r.t, name: r.name}).live())
}

// given is how many of what was issued anybody may have been told of. A certificate whose signing was never answered is
// in force until the next apply revokes it, and nobody has it.
func (r *rotation) given() int {
	d, err := r.open().store.Fetch(r.t.Context(), r.c.IdentityID)
	if err != nil {
		r.t.Fatal(err)
	}
	return len(d.Entries[r.c.Ref()].Issued)
}

// holds claims what must be so whatever was interrupted: the partner's old one works, and no more than two would.
func (r *rotation) holds(when string) {
	r.t.Helper()
	if !r.works(r.old) {
		r.t.Errorf("%s: what the partner holds does not work", when)
	}
	if n := r.given(); n > 2 {
		r.t.Errorf("%s: %d are in force", when, n)
	}
}

// next is the next apply: what was issued already is told, else it is rotated. Then the partner holds a new one, and
// the old one works beside it.
func (r *rotation) next(when string) {
	r.t.Helper()
	now := r.get(r.t, r.c.Ref())
	issued := now.Issued
	var err error
	if issued != nil &&
		nameOfIssued(issued) != nameOfIssued(r.first.Issued) &&
		len(now.Drift) == 0 {
		issued, err = r.open().Tell(r.t.Context(), r.c.Ref())
	} else if err = r.rotate(r.t.Context(), r.open()); err == nil {
		issued, err = r.open().Tell(r.t.Context(), r.c.Ref())
	}
	if err != nil {
		r.t.Errorf("%s: the next apply: %v", when, err)
		return
	}
	r.holds(when + ", after the next apply")
	if nameOfIssued(issued) == nameOfIssued(r.first.Issued) || !r.works(r.holder(r.c, &access.Record{Issued: issued})) {
		r.t.Errorf("%s: the new one does not work", when)
	}
	if n := r.inForce(); n != 2 {
		r.t.Errorf("%s: %d are in force, want 2", when, n)
	}
	if drift := r.get(r.t, r.c.Ref()).Drift; len(drift) > 0 {
		r.t.Errorf("%s: drift: %q", when, drift)
	}
}

// awayFrom lets the server be away from the n-th request on, counted from 0, reading ones too.
func awayFrom(n int64, count *atomic.Int64) func(*client.Options) {
	return func(o *client.Options) {
		o.Patience = 300 * time.Millisecond
		o.FirstWait = 10 * time.Millisecond
		inner := o.Transport
		o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			if count.Add(1) > n {
				return nil, errReset
			}
			return inner.RoundTrip(r)
		})
	}
}

// A rotation that is interrupted, however and wherever, leaves the partner what works, and never more than two. Nothing
// is mended by hand: the next apply goes on.
func TestInterruptedRotationsLeaveThePartnerWhatWorks(t *testing.T) {
	shared := startStage(t)
	var rounds atomic.Int64
	// each interrupts round after round, until the rotation was not interrupted any more.
	each := func(name string, interrupted func(r *rotation, n int64) (again bool)) {
		for _, kind := range []access.Kind{access.Certificate, access.Secret} {
			t.Run(fmt.Sprintf("%s, %s", name, kind), func(t *testing.T) {
				t.Parallel()
				for n := int64(0); ; n++ {
					r := shared.rotation(t, kind, fmt.Sprintf("%s-%s-%d", slug(name), kind, n), 30*time.Minute,
						10*time.Minute)
					again := interrupted(r, n)
					when := fmt.Sprintf("round %d", n)
					r.holds(when)
					r.next(when)
					if !again || t.Failed() {
						t.Logf("%d rounds", n)
						return
					}
					rounds.Add(1)
				}
			})
		}
	}
	for _, carriedOut := range []bool{false, true} {
		each(fmt.Sprintf("killed, carried out %v", carriedOut), func(r *rotation, n int64) bool {
			var count atomic.Int64
			err := r.rotate(r.t.Context(), r.open(deathAt(n, &count, carriedOut)))
			return err != nil || count.Load() > n
		})
	}
	each("the server away", func(r *rotation, n int64) bool {
		var count atomic.Int64
		return r.rotate(r.t.Context(), r.open(awayFrom(n, &count))) != nil
	})
	each("cancelled", func(r *rotation, n int64) bool {
		ctx, cancel := context.WithTimeout(r.t.Context(), rand.N(40*time.Millisecond))
		defer cancel()
		if err := r.rotate(ctx, r.open()); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			r.t.Errorf("round %d: %v", n, err)
		}
		return n < 12
	})
	each("answers lost", func(r *rotation, n int64) bool {
		var failed atomic.Int64
		_ = r.rotate(r.t.Context(), r.open(ailing(30, uint64(n), &failed)))
		return n < 12
	})
	t.Cleanup(func() {
		t.Logf("%d rotations were interrupted", rounds.Load())
		if rounds.Load() < 100 && !t.Failed() {
			t.Error("too few rotations were interrupted")
		}
	})
}

// rotatedClient is a partner who uses what he holds again and again, through a rotation and beyond.
type rotatedClient struct {
	asked, refused int
	last           time.Time // when the old one was last admitted
}

// A partner who takes up the new one within the overlap is never refused; the old one is refused within two seconds of
// its own end, with nobody there. A session that was opened with the old one is not cut by the rotation.
func TestAClientIsNeverRefusedThroughARotation(t *testing.T) {
	st := startStageAlone(t)
	for _, kind := range []access.Kind{access.Certificate, access.Secret} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			const every, overlap = 6 * time.Second, 5 * time.Second
			r := st.rotation(t, kind, "through-"+string(kind), every, overlap)
			ends := r.first.Issued.At.Add(every + overlap)
			if !r.first.Issued.Until.Equal(ends) || !r.first.Issued.RotatesAt.Equal(r.first.Issued.At.Add(every)) {
				t.Errorf("it was issued as %+v", r.first.Issued)
			}
			session := st.session(t, r.old)
			var seen rotatedClient
			use := func(p systemtest.Probe, until time.Time) {
				for ; time.Now().Before(until); time.Sleep(100 * time.Millisecond) {
					if seen.asked++; !r.works(p) {
						seen.refused++
					}
				}
			}
			use(r.old, r.first.Issued.RotatesAt)
			rotated := make(chan *access.Record, 1)
			go func() { rotated <- st.put(t, r.c, known(r.first), issuing(access.IssueOverlap)) }()
			use(r.old, r.first.Issued.RotatesAt.Add(time.Second))
			second := <-rotated
			if !st.reads(t, session, r.name) {
				t.Error("a session of before was cut by the rotation")
			}
			if n := r.inForce(); n != 2 {
				t.Errorf("%d are in force in the overlap", n)
			}
			fresh := st.holder(r.c, second)
			use(fresh, ends.Add(-2*time.Second))
			// The rest of the overlap and what comes after it, with both.
			for limit := ends.Add(4 * time.Second); time.Now().Before(limit); time.Sleep(100 * time.Millisecond) {
				if asked := time.Now(); r.works(r.old) {
					seen.last = asked
				}
				if seen.asked++; !r.works(fresh) {
					seen.refused++
				}
			}
			if seen.refused > 0 || seen.asked < 50 {
				t.Errorf("the client was refused %d times of %d", seen.refused, seen.asked)
			}
			if late := seen.last.Sub(ends); late > 2*time.Second || late < -2*time.Second {
				t.Errorf("the old one was last admitted %s after its end", late)
			}
			t.Logf("%d uses, none refused; the old one was last admitted %s after its end", seen.asked,
				seen.last.Sub(ends).Round(time.Millisecond))
		})
	}
}
