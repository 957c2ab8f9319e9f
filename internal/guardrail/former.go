// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// Access that goes on under a new name. A name can be computed, so if rules about extensions went by ids, each new name
// would be new access with a new end and no review. So past access is looked up by what it opened: by key or trust, and
// by partner and reach. It is past access if it was removed and the system remembers it, if this plan removes it, if it
// has ended, or if it is still there beside the new one. What follows from finding some is decided in renewal.go.

// relabelled is the slug of the rule about access that goes on under a new name, and what that rule reads. The slug and
// the arguments are needed here beside the rule, because a removal that arrives late has only this rule, and the one
// about signatures, judge anew what arrived before (Leave).
const relabelled = "expiry/relabelled"

var relabelledReads = append(proofArguments(), "resource", "actions")

// accident is how long what was removed may come back as if it had never been away.
const accident = 24 * time.Hour

// past is access that something new may go on from: it was removed (removedAt), this plan removes it (leaves), it has
// ended, or it is still there.
type past struct {
	*entry
	leaves bool
}

// Formers takes in what the system remembers of removed access, and of the uids that ended, in place of what was taken
// in before. Of several uids that ended under one id, the one that ended last counts, and of two at the same moment the
// greater one, so that a listing in another order changes no edition.
func (p *Portfolio) Formers(all []access.Former, ended []access.Bygone) {
	formers, last := newShelf(), map[access.Ref]access.Bygone{}
	for _, b := range ended {
		if was, twice := last[b.Ref()]; !twice ||
			b.At.After(was.At) ||
			(b.At.Equal(was.At) && b.UID > was.UID) {
			last[b.Ref()] = b
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range all {
		e := &entry{
			Subject: Subject{Object: f.Object, History: f.History, EndsAt: f.EndsAt},
			ref:     f.Object.Ref(), holder: f.Object.Holder(), removedAt: f.RemovedAt,
		}
		e.keys, e.reaches = keysOf(&e.Subject), reachesOf(&p.capabilities, &e.Subject)
		formers.add(e)
	}
	p.formers, p.ended = formers, last
}

// lastOf returns the uid of what was removed last under an id; "" where nothing was.
func (v view) lastOf(ref access.Ref) string {
	if v.Portfolio == nil {
		return ""
	}
	return v.ended[ref].UID
}

// Leave notes that the plan removes an object, with all under it, and returns what is to be refused because of that
// among what arrived before. In one plan, the removal and what goes on from it meet in either order: what arrives after
// the removal finds it, and what arrived before is judged again here. A finding that stood already is not returned: its
// own resource has shown it.
func (p *Portfolio) Leave(ref access.Ref, now time.Time) (refused []Finding) {
	// What was said before the removal is known is compared with what is said after it. Evaluate takes the lock by
	// itself, so none is held in between.
	said, leavers := map[*entry][]Finding{}, p.leavers(ref)
	for _, e := range p.novel() {
		if len(leavers.of(&e.Subject)) > 0 { // nothing else is judged otherwise by this removal
			said[e] = p.goingOn(e, now)
		}
	}
	p.mu.Lock()
	p.leaving[ref] = true
	p.mu.Unlock()
	for e, before := range said {
		for _, f := range p.goingOn(e, now) {
			if !slices.ContainsFunc(before, func(b Finding) bool { return b.Rule.Slug == f.Rule.Slug }) {
				refused = append(refused, f)
			}
		}
	}
	sortFindings(refused)
	return refused
}

// leavers returns what the system holds of an object and of all under it.
func (p *Portfolio) leavers(ref access.Ref) *shelf {
	p.mu.RLock()
	defer p.mu.RUnlock()
	all := newShelf()
	if ref.Type != access.TypeIdentity {
		if e := p.live[ref]; e != nil {
			all.add(e)
		}
		return all
	}
	for _, e := range p.live {
		if e.holder.Ref() == ref {
			all.add(e)
		}
	}
	return all
}

// novel returns the credentials and grants that this plan creates, or gives another key or reach.
func (p *Portfolio) novel() (all []*entry) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for ref, entries := range p.planned {
		if ref.Type == access.TypeIdentity {
			continue
		}
		for _, e := range entries {
			if e.fresh() || e.enters(relabelledReads, Apply) {
				all = append(all, e)
			}
		}
	}
	return all
}

// goingOn returns the findings that refuse an entry as access that goes on under a new name.
func (p *Portfolio) goingOn(e *entry, now time.Time) []Finding {
	return slices.DeleteFunc(p.Evaluate(e.ref, e.Nonce, Plan, now), func(f Finding) bool {
		return (f.Rule.Slug != relabelled && f.Rule.Slug != unsignedReview) || f.Level != Deny
	})
}

// Since returns when the access began that a planned object goes on from under another name, and up to when its reviews
// are spent; zero if it goes on from none. An apply gives both to the system, so that years add up over all links, and
// no review counts twice.
func (p *Portfolio) Since(ref access.Ref, now time.Time) (began, spent time.Time) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if len(p.planned[ref]) == 0 {
		return began, spent
	}
	c := &Context{Settings: &p.settings, Capabilities: &p.capabilities, Now: now, view: view{p, p.arrivals, Apply}}
	return c.goesOnFrom(&p.planned[ref][0].Subject)
}

// fresh reports whether the plan creates the object, and does not take it up again.
func (s *Subject) fresh() bool { return s.Before == nil || s.Gone }

// anew reports whether the subject is judged as new by what it goes on from: the plan creates it, or it lasts longer
// because its waiver of this very rule is gone, so that it was never judged by the rule.
func (s *Subject) anew() bool {
	if s.fresh() {
		return true
	}
	_, was := s.Before.Common().Waivers[relabelled]
	_, is := s.terms().Waivers[relabelled]
	return was && !is && s.extends()
}

// pasts returns what the subject newly has in common with past access: the same key or trust, or an overlapping reach
// of its partner. What it had in common before this plan was judged then. Only objects of its own type count. Under its
// own id, what was removed is past access, and what is still there is the subject itself.
func (c *Context) pasts(s *Subject) (all []*past) {
	if !s.anew() && !s.enters(relabelledReads, Apply) {
		return nil
	}
	for _, e := range append(c.view.formers.of(s), c.view.held.of(s)...) {
		p := &past{entry: e, leaves: c.leavesNow(e)}
		itself := e.removedAt.IsZero() && e.ref == s.Object.Ref()
		if itself || e.ref.Type != s.Object.Ref().Type {
			continue
		}
		if c.remembered(p) && c.meets(s, p) {
			all = append(all, p)
		}
	}
	order.Sort(all, func(a, b *past) int {
		return cmp.Or(strings.Compare(a.ref.ID, b.ref.ID), a.removedAt.Compare(b.removedAt))
	})
	return all
}

// leavesNow reports whether an entry is there, and this plan removes it or its identity.
func (c *Context) leavesNow(e *entry) bool {
	return e.removedAt.IsZero() && (c.view.leaving[e.ref] || c.view.leaving[e.holder.Ref()])
}

// remembered reports whether past access was there within the last year.
func (c *Context) remembered(p *past) bool {
	over := p.removedAt
	if over.IsZero() {
		over = p.last()
	}
	return c.Now.Before(over.AddDate(1, 0, 0))
}

// last returns when past access was to end: also where what was issued for it ends before. A system may end a
// credential early (Record.EndAsked), and a new one that lasts as long as was asked for is no extension.
func (p *past) last() time.Time {
	if !p.asked.IsZero() {
		return p.asked
	}
	return p.end()
}

// gone reports whether past access is no more: it was removed, is removed by this plan, or has ended.
func (c *Context) gone(p *past) bool {
	return p.leaves || !p.removedAt.IsZero() || !p.last().After(c.Now)
}

// meets reports whether the subject newly has what past access had: a grant some action on some path in common, within
// one partner; a credential the same key or trust, of whatever partner. A grant that was there is compared with its
// earlier self, by what the system says today of the paths of both.
func (c *Context) meets(s *Subject, p *past) bool {
	if s.grant() != nil {
		was := &Subject{Object: s.Before}
		if p.holder.Partner != s.partner() || c.bothAllow(s, &p.Subject) == "" {
			return false
		}
		if _, isGrant := s.Before.(*access.Grant); s.anew() || !isGrant {
			return true
		}
		was.reaches = reachesOf(c.Capabilities, was)
		return c.bothAllow(was, &p.Subject) == ""
	}
	_, ok := c.sameKey(s, p)
	return ok
}

// bothAllow says where two grants allow the same, by whatever word, and whichever path leads there; ""
// where that is nowhere.
func (c *Context) bothAllow(a, b *Subject) string {
	where := meetingOf(a, b)
	if where == "" {
		return ""
	}
	allowed := c.alike(a.grant(), b.grant(), share)
	if len(allowed) == 0 {
		return ""
	}
	return say("allows %s on %s", strings.Join(allowed, ", "), where)
}

// meetingOf says where two grants reach the same; "" where that is nowhere.
func meetingOf(a, b *Subject) string {
	mine, theirs := a.grant().Resource, b.grant().Resource
	if mine != "" && mine.Overlaps(theirs) {
		return string(mine.Meet(theirs))
	}
	for _, t := range targetsOf(a) {
		for _, u := range targetsOf(b) {
			if t.Kind == u.Kind && t.Path.Overlaps(u.Path) {
				return say("the %s %s", t.Kind, t.Path.Meet(u.Path))
			}
		}
	}
	return ""
}

// targetsOf returns the things that a grant reaches, where several paths reach one.
func targetsOf(s *Subject) (all []access.Target) {
	for _, r := range s.reaches {
		all = append(all, r.targets...)
	}
	return all
}

// sameKey returns the key of the subject that past access had, too.
func (c *Context) sameKey(s *Subject, p *past) (heldKey, bool) {
	for _, k := range s.keys {
		if k.prior || (!s.anew() && s.heldBefore(k.print)) {
			continue
		}
		if slices.ContainsFunc(p.keys, func(o heldKey) bool { return c.tellsOf(s, k, p, o) }) {
			return k, true
		}
	}
	return heldKey{}, false
}

// tellsOf reports whether a key of the subject is one of past access, and says that both are one party's, whatever it
// is called now. A recipient proves nothing: it says nothing of what is still there beside it.
func (c *Context) tellsOf(s *Subject, k heldKey, p *past, o heldKey) bool {
	if k.print != o.print {
		return false
	}
	return (!k.recipient && !o.recipient) || c.gone(p)
}

// goesOnFrom returns when the oldest access began that the subject goes on from, and up to when reviews are spent of
// any: it is gone, or is renewed by what is made beside it; zero: there is none.
func (c *Context) goesOnFrom(s *Subject) (began, spent time.Time) {
	if s.Object.Ref().Type == access.TypeIdentity {
		return began, spent
	}
	for _, p := range c.pasts(s) {
		if at := p.History.Began(); !at.IsZero() && (c.gone(p) || c.renews(s, p).needed) {
			began, spent = access.Earliest(began, at), access.Latest(spent, p.History.RenewedAt, p.History.ReviewUsedAt)
		}
	}
	return began, spent
}

// expiryRelabelled finds new access that lasts longer than the access it goes on from was to last, and for which no
// review stands. It tells of the first of these only, by id. If one that just left gave all that the subject gives, for
// as long (isAll), the subject is that one under another name, and nothing is found.
func expiryRelabelled(c *Context, s, upper *Subject) []problem {
	newest := access.NewestReview(reviews(s, upper)...)
	pasts := c.pasts(s)
	if slices.ContainsFunc(pasts, func(p *past) bool { return c.isAll(s, p) }) {
		return nil // it was judged when that was made
	}
	for _, p := range pasts {
		d := c.renews(s, p)
		if !d.needed || d.suffices(newest) {
			continue
		}
		looked := "no review stands for it"
		if !newest.IsZero() {
			looked = say("the newest review is of %s", date(newest))
		}
		attribute, what := c.has(s, p)
		found := two(attribute, "review", say("%s %s until %s; %s; %s", s, what, date(s.end()), d.past, looked), d.fix)
		found[0].paste = reviewBlock(c, s)
		if !s.fresh() && s.anew() {
			found[0].cause = entered // by the waiver that goes
		}
		return found
	}
	return nil
}

// has returns what the subject has in common with past access, and where that stands.
func (c *Context) has(s *Subject, p *past) (attribute, what string) {
	if k, ok := c.sameKey(s, p); ok {
		return k.attribute, say("holds %s", k.name())
	}
	return "resource", c.bothAllow(s, &p.Subject)
}
