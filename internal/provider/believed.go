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

// What a change is compared with. The state is not believed: it says which object a block means, and nothing about what
// was allowed. What was applied is what the system holds. Only if somebody changed that since, what the state was told
// counts beside it (Subject.Told), and never against a change that takes access away.
//
// It came from the state once, and an edited or an old one turned every rule into a warning: a grant of +/* until 2098
// was applied with an ordinary refresh. See TestWhatAnEditedStateSaysWasAppliedIsJudged and, for 500 edits at random,
// TestAStateEditedIn500WaysLosesNoErrorAndRefusesNoReduction.

// subject returns what the rules see of the planned object: the object, and what it is compared with. It reports false
// if the system had to be asked and could not be; that is said.
//
// One of four things is true of it, and the order of the cases is the decision:
//
//   - The system holds it, and the plan means that very one, which may be replaced: it is judged by what changes.
//   - The system holds it from this stack, and the plan knows nothing of it: it is taken up again. A later end is then
//     an extension, and everything else is judged as new.
//   - The plan creates it: it is judged as new. If another stack holds the id, refuseBeforeRules refuses it.
//   - The system has it no more, and only the state tells what it was.
//
// creates says that Terraform handed in no state of it.
func (g *governed[M, P]) subject(ctx context.Context, c change, k kept, m memo, creates bool,
	diags *diag.Diagnostics) (guardrail.Subject, bool) {
	ref := c.after.Ref()
	s := guardrail.Subject{
		Object: c.after, EndsAt: c.ends, Unknown: c.unknown, Nonce: m.Nonce, Anew: issuesAnew(c, k),
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
	case held && isTheSame:
		s.Anew = s.Anew || (creates && g.losesIssued(c.after))
		return s, g.compare(ctx, c, k, live, &s, diags)
	case held && live.History.Stack == g.stack:
		takeUp(live, &s)
	case creates || held:
		s.Later = g.hasVanished(ref)
	default:
		g.believe(ctx, c, k, &s)
	}
	return s, true
}

// issuesAnew reports whether a change issues a credential anew. A creation does not: it issues for the first time.
func issuesAnew(c change, k kept) bool {
	if _, ok := c.after.(*access.Credential); !ok || c.before == nil {
		return false
	}
	_, anew, _ := reissue(c, k)
	return anew
}

// losesIssued reports whether making an object anew issues it anew: it is a credential, and its identity is not taken
// up again. If that is, what was issued is kept, and its age counts on. See TestATaintedKeyThatIsKeptHasItsAge.
func (s *session) losesIssued(o access.Object) bool {
	_, ok := o.(*access.Credential)
	return ok && !s.takesUp(o.Holder())
}

// takeUp has a creation judged by what this stack left behind under its id, and the state has lost: Terraform creates
// it, and the system continues it. See TestForgettingAndDeclaringAgainKeepsTheHistory.
func takeUp(live guardrail.Subject, s *guardrail.Subject) {
	s.Before = live.Object
	s.History = live.History
	s.IssuedAt = live.IssuedAt
	s.Adopted = true
	s.Held, s.Released = live.Held, live.History.Released
}

// compare takes from the system what it holds of the very object, also if that is made anew (-replace, or tainted): it
// is judged by what changes. It reports false if the system could not be asked.
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

// believe takes from the state what the system holds no more, since nothing else tells it. It looks whether that is
// gone: then the plan brings it back, and it is judged as created. What is expired and does not change is left alone,
// and not looked for.
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
	// a damaged record is not gone: the system refuses what would give it more
	s.Gone = isNotFound(err)
}

// toldOf returns what a state was told of an object that the system holds; nil if that is the same, or of another
// object. Then there is nothing to compare beside what the system holds.
func toldOf(told, live access.Object) access.Object {
	if told == nil || told.Ref() != live.Ref() || sameDeclaration(told, live) {
		return nil
	}
	return told
}

// sameDeclaration reports whether two objects declare the same, by the bytes of what would be stored of them.
func sameDeclaration(a, b access.Object) bool {
	was, _ := access.Declaration(a)
	is, _ := access.Declaration(b)
	return bytes.Equal(was, is)
}

// facts returns what the system says of an object beside its declaration (held, drift, last use): by this walk's
// reading or, if Terraform made none (-refresh=false) and the plan changes something, by asking now. What does not
// change is only warned of, by what was last read: that is not worth a request for each resource.
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
