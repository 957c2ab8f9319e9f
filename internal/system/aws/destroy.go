// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// cutter takes away what IAM has. The cut comes first and goes last: whatever fails in between gives nobody anything.
type cutter struct {
	at     *account
	store  *pages
	reader *reader
}

// destroy removes a principal: it is denied everything first, then all that hangs on it goes, then itself. It returns
// once IAM has said often enough that it is gone; access.ErrRemains if it is not, or if its key lives on under another
// user.
//
// One that lies elsewhere is somebody else's, and an error. One that bears another ledger's tag is that ledger's, and
// left alone; but if IAM had it once by our page (Known), somebody changed the tag, and that is an error: to say "done"
// would leave its key working (TestATagThatSomebodyChangedHidesNothingFromARemoval).
func (ct *cutter) destroy(ctx context.Context, id access.IdentityID, p principal) error {
	n, err := ct.reader.look(ctx, p)
	if err != nil {
		return err
	}
	if !n.there {
		return ct.at.movedKeys(ctx, p, p.Keys())
	}
	defer ct.store.Forget(p)
	if n.Path != p.Path { // somebody else's of that name
		return fmt.Errorf("%s is at %s: %w", p, n.Path, access.ErrForeign)
	}
	if ct.reader.elsewhere(n.described) && p.Known {
		return fmt.Errorf("%w. If somebody changed its tag %s, write %s there again; if somebody replaced %s, "+
			"restore that", ct.reader.foreign(n, p, true), systemTag, ct.store.SystemID(),
			ct.store.Where(store.SystemKey))
	} else if ct.reader.elsewhere(n.described) {
		return nil
	}
	begun, late := access.WallClock(), false
	for {
		err = ct.dismantle(ctx, p, n)
		if !conflicts(err) || late {
			break
		}
		var lost error
		if n, late, lost = ct.lookLonger(ctx, p, begun); lost != nil {
			return lost
		}
		if !n.there {
			return ct.proveGone(ctx, p)
		}
	}
	if err != nil {
		return err
	}
	return ct.proveGone(ctx, p)
}

// lookLonger looks until IAM tells what hangs on a principal, after IAM has refused to remove it for that
// (DeleteConflict), or until it is gone. A listing that lags does not tell. The principal stays denied everything
// meanwhile. late: patience came to its end first.
func (ct *cutter) lookLonger(ctx context.Context, p principal, begun time.Time) (n *native, late bool, err error) {
	for n == nil || (n.there && !n.loaded() && !late) {
		if err := access.Pause(ctx, 100*time.Millisecond); err != nil {
			return nil, false, err
		}
		if n, err = ct.reader.look(ctx, p); err != nil {
			return nil, false, err
		}
		late = access.WallClock().Sub(begun) > ct.at.Site.Patience
	}
	return n, late, nil
}

// loaded reports whether something hangs on a principal beside what cuts it.
func (n *native) loaded() bool {
	return len(n.keys)+len(n.attached)+len(n.Groups) > 0 ||
		slices.ContainsFunc(slices.Collect(maps.Keys(n.policies)), func(name string) bool { return name != cutPolicy })
}

// dismantle removes a principal as it was read. If its own policies leave no room for the cut, its keys go first, and
// then what gives something; what only denies stays, and is cut enough.
func (ct *cutter) dismantle(ctx context.Context, p principal, n *native) error {
	if !policy.Cut().Is(n.policies[cutPolicy]) {
		err := client.Gone(ct.at.putInline(ctx, p, cutPolicy, policy.Cut().JSON()))
		// its own policies leave no room: the keys go first, then what gives something
		if isFull(err) {
			if err = ct.dropKeys(ctx, p, n); err == nil {
				err = client.Gone(ct.deny(ctx, p, n, cutPolicy, policy.Cut()))
			}
		}
		if err != nil && !isFull(err) { // full of what only denies
			return err
		}
	}
	if err := ct.strip(ctx, p, n); err != nil {
		return err
	}
	ct.at.NoteRemoved(p.Name)
	if err := client.Gone(ct.at.Ask(ctx, "Delete"+string(p.Kind), naming(p), nil)); err != nil {
		// something hangs on it that is not known here, such as a second factor: it stays, so it gets its deny back
		again := client.Gone(ct.at.putInline(ctx, p, cutPolicy, policy.Cut().JSON()))
		return fmt.Errorf("%w: %w", access.ErrRemains, errors.Join(err, again))
	}
	return nil
}

// conflicts reports whether IAM removes nothing because something hangs on it.
func conflicts(err error) bool {
	var said *client.Error
	return errors.As(err, &said) && said.Code == "DeleteConflict"
}

// strip removes all that hangs on a principal, the deny last: whatever fails before leaves it denied everything. What
// may not have been listed is removed by its name, which is no error if it is not there.
func (ct *cutter) strip(ctx context.Context, p principal, n *native) error {
	if err := ct.dropKeys(ctx, p, n); err != nil {
		return err
	}
	if p.Kind == store.User {
		if err := ct.at.leave(ctx, p, n.Groups); err != nil {
			return err
		}
		if err := ct.at.dropPassword(ctx, p); err != nil {
			return err
		}
	}
	for _, arn := range n.attached {
		if err := ct.at.detach(ctx, p, arn); err != nil {
			return err
		}
	}
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(n.policies)),
		func(name string) bool { return name == cutPolicy })
	if n.unread != nil && n.policies[holdPolicy] == "" {
		names = append(names, holdPolicy)
	}
	for _, name := range append(names, cutPolicy) {
		if err := ct.at.dropInline(ctx, p, name); err != nil {
			return err
		}
	}
	return nil
}

// dropKeys deletes the access keys of a user.
func (ct *cutter) dropKeys(ctx context.Context, p principal, n *native) error {
	for _, k := range n.keys {
		if err := ct.at.dropKey(ctx, p, k.ID); err != nil {
			return err
		}
	}
	return nil
}

// proveGone asks until IAM has said often enough in a row that a principal is gone: an answer may be from a copy that
// is old. A login that may not read it has to believe the answer to its removal.
func (ct *cutter) proveGone(ctx context.Context, p principal) error {
	begun, absent := access.WallClock(), 0
	for {
		_, err := ct.at.describe(ctx, p)
		switch {
		case errors.Is(err, client.ErrAbsent):
			absent++
		// IAM has said so already, to the login that removed it
		case errors.Is(err, access.ErrNotPermitted):
			return nil
		case err != nil:
			return err
		default:
			absent = 0
		}
		if absent >= proofs || (absent > 0 && ct.at.settle() == 0) {
			return nil
		}
		if access.WallClock().Sub(begun) > ct.at.Site.Patience+ct.at.settle() {
			return fmt.Errorf("%w: IAM still has %s", access.ErrRemains, p)
		}
		if err := access.Pause(ctx, max(ct.at.settle()/proofs, 100*time.Millisecond)); err != nil {
			return err
		}
	}
}

// deny writes a policy that takes access away. If a principal's own policies leave no room for it, those that give
// something go first: who is denied everything does not need them. They are taken from n as well.
func (ct *cutter) deny(ctx context.Context, p principal, n *native, name string, d policy.Document) error {
	err := ct.at.putInline(ctx, p, name, d.JSON())
	if !isFull(err) {
		return err
	}
	for other, text := range n.policies {
		if other == name ||
			policy.OnlyDenies(text) ||
			policy.DeniesAll(text) ||
			(text == unreadable && other != grantsPolicy) {
			continue
		}
		if err := ct.at.dropInline(ctx, p, other); err != nil {
			return err
		}
		delete(n.policies, other)
	}
	return ct.at.putInline(ctx, p, name, d.JSON())
}

// isFull reports whether AWS takes no more characters of policies for a principal.
func isFull(err error) bool {
	var said *client.Error
	return errors.As(err, &said) && said.Code == "LimitExceeded"
}
