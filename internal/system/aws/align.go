// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// aligner makes what IAM has what the pages say. What takes access away comes first, and what gives it last.
type aligner struct {
	at       *account
	store    *pages
	reader   *reader
	compiler *compiler
	issuers  *issuers
	lookout  *lookout
	cutter   *cutter
}

// align makes a principal what it has to be. What takes access away comes first, what gives it last. It reports whether
// it is all there, so that what is missing later was taken away by somebody.
func (al *aligner) align(ctx context.Context, w *wanted, still func() error) (built bool, err error) {
	n, err := al.reader.look(ctx, w.principal)
	if err != nil {
		return w.Built, err
	}
	if w.cut, err = al.lookout.noticed(ctx, *w, n); err != nil {
		return w.Built, err
	} else if w.cut {
		w.policies[holdPolicy] = policy.Cut()
	}
	switch {
	case n.there:
		err = al.reader.foreign(n, w.principal, w.adopted)
	case w.adopted: // with all its keys, or somebody moved it
		return w.Built, al.at.movedKeys(ctx, w.principal, w.logins)
	case w.Kind == store.User: // the key went with it, or somebody moved it: only a rotation issues another one
		return w.Built && !w.lifted, al.at.movedKeys(ctx, w.principal, w.Keys())
	case !w.mayBeMade():
		return w.Built, nil
	default:
		n, err = al.create(ctx, *w)
	}
	if err != nil {
		return w.Built, err
	}
	w.Known = true
	defer al.store.Forget(w.principal)
	if err := al.shape(ctx, w, n, still); err != nil {
		return w.Built, err
	}
	if w.unclear == nil && w.untrusted == nil {
		w.Granted = !w.policies[grantsPolicy].Empty()
	}
	if w.denied() {
		return w.Built, nil
	}
	return w.Kind == store.Role || w.keyCut(n.keys) == "", w.nobody
}

// mayBeMade reports whether a role that is not there is made. One that was there, and is denied everything,
// was removed by somebody; and one of which it cannot be told what it is to be would open what nobody
// declared, once the denial goes.
func (w *wanted) mayBeMade() bool {
	if w.denied() && (w.Built || w.unclear != nil || w.untrusted != nil) {
		return false
	}
	return w.made
}

// shape writes what a principal that is there has to be.
func (al *aligner) shape(ctx context.Context, w *wanted, n *native, still func() error) error {
	changed, err := al.narrow(ctx, *w, n)
	if err != nil {
		return err
	}
	w.trustAsBefore(n)
	// who is denied everything need not know what he would be allowed
	if why := cmp.Or(w.unclear, w.untrusted); why != nil {
		if w.denied() {
			return nil
		}
		return why
	}
	more, err := al.give(ctx, w, n)
	if err != nil {
		return err
	}
	if changed || more {
		return al.await(ctx, *w, still)
	}
	return nil
}

// give writes what gives access, and last of all takes the denies away that are not declared any more: as long as
// anything before it may fail, the denies hold.
func (al *aligner) give(ctx context.Context, w *wanted, n *native) (changed bool, err error) {
	if w.Kind == store.Role && !w.trust.Is(n.Trust) {
		if err := al.letIn(ctx, w, n); err != nil {
			return false, err
		}
		changed = true
	}
	granted := w.policies[grantsPolicy]
	unbound := al.bind(ctx, w, n)
	if unbound != nil && !granted.Within(n.policies[grantsPolicy]) { // without it nothing more is given
		return changed, unbound
	}
	switch has := n.policies[grantsPolicy]; {
	case granted.Empty() && has != "":
		changed, err = true, al.at.dropInline(ctx, w.principal, grantsPolicy)
	case !granted.Empty() && !granted.Is(has):
		changed, err = true, al.grant(ctx, w, n, unbound)
	}
	if err != nil {
		return changed, err
	}
	lifted, err := al.dropDenies(ctx, w, n, unbound)
	if changed = changed || lifted; err != nil {
		return changed, err
	}
	return changed, al.retag(ctx, *w, n)
}

// grant writes partner-grants. Where it went to make room for a deny, it comes back after that.
func (al *aligner) grant(ctx context.Context, w *wanted, n *native, unbound error) error {
	text := w.policies[grantsPolicy].JSON()
	err := al.at.putInline(ctx, w.principal, grantsPolicy, text)
	switch {
	case !isFull(err) || n.policies[grantsPolicy] != "":
		return err
	case w.denied():
		delete(w.policies, grantsPolicy)
		return nil
	}
	if _, err := al.dropDenies(ctx, w, n, unbound); err != nil {
		return err
	}
	return al.at.putInline(ctx, w.principal, grantsPolicy, text)
}

// letIn writes whom a role trusts.
func (al *aligner) letIn(ctx context.Context, w *wanted, n *native) error {
	err := al.at.Ask(ctx, "UpdateAssumeRolePolicy", naming(w.principal, "PolicyDocument", w.trust.JSON()), nil)
	if errors.Is(err, client.ErrNobody) { // nobody comes in, and what is granted is what is declared all the same
		w.nobody, w.trust = err, policy.NoTrust()
		err = al.at.Ask(ctx, "UpdateAssumeRolePolicy", naming(w.principal, "PolicyDocument", w.trust.JSON()), nil)
	}
	if errors.Is(err, access.ErrNotPermitted) {
		err = al.untrusted(ctx, w, n, err)
	}
	return err
}

// bind puts a principal within the boundary of the provider block. Where that names none, one that cut it
// goes with its release.
func (al *aligner) bind(ctx context.Context, w *wanted, n *native) error {
	b := al.at.options.Boundary
	switch {
	case n.Boundary == b:
		return nil
	case b != "":
		return al.at.bound(ctx, w.principal, b)
	case w.lifted && n.boundByNothing():
		return al.at.Ask(ctx, "Delete"+string(w.Kind)+"PermissionsBoundary", naming(w.principal), nil)
	}
	return nil
}

// dropDenies takes the denies away that are not declared any more. Where the boundary could not be written, it takes
// away none, and returns why.
func (al *aligner) dropDenies(ctx context.Context, w *wanted, n *native, unbound error) (changed bool, err error) {
	for _, name := range []string{cutPolicy, holdPolicy} {
		if n.policies[name] == "" ||
			!w.policies[name].Empty() ||
			(name == holdPolicy && !w.lifted) {
			continue
		}
		if unbound != nil {
			return changed, unbound
		}
		if err := al.at.dropInline(ctx, w.principal, name); err != nil {
			return changed, err
		}
		delete(n.policies, name)
		changed = true
	}
	return changed, nil
}

// untrusted does what is left to do where the trust of a role may not be written: one that only ends earlier,
// or lets in from fewer networks, is what partner-end enforces already. Whom it should trust no more is cut
// off, and the error stays.
func (al *aligner) untrusted(ctx context.Context, w *wanted, n *native, denied error) error {
	held, parties, less := w.trust.Narrows(n.Trust)
	switch {
	case less:
		w.trust = held
		return nil
	case parties || w.denied():
		return denied
	}
	if err := al.at.putInline(ctx, w.principal, cutPolicy, policy.Cut().JSON()); err != nil {
		return err
	}
	return fmt.Errorf("its trust policy cannot be changed, so %s was cut: %w", w.principal, denied)
}

// retag brings the tags in line, which nothing depends on but people.
func (al *aligner) retag(ctx context.Context, w wanted, n *native) error {
	same := true
	for name, value := range w.tags {
		same = same && n.tagged(name) == value
	}
	if same {
		return nil
	}
	in := naming(w.principal)
	addTags(in, w.tags)
	// by its tags alone an adopted one is found again
	if err := al.at.Ask(ctx, "Tag"+string(w.Kind), in, nil); w.adopted || !errors.Is(err, access.ErrNotPermitted) {
		return err
	}
	return nil
}

// await returns when IAM answers with what was written: what it has not spread yet acts on nobody. errChanged where
// somebody else changed what it follows from, and with it perhaps what IAM has.
func (al *aligner) await(ctx context.Context, w wanted, still func() error) error {
	for begun := access.WallClock(); ; {
		n, err := al.reader.look(ctx, w.principal)
		if err != nil {
			return err
		}
		differs := w.differs(n)
		if differs == "" || (n.unread != nil && !w.lifted) { // who may not read what he wrote has IAM's word for it
			return nil
		}
		if err := still(); err != nil {
			return err
		}
		if access.WallClock().Sub(begun) > al.at.Site.Patience {
			return fmt.Errorf("%w: IAM's answer lacks %s of %s, which was just written", access.ErrUnavailable, differs,
				w.principal)
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
		if d := w.policies[name]; d.Empty() != (n.policies[name] == "") || (!d.Empty() && !d.Is(n.policies[name])) {
			return "the policy " + name
		}
	}
	if hold := !w.policies[holdPolicy].Empty(); (hold && !n.heldWhole()) || (w.lifted &&
		!hold &&
		n.held()) {
		return "the policy " + holdPolicy
	}
	if w.Kind == store.Role && !w.trust.Is(n.Trust) {
		return "the trust"
	}
	return ""
}
