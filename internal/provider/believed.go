// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"bytes"
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
)

// The state is not believed: it says which object a block means, and nothing about what was allowed. What was applied
// is what the system holds. Only where somebody changed that, what the state was told counts beside it.

// subject returns what the rules see of the planned object. creates: Terraform hands in no state of it.
func (g *governed[M, P]) subject(ctx context.Context, c change, k kept, m memo, creates bool,
	diags *diag.Diagnostics) (guardrail.Subject, bool) {
	o, ref := c.after, c.after.Ref()
	s := guardrail.Subject{Object: o, EndsAt: c.ends, Unknown: c.unknown, Nonce: m.Nonce}
	if c.before != nil && g.kind == access.TypeCredential {
		_, s.Anew, _ = reissue(c, k)
	}
	live, held := g.portfolio.Holds(ref)
	if seen, ok := g.withheld(ref, k, creates); ok {
		k, m.UID = seen, seen.History.UID
	}
	if creates {
		s.Replaces = m.UID
	}
	isTheSame := !creates || (m.UID != "" && m.UID == live.History.UID)
	switch {
	case held && isTheSame: // it is judged by what changes of it
		s.Anew = s.Anew || (creates && g.kind == access.TypeCredential && !g.takesUp(o.Holder()))
		return s, g.compare(ctx, c, k, live, &s, diags)
	case held && live.History.Stack == g.stack: // our stack made it, and this state has lost it: it is taken up again
		s.Before = live.Object
		s.History = live.History
		s.IssuedAt = live.IssuedAt
		s.Adopted = true
		s.Held, s.Released = live.Held, live.History.Released
	case creates || held: // it is new access; under an id that another stack has, it is refused later
		s.Later = g.hasVanished(ref)
	default: // the system has it no more, and only the state tells what it was
		g.believe(ctx, c, k, &s)
	}
	return s, true
}

// compare takes from the system what it holds of the very object, also where that is made anew (-replace, or tainted):
// it is judged by what changes. It reports false where the system cannot be asked.
func (g *governed[M, P]) compare(ctx context.Context, c change, k kept, live guardrail.Subject, s *guardrail.Subject,
	diags *diag.Diagnostics) bool {
	now, ok := g.facts(ctx, c, k, live, diags)
	if !ok {
		return false
	}
	s.Before, s.Told = live.Object, toldOf(k.told, live.Object)
	s.History, s.Released, s.IssuedAt = live.History, live.History.Released, live.IssuedAt
	s.Held = now.Held
	s.Drift = now.Drift
	s.LastUsedAt = now.LastUsedAt
	s.UseUnknown = now.UseUnknown
	s.Unseen = now.Unseen
	return true
}

// believe takes from the state what the system holds no more. It looks whether that is gone, since
// it would be made again.
func (g *governed[M, P]) believe(ctx context.Context, c change, k kept, s *guardrail.Subject) {
	s.Before, s.History, s.Released = c.before, k.History, k.History.Released
	if c.untold {
		s.Before = nil
		return
	}
	if c.stateStatus == access.StatusExpired && sameDeclaration(c.before, c.after) {
		return
	}
	_, err := g.system.Get(ctx, c.after.Ref())
	s.Gone = isNotFound(err) // what is damaged, the system judges
}

// toldOf returns what a state was told of an object that the system holds; nil where that is the
// same, or of another object.
func toldOf(told, live access.Object) access.Object {
	if told == nil || told.Ref() != live.Ref() || sameDeclaration(told, live) {
		return nil
	}
	return told
}

func sameDeclaration(a, b access.Object) bool {
	was, _ := access.Declaration(a)
	is, _ := access.Declaration(b)
	return bytes.Equal(was, is)
}

// facts returns what the system says of an object beside its declaration: by this walk's reading or, where
// Terraform made none and the plan changes something, by asking now. What does not change is only warned of,
// by what was last read.
func (g *governed[M, P]) facts(ctx context.Context, c change, k kept, live guardrail.Subject,
	diags *diag.Diagnostics) (kept, bool) {
	ref := c.after.Ref()
	if seen, ok := g.hasSeen(ref); ok {
		return seen, true
	}
	if len(c.unknown) == 0 && sameDeclaration(live.Object, c.after) {
		k.Held = k.Held || live.Held
		return k, true
	}
	rec, err := g.system.Get(ctx, ref)
	if isNotFound(err) {
		// it went a moment ago: the change will say so
		return kept{Held: live.Held, Drift: live.Drift, UseUnknown: true}, true
	}
	if err != nil {
		failed(diags, "read", ref, err)
		return k, false
	}
	return keptOf(observed{rec, time.Time{}, g.known().WarnBefore}), true
}
