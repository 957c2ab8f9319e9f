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

// aligner makes what IAM has what the pages say. Of each principal, what takes access away comes first, and what gives
// it last: whatever fails or dies in between leaves it with less than is declared, and the next change goes on.
type aligner struct {
	at       *account
	store    *pages
	reader   *reader
	compiler *compiler
	issuers  *issuers
	lookout  *lookout
	cutter   *cutter
}

// align makes a principal what it has to be. It reports whether it is all there, so that what is missing later was
// taken away by somebody. still tells whether the page is the one that this follows from.
//
// A cut by hand is noticed before anything is written, by what IAM has then: it would not be seen afterwards.
func (al *aligner) align(ctx context.Context, w *wanted, still func() error) (built bool, err error) {
	n, err := al.reader.look(ctx, w.principal)
	if err != nil {
		return w.Built, err
	}
	if w.cut, err = al.lookout.noticed(ctx, *w, n); err != nil {
		return w.Built, err
	}
	if w.cut {
		w.policies[holdPolicy] = policy.Cut()
	}
	switch {
	case n.there:
		err = al.reader.foreign(n, w.principal, w.adopted)
	case w.Kind == store.User:
		return al.userGone(ctx, w)
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
	if w.denied() { // not all of it was written, so nothing that is missing is news
		return w.Built, nil
	}
	whole := w.Kind == store.Role || w.keyCut(n.keys) == ""
	return whole, w.nobody
}

// userGone answers for a user that is not there. Its keys went with it, and only a rotation issues another one; or
// somebody moved it, and they live on where nothing here ends them (ErrRemains).
func (al *aligner) userGone(ctx context.Context, w *wanted) (built bool, err error) {
	if w.adopted {
		return w.Built, al.at.movedKeys(ctx, w.principal, w.logins)
	}
	return w.Built && !w.lifted, al.at.movedKeys(ctx, w.principal, w.Keys())
}

// mayBeMade reports whether a role that is not there is made. One that was there, and is denied everything, was removed
// by somebody; and one of which it cannot be told what it is to be would open what nobody declared, once the denial
// goes. Otherwise, only a change of its own credential makes it (Family.Making).
func (w *wanted) mayBeMade() bool {
	if w.denied() && (w.Built || w.unclear != nil || w.untrusted != nil) {
		return false
	}
	return w.made
}

// shape writes what a principal that is there has to be, in two halves: what takes away is written even if nobody can
// tell what is allowed or trusted, and what gives is not. Then it waits until IAM answers with it.
func (al *aligner) shape(ctx context.Context, w *wanted, n *native, still func() error) error {
	changed, err := al.narrow(ctx, *w, n)
	if err != nil {
		return err
	}
	w.trustAsBefore(n)
	// a principal that is denied everything is done here: what it would be allowed need not be known
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
// anything before it may fail, the denies hold. It reports whether it wrote what has to be waited for.
//
// Who may come in is written before what is allowed. If the boundary may not be set, only grants within those that IAM
// has are written, and no deny is taken away: unbound, anything more would be wider than is declared.
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

// grant writes partner-grants. A deny of somebody's may have left no room for it, or for our own cut, so that it went
// (see cutter.deny). While there is a deny, it is not needed; without one, the denies go first, and then it comes back
// (TestWhatMadeRoomForASuspensionIsNoCutAndComesBack).
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

// letIn writes whom a role trusts. If AWS knows nobody of that name, as when a partner removed its own role, the role
// trusts nobody, the rest is written all the same, and the error says it in the end (wanted.nobody).
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

// dropDenies takes the denies away that are not declared any more: partner-cut if nothing suspends it, partner-hold
// only if it was released. If the boundary could not be written, it takes away none, and returns why.
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

// untrusted does what is left to do if the trust of a role may not be written. One that only ends earlier, or lets in
// from fewer networks, is what partner-end enforces already, so that is no error. If it should trust somebody else now,
// whom it trusted is cut off, and the error stays.
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

// retag brings the tags in line. Nothing depends on them but people, and an adopted user, which is found again by its
// tags alone; so that they may not be written is an error only there.
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

// await returns once IAM answers with what was written: what it has not spread yet acts on nobody. After the patience,
// what still lacks is an error, and the next change goes on with it. client.ErrChanged if somebody else changed the
// page meanwhile: then what IAM has may follow from that, and two processes would wait for each other in vain.
func (al *aligner) await(ctx context.Context, w wanted, still func() error) error {
	for begun := access.WallClock(); ; {
		n, err := al.reader.look(ctx, w.principal)
		if err != nil {
			return err
		}
		differs := w.differs(n)
		// a login that may not read what it wrote has IAM's word for it
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

// differs names what of a principal is not as it has to be; "" if all is. Tags, keys and what somebody attached are not
// waited for.
func (w *wanted) differs(n *native) string {
	if !n.there {
		return "the principal"
	}
	for _, name := range []string{endPolicy, grantsPolicy, cutPolicy} {
		if !asWritten(w.policies[name], n.policies[name]) {
			return "the policy " + name
		}
	}
	hold := !w.policies[holdPolicy].Empty()
	lacks := hold && !n.heldWhole()
	remains := !hold && w.lifted && n.held()
	if lacks || remains {
		return "the policy " + holdPolicy
	}
	if w.Kind == store.Role && !w.trust.Is(n.Trust) {
		return "the trust"
	}
	return ""
}

// asWritten reports whether IAM has a policy as it has to be; "" for none.
func asWritten(d policy.Document, has string) bool {
	if d.Empty() || has == "" {
		return d.Empty() && has == ""
	}
	return d.Is(has)
}
