// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"slices"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Two partners on one thing. Patterns that overlap are the plain case. In the other one, two different paths lead to
// the same thing, such as a role or a table, so a system names what a path reaches (access.Target) and these are
// compared as well.

// reached is a pattern of a grant or of a ceiling, and the things that it reaches.
type reached struct {
	pattern access.Pattern
	targets []access.Target
	// nothing: it opens nothing that is there.
	nothing bool
}

// reachesOf returns what a subject reaches, as the system says.
func reachesOf(c *access.Capabilities, s *Subject) (all []reached) {
	var actions []string
	if g := s.grant(); g != nil {
		actions = g.Actions
	}
	for _, p := range s.reach() {
		r := reached{pattern: p}
		if p != "" && c.Reach != nil {
			of := c.Reach(p, actions)
			r.targets, r.nothing = of.Targets, of.Nothing != ""
		}
		all = append(all, r)
	}
	return all
}

// placeOf returns where the index has a target: beside all patterns, since no segment of these has a space.
func placeOf(t access.Target) access.Pattern { return access.Pattern(t.Kind+" /") + t.Path }

// reach returns the patterns of a grant or of a ceiling, sorted.
func (s *Subject) reach() []access.Pattern {
	switch o := s.Object.(type) {
	case *access.Identity:
		return slices.Sorted(slices.Values(o.Ceiling))
	case *access.Grant:
		return []access.Pattern{o.Resource}
	}
	return nil
}

// foreigners returns the identities and grants of other partners that reach what the entry reaches, but those that hang
// on one another. While what stands above one of the two may still arrive, nobody knows whether they do.
func foreigners(v view, e *entry) []*entry {
	found := map[*entry]bool{}
	for _, r := range e.reaches {
		v.meeting(r, e.holder.Partner, found)
	}
	if len(found) == 0 || !v.settled(e) {
		return nil
	}
	var all []*entry
	for o := range found {
		if v.settled(o) && !v.hangsOn(e, o.holder) && !v.hangsOn(o, e.holder) {
			all = append(all, o)
		}
	}
	return all
}

// meeting adds to found what others than a partner have where one pattern reaches.
func (v view) meeting(r reached, partner string, found map[*entry]bool) {
	if r.pattern == "" {
		return
	}
	apart := !v.shared(r.pattern)
	if apart {
		v.open.overlapping(r.pattern, partner, found)
	}
	for _, t := range r.targets {
		v.open.overlapping(placeOf(t), partner, found)
		if apart {
			v.common.overlapping(placeOf(t), partner, found)
		}
	}
}

// foreignPartner finds two partners that reach the same, outside of what the setting shared lets them share. One place
// is told, though there may be more: any of them is enough to be refused.
func foreignPartner(c *Context, a, b *Subject) []problem {
	for _, p := range a.reaches {
		for _, q := range b.reaches {
			what, fix := c.both(p, q)
			if what == "" {
				continue
			}
			text := say("%s (%s) and %s (%s) are of different partners and both %s", a, p.pattern, b, q.pattern, what)
			return two(a.reachedBy(), b.reachedBy(), text, fix)
		}
	}
	return nil
}

// both says what two patterns both reach, "" where that is nothing, or they may meet there; and what to write instead
// where that is not what the rule says.
func (c *Context) both(p, q reached) (what, fix string) {
	if p.pattern.Overlaps(q.pattern) {
		if both := p.pattern.Meet(q.pattern); !c.view.shared(both) {
			return say("cover %s", both), ""
		}
	}
	for _, t := range p.targets {
		for _, u := range q.targets {
			if t.Kind != u.Kind || !t.Path.Overlaps(u.Path) {
				continue
			}
			both := t.Path.Meet(u.Path)
			mine, theirs := t.Way(both), u.Way(both)
			if c.view.shared(mine) && c.view.shared(theirs) {
				continue
			}
			fix = say("Narrow one of the two; where partners are meant to meet, name both %s and %s in the "+
				"setting shared.", mine, theirs)
			return say("reach the %s %s", t.Kind, both), fix
		}
	}
	return "", ""
}

// reachedBy returns the argument that says what the subject reaches: a grant's resource, an identity's ceiling.
func (s *Subject) reachedBy() string {
	if s.grant() != nil {
		return "resource"
	}
	return "ceiling"
}
