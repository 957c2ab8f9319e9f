// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// store is the ledger: it reads pages and writes them, and remembers what it read by its ETag.
type store struct {
	*bucket

	account func() string // the number of the account; "" where it is not known

	mu     sync.Mutex
	pages  map[access.IdentityID]*page // as they were read or written last
	alone  map[string]*native          // what was asked of principals one by one, by their handles
	seen   *shelf
	system string // the id of the system; "" until it was read
	owner  string // the account that it is of, as was read with it
	probed bool   // writes with a condition were tried here
}

// shelf is everything at one moment.
type shelf struct {
	pages  map[access.IdentityID]*page
	ledger ledger.Ledger
	stones ledger.Tombstones
	holds  ledger.Holds
	spent  map[access.IdentityID][]string // the values of hold_released that were used
	system string
	floor  int64 // the newest generation of a floor that is remembered
	begun  time.Time
	// rehearsed is when the cut of each partner was rehearsed last.
	rehearsed map[string]time.Time

	mu      sync.Mutex
	natives map[string]*native // by the principal's handle
	whole   bool               // they are all that there is
	all     []*native          // of the whole account, where it lists them
	// unlisted: IAM lists no principals here, so each is asked for.
	unlisted bool
}

const (
	systemKey = "system.json"
	heldKey   = "held/"
)

func newStore(a *account, name, prefix string) *store {
	return &store{bucket: &bucket{client: a.client, name: name, prefix: prefix}, account: a.accountNumber, pages: map[access.IdentityID]*page{}, alone: map[string]*native{}}
}

// fetch reads the page of an identity; an empty one where there is none.
func (s *store) fetch(ctx context.Context, id access.IdentityID) (*page, error) {
	known, unless := s.cached(id), ""
	if known != nil {
		unless = known.etag
	}
	text, etag, err := s.get(ctx, keyOf(id), unless)
	switch {
	case errors.Is(err, errAbsent):
		return s.keep(blank(id)), nil
	case err != nil:
		return nil, err
	case text == nil:
		return known, nil
	}
	return s.keep(parsePage(id, text, etag)), nil
}

// keep remembers a page as it was read or written last.
func (s *store) keep(p *page) *page {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range p.principals {
		delete(s.alone, x.handle())
	}
	if p.etag == "" {
		delete(s.pages, p.id)
	} else {
		s.pages[p.id] = p
	}
	if s.seen != nil {
		s.seen = s.seen.with(p)
	}
	return p
}

// forget lets a principal be asked for again.
func (s *store) forget(p principal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.alone, p.handle())
	if s.seen != nil {
		s.seen.mu.Lock()
		delete(s.seen.natives, p.handle())
		s.seen.mu.Unlock()
	}
}

// with returns the shelf with one page as it is now. What was read of its principals is not known any more.
func (h *shelf) with(p *page) *shelf {
	h.mu.Lock()
	defer h.mu.Unlock()
	next := &shelf{
		pages: maps.Clone(h.pages), ledger: maps.Clone(h.ledger), stones: maps.Clone(h.stones), holds: h.holds, spent: h.spent, system: h.system, floor: h.floor, begun: h.begun,
		rehearsed: h.rehearsed,
		natives:   maps.Clone(h.natives), whole: h.whole, unlisted: h.unlisted,
	}
	if old := next.pages[p.id]; old != nil {
		if old.etag == p.etag {
			return h
		}
		for ref := range old.entries {
			delete(next.ledger, ref)
		}
		for _, x := range old.principals {
			delete(next.natives, x.handle())
		}
		delete(next.pages, p.id)
		delete(next.stones, p.id)
	}
	for _, x := range p.principals {
		delete(next.natives, x.handle())
	}
	if p.etag != "" {
		next.add(p)
	}
	next.bury()
	return next
}

func (h *shelf) add(p *page) {
	p = h.spending(p)
	h.pages[p.id] = p
	maps.Copy(h.ledger, p.entries)
	if !p.stone.Empty() {
		h.stones[p.id] = p.stone
	}
}

// write writes a page in place of the one that it is a copy of, or removes it where there is nothing in it. S3 compares the etag (If-Match):
// errChanged where somebody else was first, and the next look reads the page anew.
func (s *store) write(ctx context.Context, p *page) (*page, error) {
	if err := p.broken(s.where(keyOf(p.id))); err != nil {
		return nil, err
	}
	if p.empty() {
		if p.etag != "" {
			if err := s.remove(ctx, keyOf(p.id), p.etag); err != nil {
				return nil, s.outdated(p.id, err)
			}
		}
		return s.keep(blank(p.id)), nil
	}
	text, err := p.text()
	if err != nil {
		return nil, err
	}
	etag, err := s.replace(ctx, keyOf(p.id), text, p.etag)
	if err != nil {
		return nil, s.outdated(p.id, err)
	}
	return s.keep(parsePage(p.id, text, etag)), nil
}

// outdated forgets what is known of a page that somebody else wrote.
func (s *store) outdated(id access.IdentityID, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pages, id)
	s.seen = nil
	return err
}

// view returns what was read last, while it is fresh, else reads anew.
func (s *store) view(ctx context.Context) (*shelf, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	s.mu.Lock()
	seen := s.seen
	s.mu.Unlock()
	if seen != nil && access.WallClock().Sub(seen.begun) < s.options.Fresh {
		return seen, nil
	}
	return s.load(ctx)
}

// load reads everything: one listing, and those pages that have another ETag than when they were read last.
func (s *store) load(ctx context.Context) (*shelf, error) {
	h := &shelf{
		pages: map[access.IdentityID]*page{}, ledger: ledger.Ledger{}, stones: ledger.Tombstones{}, holds: ledger.Holds{},
		begun: access.WallClock(), natives: map[string]*native{}, spent: map[access.IdentityID][]string{},
		rehearsed: map[string]time.Time{},
	}
	all, err := s.list(ctx, "")
	if err != nil {
		return nil, err
	}
	for _, o := range all { // before the pages, which are read beside each other
		if partner, at, is := rehearsedIn(o.key); is && at.After(h.rehearsed[partner]) {
			h.rehearsed[partner] = at
		}
		if id, value, is := releasedIn(o.key); is {
			h.spent[id] = append(h.spent[id], value)
		}
	}
	if err := s.readAll(ctx, h, all); err != nil {
		return nil, err
	}
	h.bury()
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, p := range h.pages { // what this process wrote meanwhile
		if now := s.pages[id]; now != nil && now.etag != p.etag {
			h = h.with(now)
		}
	}
	s.seen = h
	return h, nil
}

// readAll reads what was listed onto a shelf.
func (s *store) readAll(ctx context.Context, h *shelf, all []stored) error {
	var mu sync.Mutex // of the shelf
	add := func(p *page) {
		mu.Lock()
		defer mu.Unlock()
		h.add(p)
	}
	var reading errgroup.Group
	for _, o := range all {
		id, is := idIn(o.key)
		switch {
		case o.key == systemKey:
			reading.Go(func() (err error) { h.system, err = s.identified(ctx); return err })
		case strings.HasPrefix(o.key, floorNotes):
			h.floor = max(h.floor, noteIn(o.key))
		case strings.HasPrefix(o.key, heldKey):
			h.holds[strings.TrimPrefix(o.key, heldKey)] = o.modified
		case is:
			if known := s.cached(id); known != nil && known.etag == o.etag {
				add(known)
				continue
			}
			reading.Go(func() error {
				p, err := s.fetchOrClose(ctx, id, o.etag)
				if err != nil || p.etag == "" && p.damage == nil { // it was removed since
					return err
				}
				add(p)
				return nil
			})
		}
	}
	return reading.Wait()
}

// cached returns the page that this process read or wrote last.
func (s *store) cached(id access.IdentityID) *page {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pages[id]
}

// fetchOrClose reads a page. One that may not be read, since it or its key is closed, gives nothing, and stops nobody else.
func (s *store) fetchOrClose(ctx context.Context, id access.IdentityID, etag string) (*page, error) {
	p, err := s.fetch(ctx, id)
	if !errors.Is(err, access.ErrNotPermitted) || errors.Is(err, access.ErrLogin) {
		return p, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pages, id)
	return closed(id, etag, err), nil
}

// marks returns what was cut by hand, by the marks that stand beside the pages.
func (s *store) marks(ctx context.Context) (ledger.Holds, error) {
	all, err := s.list(ctx, heldKey)
	if err != nil {
		return nil, err
	}
	holds := ledger.Holds{}
	for _, o := range all {
		holds[strings.TrimPrefix(o.key, heldKey)] = o.modified
	}
	return holds, nil
}

// mark marks that something was cut by hand: what is made anew under its name is held.
func (s *store) mark(ctx context.Context, scope string) error {
	defer s.reread()
	return s.place(ctx, heldKey+scope, []byte("Cut by hand.\n"))
}

// reread lets the next reading ask: what was read does not know of what was written beside the pages.
func (s *store) reread() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = nil
}

// name returns the id of the system, as it was read; "" where it was not, or there is none.
func (s *store) name() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.system
}

type systemFile struct {
	Version int    `json:"version"`
	ID      string `json:"id"`
	// Account is the number of the account whose principals it tells of; "" where nobody could tell.
	Account string `json:"account,omitempty"`
	// Judges is the endpoint of another cloud that was seen to judge policies as AWS does; "" where none was tried.
	Judges string `json:"judges,omitempty"`
	About  string `json:"about"`
}

// identified reads the id of the system; "" where there is none.
func (s *store) identified(ctx context.Context) (string, error) {
	s.mu.Lock()
	known := s.system
	s.mu.Unlock()
	if known != "" {
		return known, nil
	}
	f, _, err := s.about(ctx)
	if errors.Is(err, errAbsent) || errors.Is(err, errNameless) { // nothing is the less cut for that
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if own := s.account(); f.Account != "" && own != "" && f.Account != own {
		return "", fmt.Errorf("the ledger %s belongs to the account %s, but this login to the account %s: %w. Use a "+
			"login of %[2]s, or another ledger",
			s.options.Ledger, f.Account, own, errElsewhere)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.system, s.owner = f.ID, f.Account
	return f.ID, nil
}

// errNameless says that what the ledger says of itself cannot be read. It is as good as lost.
var errNameless = errors.New("does not say which access system this is: restore it, or, if there is no partner access, remove it")

// about reads what the ledger says of itself.
func (s *store) about(ctx context.Context) (f systemFile, etag string, err error) {
	text, etag, err := s.get(ctx, systemKey, "")
	if err != nil {
		return f, "", err
	}
	if err := json.Unmarshal(text, &f); err != nil || f.ID == "" {
		return f, "", fmt.Errorf("%w: %s %w", access.ErrUnavailable, s.where(systemKey), errNameless)
	}
	return f, etag, nil
}

// identify gives a ledger that is not there yet an id, and tries whether writes with a condition are what they are on S3: nothing else
// keeps two processes from writing over each other.
func (s *store) identify(ctx context.Context) error {
	s.mu.Lock()
	probed := s.probed
	s.mu.Unlock()
	if probed {
		return nil
	}
	id, err := s.identified(ctx)
	if err != nil {
		return err
	}
	if id == "" {
		if all, err := s.list(ctx, identities); err != nil || len(all) > 0 {
			return err // its id was lost: who restores it knows which it was
		}
		id = access.NewUID()
	}
	text, err := json.Marshal(systemFile{Version: ledger.Version, ID: id, Account: s.account(), About: "Which access system this is, by terraform-provider-partner. Never change it: states know the system by it."})
	if err != nil {
		return err
	}
	for range 2 { // the second must be refused, whoever wrote the first
		if _, err = s.put(ctx, systemKey, text, ""); errors.Is(err, errChanged) {
			if id, err := s.identified(ctx); err != nil {
				return err
			} else if id == "" { // and nobody has access whom that could harm
				_, _, err := s.about(ctx)
				return err
			}
			s.mu.Lock()
			s.probed = true
			s.mu.Unlock()
			return nil
		} else if err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: the store overwrote %s although it existed: it ignores If-None-Match, so two processes "+
		"would overwrite each other's changes",
		access.ErrUnsupported, s.where(systemKey))
}

// again tries a change until nobody comes in its way.
func again(ctx context.Context, change func() error) error {
	const rounds = 60
	for round := range rounds {
		err := change()
		if !errors.Is(err, errChanged) {
			return err
		}
		if err := access.Pause(ctx, time.Duration(min(round+1, 10))*5*time.Millisecond+rand.N(20*time.Millisecond)); err != nil { //nolint:gosec // spreads those who wait
			return err
		}
	}
	return fmt.Errorf("%w: %w", access.ErrUnavailable, errChanged)
}

// read returns everything, as it was read a moment ago where one reading serves for long, else as it is.
func (s *store) read(ctx context.Context) (*shelf, error) {
	if s.options.Fresh > 0 {
		return s.view(ctx)
	}
	return s.load(ctx)
}

// Now returns the time at AWS, by the Date header of S3's last answer.
func (s *store) Now(ctx context.Context) (time.Time, error) {
	if now, known := s.now(); known {
		return now, nil
	}
	if _, err := s.list(ctx, heldKey); err != nil {
		return time.Time{}, fmt.Errorf("ask AWS what time it is: %w", err)
	}
	now, known := s.now()
	if !known {
		return time.Time{}, fmt.Errorf("%w: ask AWS what time it is: the answer of %s has no Date that can be read", access.ErrUnavailable, s.options.Ledger)
	}
	return now, nil
}
