// SPDX-License-Identifier: MPL-2.0

package store

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

// Page is what the ledger keeps of one identity: one object in S3, LEDGER/identities/acme/prod/orders-etl.json. Nothing
// secret is in it but what was sealed to the partner. It outlives the identity, as its tombstone, for as long as
// something is to be remembered. Once it is kept by a store it is never changed; see Copied.
type Page struct {
	ID access.IdentityID
	// ETag is that of the object; "" if it is not there yet.
	ETag string
	// Entries are the identity, and its credentials and grants. What hangs on it as another identity has a page of its
	// own.
	Entries ledger.Ledger
	// Principals are all that may be there: those that entries ask for, those that are about to be made, and those that
	// have yet to go. One stands here before IAM is asked to make it, and until IAM was seen to have none.
	Principals []Principal
	// Issued is the number of the last user. It only grows, so no user's name is used twice.
	Issued int
	// Lifting: what was cut by hand was released, and IAM has yet to hear of it. Until then, the denies that IAM has
	// are no new cut.
	Lifting bool
	// Stone is what is remembered of the identity, also once it is gone.
	Stone ledger.Tombstone
	// Damage is why it cannot be read; nil if it can. Then it has no entries and no principals.
	Damage error
}

// pageFile is a page as it is kept. A field that is added must have a zero value that means what pages meant before.
type pageFile struct {
	Version int `json:"version"`
	// Written is another one in every writing, so that no two have one ETag.
	Written    string            `json:"written"`
	Identity   string            `json:"identity"`
	Entries    []*ledger.Entry   `json:"entries,omitempty"`
	Principals []Principal       `json:"principals,omitempty"`
	Issued     int               `json:"issued,omitzero"`
	Lifting    bool              `json:"lifting,omitzero"`
	Remembered *ledger.Tombstone `json:"remembered,omitempty"`
}

const (
	// mostIssued is how many keys an identity may have had: one each hour for ten years. It bounds how many names a
	// page may claim (see ownAll).
	mostIssued = 100_000
	identities = "identities/"
	pageSuffix = ".json"
)

// KeyOf returns the key of an identity's page, below the ledger's prefix.
func KeyOf(id access.IdentityID) string { return identities + id.String() + pageSuffix }

// idIn returns the identity whose page has a key; false if it is no such key.
func idIn(key string) (id access.IdentityID, is bool) {
	text, ours := strings.CutPrefix(key, identities)
	text, is = strings.CutSuffix(text, pageSuffix)
	if !ours || !is {
		return id, false
	}
	id, err := access.ParseIdentityID(text)
	return id, err == nil
}

// Blank returns the page of an identity that has none.
func Blank(id access.IdentityID) *Page { return &Page{ID: id, Entries: ledger.Ledger{}} }

// ParsePage reads a page. One that is not as it has to be comes back closed: it gives nothing, and says why.
func ParsePage(id access.IdentityID, text []byte, etag string) *Page {
	p := Blank(id)
	p.ETag = etag
	if err := p.take(text); err != nil {
		return closed(id, etag, err)
	}
	return p
}

// closed returns the page of an identity that may not be read. Its tombstone counts as damaged, too: nobody knows which
// releases were used, so none lifts a hold.
func closed(id access.IdentityID, etag string, why error) *Page {
	return &Page{ID: id, ETag: etag, Entries: ledger.Ledger{}, Damage: why, Stone: ledger.Tombstone{Damaged: true}}
}

// take reads the text of a page into it. It believes nothing that does not follow from the page's identity: a page that
// somebody wrote by hand can name no other partner's principals.
func (p *Page) take(text []byte) error {
	f, err := readPage(text)
	if err != nil {
		return err
	}
	if f.Identity != p.ID.String() {
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
	if len(p.Entries) > 0 && p.Entries[p.ID.Ref()] == nil {
		return errors.New("it has no identity")
	}
	p.Principals = f.Principals
	p.Issued = f.Issued
	p.Lifting = f.Lifting
	for n, x := range p.Principals { // a page of before does not say it
		// a page of an earlier version does not say it
		p.Principals[n].Known = x.Known || x.Built || x.Key != ""
	}
	if f.Remembered != nil {
		p.Stone = *f.Remembered
	}
	return nil
}

// readPage reads a page without believing it. The version comes first, so that a page of a later version is told as
// that, and not as one that is damaged.
func readPage(text []byte) (f pageFile, err error) {
	var header struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(text, &header); err != nil {
		return f, err
	}
	if header.Version != ledger.Version {
		return f, fmt.Errorf("it has version %d, but this provider knows only version %d", header.Version,
			ledger.Version)
	}
	err = json.Unmarshal(text, &f)
	return f, err
}

// takeEntry adds an entry, which has to be of this identity, and may not end after what it declares: an end that
// somebody wrote by hand cannot be later than one that was decided on.
func (p *Page) takeEntry(e *ledger.Entry) error {
	switch {
	case e == nil || e.Object == nil:
		return errors.New("it has an empty entry")
	case e.Object.Holder() != p.ID:
		return fmt.Errorf("it holds %s", e.Ref())
	case p.Entries[e.Ref()] != nil:
		return fmt.Errorf("it holds %s twice", e.Ref())
	case e.Bound.After(e.Object.Common().ExpiresAt.Time):
		return fmt.Errorf("%s ends after the end that it declares", e.Ref())
	}
	p.Entries[e.Ref()] = e
	return nil
}

// ownAll refuses a page that names principals other than those that follow from its identity and from how many keys it
// had. Otherwise, whoever may write one page could have another partner's role removed, or its own rights written into
// it (TestNonsenseInAPageHarmsNobodyElse).
func (p *Page) ownAll(f *pageFile) error {
	if f.Issued < 0 || f.Issued > mostIssued {
		return fmt.Errorf("it counts %d keys", f.Issued)
	}
	own := map[string]Kind{RoleOf(p.ID).Name: Role}
	own[AdoptedOf(p.ID).Name] = User
	for n := range f.Issued {
		own[UserOf(p.ID, n+1).Name] = User
	}
	named := slices.Clone(f.Principals)
	for _, e := range p.Entries {
		named = append(named, PrincipalsOf(e)...)
	}
	for _, x := range named {
		if x.Path != FolderOf(p.ID) || own[x.Name] != x.Kind || x.Kind == "" {
			return fmt.Errorf("it names %s, which does not belong to it", x)
		}
	}
	return nil
}

// text writes the page. The same page gives the same bytes, but for the word of its writing.
func (p *Page) text() ([]byte, error) {
	f := pageFile{
		Version: ledger.Version, Written: access.NewUID(), Identity: p.ID.String(), Principals: p.Principals,
		Issued: p.Issued, Lifting: p.Lifting,
	}
	for _, ref := range SortedRefs(p.Entries) {
		f.Entries = append(f.Entries, p.Entries[ref])
	}
	if !p.Stone.Empty() {
		f.Remembered = &p.Stone
	}
	return json.MarshalIndent(f, "", " ")
}

// empty reports whether there is nothing in it that anybody has to know: then the object goes.
func (p *Page) empty() bool {
	return len(p.Entries) == 0 && len(p.Principals) == 0 && p.Stone.Empty()
}

// Identity returns the page's identity; nil if there is none, or its removal was begun.
func (p *Page) Identity() *access.Identity {
	i, _ := p.Entries.Identity(p.ID)
	return i
}

// Has reports whether it knows of a principal, by its handle.
func (p *Page) Has(one Principal) bool {
	return slices.ContainsFunc(p.Principals, func(x Principal) bool { return x.Handle() == one.Handle() })
}

// HasAdopted reports whether the identity has a user that it adopted, and that is not retired yet.
func (p *Page) HasAdopted() bool {
	e := p.Entries[p.ID.Ref()]
	return e != nil && len(e.Adopted.Left()) > 0
}

// Copied returns a copy that may be changed: its map and list are its own, and the entries in it are shared.
func (p *Page) Copied() *Page {
	next := *p
	next.Entries, next.Principals = maps.Clone(p.Entries), slices.Clone(p.Principals)
	return &next
}

// Broken returns an access.DamagedError if the page cannot be read. where is how people name its place.
func (p *Page) Broken(where string) error {
	if p.Damage == nil {
		return nil
	}
	return &access.DamagedError{Record: where, Problem: p.Damage}
}

// Named returns a principal with what the page knows of it; unchanged if the page does not know it.
func (p *Page) Named(x Principal) Principal {
	if n := slices.IndexFunc(p.Principals, func(known Principal) bool { return known.Name == x.Name }); n >= 0 {
		return p.Principals[n]
	}
	return x
}

// SortedRefs returns what a ledger holds, by type and then by id.
func SortedRefs(l ledger.Ledger) []access.Ref {
	return order.Sorted(maps.Keys(l), ledger.CompareRefs)
}

// Federated returns the credential of a workload whose issuer the account has to trust; nil if there is none. A
// partner's role in another account needs no issuer.
func (p *Page) Federated() *access.Credential {
	e := p.Entries[access.Ref{Type: access.TypeCredential, ID: p.ID.String() + "/" + string(access.Federated)}]
	if e == nil || e.Removed() {
		return nil
	}
	if c, ok := e.Credential(); ok && c.Federated != nil && !c.Federated.Account() {
		return c
	}
	return nil
}
