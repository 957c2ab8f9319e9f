// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"slices"

	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// narrow writes what takes access away, and takes off what somebody added. The denies come first: whatever fails after
// them leaves nobody with more. It reports whether it wrote what has to be waited for.
func (al *aligner) narrow(ctx context.Context, w wanted, n *native) (changed bool, err error) {
	denied, err := al.writeDenies(ctx, w, n)
	if err != nil {
		return denied, err
	}
	dropped, err := al.dropAdded(ctx, w, n)
	changed = denied || dropped
	if err != nil {
		return changed, err
	}
	for _, k := range n.keys {
		if !w.added(k) {
			continue
		}
		if err := al.at.dropKey(ctx, w.principal, k.ID); err != nil {
			return changed, err
		}
	}
	if w.Kind == store.User { // the declaration knows of no password
		if err := al.at.dropPassword(ctx, w.principal); err != nil {
			return changed, err
		}
	}
	return changed, al.at.leave(ctx, w.principal, w.widening(n))
}

// writeDenies writes the policies that deny something, if they are not there as they have to be. A partner-hold that
// denies everything, whoever wrote it and however, is left as it is.
func (al *aligner) writeDenies(ctx context.Context, w wanted, n *native) (changed bool, err error) {
	for _, name := range []string{cutPolicy, holdPolicy, endPolicy} {
		d := w.policies[name]
		there := d.Is(n.policies[name]) || (name == holdPolicy && n.heldWhole())
		if d.Empty() || there {
			continue
		}
		if err := al.cutter.deny(ctx, w.principal, n, name, d); err != nil {
			return changed, err
		}
		changed = true
	}
	return changed, nil
}

// widening returns the groups of a user that may give it something: those that do more than deny, those that may not be
// read, and those that somebody put it into to cut it, once they are released.
func (w *wanted) widening(n *native) []string {
	return slices.DeleteFunc(slices.Clone(n.Groups), func(g string) bool {
		return policy.OnlyDenies(n.managed[ofGroup(g)]) &&
			(!w.lifted || !n.denies(ofGroup(g), w.policies[grantsPolicy]))
	})
}

// dropAdded removes the policies that somebody added. What only takes access away stays, whoever wrote it, but for what
// denies everything and is released. It reports whether it removed an inline one, which is waited for.
func (al *aligner) dropAdded(ctx context.Context, w wanted, n *native) (changed bool, err error) {
	for name, text := range n.undeclared() {
		// it was written over a moment ago
		if !w.policies[name].Empty() {
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
