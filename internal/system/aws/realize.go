// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
)

// realize brings the principals of an identity in line with its page: those that nothing asks for go, the others are made what they have
// to be. It returns the page, without those that are gone.
func (s *System) realize(ctx context.Context, f *family, p *page) (*page, error) {
	if len(p.principals) == 0 {
		return p, nil
	}
	done, err := s.alignPage(ctx, f, p)
	if err != nil {
		return p, err
	}
	if done.found.Load() {
		marks, err := s.store.marks(ctx)
		if err != nil {
			return p, err
		}
		f.holds = marks
	}
	var late error
	if err := done.remains.Load(); err != nil {
		late = *err
	}
	if err := done.nobody.Load(); err != nil {
		return p, cmp.Or(late, *err)
	}
	next := p.copied()
	next.lifting = false
	next.principals = done.keep(next.principals)
	if slices.Equal(next.principals, p.principals) && !p.lifting {
		return p, late
	}
	written, err := s.store.write(ctx, next)
	if err != nil {
		return p, err
	}
	return written, late
}

// alignment is what came of making all principals of an identity what they have to be.
type alignment struct {
	// all are the principals that are asked for. built tells of each whether it is all there, and known whether IAM had it.
	all          []wanted
	built, known []bool
	// found is true where somebody cut one by hand.
	found atomic.Bool
	// left tells of each principal of the page whether it could not be removed.
	left []bool
	// nobody is why a role could let nobody in, and remains what lives on, as a key under another user. They say nothing of the others, so they
	// do not stop them.
	nobody, remains atomic.Pointer[error]
}

// alignPage makes the principals that are asked for what they have to be, and removes the others.
func (s *System) alignPage(ctx context.Context, f *family, p *page) (*alignment, error) {
	untrusted := s.trustIssuerOf(ctx, f, p)
	done := &alignment{all: s.wantedOf(f.ledger(), f.holds, s.known(f, p))}
	done.built, done.known = make([]bool, len(done.all)), make([]bool, len(done.all))
	still := func() error { return s.same(ctx, f, p.id) }
	var working errgroup.Group
	working.SetLimit(4)
	for at, w := range done.all {
		w.made = f.making == w.credential || p.lifting
		if w.untrusted != nil && untrusted != nil {
			w.untrusted = untrusted
		}
		working.Go(func() error {
			is, err := s.align(ctx, &w, still)
			if done.built[at], done.known[at] = is, w.Known; w.cut {
				done.found.Store(true)
			}
			switch {
			case errors.Is(err, errNobody):
				done.nobody.Store(&err)
				return nil
			case errors.Is(err, access.ErrRemains):
				done.remains.Store(&err)
				return nil
			}
			return err
		})
	}
	done.left = make([]bool, len(p.principals))
	for n, x := range p.principals {
		if done.at(x) >= 0 {
			continue
		}
		working.Go(func() error {
			err := s.destroy(ctx, p.id, x)
			if done.left[n] = errors.Is(err, access.ErrRemains); done.left[n] {
				done.remains.Store(&err)
				return nil
			}
			return err
		})
	}
	return done, working.Wait()
}

// at returns which of the principals that are asked for this one is; below 0 where none.
func (a *alignment) at(x principal) int {
	return slices.IndexFunc(a.all, func(w wanted) bool { return w.Name == x.Name })
}

// keep returns those principals that are asked for, and notes which of them are all there, and those that could not be removed.
func (a *alignment) keep(principals []principal) (kept []principal) {
	for n, x := range principals {
		at := a.at(x)
		if at >= 0 {
			x.Built, x.Known = a.built[at], a.known[at]
		}
		if at >= 0 || a.left[n] {
			kept = append(kept, x)
		}
	}
	return kept
}

// align makes a principal what it has to be. What takes access away comes first, what gives it last. It reports whether it is all there, so
// that what is missing later was taken away by somebody.
func (s *System) align(ctx context.Context, w *wanted, still func() error) (built bool, err error) {
	n, err := s.look(ctx, w.principal)
	if err != nil {
		return w.Built, err
	}
	if w.cut, err = s.noticed(ctx, *w, n); err != nil {
		return w.Built, err
	} else if w.cut {
		w.policies[holdPolicy] = policy.Cut()
	}
	switch {
	case n.there:
		err = s.foreign(n, w.principal, w.adopted)
	case w.adopted: // with all its keys, or somebody moved it
		return w.Built, s.movedKeys(ctx, w.principal, w.logins)
	case w.Kind == user: // the key went with it, or somebody moved it: only a rotation issues another one
		return w.Built && !w.lifted, s.movedKeys(ctx, w.principal, w.keys())
	case !w.mayBeMade():
		return w.Built, nil
	default:
		n, err = s.create(ctx, *w)
	}
	if err != nil {
		return w.Built, err
	}
	w.Known = true
	defer s.store.forget(w.principal)
	if err := s.shape(ctx, w, n, still); err != nil {
		return w.Built, err
	}
	if w.denied() {
		return w.Built, nil
	}
	return w.Kind == role || w.keyCut(n.keys) == "", w.nobody
}

// mayBeMade reports whether a role that is not there is made. One that was there, and is denied everything, was removed by somebody;
// and one of which it cannot be told what it is to be would open what nobody declared, once the denial goes.
func (w *wanted) mayBeMade() bool {
	if w.denied() && (w.Built || w.unclear != nil || w.untrusted != nil) {
		return false
	}
	return w.made
}

// shape writes what a principal that is there has to be.
func (s *System) shape(ctx context.Context, w *wanted, n *native, still func() error) error {
	changed, err := s.narrow(ctx, *w, n)
	if err != nil {
		return err
	}
	w.trustAsBefore(n)
	if why := cmp.Or(w.unclear, w.untrusted); why != nil { // who is denied everything need not know what he would be allowed
		if w.denied() {
			return nil
		}
		return why
	}
	more, err := s.give(ctx, w, n)
	if err != nil {
		return err
	}
	if changed || more {
		return s.await(ctx, *w, still)
	}
	return nil
}

// give writes what gives access, and last of all takes the denies away that are not declared any more: as long as anything before it may
// fail, the denies hold.
func (s *System) give(ctx context.Context, w *wanted, n *native) (changed bool, err error) {
	if w.Kind == role && !w.trust.Is(n.Trust) {
		if err := s.letIn(ctx, w, n); err != nil {
			return false, err
		}
		changed = true
	}
	granted := w.policies[grantsPolicy]
	unbound := s.bind(ctx, w, n)
	if unbound != nil && !granted.Within(n.policies[grantsPolicy]) { // without it nothing more is given
		return changed, unbound
	}
	switch has := n.policies[grantsPolicy]; {
	case granted.Empty() && has != "":
		changed, err = true, s.dropInline(ctx, w.principal, grantsPolicy)
	case !granted.Empty() && !granted.Is(has):
		changed, err = true, s.putInline(ctx, w.principal, grantsPolicy, granted.JSON())
	}
	if err != nil {
		return changed, err
	}
	lifted, err := s.dropDenies(ctx, w, n, unbound)
	if changed = changed || lifted; err != nil {
		return changed, err
	}
	return changed, s.retag(ctx, *w, n)
}

// letIn writes whom a role trusts.
func (s *System) letIn(ctx context.Context, w *wanted, n *native) error {
	err := s.ask(ctx, "UpdateAssumeRolePolicy", w.named("PolicyDocument", w.trust.JSON()), nil)
	if errors.Is(err, errNobody) { // nobody comes in, and what is granted is what is declared all the same
		w.nobody, w.trust = err, policy.NoTrust()
		err = s.ask(ctx, "UpdateAssumeRolePolicy", w.named("PolicyDocument", w.trust.JSON()), nil)
	}
	if errors.Is(err, access.ErrNotPermitted) {
		err = s.untrusted(ctx, w, n, err)
	}
	return err
}

// bind puts a principal within the boundary of the provider block. Where that names none, one that cut it goes with its release.
func (s *System) bind(ctx context.Context, w *wanted, n *native) error {
	b := s.options.Boundary
	switch {
	case n.Boundary == b:
		return nil
	case b != "":
		return s.ask(ctx, "Put"+string(w.Kind)+"PermissionsBoundary", w.named("PermissionsBoundary", b), nil)
	case w.lifted && n.boundByNothing():
		return s.ask(ctx, "Delete"+string(w.Kind)+"PermissionsBoundary", w.named(), nil)
	}
	return nil
}

// dropDenies takes the denies away that are not declared any more. Where the boundary could not be written, it takes away none, and returns why.
func (s *System) dropDenies(ctx context.Context, w *wanted, n *native, unbound error) (changed bool, err error) {
	for _, name := range []string{cutPolicy, holdPolicy} {
		if n.policies[name] == "" || !w.policies[name].Empty() || name == holdPolicy && !w.lifted {
			continue
		}
		if unbound != nil {
			return changed, unbound
		}
		if err := s.dropInline(ctx, w.principal, name); err != nil {
			return changed, err
		}
		changed = true
	}
	return changed, nil
}

// untrusted does what is left to do where the trust of a role may not be written: one that only ends earlier, or lets in from fewer networks, is
// what partner-end enforces already. Whom it should trust no more is cut off, and the error stays.
func (s *System) untrusted(ctx context.Context, w *wanted, n *native, denied error) error {
	held, parties, less := w.trust.Narrows(n.Trust)
	switch {
	case less:
		w.trust = held
		return nil
	case parties || w.denied():
		return denied
	}
	if err := s.putInline(ctx, w.principal, cutPolicy, policy.Cut().JSON()); err != nil {
		return err
	}
	return fmt.Errorf("its trust policy cannot be changed, so %s was cut: %w", w.principal, denied)
}

// retag brings the tags in line, which nothing depends on but people.
func (s *System) retag(ctx context.Context, w wanted, n *native) error {
	same := true
	for name, value := range w.tags {
		same = same && n.tagged(name) == value
	}
	if same {
		return nil
	}
	in := w.named()
	addTags(in, w.tags)
	if err := s.ask(ctx, "Tag"+string(w.Kind), in, nil); w.adopted || !errors.Is(err, access.ErrNotPermitted) { // by its tags alone an adopted one is found again
		return err
	}
	return nil
}

// create makes a principal that gives nothing yet.
func (s *System) create(ctx context.Context, w wanted) (*native, error) {
	in := w.named("Path", w.Path)
	if w.Kind == role {
		in["AssumeRolePolicyDocument"], in["MaxSessionDuration"] = policy.NoTrust().JSON(), "3600"
		in["Description"] = "Partner access of " + w.owner.String() + ", by terraform-provider-partner"
	}
	if s.options.Boundary != "" {
		in["PermissionsBoundary"] = s.options.Boundary
	}
	addTags(in, w.tags)
	err := s.ask(ctx, "Create"+string(w.Kind), in, nil)
	if errors.Is(err, errExists) { // by another process, or the answer was lost
		if err := s.awaitThere(ctx, w.principal); err != nil {
			return nil, err
		}
		n, err := s.look(ctx, w.principal)
		if err == nil {
			err = s.foreign(n, w.principal, false)
		}
		return n, err
	}
	if err != nil {
		return nil, err
	}
	if err := s.awaitThere(ctx, w.principal); err != nil {
		return nil, err
	}
	made := described{Trust: policy.NoTrust().JSON(), Boundary: s.options.Boundary, Path: w.Path}
	for name, value := range w.tags {
		made.Tags = append(made.Tags, tag{name, value})
	}
	return &native{described: made, there: true, policies: map[string]string{}}, nil
}

// awaitThere returns when IAM knows a principal that was made: before, it may take no policy of it.
func (s *System) awaitThere(ctx context.Context, p principal) error {
	s.noteMade(p.Name)
	_, err := s.describe(ctx, p)
	if errors.Is(err, errAbsent) {
		return fmt.Errorf("%w: IAM does not find %s, which was just created", access.ErrUnavailable, p)
	}
	return err
}

// await returns when IAM answers with what was written: what it has not spread yet acts on nobody. errChanged where somebody else changed
// what it follows from, and with it perhaps what IAM has.
func (s *System) await(ctx context.Context, w wanted, still func() error) error {
	for begun := access.WallClock(); ; {
		n, err := s.look(ctx, w.principal)
		if err != nil {
			return err
		}
		differs := w.differs(n)
		if differs == "" || n.unread != nil && !w.lifted { // who may not read what he wrote has IAM's word for it
			return nil
		}
		if err := still(); err != nil {
			return err
		}
		if access.WallClock().Sub(begun) > s.options.Patience {
			return fmt.Errorf("%w: IAM's answer lacks %s of %s, which was just written", access.ErrUnavailable, differs, w.principal)
		}
		if err := access.Pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// differs names what of a principal is not as it has to be; "" where all is.
func (w *wanted) differs(n *native) string {
	if !n.there {
		return "the principal"
	}
	for _, name := range []string{endPolicy, grantsPolicy, cutPolicy} {
		if d := w.policies[name]; d.Empty() != (n.policies[name] == "") || !d.Empty() && !d.Is(n.policies[name]) {
			return "the policy " + name
		}
	}
	if hold := !w.policies[holdPolicy].Empty(); hold && !n.heldWhole() || w.lifted && !hold && n.held() {
		return "the policy " + holdPolicy
	}
	if w.Kind == role && !w.trust.Is(n.Trust) {
		return "the trust"
	}
	return ""
}
