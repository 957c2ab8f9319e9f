package guardrail

import (
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Phase is when rules are evaluated.
type Phase int

// The phases: Plan is the plan's walk, Apply is just before a create or an update changes anything.
const (
	Plan Phase = iota
	Apply
)

// evaluation is one walk of the rules over one subject.
type evaluation struct {
	view
	context     *Context
	subject     *entry
	descendants []*entry
	found       []Finding
}

// Evaluate is what the rules have to say of a subject that arrived, in an order that depends on nothing else. It
// compares it with what arrived before it, and with the system's for what has not arrived.
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
			e.add(r, found, found.attribute, level, e.subject)
		}
	}
}

// judgeAbove compares a lower entry with the one above it that the rule names, where the subject is one of the two or
// stands between them.
func (e *evaluation) judgeAbove(r *ranked, lower *entry) {
	if lower.waits(r.Reads, r.Needs) || lower.seq == 0 && len(r.ReadsAbove) == 0 {
		return
	}
	path, seen := r.up(e.view, lower)
	if len(path) == 0 || seen == missing || lower != e.subject && !slices.Contains(path, e.subject) {
		return
	}
	upper := path[len(path)-1]
	if upper.waits(r.ReadsAbove, r.NeedsAbove) {
		return
	}
	problems := r.above(e.context, &lower.Subject, &upper.Subject)
	if len(problems) == 0 {
		return
	}
	enters := lower.enters(r.Reads, e.phase) || len(r.ReadsAbove) > 0 && upper.enters(r.ReadsAbove, e.phase)
	for _, between := range path[:len(path)-1] {
		enters = enters || between.ref.Type == access.TypeIdentity && between.enters([]string{"parent_id"}, e.phase)
	}
	for _, found := range problems {
		level := e.worst(r, found, enters)
		switch {
		case lower.seq == 0:
			level = min(level, Warn)
		case seen == passing && level < Deny:
			continue // it judges when it arrives
		case seen == passing:
			level = Warn
		}
		e.add(r, found, e.attribute(found, lower, upper), level, lower, upper)
	}
}

func (e *evaluation) attribute(p problem, first, second *entry) string {
	switch e.subject {
	case first:
		return p.attribute
	case second:
		return p.other
	}
	return "parent_id"
}

// judgeBeside compares the subject, and what becomes comparable by its arrival, with others.
func (e *evaluation) judgeBeside(r *ranked) {
	seen := map[[2]*entry]bool{}
	from := []*entry{e.subject}
	if r.chained {
		from = append(from, e.descendants...)
	}
	for _, a := range from {
		if a.seq == 0 || !slices.Contains(r.On, a.ref.Type) || a.waits(r.Reads) {
			continue
		}
		for _, b := range r.meet(e.view, a) {
			if a == b || b.seq > e.asOf || b.waits(r.Reads) {
				continue
			}
			first, second := a, b
			if later(first, second) {
				first, second = second, first
			}
			if pair := [2]*entry{first, second}; !seen[pair] {
				seen[pair] = true
				e.judgePair(r, first, second)
			}
		}
	}
}

// later says whether a comes after b in a text that names both.
func later(a, b *entry) bool {
	if a.ref != b.ref {
		return a.ref.ID > b.ref.ID || a.ref.ID == b.ref.ID && a.ref.Type > b.ref.Type
	}
	return a.Nonce > b.Nonce
}

func (e *evaluation) judgePair(r *ranked, a, b *entry) {
	for _, found := range r.beside(e.context, &a.Subject, &b.Subject) {
		level := e.worst(r, found, a.enters(r.Reads, e.phase) || b.enters(r.Reads, e.phase))
		if a.seq == 0 || b.seq == 0 {
			level = e.against(r, a, b, level)
		}
		if level > Off {
			e.add(r, found, e.attribute(found, a, b), level, a, b)
		}
	}
}

// against is the level of a conflict with what the system alone holds: it may be leaving in this very plan.
func (e *evaluation) against(r *ranked, a, b *entry, level Level) Level {
	live := a
	if b.seq == 0 {
		live = b
	}
	switch ours := live.stack == e.stack; {
	case r.atApply && e.phase == Apply:
		return level
	case ours && (!r.atApply || level < Deny):
		return Off
	}
	return min(level, Warn)
}

// worst is the level of a finding: that of its rule where the plan brings it in, else at most a warning.
func (e *evaluation) worst(r *ranked, p problem, enters bool) Level {
	level := r.level
	if p.hard || r.settles && e.phase == Apply && level == Warn {
		level = Deny
	}
	if p.cause == standing || p.cause == byChange && !enters {
		level = min(level, Warn)
	}
	return level
}

func (e *evaluation) add(r *ranked, p problem, attribute string, level Level, between ...*entry) {
	if !r.Fixed && !p.hard {
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
	e.found = append(e.found, Finding{Rule: r.Rule, Level: level, Subject: e.subject.ref, Attribute: attribute, Problem: p.text, Fix: fix, Paste: p.paste})
}

// silence drops what another finding on the same attribute says better, unless it weighs more than that one.
func silence(found []Finding) []Finding {
	if len(found) < 2 {
		return found
	}
	return slices.DeleteFunc(slices.Clone(found), func(f Finding) bool {
		return slices.ContainsFunc(found, func(by Finding) bool {
			return by.Attribute == f.Attribute && by.Level >= f.Level && slices.Contains(by.Rule.Silences, f.Rule.Slug)
		})
	})
}
