// SPDX-License-Identifier: MPL-2.0

// Package rehearsal tries the end of a partner's access on a shadow partner that holds what the partner holds: it comes
// in by each door, is cut by the very steps that people are told, and is measured until no door lets it in. The
// partner's own access is read and never touched.
package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// ErrNothing says that there is nothing to rehearse.
var ErrNothing = errors.New("it has no credential in force")

const (
	// life is how long a shadow lives where nobody removes it.
	life = 10 * time.Minute
	// usualPatience is how long a door may take to open, and to close.
	usualPatience = 2 * time.Minute
	// cleaning is how long it may take to remove a shadow, whatever becomes of the caller.
	cleaning = time.Minute
	// pace is the pause between two tries of a door.
	pace = 20 * time.Millisecond
)

// Rehearsal is what a rehearsal needs.
type Rehearsal struct {
	// System makes and removes the shadow. It has to be an access.Rehearser, itself or behind what stands before it.
	System access.System
	// Stack and Environment are those of the configuration that rehearses.
	Stack, Environment string
	// Patience is how long a door may take to open, and to close. Default: 2 minutes, as IAM may need.
	Patience time.Duration
}

// Result is what came of one door.
type Result struct {
	Kind access.Kind
	// How says how the shadow came in; Note what was not tried, and why.
	How, Note string
	// Admitted: it came in before the cut.
	Admitted bool
	// Refused is when it was refused first, by the system's clock, Seconds how long after the first step was begun.
	Refused time.Time
	Seconds float64
	// Session is how long a session lasted that was open before; nil where there are none.
	Session *float64
}

// Outcome is what came of a rehearsal.
type Outcome struct {
	At      time.Time
	Results []Result
}

// Slowest returns how long the last door took to close, with its sessions.
func (o Outcome) Slowest() (slowest float64) {
	for _, r := range o.Results {
		slowest = max(slowest, r.Seconds)
		if r.Session != nil {
			slowest = max(slowest, *r.Session)
		}
	}
	return slowest
}

// Refused returns when the last door was seen to be closed.
func (o Outcome) Refused() (last time.Time) {
	for _, r := range o.Results {
		if r.Refused.After(last) {
			last = r.Refused
		}
	}
	return last
}

// Run rehearses the cut of a partner, and has the system remember it. What a rehearsal of the same stack left that was
// killed is removed first: so one stack rehearses one partner at a time.
func (r Rehearsal) Run(ctx context.Context, partner string) (Outcome, error) {
	if r.Patience <= 0 {
		r.Patience = usualPatience
	}
	rehearser, able := access.As[access.Rehearser](r.System)
	if !able {
		return Outcome{}, fmt.Errorf("rehearse the cut of %s: %w", partner, access.ErrUnsupported)
	}
	out, err := r.run(ctx, rehearser, partner)
	if err == nil {
		err = rehearser.Remember(ctx, partner, out.At)
	}
	if err != nil {
		return Outcome{}, fmt.Errorf("rehearse the cut of %s: %w", partner, err)
	}
	return out, nil
}

func (r Rehearsal) run(ctx context.Context, rehearser access.Rehearser, partner string) (out Outcome, err error) {
	records, err := r.System.List(ctx)
	if err != nil {
		return out, err
	}
	now, err := r.System.Now(ctx)
	if err != nil {
		return out, err
	}
	if err := r.sweep(ctx, rehearser, records); err != nil {
		return out, fmt.Errorf("remove what an earlier rehearsal left: %w", err)
	}
	cast, err := castOf(ctx, r.System, partner, r.Environment, records, now)
	if err != nil {
		return out, err
	}
	show := &show{Rehearsal: r, rehearser: rehearser, cast: cast}
	err = show.play(ctx)
	if err := errors.Join(err, show.clean(ctx)); err != nil {
		return out, err
	}
	for _, d := range show.doors {
		out.Results = append(out.Results, d.result)
	}
	out.At, err = r.System.Now(ctx)
	return out, err
}

// Sweep removes what rehearsals of this stack left that were killed. None may run meanwhile.
func (r Rehearsal) Sweep(ctx context.Context) error {
	rehearser, able := access.As[access.Rehearser](r.System)
	if !able {
		return nil
	}
	records, err := r.System.List(ctx)
	if err == nil {
		err = r.sweep(ctx, rehearser, records)
	}
	if err != nil {
		return fmt.Errorf("remove what an earlier rehearsal left: %w", err)
	}
	return nil
}

// sweep removes what a rehearsal of this stack left that was killed.
func (r Rehearsal) sweep(ctx context.Context, rehearser access.Rehearser, records []*access.Record) error {
	for _, left := range records {
		i, ok := left.Object.(*access.Identity)
		if !ok ||
			!access.IsShadow(i.ID.Partner) ||
			left.Stack != r.Stack ||
			i.ID.Environment != r.Environment {
			continue
		}
		if _, err := r.System.Delete(ctx, i.Ref(), left.UID); err != nil && !errors.Is(err, access.ErrNotFound) {
			return err
		}
	}
	return rehearser.Tidy(ctx)
}

// seconds returns a length of time to the millisecond, rounded up: nothing takes no time at all.
func seconds(d time.Duration) float64 {
	return math.Ceil(float64(d)/float64(time.Millisecond)) / 1000
}

// pause waits a little, unless the context ends.
func pause(ctx context.Context) error {
	t := time.NewTimer(pace)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
