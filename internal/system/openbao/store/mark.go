// SPDX-License-Identifier: MPL-2.0

package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// Policies of comments, which nobody has, hold what has to outlive an identity. The one listing reads them as well.
//
//   - partner/SCOPE/held marks what was cut by hand: a partner, an identity or a credential.
//   - partner/ID/remembered is the tombstone of an identity.
//
// A mark counts by when it was last written: a release lifts what was cut before that release, and whoever writes the
// mark again cuts again. Neither a suspension nor a destroy removes a mark. People write it with the printed step, so
// its text is anything, and its name alone counts (see TestWhatWasCutByAPrintedStepDoesNotComeBack).

const (
	// MarkName ends the name of a mark's policy.
	MarkName = "/held"
	// MarkText is the whole policy, as the printed step writes it.
	MarkText = "# Cut by hand."
	// TombstoneName ends the name of a tombstone's policy.
	TombstoneName = "/remembered"
	// TombstoneTitle is the first line of its comments.
	TombstoneTitle = "What is remembered of an identity of this id, by terraform-provider-partner. It gives nothing " +
		"to anybody."
	// TombstoneLine begins the second line, before the JSON.
	TombstoneLine = "tombstone "
	// Folder is where OpenBao has its ACL policies.
	Folder = "sys/policies/acl/"
)

// MarkOf returns the name of the policy that marks a scope as cut by hand: "acme", "acme/prod/etl" or
// "acme/prod/etl/secret".
func MarkOf(scope string) string { return Prefix + scope + MarkName }

// ScopeOf returns what a policy marks as cut by hand, by its name: "partner/acme/prod/etl/held" marks "acme/prod/etl".
func ScopeOf(name string) (scope string, ok bool) {
	scope, ours := strings.CutPrefix(name, Prefix)
	scope, ok = strings.CutSuffix(scope, MarkName)
	if !ours || !ok {
		return "", false
	}
	_, notIdentity := access.ParseIdentityID(scope)
	_, _, notCredential := access.ParseRef(access.TypeCredential, scope)
	return scope, access.ValidPart(scope) || notIdentity == nil || notCredential == nil
}

// IsBeside reports whether a policy below our prefix is one of ours beside an identity's own, and gives nothing. Its
// text is looked at, since somebody may have written a path into a mark: that one is swept, and a stray.
func IsBeside(name, text string) bool {
	_, marks := ScopeOf(name)
	_, remembers := stoneOf(name)
	_, rehearsed := memoryOf(name)
	switch {
	case name == systemName:
		id, _ := parseSystem(text)
		return id != ""
	case rehearsed:
		return !parseMemory(text).IsZero()
	}
	return (marks || remembers || name == floorNoteName) && onlyComments(text)
}

// onlyComments reports whether a policy's text has nothing but comments and empty lines.
func onlyComments(text string) bool {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			return false
		}
	}
	return true
}

// Mark marks a scope as cut by hand, now by the server's clock. It may be called again, which cuts again.
//
// It reads the moment back, since only OpenBao knows when it wrote the policy.
func (s *Store[N]) Mark(ctx context.Context, scope string) error {
	path := Folder + MarkOf(scope)
	var now Policy
	err := s.Client.Put(ctx, path, map[string]any{"policy": MarkText}, nil)
	if err == nil {
		err = s.Client.Get(ctx, path, &now)
	}
	if err != nil {
		return fmt.Errorf("mark that %s was cut by hand: %w", scope, err)
	}
	s.amend(func(next *Snapshot[N]) { next.Holds[scope] = now.Modified.UTC() })
	return nil
}

// Marks returns the marks that concern an object, as they are now: of its partner, its identity, all that this hangs
// on, and itself. It asks for each by name, a few requests side by side: a listing may be of before the cut.
func (s *Store[N]) Marks(ctx context.Context, l ledger.Ledger, o access.Object) (ledger.Holds, error) {
	var scopes []string
	for _, id := range l.Lineage(o.Holder()) {
		scopes = append(scopes, id.Partner, id.String())
	}
	if o.Ref().Type == access.TypeCredential {
		scopes = append(scopes, o.Ref().ID)
	}
	slices.Sort(scopes)
	scopes = slices.Compact(scopes)
	found := make([]Policy, len(scopes))
	errs := make([]error, len(scopes))
	var all sync.WaitGroup
	for n, scope := range scopes {
		all.Go(func() { errs[n] = client.Gone(s.Client.Get(ctx, Folder+MarkOf(scope), &found[n])) })
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

// RemoveMarks removes the marks of shadow partners that have no identity any more. A rehearsal runs the printed steps,
// which leave them; a real partner's mark is only lifted by a release.
func (s *Store[N]) RemoveMarks(ctx context.Context) error {
	snap, err := s.Load(ctx)
	if err != nil {
		return err
	}
	has := map[string]bool{}
	for id := range snap.Documents {
		has[id.Partner] = true
	}
	for scope := range snap.Holds {
		partner, _, _ := strings.Cut(scope, "/")
		if !access.IsShadow(partner) || has[partner] {
			continue
		}
		if err := client.Gone(s.Client.Delete(ctx, Folder+MarkOf(scope))); err != nil {
			return err
		}
		s.amend(func(next *Snapshot[N]) { delete(next.Holds, scope) })
	}
	return nil
}
