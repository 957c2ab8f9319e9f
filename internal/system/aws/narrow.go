// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"slices"

	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// narrow writes what takes access away: the denies, and the end.
func (al *aligner) narrow(ctx context.Context, w wanted, n *native) (changed bool, err error) {
	for _, name := range []string{cutPolicy, holdPolicy, endPolicy} {
		d := w.policies[name]
		if d.Empty() || d.Is(n.policies[name]) || (name == holdPolicy && n.heldWhole()) {
			continue
		}
		if err := al.cutter.deny(ctx, w.principal, n, name, d); err != nil {
			return changed, err
		}
		changed = true
	}
	dropped, err := al.dropAdded(ctx, w, n)
	if changed = changed || dropped; err != nil {
		return changed, err
	}
	for _, k := range n.keys {
		if w.added(k) {
			if err := al.at.dropKey(ctx, w.principal, k.ID); err != nil {
				return changed, err
			}
		}
	}
	if w.Kind == store.User { // the declaration knows of no password
		if err := al.at.dropPassword(ctx, w.principal); err != nil {
			return changed, err
		}
	}
	return changed, al.at.leave(ctx, w.principal, w.widening(n))
}

// widening are the groups of a user that may give it something, also those that may not be read, or that somebody put
// it into to cut it and that are released.
func (w *wanted) widening(n *native) []string {
	return slices.DeleteFunc(slices.Clone(n.Groups), func(g string) bool {
		return policy.OnlyDenies(n.managed[ofGroup(g)]) &&
			(!w.lifted || !n.denies(ofGroup(g), w.policies[grantsPolicy]))
	})
}

// dropAdded removes the policies that somebody added. What takes access away stays, but for what denies
// everything and is released.
func (al *aligner) dropAdded(ctx context.Context, w wanted, n *native) (changed bool, err error) {
	for name, text := range n.undeclared() {
		if !w.policies[name].Empty() { // it was just written over
			continue
		}
		released := w.lifted && policy.Denies(text, w.policies[grantsPolicy])
		if policy.OnlyDenies(text) && !released {
			continue
		}
		if err := al.at.dropInline(ctx, w.principal, name); err != nil {
			return changed, err
		}
		changed = true
	}
	for _, arn := range n.attached {
		released := w.lifted && n.denies(arn, w.policies[grantsPolicy])
		if n.lessens(arn) && !released {
			continue
		}
		if err := al.at.detach(ctx, w.principal, arn); err != nil {
			return changed, err
		}
	}
	return changed, nil
}
