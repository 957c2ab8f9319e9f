// SPDX-License-Identifier: MPL-2.0

package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// Store is the ledger: it reads pages and writes them, and remembers what it read by its ETag. Its methods may be
// called concurrently. Pages and shelves that it returns are shared, and nobody changes them: a change is made on a
// copy.
type Store[N any] struct {
	*Bucket

	// address is that of the ledger, as the configuration says it.
	address string
	// fresh is for how long one reading serves; zero: each reading asks.
	fresh time.Duration
	// account returns the number of the account that this login is of; "" if it is not known.
	account func() string

	// mu guards what follows. It is never held while S3 is asked.
	mu sync.Mutex
	// pages are as they were read or written last.
	pages map[access.IdentityID]*Page
	// alone is what was asked of principals one by one, by their handles.
	alone map[string]alone[N]
	// written is when this process wrote each page last, counted in its writes. What was read before that is outdated.
	written map[access.IdentityID]int
	// writes is how many pages this process has written.
	writes int
	// seen is the last reading of everything; nil if there was none, or it was outdated by a write beside the pages.
	seen *Shelf[N]
	// system is the id of the system, and number that of the account that it is of; "" until system.json was read.
	system string
	number string
	// probed: that writes with a condition are what they are on S3 was tried here.
	probed bool
}

const (
	// SystemKey is the key of what the ledger says of itself.
	SystemKey = "system.json"
	// HeldKey begins the keys of the marks of what was cut by hand.
	HeldKey = "held/"
)

// Options are what a Store has to know of where it is.
type Options struct {
	Client *client.Client
	// Bucket and Prefix are where the ledger is, the prefix without a slash at either end. Address is how the
	// configuration says that.
	Bucket, Prefix, Address string
	// Fresh is for how long one reading serves; zero: each reading asks.
	Fresh time.Duration
	// Account returns the number of the account; "" where it is not known.
	Account func() string
}

// New returns the store at a place. It makes no request.
func New[N any](o Options) *Store[N] {
	return &Store[N]{
		Bucket:  &Bucket{Client: o.Client, Name: o.Bucket, Prefix: o.Prefix},
		address: o.Address, fresh: o.Fresh, account: o.Account, pages: map[access.IdentityID]*Page{},
		alone: map[string]alone[N]{}, written: map[access.IdentityID]int{},
	}
}

// Fetch reads the page of an identity; a blank one if there is none. A page that is known is asked for with its ETag,
// so that S3 sends it only if it is another one. One that cannot be read as a page is returned with its Damage, and is
// no error; ErrNotPermitted is (see fetchOrClose). If this process writes the page meanwhile, it is read again.
func (s *Store[N]) Fetch(ctx context.Context, id access.IdentityID) (*Page, error) {
	for {
		known, at := s.knownAt(id)
		p, err := s.fetch(ctx, id, known)
		if err != nil {
			return nil, err
		}
		if p == known || s.keepRead(p, at) {
			return p, nil
		}
	}
}

// fetch reads the page of an identity; the one that is known if it is still that.
func (s *Store[N]) fetch(ctx context.Context, id access.IdentityID, known *Page) (*Page, error) {
	unless := ""
	if known != nil {
		unless = known.ETag
	}
	text, etag, err := s.Get(ctx, KeyOf(id), unless)
	switch {
	case errors.Is(err, client.ErrAbsent):
		return Blank(id), nil
	case err != nil:
		return nil, err
	case text == nil:
		return known, nil
	}
	return ParsePage(id, text, etag), nil
}

// knownAt returns the page that this process read or wrote last, and which of its writes was the last one of it.
func (s *Store[N]) knownAt(id access.IdentityID) (p *Page, at int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pages[id], s.written[id]
}

// keepRead remembers a page that was read, unless this process has written it since.
func (s *Store[N]) keepRead(p *Page, at int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.written[p.ID] != at {
		return false
	}
	s.keep(p)
	return true
}

// keepWritten remembers a page that this process wrote, and returns it; a blank one if it removed it.
func (s *Store[N]) keepWritten(p *Page) *Page {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	s.written[p.ID] = s.writes
	s.keep(p)
	return p
}

// keep remembers a page, and forgets what was asked of its principals: with another page, they may be others. Who calls
// it holds mu.
func (s *Store[N]) keep(p *Page) {
	for _, x := range p.Principals {
		delete(s.alone, x.Handle())
	}
	if p.ETag == "" {
		delete(s.pages, p.ID)
	} else {
		s.pages[p.ID] = p
	}
	if s.seen != nil {
		s.seen = s.seen.with(p)
	}
}

// Write writes a page in place of the one that it is a copy of, or removes it if there is nothing in it. S3 compares
// the ETag (If-Match): client.ErrChanged if somebody else was first, and then the next look reads the page anew. A page
// that is damaged is not written over: what it said may be worth restoring.
func (s *Store[N]) Write(ctx context.Context, p *Page) (*Page, error) {
	if err := p.Broken(s.Where(KeyOf(p.ID))); err != nil {
		return nil, err
	}
	if p.empty() {
		if p.ETag != "" {
			if err := s.Remove(ctx, KeyOf(p.ID), p.ETag); err != nil {
				return nil, s.outdated(p.ID, err)
			}
		}
		return s.keepWritten(Blank(p.ID)), nil
	}
	text, err := p.text()
	if err != nil {
		return nil, err
	}
	etag, err := s.Replace(ctx, KeyOf(p.ID), text, p.ETag)
	if err != nil {
		return nil, s.outdated(p.ID, err)
	}
	return s.keepWritten(ParsePage(p.ID, text, etag)), nil
}

// Discard removes a page that cannot be read, as it was when that was found out.
func (s *Store[N]) Discard(ctx context.Context, p *Page) error {
	if err := s.Remove(ctx, KeyOf(p.ID), p.ETag); err != nil {
		return err
	}
	s.keepWritten(Blank(p.ID))
	return nil
}

// outdated forgets what is known of a page that could not be written, and the last reading with it. It returns the
// error.
func (s *Store[N]) outdated(id access.IdentityID, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pages, id)
	s.seen = nil
	return err
}

// View returns what was read last while it is fresh, and otherwise reads anew. Two that come late at once both read.
func (s *Store[N]) View(ctx context.Context) (*Shelf[N], error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	s.mu.Lock()
	seen := s.seen
	s.mu.Unlock()
	if seen != nil && access.WallClock().Sub(seen.begun) < s.fresh {
		return seen, nil
	}
	return s.Load(ctx)
}

// Last returns what was read last, however old; nil if nothing was, or a write outdated it.
func (s *Store[N]) Last() *Shelf[N] {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

// Load reads everything: one listing, and those pages that have another ETag than when they were read last. So a second
// reading of a ledger in which nothing changed is one request for each thousand objects.
//
// It is no snapshot: a page may be written while others are read. Each is whole by itself, and what is judged across
// pages is judged again by the change that it concerns.
func (s *Store[N]) Load(ctx context.Context) (*Shelf[N], error) {
	h := &Shelf[N]{
		Pages: map[access.IdentityID]*Page{}, Ledger: ledger.Ledger{}, Stones: ledger.Tombstones{},
		Holds: ledger.Holds{},
		begun: access.WallClock(), memory: memory[N]{natives: map[string]N{}}, spent: map[access.IdentityID][]string{},
		Rehearsed: map[string]time.Time{},
	}
	s.mu.Lock()
	begun := s.writes
	s.mu.Unlock()
	all, err := s.List(ctx, "")
	if err != nil {
		return nil, err
	}
	// releases first, since each page is put on the shelf with those that were used of it
	for _, o := range all {
		if partner, at, is := rehearsedIn(o.Key); is && at.After(h.Rehearsed[partner]) {
			h.Rehearsed[partner] = at
		}
		if id, value, is := releasedIn(o.Key); is {
			h.spent[id] = append(h.spent[id], value)
		}
	}
	if err := s.readAll(ctx, h, all); err != nil {
		return nil, err
	}
	h.bury()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = s.updated(h, begun)
	return s.seen, nil
}

// updated returns a reading with what is known here and came later: pages that were read once more since, and what this
// process has made, changed or removed since the reading began, in its writes. Without that, what it has just made
// would be gone for as long as the reading serves. Who calls it holds mu.
func (s *Store[N]) updated(h *Shelf[N], begun int) *Shelf[N] {
	for id, p := range h.Pages {
		if now := s.pages[id]; now != nil && now.ETag != p.ETag {
			h = h.with(now)
		}
	}
	for id, at := range s.written {
		if at <= begun {
			continue
		}
		now := s.pages[id]
		if now == nil {
			now = Blank(id)
		}
		h = h.with(now)
	}
	return h
}

// readAll reads what was listed onto a shelf. Pages are read beside each other, as many as the client has room for. A
// page that is gone when it is read was removed since the listing. Keys that mean nothing here are left alone: a later
// version may know them.
func (s *Store[N]) readAll(ctx context.Context, h *Shelf[N], all []Stored) error {
	var mu sync.Mutex // of the shelf
	add := func(p *Page) {
		mu.Lock()
		defer mu.Unlock()
		h.add(p)
	}
	var reading errgroup.Group
	for _, o := range all {
		id, is := idIn(o.Key)
		switch {
		case o.Key == SystemKey:
			reading.Go(func() (err error) { h.System, err = s.Identified(ctx); return err })
		case strings.HasPrefix(o.Key, floorNotes):
			h.floor = max(h.floor, noteIn(o.Key))
		case strings.HasPrefix(o.Key, HeldKey):
			h.Holds[strings.TrimPrefix(o.Key, HeldKey)] = o.modified
		case is:
			if known := s.Cached(id); known != nil && known.ETag == o.ETag {
				add(known)
				continue
			}
			reading.Go(func() error {
				p, err := s.fetchOrClose(ctx, id, o.ETag)
				if err != nil || (p.ETag == "" && p.Damage == nil) { // it was removed since
					return err
				}
				add(p)
				return nil
			})
		}
	}
	return reading.Wait()
}

// ErrElsewhere says that the ledger tells of another account's principals: none of them can be found or removed in this
// one.
var ErrElsewhere = errors.New("it contains nothing of the ledger")

// Cached returns the page that this process read or wrote last; nil if it did neither, or the page is gone.
func (s *Store[N]) Cached(id access.IdentityID) *Page {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pages[id]
}

// fetchOrClose reads a page. One that may not be read, since it or its encryption key is closed to this login, gives
// nothing and stops nobody else: it is damaged. A login that was refused altogether is an error.
func (s *Store[N]) fetchOrClose(ctx context.Context, id access.IdentityID, etag string) (*Page, error) {
	p, err := s.Fetch(ctx, id)
	if !errors.Is(err, access.ErrNotPermitted) || errors.Is(err, access.ErrLogin) {
		return p, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pages, id)
	return closed(id, etag, err), nil
}

// Reread lets the next reading ask: what was read does not know of what was written beside the pages. What IAM has is
// not outdated by that, and is kept.
func (s *Store[N]) Reread() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = nil
}

// Read returns everything: as it was read a moment ago if the configuration lets one reading serve, and otherwise as it
// is.
func (s *Store[N]) Read(ctx context.Context) (*Shelf[N], error) {
	if s.fresh > 0 {
		return s.View(ctx)
	}
	return s.Load(ctx)
}

// Now returns the time at AWS, by the Date header of S3's last answer. If that is more than a minute old, it lists the
// marks, which are few, for another one.
func (s *Store[N]) Now(ctx context.Context) (time.Time, error) {
	if now, known := s.Client.S3Time(); known {
		return now, nil
	}
	if _, err := s.List(ctx, HeldKey); err != nil {
		return time.Time{}, fmt.Errorf("ask AWS what time it is: %w", err)
	}
	now, known := s.Client.S3Time()
	if !known {
		return time.Time{}, fmt.Errorf("%w: ask AWS what time it is: the answer of %s has no Date that can be read",
			access.ErrUnavailable, s.address)
	}
	return now, nil
}

// floored returns the newest generation of a floor that the ledger remembers; 0 if there never was one. A fresh reading
// knows it; otherwise its notes are listed.
func (s *Store[N]) floored(ctx context.Context) (newest int64, err error) {
	s.mu.Lock()
	seen := s.seen
	s.mu.Unlock()
	if seen != nil && access.WallClock().Sub(seen.begun) < s.fresh {
		return seen.floor, nil
	}
	all, err := s.List(ctx, floorNotes)
	for _, o := range all {
		newest = max(newest, noteIn(o.Key))
	}
	return newest, err
}
