package openbao

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/policy"
)

// What has to outlive an identity stands in policies of comments beside its own, which nobody has, and which the one listing
// reads as well: partner/SCOPE/held marks what was cut by hand (a partner, an identity, a credential), and
// partner/ID/remembered is the tombstone of an identity. A suspension hides no mark, and no destroy removes one. When a mark
// was written last is when it was cut: a release lifts what was cut before, and who writes the mark again cuts again.
const (
	heldName     = "/held"
	heldText     = "# Cut by hand."
	stoneName    = "/remembered"
	stoneTitle   = "What is remembered of an identity of this id, by terraform-provider-partner. It gives nothing to anybody."
	stoneLine    = "tombstone "
	policyFolder = "sys/policies/acl/"
)

// markOf is the policy that marks what was cut by hand.
func markOf(scope string) string { return prefix + scope + heldName }

// scopeOf is what a policy marks as cut by hand: a partner, an identity or a credential.
func scopeOf(name string) (scope string, is bool) {
	scope, ours := strings.CutPrefix(name, prefix)
	scope, is = strings.CutSuffix(scope, heldName)
	if !ours || !is {
		return "", false
	}
	_, notIdentity := access.ParseIdentityID(scope)
	_, _, notCredential := access.ParseRef(access.TypeCredential, scope)
	return scope, access.ValidPart(scope) || notIdentity == nil || notCredential == nil
}

// besides reports whether a policy of ours stands beside an identity's, and gives nothing.
func besides(name, text string) bool {
	_, marks := scopeOf(name)
	_, remembers := stoneOf(name)
	_, rehearsed := memoryOf(name)
	return (marks || remembers || rehearsed && !parseMemory(text).IsZero()) && onlyComments(text)
}

func onlyComments(text string) bool {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			return false
		}
	}
	return true
}

// stoneOf is the identity of which a policy is the tombstone.
func stoneOf(name string) (id access.IdentityID, is bool) {
	text, ours := strings.CutPrefix(name, prefix)
	text, is = strings.CutSuffix(text, stoneName)
	if !ours || !is {
		return id, false
	}
	id, err := access.ParseIdentityID(text)
	return id, err == nil
}

// parseStone reads a tombstone.
func parseStone(name, text string) (t ledger.Tombstone, err error) {
	head, _ := policy.Split(text)
	if len(head) != 2 || head[0] != stoneTitle {
		return t, fmt.Errorf("the policy %s: %w", name, access.ErrForeign)
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(head[1], stoneLine)), &t); err != nil {
		return t, fmt.Errorf("the policy %s: %w", name, err)
	}
	if t.Version > ledger.Version {
		return t, fmt.Errorf("the policy %s is of version %d, and this provider knows only version %d: use a newer provider: %w",
			name, t.Version, ledger.Version, access.ErrUnsupported)
	}
	return t, nil
}

// beside takes what stands beside the identities' policies into a snapshot, and reports whether that is what the policy is.
func (s *snapshot) beside(name string, p policyAnswer) (is bool) {
	if scope, marks := scopeOf(name); marks {
		s.holds[scope] = p.Modified.UTC()
		return true
	}
	id, remembers := stoneOf(name)
	if !remembers {
		return false
	}
	stone, err := parseStone(name, p.Policy)
	if err != nil { // no release lifts anything then, and nobody else is harmed
		stone = ledger.Tombstone{Damaged: true}
	}
	s.stones[id] = stone
	return true
}

// Holds are what was cut by hand, by when each was cut last.
func (ob *observer) Holds(ctx context.Context) (map[string]time.Time, error) {
	snap, err := ob.store.view(ctx)
	if err != nil {
		return nil, fmt.Errorf("read what was cut by hand: %w", err)
	}
	return snap.holds, nil
}

// mark writes that something was cut by hand.
func (s *store) mark(ctx context.Context, scope string) error {
	path := policyFolder + markOf(scope)
	var now policyAnswer
	err := s.client.Put(ctx, path, map[string]any{"policy": heldText}, nil)
	if err == nil {
		err = s.client.Get(ctx, path, &now)
	}
	if err != nil {
		return fmt.Errorf("mark that %s was cut by hand: %w", scope, err)
	}
	s.amend(func(next *snapshot) { next.holds[scope] = now.Modified.UTC() })
	return nil
}

// amend changes what is known of the marks and tombstones.
func (s *store) amend(change func(*snapshot)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		return
	}
	s.seen.mu.Lock()
	next := s.seen.copied()
	s.seen.mu.Unlock()
	next.holds, next.stones = maps.Clone(next.holds), maps.Clone(next.stones)
	change(next)
	s.seen = next
}

// remember brings the tombstone of an identity in line with its entry and, if it was removed, with what was removed of it.
func (s *store) remember(ctx context.Context, e *ledger.Entry, removed time.Time, formers ...access.Former) error {
	id := e.Object.Holder()
	if access.IsShadow(id.Partner) { // nobody comes back as it
		return nil
	}
	snap, err := s.view(ctx)
	if err != nil {
		return err
	}
	holding := snap.holds.Any(id.Partner)
	return s.changeStone(ctx, id, !removed.IsZero(), func(was ledger.Tombstone) (ledger.Tombstone, bool) {
		if removed.IsZero() {
			return was.Noting(e)
		}
		return was.Buried(e, removed, holding, formers...)
	})
}

// changeStone changes a tombstone by check-and-set, since others may write it. One that holds nothing is removed.
// Where something is being removed, one that is a newer provider's is left as it is, and stops no removal.
func (s *store) changeStone(ctx context.Context, id access.IdentityID, removing bool, change func(ledger.Tombstone) (ledger.Tombstone, bool)) error {
	name := prefix + id.String() + stoneName
	return again(ctx, func() error {
		var there policyAnswer
		var was ledger.Tombstone
		if err := s.client.Get(ctx, policyFolder+name, &there); gone(err) != nil {
			return err
		} else if err == nil {
			switch was, err = parseStone(name, there.Policy); {
			case errors.Is(err, access.ErrUnsupported) && removing:
				return nil
			case errors.Is(err, access.ErrUnsupported):
				return err
			case err != nil:
				was = ledger.Tombstone{Damaged: true}
			}
		}
		stone, more := change(was)
		if !more {
			return nil
		}
		if stone.Empty() {
			err := gone(s.client.Delete(ctx, policyFolder+name))
			if err == nil {
				s.amend(func(next *snapshot) { delete(next.stones, id) })
			}
			return err
		}
		text, err := json.Marshal(stone)
		if err != nil {
			return err
		}
		cas := there.Version
		if cas == 0 {
			cas = -1
		}
		in := map[string]any{"policy": policy.Render([]string{stoneTitle, stoneLine + ascii(text)}, nil), "cas": cas}
		var refused *client.Error
		if err = s.client.Put(ctx, policyFolder+name, in, nil); errors.As(err, &refused) && refused.Conflict() {
			return errChanged
		}
		if err == nil {
			s.amend(func(next *snapshot) { next.stones[id] = stone })
		}
		return err
	})
}

// pruneStones forgets what was removed more than a year ago, whoever removed it: an identity that never comes back is in no
// other change. What fails is done by the next removal.
func (s *store) pruneStones(ctx context.Context) {
	snap, err := s.view(ctx)
	if err != nil {
		return
	}
	for id, stone := range snap.stones {
		if now := s.now(); stone.Aged(now) {
			holding := snap.holds.Any(id.Partner)
			_ = s.changeStone(ctx, id, false, func(was ledger.Tombstone) (ledger.Tombstone, bool) { return was.Pruned(now, holding), was.Aged(now) })
		}
	}
}

// marks are the marks in force now that concern an object: of its partner, its identity, all that this hangs on, and itself.
// They are asked for, since a listing may be of before the cut.
func (s *store) marks(ctx context.Context, l ledger.Ledger, o access.Object) (ledger.Holds, error) {
	var scopes []string
	for _, id := range l.Line(o.Holder()) {
		scopes = append(scopes, id.Partner, id.String())
	}
	if o.Ref().Type == access.TypeCredential {
		scopes = append(scopes, o.Ref().ID)
	}
	slices.Sort(scopes)
	scopes = slices.Compact(scopes)
	found := make([]policyAnswer, len(scopes))
	errs := make([]error, len(scopes))
	var all sync.WaitGroup
	for n, scope := range scopes {
		all.Go(func() { errs[n] = gone(s.client.Get(ctx, policyFolder+markOf(scope), &found[n])) })
	}
	all.Wait()
	holds := ledger.Holds{}
	for n, scope := range scopes {
		if found[n].Version > 0 || found[n].Policy != "" {
			holds[scope] = found[n].Modified.UTC()
		}
	}
	return holds, errors.Join(errs...)
}

var _ access.Warden = (*System)(nil)

// WouldHold reports whether an object would be held if it were made now: by a mark, or because the entity that it is for is disabled.
func (ob *observer) WouldHold(ctx context.Context, o access.Object) (bool, error) {
	snap, err := ob.store.view(ctx)
	if err != nil {
		return false, fmt.Errorf("look for holds of %s: %w", o.Ref(), err)
	}
	if ledger.WouldHold(snap.ledger, snap.holds, snap.stones, o) {
		return true, nil
	}
	id := o.Holder()
	if o.Ref().Type == access.TypeIdentity || snap.documents[id].identity() == nil {
		return false, nil
	}
	n, err := ob.native(ctx, snap, id) // asked for the identity already
	if err != nil {
		return false, fmt.Errorf("look for holds of %s: %w", o.Ref(), err)
	}
	return n.entity.held(), nil
}

// keepHold lets a hold outlive an entity that somebody disabled without a mark.
func (es *entities) keepHold(ctx context.Context, l ledger.Ledger, e *ledger.Entry, there *entity) error {
	id := e.Object.Holder()
	if !there.held() || access.IsShadow(id.Partner) {
		return nil
	}
	holds, err := es.store.marks(ctx, l, e.Object)
	if err != nil || holds.Holding(e) {
		return err
	}
	return es.store.mark(ctx, id.String())
}

// shut removes the login of a credential that was cut by hand, where a change, or somebody, made it again.
func (cs *credentials) shut(ctx context.Context, c *access.Credential) error {
	err := gone(cs.client.Delete(ctx, cs.shutting(c)))
	if errors.Is(err, access.ErrUnsupported) {
		return nil
	}
	return err
}

// removeMarks removes the marks of shadow partners that have nothing any more.
func (s *store) removeMarks(ctx context.Context) error {
	snap, err := s.load(ctx)
	if err != nil {
		return err
	}
	has := map[string]bool{}
	for id := range snap.documents {
		has[id.Partner] = true
	}
	for scope := range snap.holds {
		partner, _, _ := strings.Cut(scope, "/")
		if !access.IsShadow(partner) || has[partner] {
			continue
		}
		if err := gone(s.client.Delete(ctx, policyFolder+markOf(scope))); err != nil {
			return err
		}
		s.amend(func(next *snapshot) { delete(next.holds, scope) })
	}
	return nil
}
