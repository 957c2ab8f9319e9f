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
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
)

// destroy removes a principal: it is denied everything first, then all that hangs on it goes, then itself.
func (s *System) destroy(ctx context.Context, id access.IdentityID, p principal) error {
	n, err := s.look(ctx, p)
	if err != nil {
		return err
	}
	if !n.there {
		return s.movedKeys(ctx, p, p.keys())
	}
	defer s.store.forget(p)
	if n.Path != p.Path { // somebody else's of that name
		return fmt.Errorf("%s is at %s: %w", p, n.Path, access.ErrForeign)
	}
	if s.elsewhere(n.described) && p.Known {
		return fmt.Errorf("%w. If somebody changed its tag %s, write %s there again; if somebody replaced %s, restore that", s.foreign(n, p, true), systemTag, s.store.name(), s.store.where(systemKey))
	} else if s.elsewhere(n.described) {
		return nil
	}
	begun, late := access.WallClock(), false
	for {
		err = s.dismantle(ctx, p, n)
		if !conflicts(err) || late {
			break
		}
		var lost error
		if n, late, lost = s.lookLonger(ctx, p, begun); lost != nil {
			return lost
		}
		if !n.there {
			return s.proveGone(ctx, p)
		}
	}
	if err != nil {
		return err
	}
	return s.proveGone(ctx, p)
}

// lookLonger looks until IAM tells what hangs on a principal, where IAM says that something does, or that it is gone. It stays denied
// everything meanwhile. late: patience came to its end first.
func (s *System) lookLonger(ctx context.Context, p principal, begun time.Time) (n *native, late bool, err error) {
	for n == nil || (n.there && !n.loaded() && !late) {
		if err := access.Pause(ctx, 100*time.Millisecond); err != nil {
			return nil, false, err
		}
		if n, err = s.look(ctx, p); err != nil {
			return nil, false, err
		}
		late = access.WallClock().Sub(begun) > s.options.Patience
	}
	return n, late, nil
}

// loaded reports whether something hangs on a principal beside what cuts it.
func (n *native) loaded() bool {
	return len(n.keys)+len(n.attached)+len(n.Groups) > 0 || slices.ContainsFunc(slices.Collect(maps.Keys(n.policies)), func(name string) bool { return name != cutPolicy })
}

// dismantle removes a principal as it was read.
func (s *System) dismantle(ctx context.Context, p principal, n *native) error {
	if !policy.Cut().Is(n.policies[cutPolicy]) {
		err := gone(s.putInline(ctx, p, cutPolicy, policy.Cut().JSON()))
		if isFull(err) { // its own policies leave no room: the keys go first, then what gives something
			if err = s.dropKeys(ctx, p, n); err == nil {
				err = gone(s.deny(ctx, p, n, cutPolicy, policy.Cut()))
			}
		}
		if err != nil && !isFull(err) { // full of what only denies
			return err
		}
	}
	if err := s.strip(ctx, p, n); err != nil {
		return err
	}
	s.noteRemoved(p.Name)
	if err := gone(s.ask(ctx, "Delete"+string(p.Kind), p.named(), nil)); err != nil {
		again := gone(s.putInline(ctx, p, cutPolicy, policy.Cut().JSON())) // something hangs on it that we do not know, as a second factor
		return fmt.Errorf("%w: %w", access.ErrRemains, errors.Join(err, again))
	}
	return nil
}

// conflicts reports whether IAM removes nothing because something hangs on it.
func conflicts(err error) bool {
	var said *apiError
	return errors.As(err, &said) && said.code == "DeleteConflict"
}

// strip removes all that hangs on a principal, the deny last.
func (s *System) strip(ctx context.Context, p principal, n *native) error {
	if err := s.dropKeys(ctx, p, n); err != nil {
		return err
	}
	if p.Kind == user {
		if err := s.leave(ctx, p, n.Groups); err != nil {
			return err
		}
		if err := s.dropPassword(ctx, p); err != nil {
			return err
		}
	}
	for _, arn := range n.attached {
		if err := s.detach(ctx, p, arn); err != nil {
			return err
		}
	}
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(n.policies)), func(name string) bool { return name == cutPolicy })
	if n.unread != nil && n.policies[holdPolicy] == "" {
		names = append(names, holdPolicy)
	}
	for _, name := range append(names, cutPolicy) {
		if err := s.dropInline(ctx, p, name); err != nil {
			return err
		}
	}
	return nil
}

// dropKeys deletes the access keys of a user.
func (s *System) dropKeys(ctx context.Context, p principal, n *native) error {
	for _, k := range n.keys {
		if err := s.dropKey(ctx, p, k.ID); err != nil {
			return err
		}
	}
	return nil
}

// dropKey deletes an access key; one that is gone is no error.
func (s *System) dropKey(ctx context.Context, p principal, id string) error {
	return gone(s.ask(ctx, "DeleteAccessKey", p.named("AccessKeyId", id), nil))
}

// dropPassword takes from a user its password for the console.
func (s *System) dropPassword(ctx context.Context, p principal) error {
	return supported(gone(s.ask(ctx, "DeleteLoginProfile", p.named(), nil)))
}

// detach takes a managed policy off a principal; one that is gone is no error.
func (s *System) detach(ctx context.Context, p principal, arn string) error {
	return gone(s.ask(ctx, "Detach"+string(p.Kind)+"Policy", p.named("PolicyArn", arn), nil))
}

// proofs is how often a principal has to be told to be gone, where IAM may answer from a copy that is a little old.
const proofs = 3

// proveGone asks until IAM has said often enough that a principal is gone.
func (s *System) proveGone(ctx context.Context, p principal) error {
	begun, absent := access.WallClock(), 0
	for {
		_, err := s.describe(ctx, p)
		switch {
		case errors.Is(err, errAbsent):
			absent++
		case errors.Is(err, access.ErrNotPermitted): // IAM has said so already, to who removed it
			return nil
		case err != nil:
			return err
		default:
			absent = 0
		}
		if absent >= proofs || absent > 0 && s.settle() == 0 {
			return nil
		}
		if access.WallClock().Sub(begun) > s.options.Patience+s.settle() {
			return fmt.Errorf("%w: IAM still has %s", access.ErrRemains, p)
		}
		if err := access.Pause(ctx, max(s.settle()/proofs, 100*time.Millisecond)); err != nil {
			return err
		}
	}
}

// settle returns for how long IAM may answer with what is gone. A cloud of one's own answers with what it has.
func (s *System) settle() time.Duration {
	if s.options.Endpoints.IAM != "" {
		return 0
	}
	return 5 * time.Second
}
