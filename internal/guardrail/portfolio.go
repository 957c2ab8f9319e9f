// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// What is known in one process. A plan fills the portfolio resource by resource, in an order that Terraform chooses; an
// apply only with what it changes. Everything else comes from one listing of the system (Live), and stays what it was
// at that moment but for what this run removes (Left, Leave) and what others are seen to change (Meanwhile). How rules
// find their way through it stands in portfolio_index.go and reach.go.

// Portfolio is all access that one plan leaves in place: what has arrived in the plan so far, and in the place of what
// has not, what the system holds. It is safe for concurrent use. Lock mu guards every field below it, and settings,
// rules and capabilities.Reach as well, which are taken in while a plan runs.
type Portfolio struct {
	settings     Settings
	capabilities access.Capabilities
	rules        []ranked

	mu sync.RWMutex
	// arrivals counts what Put took in: the last number given as a sequence. stack is this configuration's own, known
	// with loaded, which says that Live was called.
	arrivals int
	stack    string
	loaded   bool
	// planned is what has arrived, several under one id if blocks declare it twice; live is what the system holds, also
	// of what has arrived since.
	planned map[access.Ref][]*entry
	live    map[access.Ref]*entry
	// families, keys, open and common are the indexes: of what hangs on an identity, of who holds a key (by its print),
	// and of what is reached. An entry of live is in them until the plan's own takes its place.
	families map[access.IdentityID]*family
	keys     map[string]map[*entry]bool
	open     trie // what is reached where partners do not meet, and common, where they may
	common   trie
	nowhere  map[*entry]bool // what opens nothing yet: one day it may reach something
	// partners counts the identities of each partner that arrived, and onboarded has the oldest object that the system
	// holds of each.
	partners  map[string]int
	onboarded map[string]*entry
	// partners of which something was held when it was listed, whatever this apply has released since
	cut map[string]bool
	// formers are what the system remembers of removed access, held what it holds, and leaving what this plan removes.
	formers, held *shelf
	// ended has the uid that ended last under an id.
	ended   map[access.Ref]access.Bygone
	leaving map[access.Ref]bool
}

// ranked is a rule with the level that the settings give it.
type ranked struct {
	Rule
	level Level
}

// entry is a subject in the portfolio, or past access that only a shelf holds.
type entry struct {
	Subject
	// ref and holder are read once from the object, since indexes ask for them again and again.
	ref    access.Ref
	holder access.IdentityID
	// seq is the number of its arrival in the plan, 0 where the system alone holds it, for stack.
	seq   int
	stack string
	// left: the system held it, and this apply has removed it.
	left bool
	// rank is the number of its arrival among its siblings of one type, or, of an identity, of one partner.
	rank int
	// asked is the end that was asked for, where what was issued ends before.
	asked time.Time
	// removedAt is when it was removed: the system only remembers it.
	removedAt time.Time
}

// family is all that hangs on one identity: its credentials, its grants, and the identities of which it is the parent.
type family struct {
	// planned has arrived; live is what the system alone holds. count is how many of a type arrived, for ranks.
	planned, live []*entry
	count         map[access.Type]int
	// elsewhere counts what the system alone holds for other stacks.
	elsewhere map[access.Type]int
	grants    trie
}

// NewPortfolio returns an empty portfolio.
func NewPortfolio(s Settings, c access.Capabilities) *Portfolio {
	p := &Portfolio{
		settings: s, capabilities: c,
		planned: map[access.Ref][]*entry{}, live: map[access.Ref]*entry{}, families: map[access.IdentityID]*family{},
		keys: map[string]map[*entry]bool{}, partners: map[string]int{}, onboarded: map[string]*entry{},
		cut: map[string]bool{}, nowhere: map[*entry]bool{},
		formers: newShelf(), held: newShelf(), leaving: map[access.Ref]bool{},
	}
	p.rules = rankedBy(s)
	return p
}

// rankedBy returns the rules with the levels that settings give them.
func rankedBy(s Settings) (rules []ranked) {
	for _, r := range table() {
		rules = append(rules, ranked{r, s.Level(r)})
	}
	return rules
}

// Govern takes in the settings under the system's floor, before Live: only the system knows it. Later calls change
// nothing, so that one walk is judged by one set of settings. What only the system says (Rehearsed, System) is kept.
func (p *Portfolio) Govern(s Settings) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.loaded {
		s.Rehearsed = p.settings.Rehearsed
		s.System = p.settings.System
		p.settings, p.rules = s, rankedBy(s)
	}
}

// Live takes in what the system holds, once; later calls change nothing. What the plan leaves of an object stands in
// place of what the system holds of it.
func (p *Portfolio) Live(records []*access.Record, stack string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.loaded {
		return
	}
	p.loaded, p.stack = true, stack
	for _, r := range records {
		p.settle(r)
	}
}

// Meanwhile takes in what the system holds now, where others have changed it since Live. What has arrived in this plan
// stays as it is. What this apply removed itself (left) is not brought back by a listing that began before: only
// another uid under that id is. See TestWhatOthersChangeMeanwhileIsTakenIn.
func (p *Portfolio) Meanwhile(records []*access.Record) {
	p.mu.Lock()
	defer p.mu.Unlock()
	there := map[access.Ref]bool{}
	for _, r := range records {
		ref := r.Object.Ref()
		if there[ref] = true; len(p.planned[ref]) > 0 {
			continue
		}
		was := p.live[ref]
		switch {
		case was == nil:
		case !was.left:
			p.forget(was)
			p.held.drop(was)
		case was.History.UID == r.UID:
			continue // this apply has removed it while it was listed
		}
		p.settle(r)
	}
	for ref, e := range p.live {
		if !there[ref] && !e.left && len(p.planned[ref]) == 0 {
			e.left = true
			p.forget(e)
			p.held.drop(e)
		}
	}
}

// settle enters what the system holds of an object. It is on the shelf of what is held in any case, and in the indexes
// only while no block of this plan stands in its place. A partner that was cut stays so in cut, whatever is listed
// later.
func (p *Portfolio) settle(r *access.Record) {
	e := &entry{
		Subject: Subject{
			Object: r.Object, Before: r.Object, History: r.History, EndsAt: r.EndsAt, LastUsedAt: r.LastUsedAt,
			UseUnknown: r.UseUnknown,
			Unseen:     r.Unseen, Drift: r.Drift, Held: r.Held,
		},
		ref: r.Object.Ref(), holder: r.Object.Holder(), stack: r.Stack, asked: r.EndAsked,
	}
	if r.Issued != nil {
		e.IssuedAt = r.Issued.At
	}
	e.keys, e.reaches = keysOf(&e.Subject), reachesOf(&p.capabilities, &e.Subject)
	p.held.add(e)
	p.live[e.ref] = e
	partner := e.holder.Partner
	p.cut[partner] = p.cut[partner] || e.Held
	if first := p.onboarded[partner]; first == nil || r.CreatedAt.Before(first.History.CreatedAt) {
		p.onboarded[partner] = e
	}
	if len(p.planned[e.ref]) == 0 {
		p.index(e)
	}
}

// Rehearsed takes in when the offboarding of each partner was last rehearsed, before Live: only the system knows.
func (p *Portfolio) Rehearsed(last map[string]time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.loaded {
		p.settings.Rehearsed = last
	}
}

// Within takes in which access system it is: what is signed for another counts for nothing.
func (p *Portfolio) Within(system string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settings.System = system
}

// Reaching takes in how the system judges grants by what stands in it now. What is not judged yet is judged by the last
// one, and so is what opened nothing before.
func (p *Portfolio) Reaching(r access.Reaching) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.capabilities.Reach = r
	for _, e := range slices.Collect(maps.Keys(p.nowhere)) { // what is forgotten is not among them
		// Each index is left by the reach by which it was entered: by another one, it would not be found there.
		shelved := e.seq == 0
		p.forget(e)
		if shelved {
			p.held.drop(e)
		}
		e.reaches = reachesOf(&p.capabilities, &e.Subject)
		if shelved {
			p.held.add(e)
		}
		p.index(e)
	}
}

// Reach returns what the system says of a grant.
func (p *Portfolio) Reach(g *access.Grant) access.Reach {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return reach(&p.capabilities, g)
}

// Loaded reports whether Live was called.
func (p *Portfolio) Loaded() bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.loaded
}

// Put takes a subject of this plan in. The same nonce replaces what it put before; another one under the same id is a
// duplicate. When something was issued is taken from the system, and not from the state, which anybody can edit. An
// entry that is replaced keeps its rank, so that a rule that speaks once for an identity speaks at the same block
// again.
func (p *Portfolio) Put(s Subject) {
	e := &entry{Subject: s, ref: s.Object.Ref(), holder: s.Object.Holder()}
	e.keys = keysOf(&e.Subject)
	p.mu.Lock()
	defer p.mu.Unlock()
	e.reaches = reachesOf(&p.capabilities, &e.Subject)
	if live := p.live[e.ref]; live != nil && s.Before != nil {
		e.IssuedAt = live.IssuedAt // a state says what it likes
	}
	p.arrivals++
	e.seq = p.arrivals
	same := func(o *entry) bool { return o.Nonce == s.Nonce }
	if at := slices.IndexFunc(p.planned[e.ref], same); at >= 0 {
		old := p.planned[e.ref][at]
		p.forget(old)
		e.rank = old.rank
		p.planned[e.ref][at] = e
	} else {
		if live := p.live[e.ref]; live != nil && len(p.planned[e.ref]) == 0 && !live.left {
			p.forget(live)
		}
		p.planned[e.ref] = append(p.planned[e.ref], e)
		e.rank = p.nextRank(e)
	}
	p.index(e)
}

// nextRank returns the number of an entry's arrival, from 1: of an identity among those of its partner, of a credential
// or a grant among those of its type and identity. Rules that speak once for all go by it.
func (p *Portfolio) nextRank(e *entry) int {
	if e.ref.Type == access.TypeIdentity {
		p.partners[e.holder.Partner]++
		return p.partners[e.holder.Partner]
	}
	f := p.familyOf(e.holder)
	f.count[e.ref.Type]++
	return f.count[e.ref.Type]
}

// Left takes an object out that this apply removed: nothing meets it any more. What it was is remembered,
// for what takes its place.
func (p *Portfolio) Left(ref access.Ref) {
	p.mu.Lock()
	defer p.mu.Unlock()
	live := p.live[ref]
	if live == nil || live.left {
		return
	}
	live.left = true
	if len(p.planned[ref]) == 0 {
		p.forget(live)
	}
}

// Below returns the identities that the system holds under another one, at any depth, sorted.
func (p *Portfolio) Below(top access.IdentityID) (all []Subject) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	seen := map[access.IdentityID]bool{top: true}
	for queue := []access.IdentityID{top}; len(queue) > 0; queue = queue[1:] {
		for _, e := range p.live {
			if i, ok := e.Before.(*access.Identity); ok && i.ParentID == queue[0] && !seen[i.ID] {
				seen[i.ID] = true
				queue, all = append(queue, i.ID), append(all, e.Subject)
			}
		}
	}
	order.Sort(all, func(a, b Subject) int { return strings.Compare(a.Object.Ref().ID, b.Object.Ref().ID) })
	return all
}

// Find returns what the plan leaves of an object, or what the system holds of it. The subject is a copy; planned says
// that it has arrived. Of two blocks with one id, it is the first.
func (p *Portfolio) Find(ref access.Ref) (s Subject, planned, ok bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if arrived := p.planned[ref]; len(arrived) > 0 {
		return arrived[0].Subject, true, true
	}
	if e := p.live[ref]; e != nil {
		return e.Subject, false, true
	}
	return Subject{}, false, false
}

// Holds returns what the system holds of an object, whatever the plan leaves of it.
func (p *Portfolio) Holds(ref access.Ref) (Subject, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if e := p.live[ref]; e != nil {
		return e.Subject, true
	}
	return Subject{}, false
}
