// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
)

// realize brings the principals of an identity in line with its page: those that nothing asks for go, the others are
// made what they have to be. It returns the page, without those that are gone, and as it was if nothing of it changed.
//
// Two kinds of failure do not stop it, since they say nothing of other principals: a role whose partner AWS does not
// know (client.ErrNobody), and a key that lives on under another user (access.ErrRemains). They are returned at the
// end. With ErrNobody the page is not written: the next change tries again.
func (al *aligner) realize(ctx context.Context, f *family, p *page) (*page, error) {
	if len(p.Principals) == 0 {
		return p, nil
	}
	done, err := al.alignPage(ctx, f, p)
	if err != nil {
		return p, err
	}
	if done.found.Load() {
		marks, err := al.store.Marks(ctx)
		if err != nil {
			return p, err
		}
		f.Holds = marks
	}
	var late error
	if err := done.remains.Load(); err != nil {
		late = *err
	}
	if err := done.nobody.Load(); err != nil {
		return p, cmp.Or(late, *err)
	}
	next := p.Copied()
	next.Lifting = false
	next.Principals = done.keep(next.Principals)
	if slices.Equal(next.Principals, p.Principals) && !p.Lifting {
		return p, late
	}
	written, err := al.store.Write(ctx, next)
	if err != nil {
		return p, err
	}
	return written, late
}

// alignment is what came of making all principals of an identity what they have to be. Each of its goroutines writes to
// its own places.
type alignment struct {
	// all are the principals that are asked for, and as, beside them, what the page is to say of each.
	all []wanted
	as  []principal
	// found is true if somebody cut one by hand, and that was marked.
	found atomic.Bool
	// left says of each principal of the page whether it could not be removed: then the page goes on to name it.
	left []bool
	// nobody is why a role could let nobody in, and remains what lives on, as a key under another user. They say
	// nothing of the others, so they do not stop them.
	nobody, remains atomic.Pointer[error]
}

// alignPage makes the principals that are asked for what they have to be, and removes the others, four at a time. That
// an issuer is not trusted stops only what it lets in.
func (al *aligner) alignPage(ctx context.Context, f *family, p *page) (*alignment, error) {
	untrusted := al.issuers.trustIssuerOf(ctx, f, p)
	done := &alignment{all: al.compiler.wantedOf(f.Ledger(), f.Holds, al.compiler.known(f, p))}
	done.as = make([]principal, len(done.all))
	still := func() error { return al.store.Same(ctx, f, p.ID) }
	var working errgroup.Group
	working.SetLimit(4)
	for at, w := range done.all {
		w.made = f.Making == w.credential || p.Lifting
		if w.untrusted != nil && untrusted != nil {
			w.untrusted = untrusted
		}
		working.Go(func() error {
			is, err := al.align(ctx, &w, still)
			done.as[at] = w.principal
			done.as[at].Built = is
			if w.cut {
				done.found.Store(true)
			}
			switch {
			case errors.Is(err, client.ErrNobody):
				done.nobody.Store(&err)
				return nil
			case errors.Is(err, access.ErrRemains):
				done.remains.Store(&err)
				return nil
			}
			return err
		})
	}
	done.left = make([]bool, len(p.Principals))
	for n, x := range p.Principals {
		if done.at(x) >= 0 {
			continue
		}
		working.Go(func() error {
			err := al.cutter.destroy(ctx, p.ID, x)
			if done.left[n] = errors.Is(err, access.ErrRemains); done.left[n] {
				done.remains.Store(&err)
				return nil
			}
			return err
		})
	}
	return done, working.Wait()
}

// at returns which of the principals that are asked for this one is; below 0 if it is none. Within one identity, a name
// tells the kind as well.
func (a *alignment) at(x principal) int {
	return slices.IndexFunc(a.all, func(w wanted) bool { return w.Name == x.Name })
}

// keep returns those principals that the page goes on to name: those that are asked for, with what IAM had of them, and
// those that could not be removed.
func (a *alignment) keep(principals []principal) (kept []principal) {
	for n, x := range principals {
		at := a.at(x)
		if at >= 0 {
			x.Built = a.as[at].Built
			x.Known = a.as[at].Known
			x.Granted = a.as[at].Granted
		}
		if at >= 0 || a.left[n] {
			kept = append(kept, x)
		}
	}
	return kept
}

// alignAll brings the principals of an identity, and of all that hang on it, in line with their pages.
// client.ErrChanged if one of these is another one by then: what was written last may be of before. A damaged page is
// passed over, since nothing follows from it.
func (al *aligner) alignAll(ctx context.Context, f *family, id access.IdentityID) error {
	var late error
	for _, one := range append([]access.IdentityID{id}, f.Below(id)...) {
		p := f.Pages[one]
		if p == nil || p.Damage != nil {
			continue
		}
		aligned, err := al.realize(ctx, f, p)
		if err != nil && !errors.Is(err, access.ErrRemains) {
			return err
		}
		f.Pages[one], late = aligned, cmp.Or(late, err) // a key that lives on elsewhere keeps nothing from the others
	}
	return cmp.Or(al.store.Same(ctx, f, id), late)
}
