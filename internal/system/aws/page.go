// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// page is what the ledger keeps of one identity: one object in S3, LEDGER/identities/acme/prod/orders-etl.json. Nothing secret is in it but
// what was sealed to the partner. It outlives the identity, as its tombstone, for as long as something is to be remembered.
type page struct {
	id   access.IdentityID
	etag string // "" where it is not there yet
	// entries are the identity and all under it that is its own.
	entries ledger.Ledger
	// principals are all that may be there: those that entries ask for, those that are about to be made, and those that have yet to go.
	principals []principal
	// issued is the number of the last user.
	issued int
	// lifting: what was cut by hand was released, and the principals have yet to hear of it.
	lifting bool
	stone   ledger.Tombstone
	// damage is why it cannot be read; nil where it can.
	damage error
}

// pageFile is how it is kept.
type pageFile struct {
	Version int `json:"version"`
	// Written is another one in every writing, so that no two have one ETag.
	Written    string            `json:"written"`
	Identity   string            `json:"identity"`
	Entries    []*ledger.Entry   `json:"entries,omitempty"`
	Principals []principal       `json:"principals,omitempty"`
	Issued     int               `json:"issued,omitzero"`
	Lifting    bool              `json:"lifting,omitzero"`
	Remembered *ledger.Tombstone `json:"remembered,omitempty"`
}

const (
	// mostIssued is how many keys an identity may have had: one each hour for ten years.
	mostIssued = 100_000
	identities = "identities/"
	pageSuffix = ".json"
)

// keyOf returns the key of an identity's page, below the ledger's prefix.
func keyOf(id access.IdentityID) string { return identities + id.String() + pageSuffix }

// idIn returns the identity that a key is of.
func idIn(key string) (id access.IdentityID, is bool) {
	text, ours := strings.CutPrefix(key, identities)
	text, is = strings.CutSuffix(text, pageSuffix)
	if !ours || !is {
		return id, false
	}
	id, err := access.ParseIdentityID(text)
	return id, err == nil
}

// blank returns the page of an identity that has none.
func blank(id access.IdentityID) *page { return &page{id: id, entries: ledger.Ledger{}} }

// parsePage reads a page.
func parsePage(id access.IdentityID, text []byte, etag string) *page {
	p := blank(id)
	p.etag = etag
	if err := p.take(text); err != nil {
		return closed(id, etag, err)
	}
	return p
}

// closed returns the page of an identity that may not be read.
func closed(id access.IdentityID, etag string, why error) *page {
	return &page{id: id, etag: etag, entries: ledger.Ledger{}, damage: why, stone: ledger.Tombstone{Damaged: true}}
}

// take reads the text of a page into it. It believes nothing that does not follow from the page's identity: a page that somebody wrote by
// hand can name no other partner's principals.
func (p *page) take(text []byte) error {
	f, err := readPage(text)
	if err != nil {
		return err
	}
	if f.Identity != p.id.String() {
		return fmt.Errorf("it belongs to %q", f.Identity)
	}
	for _, e := range f.Entries {
		if err := p.takeEntry(e); err != nil {
			return err
		}
	}
	if err := p.ownAll(&f); err != nil {
		return err
	}
	if len(p.entries) > 0 && p.entries[p.id.Ref()] == nil {
		return errors.New("it has no identity")
	}
	p.principals, p.issued, p.lifting = f.Principals, f.Issued, f.Lifting
	for n, x := range p.principals { // a page of before does not say it
		p.principals[n].Known = x.Known || x.Built || x.Key != ""
	}
	if f.Remembered != nil {
		p.stone = *f.Remembered
	}
	return nil
}

// readPage reads the version first, so that a page of a later one is told from one that is damaged.
func readPage(text []byte) (f pageFile, err error) {
	var header struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(text, &header); err != nil {
		return f, err
	}
	if header.Version != ledger.Version {
		return f, fmt.Errorf("it has version %d, but this provider knows only version %d", header.Version, ledger.Version)
	}
	err = json.Unmarshal(text, &f)
	return f, err
}

// takeEntry adds an entry, which has to be of this identity, and may not end after what it declares.
func (p *page) takeEntry(e *ledger.Entry) error {
	switch {
	case e == nil || e.Object == nil:
		return errors.New("it has an empty entry")
	case e.Object.Holder() != p.id:
		return fmt.Errorf("it holds %s", e.Ref())
	case p.entries[e.Ref()] != nil:
		return fmt.Errorf("it holds %s twice", e.Ref())
	case e.Bound.After(e.Object.Common().ExpiresAt.Time):
		return fmt.Errorf("%s ends after the end that it declares", e.Ref())
	}
	p.entries[e.Ref()] = e
	return nil
}

// ownAll refuses a page that names principals other than those that follow from its identity and from how many keys it had.
func (p *page) ownAll(f *pageFile) error {
	if f.Issued < 0 || f.Issued > mostIssued {
		return fmt.Errorf("it counts %d keys", f.Issued)
	}
	own := map[string]kind{roleOf(p.id).Name: role}
	own[adoptedOf(p.id).Name] = user
	for n := range f.Issued {
		own[userOf(p.id, n+1).Name] = user
	}
	named := slices.Clone(f.Principals)
	for _, e := range p.entries {
		named = append(named, principalsOf(e)...)
	}
	for _, x := range named {
		if x.Path != folderOf(p.id) || own[x.Name] != x.Kind || x.Kind == "" {
			return fmt.Errorf("it names %s, which does not belong to it", x)
		}
	}
	return nil
}

// text writes the page: but for the word of its writing the same page gives the same bytes.
func (p *page) text() ([]byte, error) {
	f := pageFile{
		Version: ledger.Version, Written: access.NewUID(), Identity: p.id.String(), Principals: p.principals, Issued: p.issued, Lifting: p.lifting,
	}
	for _, ref := range sortedRefs(p.entries) {
		f.Entries = append(f.Entries, p.entries[ref])
	}
	if !p.stone.Empty() {
		f.Remembered = &p.stone
	}
	return json.MarshalIndent(f, "", " ")
}

// empty reports whether there is nothing in it that anybody has to know.
func (p *page) empty() bool {
	return len(p.entries) == 0 && len(p.principals) == 0 && p.stone.Empty()
}

// identity returns the page's identity; nil where there is none, or its removal was begun.
func (p *page) identity() *access.Identity {
	i, _ := p.entries.Identity(p.id)
	return i
}

// has reports whether it knows of a principal.
func (p *page) has(one principal) bool {
	return slices.ContainsFunc(p.principals, func(x principal) bool { return x.handle() == one.handle() })
}

// copied returns a copy that may be changed.
func (p *page) copied() *page {
	next := *p
	next.entries, next.principals = maps.Clone(p.entries), slices.Clone(p.principals)
	return &next
}

// broken says that a page cannot be read.
func (p *page) broken(where string) error {
	if p.damage == nil {
		return nil
	}
	return &access.DamagedError{Record: where, Problem: p.damage}
}

// named returns a principal with what the page knows of it.
func (p *page) named(x principal) principal {
	if n := slices.IndexFunc(p.principals, func(known principal) bool { return known.Name == x.Name }); n >= 0 {
		return p.principals[n]
	}
	return x
}

func sortedRefs(l ledger.Ledger) []access.Ref {
	return order.Sorted(maps.Keys(l), ledger.CompareRefs)
}
