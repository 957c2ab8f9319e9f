// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"cmp"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// How rules are applied. They judge a subject when it arrives, since nothing says that the walk of a plan has ended:
// there is no later moment at which everything is there. Of two objects that a rule compares, whichever arrives second
// judges both, and says the same in either order (see TestTheOrderOfArrivalChangesNothing). What has not arrived is
// judged as the system holds it, as far as that cannot be another thing once it arrives (sight, against).
//
// A rule looks at the subject by itself (judgeOwn), at what hangs on what (judgeAbove), or at two that meet
// (judgeBeside). Each of the three asks whether this plan brings the conflict in, takes the level from that (worst),
// and leaves it to add whether a waiver hides it.

// Phase is when rules are evaluated.
type Phase int

// The phases: Plan is the plan's walk, Apply is just before a create or an update changes anything.
const (
	Plan Phase = iota
	Apply
)

// evaluation is one walk of the rules over one subject. It lives for one call of Evaluate, under the portfolio's lock.
type evaluation struct {
	view
	context *Context
	// subject is what arrived: each finding is shown at it, whichever of two objects is at fault. descendants are what
	// hangs on it, which may have arrived first and is judged against it only now.
	subject     *entry
	descendants []*entry
	found       []Finding
}

// Evaluate returns what the rules have to say of a subject that arrived, in an order that depends on nothing else. It
// compares it with what arrived before it, and with what the system holds of what has not arrived. The nonce tells
// which of several blocks with one id is meant; for one that was never put in, it returns nil. It changes nothing, and
// may be called concurrently.
func (p *Portfolio) Evaluate(ref access.Ref, nonce string, phase Phase, now time.Time) []Finding {
	p.mu.RLock()
	defer p.mu.RUnlock()
	at := slices.IndexFunc(p.planned[ref], func(e *entry) bool { return e.Nonce == nonce })
	if at < 0 {
		return nil
	}
	subject := p.planned[ref][at]
	v := view{p, subject.seq, phase}
	e := &evaluation{
		view: v, subject: subject, descendants: v.descendants(subject),
		context: &Context{
			Settings: &p.settings, Capabilities: &p.capabilities, Phase: phase, Now: now,
			view: v, subject: subject, hid: map[string]bool{},
		},
	}
	// Rule.last comes in a second round: waiver/unused has to know what the waivers of this subject hid. A rule that is
	// switched off is evaluated if it is bounded, since beyond its bound it denies at any level.
	for _, last := range []bool{false, true} {
		for i := range p.rules {
			if r := &p.rules[i]; (r.level > Off || r.bounded) && r.last == last {
				e.judge(r)
			}
		}
	}
	found := silence(e.found)
	sortFindings(found)
	return found
}

// judge applies one rule: to the subject by itself, against what is above it or below it, and beside what it meets.
// What hangs on the subject is judged against it here, because that may have arrived before it, and nothing was above
// it then.
func (e *evaluation) judge(r *ranked) {
	on := slices.Contains(r.On, e.subject.ref.Type)
	if on && r.own != nil {
		e.judgeOwn(r)
	}
	if r.above != nil {
		if on {
			e.judgeAbove(r, e.subject)
		}
		for _, lower := range e.descendants {
			if slices.Contains(r.On, lower.ref.Type) {
				e.judgeAbove(r, lower)
			}
		}
	}
	if r.beside != nil {
		e.judgeBeside(r)
	}
}

// judgeOwn applies a rule to the subject by itself. A rule that reads what is not known yet waits for the apply. It is
// noted as if a waiver had hidden it: nobody knows whether it will have something to say, so waiver/unused must not
// call its waiver unused.
func (e *evaluation) judgeOwn(r *ranked) {
	s := &e.subject.Subject
	if !r.unready && s.waits(r.Reads, r.Needs) {
		e.context.hid[r.Slug] = true
		return
	}
	problems := r.own(e.context, s)
	if len(problems) == 0 {
		return
	}
	enters := s.enters(r.Reads, e.phase)
	for _, found := range problems {
		if level := e.worst(r, found, enters); level > Off {
			e.add(r, found, found.attribute, level, e.phase == Apply && r.Slug == unknownParentSlug, e.subject)
		}
	}
}

// standsIn reports whether something is above a lower entry, and the subject is one of these or the lower entry itself.
func (e *evaluation) standsIn(lower *entry, path []*entry) bool {
	return len(path) > 0 && (lower == e.subject || slices.Contains(path, e.subject))
}

// judgeAbove compares a lower entry with the one above it that the rule names, where the subject is one of the two or
// stands between them. What another stack holds below the subject is at most warned of: no block here declares it.
func (e *evaluation) judgeAbove(r *ranked, lower *entry) {
	heldAlone := lower.seq == 0 // by the system: no block of this plan declares it
	if lower.waits(r.Reads, r.Needs) || (heldAlone && len(r.ReadsAbove) == 0) {
		return
	}
	path, seen := r.up(e.view, lower)
	if seen == missing || !e.standsIn(lower, path) {
		return
	}
	upper := path[len(path)-1]
	if !r.each && upper.waits(r.ReadsAbove, r.NeedsAbove) {
		return
	}
	for _, found := range r.above(e.context, &lower.Subject, &upper.Subject) {
		// A rule that judges each one above by itself (Rule.each) names the one at fault: only what is between that and
		// the lower entry counts, and only the argument that is at fault there.
		path, reads, at := path, r.ReadsAbove, upper
		if found.host != nil {
			path = path[:slices.Index(path, found.host)+1]
			reads = []string{found.other}
			at = found.host
		}
		level := e.worst(r, found, e.entersBelow(r, lower, path, reads))
		switch {
		case heldAlone:
			level = min(level, Warn)
		case seen == passing:
			continue // it judges when it arrives
		}
		e.add(r, found, e.attribute(found, lower, at), level, e.awaits(path), lower, at)
	}
}

// entersBelow reports whether this change brings a lower entry in conflict with the last one of a path above it: by
// what either declares, or by what hangs on what up to there.
func (e *evaluation) entersBelow(r *ranked, lower *entry, path []*entry, reads []string) bool {
	upper, between := path[len(path)-1], path[:len(path)-1]
	if lower.enters(r.Reads, e.phase) || (len(reads) > 0 && upper.enters(reads, e.phase)) {
		return true
	}
	return slices.ContainsFunc(append([]*entry{lower}, between...), func(up *entry) bool {
		return up.ref.Type == access.TypeIdentity && up.enters([]string{"parent_id"}, e.phase)
	})
}

// awaits reports whether one of ours on a path may still arrive in this apply, and be another then.
func (e *evaluation) awaits(path []*entry) bool {
	return e.phase == Apply &&
		slices.ContainsFunc(path, func(up *entry) bool { return up.seq == 0 && up.stack == e.stack })
}

// attribute returns which attribute of the subject a problem between two entries is of; of what stands between
// them, what it hangs on.
func (e *evaluation) attribute(p problem, first, second *entry) string {
	switch {
	case e.subject == first:
		return p.attribute
	case e.subject == second || (p.host != nil && e.hangsOn(second, e.subject.holder)):
		return p.other
	}
	return "parent_id"
}

// concerns reports whether a rule judges an entry: a block of this plan declares it, and all that the
// rule reads of it is known.
func (r *ranked) concerns(a *entry) bool {
	return a.seq != 0 && slices.Contains(r.On, a.ref.Type) && !a.waits(r.Reads, r.Needs)
}

// judgeBeside compares the subject, and what becomes comparable by its arrival, with others. For a rule that depends on
// what stands above (Rule.chained), the arrival of an identity can make comparable what hangs on it. Each pair is
// judged once, though both of it may be in that list.
func (e *evaluation) judgeBeside(r *ranked) {
	seen := map[[2]*entry]bool{}
	from := []*entry{e.subject}
	if r.chained {
		from = append(from, e.descendants...)
	}
	for _, a := range from {
		if !r.concerns(a) {
			continue
		}
		for _, b := range r.meet(e.view, a) {
			if a == b || b.seq > e.asOf || b.waits(r.Reads, r.Needs) {
				continue
			}
			pair := inOrder(a, b)
			if !seen[pair] {
				seen[pair] = true
				e.judgePair(r, pair[0], pair[1])
			}
		}
	}
}

// inOrder returns two entries in the order in which a text names both, so that it says the same whichever arrives last.
func inOrder(a, b *entry) [2]*entry {
	if later(a, b) {
		return [2]*entry{b, a}
	}
	return [2]*entry{a, b}
}

// later reports whether a comes after b in a text that names both.
func later(a, b *entry) bool {
	return cmp.Or(cmp.Compare(a.ref.ID, b.ref.ID), cmp.Compare(a.ref.Type, b.ref.Type),
		cmp.Compare(a.Nonce, b.Nonce)) > 0
}

// entersPair reports whether the plan brings in either of two entries, or moves one in a chain that the rule follows.
func (e *evaluation) entersPair(r *ranked, a, b *entry) bool {
	return a.enters(r.Reads, e.phase) ||
		b.enters(r.Reads, e.phase) ||
		(r.chained && (e.moves(a) || e.moves(b)))
}

// judgePair compares two entries, unless one takes the place of the other.
func (e *evaluation) judgePair(r *ranked, a, b *entry) {
	if e.succeeds(a, b) || e.succeeds(b, a) {
		return
	}
	enters := e.entersPair(r, a, b)
	for _, found := range r.beside(e.context, &a.Subject, &b.Subject) {
		level := e.worst(r, found, enters)
		if level == Deny && e.told(r, a, b) {
			continue
		}
		passing := false
		if a.seq == 0 || b.seq == 0 {
			level, passing = e.against(r, a, b, level)
		}
		if level > Off {
			e.add(r, found, e.attribute(found, a, b), level, passing, a, b)
		}
	}
}

// against returns the level of a conflict with what the system alone holds, and whether it may pass until the change is
// made. What another stack holds, no plan of ours moves. What ours holds may be leaving in this very plan: but for what
// is never passed on in one, it judges at plan when it arrives, and at apply it may still be on its way out.
func (e *evaluation) against(r *ranked, a, b *entry, level Level) (Level, bool) {
	live := a
	if b.seq == 0 {
		live = b
	}
	switch ours := live.stack == e.stack; {
	case !ours:
		return level, false
	case e.phase == Apply:
		return level, true
	case !r.atApply || level < Deny:
		return Off, false
	}
	return level, false
}

// told reports whether the arrival of the other one has said it already, against what the system holds of this one.
// Without it, one conflict would be said twice in a plan in which a credential that exists arrives after the new one
// that it meets.
func (e *evaluation) told(r *ranked, a, b *entry) bool {
	other := a
	if other == e.subject {
		other = b
	}
	live := e.live[e.subject.ref]
	if !r.atApply ||
		e.phase == Apply ||
		other.seq == 0 ||
		live == nil ||
		live.stack != e.stack ||
		!other.enters(r.Reads, e.phase) ||
		e.succeeds(other, live) {
		return false
	}
	return len(r.beside(e.context, &live.Subject, &other.Subject)) > 0
}

// succeeds reports whether one entry takes the place of another, which the system alone holds: the
// block of both is the same.
func (e *evaluation) succeeds(next, last *entry) bool {
	if last.seq > 0 || last.stack != e.stack || next.seq == 0 {
		return false
	}
	return (next.Replaces != "" && next.Replaces == last.History.UID) || (e.phase == Apply && e.copies(next, last))
}

// copies reports whether a created entry is another but for its name, under the same identity or one that is created as
// well, and that is the other's but for its name. So it is where Terraform creates before it destroys: at apply nothing
// else tells that the one takes the place of the other.
func (e *evaluation) copies(next, last *entry) bool {
	if !next.created() || next.ref.Type != last.ref.Type || next.partner() != last.partner() {
		return false
	}
	if next.holder != last.holder {
		above, _ := e.at(next.holder)
		was := e.live[last.holder.Ref()]
		if above == nil ||
			was == nil ||
			above.seq == 0 ||
			!above.created() ||
			!access.SameButName(above.Object, was.Object) {
			return false
		}
	}
	return access.SameButName(next.Object, last.Object)
}

// moves reports whether what an entry hangs on, its own identity included, is hung elsewhere in this plan.
func (e *evaluation) moves(of *entry) bool {
	above, _ := e.chain(of)
	for _, up := range above {
		if !up.created() && (up.Unknown["parent_id"] || up.widens("parent_id")) {
			return true
		}
	}
	return false
}

// worst returns the level of a finding: that of its rule where the plan brings it in, else at most a warning. Two
// things go above the rule's level: what is beyond a ceiling that no configuration can raise (hard), and at apply a
// warning that the apply was to settle and did not.
func (e *evaluation) worst(r *ranked, p problem, enters bool) Level {
	level := r.level
	if p.hard || (p.settles && e.phase == Apply && level == Warn) {
		level = Deny
	}
	if p.cause == standing || (p.cause == byChange && !enters) {
		level = min(level, Warn)
	}
	return level
}

// add notes a finding, unless one of those that it is between has it waived. Of two objects, the waiver of either is
// enough, and only that of the subject is noted as used.
func (e *evaluation) add(r *ranked, p problem, attribute string, level Level, passing bool, between ...*entry) {
	if e.settings.waivable(r.Rule) && !p.hard {
		for _, o := range between {
			if w, waived := o.terms().Waivers[r.Slug]; waived && w.Until.After(e.context.Now) {
				hid := e.context.hid
				hid[r.Slug] = hid[r.Slug] || o == e.subject
				return
			}
		}
	}
	fix := p.fix
	if fix == "" {
		fix = r.Remedy
	}
	e.found = append(e.found, Finding{
		Rule: r.Rule, Level: level, Subject: e.subject.ref, Attribute: attribute, Problem: p.text, Fix: fix,
		Paste:   p.paste,
		Passing: passing,
	})
}

// silence drops what another finding on the same attribute says better, unless it weighs more than that one. It
// compares with the whole list: what is silenced itself still silences others, so the order of findings does not
// matter.
func silence(found []Finding) []Finding {
	if len(found) < 2 {
		return found
	}
	return slices.DeleteFunc(slices.Clone(found), func(f Finding) bool {
		return slices.ContainsFunc(found, func(by Finding) bool {
			return by.Attribute == f.Attribute &&
				by.Level >= f.Level &&
				slices.Contains(by.Rule.Silences, f.Rule.Slug)
		})
	})
}
