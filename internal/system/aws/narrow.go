// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"errors"
	"slices"

	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
)

// narrow writes what takes access away: the denies, and the end.
func (s *System) narrow(ctx context.Context, w wanted, n *native) (changed bool, err error) {
	for _, name := range []string{cutPolicy, holdPolicy, endPolicy} {
		d := w.policies[name]
		if d.Empty() || d.Is(n.policies[name]) || name == holdPolicy && n.heldWhole() {
			continue
		}
		if err := s.deny(ctx, w.principal, n, name, d); err != nil {
			return changed, err
		}
		changed = true
	}
	dropped, err := s.dropAdded(ctx, w, n)
	if changed = changed || dropped; err != nil {
		return changed, err
	}
	for _, k := range n.keys {
		if w.added(k) {
			if err := s.dropKey(ctx, w.principal, k.ID); err != nil {
				return changed, err
			}
		}
	}
	if w.Kind == user { // the declaration knows of no password
		if err := s.dropPassword(ctx, w.principal); err != nil {
			return changed, err
		}
	}
	return changed, s.leave(ctx, w.principal, w.widening(n))
}

// widening are the groups of a user that may give it something, also those that may not be read, or that somebody put it into to cut it and
// that are released.
func (w *wanted) widening(n *native) []string {
	return slices.DeleteFunc(slices.Clone(n.Groups), func(g string) bool {
		return policy.OnlyDenies(n.managed[ofGroup(g)]) && (!w.lifted || !n.deniesAll(ofGroup(g)))
	})
}

// deny writes a policy that takes access away. Where a principal's own policies leave no room for it, those that give something go first.
func (s *System) deny(ctx context.Context, p principal, n *native, name string, d policy.Document) error {
	err := s.putInline(ctx, p, name, d.JSON())
	if !isFull(err) {
		return err
	}
	for other, text := range n.policies {
		if other == name || policy.OnlyDenies(text) || policy.DeniesAll(text) || text == unreadable && other != grantsPolicy {
			continue
		}
		if err := s.dropInline(ctx, p, other); err != nil {
			return err
		}
		delete(n.policies, other)
	}
	return s.putInline(ctx, p, name, d.JSON())
}

// isFull reports whether AWS takes no more characters of policies.
func isFull(err error) bool {
	var said *apiError
	return errors.As(err, &said) && said.code == "LimitExceeded"
}

// added reports whether somebody gave a user a key that nobody sealed, and that it was not adopted with.
func (w *wanted) added(k key) bool {
	if w.adopted {
		return !slices.Contains(w.logins, k.ID)
	}
	return w.Key != "" && k.ID != w.Key
}

// dropAdded removes the policies that somebody added. What takes access away stays, but for what denies everything and is released.
func (s *System) dropAdded(ctx context.Context, w wanted, n *native) (changed bool, err error) {
	for name, text := range n.undeclared() {
		if !w.policies[name].Empty() { // it was just written over
			continue
		}
		released := w.lifted && policy.DeniesAll(text)
		if policy.OnlyDenies(text) && !released {
			continue
		}
		if err := s.dropInline(ctx, w.principal, name); err != nil {
			return changed, err
		}
		changed = true
	}
	for _, arn := range n.attached {
		released := w.lifted && n.deniesAll(arn)
		if n.lessens(arn) && !released {
			continue
		}
		if err := s.detach(ctx, w.principal, arn); err != nil {
			return changed, err
		}
	}
	return changed, nil
}
