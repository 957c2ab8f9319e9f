// SPDX-License-Identifier: MPL-2.0

package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/policy"
)

// A document is a policy of an identity, taken apart. What cannot be read of it is kept as it stands and written back,
// so that a newer provider finds its lines again; meanwhile the identity may do nothing (see Render). Damage is told of
// one identity and stops no other: a policy that somebody edited once stopped every plan of the namespace (see
// TestAPolicyEditedByHandHarmsNobodyElseAndIsDestroyed).

const (
	// Prefix is the folder of the policies and the beginning of the entities' names.
	Prefix = "partner/"
	// DocumentTitle begins the head of every policy that this package writes.
	DocumentTitle = "Partner access, compiled by terraform-provider-partner from the lines below: what is edited " +
		"here is drift."
	// LedgerLine begins each line of the ledger.
	LedgerLine = "ledger "
)

// NameOf returns the name of an identity's policy and entity.
func NameOf(id access.IdentityID) string { return Prefix + id.String() }

// Document is the policy of one identity as it was read. It is not changed after that: whoever wants another one copies
// it. Its methods work on nil as well, which stands for no policy.
type Document struct {
	ID access.IdentityID
	// Version is OpenBao's, which a write of the next one names in its check-and-set. It counts from 1.
	Version int
	// Entries are the identity itself and what is directly below it: each identity has a policy of its own.
	Entries ledger.Ledger
	// Dead is what was given up and has not ended for certain: the "dying" lines.
	Dead []Lost
	// Damage is a DamagedError if a line of the ledger cannot be read or contradicts another one; nil if it is whole.
	Damage error
	// Unread are the lines that cannot be read, as they stand. Kept returns them as they may be written again.
	Unread []string
	// Body is what stands below the head. It is compared, as text, with what the ledger compiles to.
	Body string
	// Text is the whole policy.
	Text string
}

// Identity returns the document's identity; nil if there is none, or its removal was begun.
func (d *Document) Identity() *access.Identity {
	if d == nil {
		return nil
	}
	i, _ := d.Entries.Identity(d.ID)
	return i
}

// parseDocument reads a policy's text. The error is access.ErrForeign if this package did not write it: it has another
// title, or a name that no identity has. A line that cannot be read is no error, but Damage.
func parseDocument(name, text string, version int) (*Document, error) {
	id, err := access.ParseIdentityID(strings.TrimPrefix(name, Prefix))
	if err != nil {
		return nil, fmt.Errorf("the policy %s: %w", name, access.ErrForeign)
	}
	head, body := policy.Split(text)
	if len(head) == 0 || head[0] != DocumentTitle {
		return nil, fmt.Errorf("the policy %s: %w", name, access.ErrForeign)
	}
	d := &Document{ID: id, Version: version, Entries: ledger.Ledger{}, Body: body, Text: text}
	for _, l := range head[1:] {
		if err := d.take(l); err != nil {
			d.Damage = &access.DamagedError{Record: "the policy " + name, Problem: err}
			d.Unread = append(d.Unread, l)
		}
	}
	return d, nil
}

// take takes in a line of the head. A line with an unknown beginning is skipped, and not kept either.
//
// An entry may not end after the end that it declares, nor be held twice, nor belong to another identity: whoever edits
// a policy by hand would otherwise give access that no declaration names.
func (d *Document) take(l string) error {
	if strings.HasPrefix(l, unreadable) {
		return errors.New("a line of it could not be read")
	}
	if content, ok := strings.CutPrefix(l, dyingLine); ok {
		x, err := parseLost(d.ID, content)
		if err == nil {
			d.Dead = append(d.Dead, x)
		}
		return err
	}
	content, ok := strings.CutPrefix(l, LedgerLine)
	if !ok {
		return nil
	}
	e, err := parseEntry(content)
	switch {
	case err != nil:
		return err
	case e.Object.Holder() != d.ID:
		return fmt.Errorf("it holds %s", e.Ref())
	case d.Entries[e.Ref()] != nil:
		return fmt.Errorf("it holds %s twice", e.Ref())
	case e.Bound.After(e.Object.Common().ExpiresAt.Time):
		return fmt.Errorf("%s ends after the end that it declares", e.Ref())
	}
	d.Entries[e.Ref()] = e
	return nil
}

// parseEntry reads an entry. It looks at the version first, so that the damage says which provider can read it.
func parseEntry(content string) (*ledger.Entry, error) {
	var header struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal([]byte(content), &header); err != nil {
		return nil, err
	}
	if header.Version > ledger.Version {
		return nil, fmt.Errorf("it has version %d, but this provider knows only version %d: use a newer provider",
			header.Version, ledger.Version)
	}
	e := new(ledger.Entry)
	return e, json.Unmarshal([]byte(content), e)
}

// unreadable begins a line that could not be read, and cannot stand in a policy as it was.
const unreadable = "unreadable "

// Kept returns the lines that cannot be read, as they may be written again: quoted, if a comment cannot hold them.
func (d *Document) Kept() (lines []string) {
	if d == nil {
		return nil
	}
	for _, l := range d.Unread {
		if !policy.Printable(l) {
			l = unreadable + strconv.QuoteToASCII(l)
		}
		lines = append(lines, l)
	}
	return lines
}

// Broken returns the damage; nil if the record is whole, or not there.
func (d *Document) Broken() error {
	if d == nil {
		return nil
	}
	return d.Damage
}

// Issued returns what the ledger holds as issued for a credential; none if it has no such credential, or the removal of
// that was begun.
func (d *Document) Issued(ref access.Ref) []ledger.Item {
	if d == nil || d.Entries[ref] == nil || d.Entries[ref].Removed() {
		return nil
	}
	return d.Entries[ref].Issued
}

// Pending returns what has yet to be ended.
func (d *Document) Pending() []Lost {
	if d == nil {
		return nil
	}
	return d.Dead
}

// Below returns the identity's own credentials and grants.
func (d *Document) Below() []*ledger.Entry {
	if d == nil {
		return nil
	}
	return d.Entries.Under(d.ID)
}

// IDIn returns the identity that a policy or an entity is named after, such as "partner/acme/prod/etl". Policies beside
// that one, such as "partner/acme/prod/etl/held", are named after none.
func IDIn(name string) (access.IdentityID, bool) {
	id, err := access.ParseIdentityID(strings.TrimPrefix(name, Prefix))
	return id, err == nil
}

// Allows reports whether a path of the policy says that it is compiled from this grant. It reads the comments of the
// paths, since they are there also if the ledger's line of the grant is not. The name is the grant's own, such as
// "orders", without its identity.
func (d *Document) Allows(grant string) bool {
	if d == nil {
		return false
	}
	for l := range strings.Lines(d.Body) {
		name, value, ok := strings.Cut(strings.TrimSpace(l), "=")
		if ok &&
			strings.TrimSpace(name) == "comment" &&
			slices.Contains(strings.Fields(strings.Trim(strings.TrimSpace(value), `"`)), grant) {
			return true
		}
	}
	return false
}
