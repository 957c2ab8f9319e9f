// SPDX-License-Identifier: MPL-2.0

package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// show is one rehearsal with its shadow.
type show struct {
	Rehearsal
	rehearser access.Rehearser
	*cast
	made  []*access.Record
	doors []*door
}

// door is a door with what came of it so far.
type door struct {
	access.Door
	action, path string
	visit        access.Visit
	// open: it lets in yet; lasting: the session that was opened before the cut does yet.
	open, lasting bool
	result        Result
}

// play returns a rehearsal, but for what is cleaned up after it.
func (s *show) play(ctx context.Context) error {
	if err := s.make(ctx); err != nil {
		return err
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	begun := access.WallClock()
	if err := s.cut(ctx); err != nil {
		return err
	}
	return s.await(ctx, begun)
}

// cut lets a shell do what is printed, and nothing else: a step that a person cannot run is to fail here, too.
func (s *show) cut(ctx context.Context) error {
	environment, clean, err := s.rehearser.Shell(ctx)
	if err != nil {
		return fmt.Errorf("the printed steps cannot run: %w", err)
	}
	for n, step := range s.System.Capabilities().CutByHand(s.identity.ID.Partner, s.made) {
		cmd := exec.CommandContext(ctx, "sh", "-c", step)
		cmd.Env, cmd.Dir, cmd.WaitDelay = environment, os.TempDir(), time.Second
		if said, failure := cmd.CombinedOutput(); failure != nil {
			err = fmt.Errorf("step %d of the cut failed (%s): %w: %s", n+1, step, errors.Join(failure, ctx.Err()),
				strings.TrimSpace(string(said)))
			break
		}
	}
	return errors.Join(err, clean())
}

// make puts the shadow in force. A kind that the system cannot make for it is a result by itself.
func (s *show) make(ctx context.Context) error {
	if _, err := s.put(ctx, s.identity, nil); err != nil {
		return err
	}
	for _, g := range s.grants {
		if _, err := s.put(ctx, g, nil); err != nil {
			return err
		}
	}
	for _, p := range s.parts {
		r, err := s.issue(ctx, p)
		if errors.Is(err, access.ErrUnsupported) {
			s.doors = append(s.doors, &door{result: Result{
				Kind: p.credential.Kind(),
				How:  "not tried",
				Note: fmt.Sprintf("Could not create a shadow: %v.", err),
			}})
			continue
		}
		if err != nil {
			return err
		}
		proof, err := p.proof(r.Issued)
		if err != nil {
			return err
		}
		for _, d := range s.rehearser.Doors(proof) {
			s.doors = append(s.doors, &door{
				Door:   d,
				action: p.action,
				path:   p.path,
				result: Result{Kind: p.credential.Kind(), How: d.How, Note: d.Note},
			})
		}
	}
	return nil
}

// issue puts the credential of a part, where it can be tried.
func (s *show) issue(ctx context.Context, p *part) (*access.Record, error) {
	if p.without != nil {
		return nil, p.without
	}
	return s.put(ctx, p.credential, p)
}

func (s *show) put(ctx context.Context, o access.Object, p *part) (*access.Record, error) {
	change := access.Change{Object: o, Stack: s.Stack, EndsAt: o.Common().ExpiresAt.Time}
	if p != nil && p.recipient != nil {
		change.Seal = p.seal
	}
	r, err := s.System.Put(ctx, change)
	if err == nil {
		s.made = append(s.made, r)
	}
	return r, err
}

// enter comes in by each door, and stays where one can. A door that this login may not try is a result by itself; with
// none left there was no rehearsal.
func (s *show) enter(ctx context.Context) error {
	tried := false
	for _, d := range s.doors {
		if d.Enter == nil {
			continue
		}
		err := d.admit(ctx, s.Patience)
		if errors.Is(err, access.ErrNotPermitted) || errors.Is(err, access.ErrUnsupported) {
			d.result.Note = fmt.Sprintf("It could not be tried: %v.", err)
			d.open = false
			continue
		}
		if err != nil {
			return fmt.Errorf("%s, %s: %w", d.result.Kind, d.How, err)
		}
		tried = true
	}
	if !tried {
		return fmt.Errorf("%w: none of its kinds of access could be tried: %s", access.ErrUnsupported,
			s.doors[0].result.Note)
	}
	return nil
}

// knock waits until a door lets in: a standby may not have heard of the twin yet.
func (d *door) knock(ctx context.Context, patience time.Duration) (err error) {
	for deadline := access.WallClock().Add(patience); ; {
		if d.open, err = d.Enter(ctx, d.action, d.path); err != nil || d.open {
			return err
		}
		if access.WallClock().After(deadline) {
			return fmt.Errorf("the shadow was not let in within %s before the cut, so its refusal would prove nothing",
				access.Hours(patience))
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// admit comes in by a door, and opens a session if one can stay.
func (d *door) admit(ctx context.Context, patience time.Duration) (err error) {
	if err := d.knock(ctx, patience); err != nil {
		return err
	}
	d.result.Admitted = true
	if d.Open == nil {
		return nil
	}
	if d.visit, err = d.Open(ctx); err != nil || d.visit == nil {
		return errors.Join(errors.New("no session could be opened"), err)
	}
	if d.lasting, err = d.visit.May(ctx, d.action, d.path); err == nil && !d.lasting {
		err = errors.New("a session was refused right after it opened")
	}
	return err
}

// await tries all doors until none lets in, and no session lasts.
func (s *show) await(ctx context.Context, begun time.Time) error {
	for {
		left := ""
		for _, d := range s.doors {
			if err := s.try(ctx, d, begun); err != nil {
				return err
			}
			if d.open || d.lasting {
				left = fmt.Sprintf("%s, %s", d.result.Kind, d.How)
			}
		}
		switch {
		case left == "":
			return nil
		case access.WallClock().Sub(begun) > s.Patience:
			return fmt.Errorf("%s after the first step, the shadow was still let in (%s): the steps do not cut this "+
				"partner", s.Patience, left)
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// try tries a door that was open when it was tried last, and its session. A session comes first: it is who is at work.
func (s *show) try(ctx context.Context, d *door, begun time.Time) error {
	if d.lasting {
		may, err := d.visit.May(ctx, d.action, d.path)
		if err != nil {
			return err
		}
		if !may {
			took := seconds(access.WallClock().Sub(begun))
			d.lasting, d.result.Session = false, &took
		}
	}
	if !d.open {
		return nil
	}
	admitted, err := d.Enter(ctx, d.action, d.path)
	if err != nil || admitted {
		return err
	}
	d.open, d.result.Seconds = false, seconds(access.WallClock().Sub(begun))
	d.result.Refused, err = s.System.Now(ctx)
	return err
}

// clean removes all of the shadow, also where the caller was cancelled.
func (s *show) clean(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleaning)
	defer cancel()
	var errs []error
	for _, d := range s.doors {
		if d.visit != nil {
			errs = append(errs, d.visit.Leave(ctx))
		}
	}
	ref := s.identity.Ref()
	left, err := s.System.Get(ctx, ref) // also what a put made whose answer was lost
	if err == nil {
		_, err = s.System.Delete(ctx, ref, left.UID)
	}
	if errors.Is(err, access.ErrNotFound) {
		err = nil
	}
	if err = errors.Join(append(errs, err, s.rehearser.Tidy(ctx))...); err != nil {
		return fmt.Errorf("something of the shadow %s may be left. It reaches nothing of the partner's, and ends by "+
			"itself at %s; the next rehearsal of this stack removes it: %w",
			s.identity.ID, s.identity.ExpiresAt, err)
	}
	return nil
}
