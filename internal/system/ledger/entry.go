// SPDX-License-Identifier: MPL-2.0

// Package ledger is what an access system remembers of what it was asked for, and what follows from it: who owns an
// object, when it ends with all above it, whether it is cut, and what is issued for it and revoked. It is the part that
// all systems have in common; where it is kept, and how access is enforced, is each system's own. It asks nothing, and
// knows no clock: the moment of a change is given to it.
//
// A change is made on a [Draft], a copy of the ledger. A system reads what there is, places the change in a draft
// ([Draft.Place]) or marks what is to go ([Draft.Strike]), draws the consequences ([Draft.Settle]), and writes what was
// touched. If that fails, the draft is thrown away.
//
// A removal has three steps, so that none is lost if a process dies: the entry is marked removed and written; the
// system takes away what it has, and verifies that; only then the entry is forgotten ([Draft.Forget]). What stands
// between the first and the last gives no access, and whoever comes next finishes it.
//
// Three memories outlive an object. Former access says what was removed within a year, so that it does not come back as
// new. Bygone uids say which object a state means. A tombstone keeps both for an identity that is gone, with the
// releases that it has used.
//
// Entries are never changed once they are in a ledger, only replaced: a ledger that somebody else reads is safe.
package ledger

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Version is the version of the entries that are written here, and the newest that can be read. A field that is added
// needs no new version, if its zero value means what entries without it meant.
const Version = 1

// Entry is what a ledger holds of one object. Once it is in a ledger it is never changed, only replaced.
type Entry struct {
	Object  access.Object
	History access.History
	// Bound is the end that the object itself was given, in UTC and never zero; what is above it may end earlier (see
	// [Ledger.End]).
	Bound time.Time
	// Issued is what was issued for a credential and still counts, oldest first: what is in force, and what works on
	// beside it.
	Issued []Item
	// RemovedAt is when a removal was begun; zero if none was. Then it gives no access, and is there only until that is
	// verified.
	RemovedAt time.Time
	// HoldLifted is up to when holds are lifted from an identity; zero if none was. A cut that came later holds.
	HoldLifted time.Time
	// HeldUnder is set in an identity that is being removed: when the last cut was made by which it was held through
	// what it hung on; zero if it was not. What it hung on may be gone by the time that it comes back.
	HeldUnder time.Time
	// Adopted is what an identity has taken over that nobody had declared; nil for nothing.
	Adopted *Adopted
	// Former is what was removed of an identity while it stays. Once it goes, its tombstone has that.
	Former []access.Former
	// Bygone are the uids that the identity, and what was under it, had before.
	Bygone []access.Bygone
}

// Adopted is what an identity has taken over of what nobody had declared.
type Adopted struct {
	// From is the native id that it was taken over by: an entity of OpenBao, a user of IAM.
	From string `json:"from"`
	// Logins are the ways to log in that were there before, and are not declared. They are left to the partner until it
	// has another one.
	Logins []Login `json:"logins,omitempty"`
	// Released is the value of hold_released that lifts what was cut by hand of it; "" for none.
	Released string `json:"released,omitempty"`
}

// Lifted reports whether an identity lifts what was cut by hand of what it takes over.
func (a *Adopted) Lifted(i *access.Identity) bool {
	return a.Released != "" && a.Released == i.HoldReleased
}

// Left returns the ways to log in that are left of what an identity has taken over; none if a is nil.
func (a *Adopted) Left() []Login {
	if a == nil {
		return nil
	}
	return a.Logins
}

// Undeclared says how to end a login from before an adoption. The command's line begins with spaces, so that
// Terraform does not wrap it.
func Undeclared(login, remove string) string {
	return fmt.Sprintf("%s is from before the adoption and is not declared. Declare a partner_credential, hand it "+
		"over, then run:\n\n  %s", login, remove)
}

// Login is one way to log in: its native id, and where and as whom whoever uses it logs in.
type Login struct {
	NativeID string `json:"native_id"`
	Mount    string `json:"mount"`
	Name     string `json:"name"`
}

// Item is one thing that was issued: a certificate, or a key that was sealed to the partner. Nothing in it is secret.
type Item struct {
	// At is when it was issued, which nothing makes younger.
	At time.Time `json:"at"`
	// Until is when it ends by itself, whatever becomes of what is above; zero: only with its credential.
	Until time.Time `json:"until,omitzero"`
	// RotatesAt is from when it is due; zero: never.
	RotatesAt time.Time `json:"rotates_at,omitzero"`
	// Superseded: a newer one was issued, and this one works until its own end.
	Superseded bool   `json:"superseded,omitzero"`
	Serial     string `json:"serial,omitzero"`
	// Authority names who signed it, where the system may have another authority tomorrow.
	Authority   string `json:"authority,omitzero"`
	Fingerprint string `json:"fingerprint,omitzero"`
	KeyHash     string `json:"key_hash,omitzero"`
	// Accessor names a secret to the system without being it: a user of IAM, a secret id's accessor. KeyHash is what
	// gateways know of it, Sealed what only the partner opens. A system sets those that it needs.
	Accessor    string `json:"accessor,omitzero"`
	Certificate string `json:"certificate,omitzero"`
	Sealed      string `json:"sealed,omitzero"`
}

// End returns when the item ends, under a credential that ends at a moment.
func (i Item) End(of time.Time) time.Time { return access.Earliest(i.Until, of) }

// Name returns the item's serial or, if it has none, its fingerprint. A serial comes first since the fingerprint of an
// SSH certificate is its key's, which the next one has, too.
func (i Item) Name() string { return cmp.Or(i.Serial, i.Fingerprint) }

// Ref names the object.
func (e *Entry) Ref() access.Ref { return e.Object.Ref() }

// Removed reports whether its removal was begun.
func (e *Entry) Removed() bool { return !e.RemovedAt.IsZero() }

// Credential returns the object if it is a credential.
func (e *Entry) Credential() (*access.Credential, bool) {
	c, ok := e.Object.(*access.Credential)
	return c, ok
}

// Newest returns what was last issued, if it was not revoked; false if there is nothing.
func (e *Entry) Newest() (Item, bool) {
	for _, i := range e.Issued {
		if !i.Superseded {
			return i, true
		}
	}
	return Item{}, false
}

// entryFile is an entry as every system keeps it, as JSON. Ends are called ends_at there, whatever is above.
type entryFile struct {
	Version     int             `json:"version"`
	Type        access.Type     `json:"type"`
	ID          string          `json:"id"`
	Declaration json.RawMessage `json:"declaration"`
	History     access.History  `json:"history"`
	EndsAt      time.Time       `json:"ends_at"`
	RemovedAt   time.Time       `json:"removed_at,omitzero"`
	HoldLifted  time.Time       `json:"hold_lifted,omitzero"`
	HeldUnder   time.Time       `json:"held_under,omitzero"`
	Issued      []Item          `json:"issued,omitempty"`
	Adopted     *Adopted        `json:"adopted,omitempty"`
	Former      []access.Former `json:"former,omitempty"`
	Bygone      []access.Bygone `json:"bygone,omitempty"`
}

// MarshalJSON writes the entry: the same entry gives the same bytes.
func (e *Entry) MarshalJSON() ([]byte, error) {
	declaration, err := access.Declaration(e.Object)
	if err != nil {
		return nil, fmt.Errorf("write the declaration of %s: %w", e.Ref(), err)
	}
	return json.Marshal(entryFile{
		Version: Version, Type: e.Ref().Type, ID: e.Ref().ID, Declaration: declaration, History: e.History,
		EndsAt: e.Bound, RemovedAt: e.RemovedAt, HoldLifted: e.HoldLifted, HeldUnder: e.HeldUnder,
		Issued: e.Issued, Adopted: e.Adopted, Former: e.Former, Bygone: e.Bygone,
	})
}

// UnmarshalJSON reads what MarshalJSON wrote, and refuses what does not fit together: an entry that declares another
// object than it names, or that has no end or no uid. Nothing that anybody wrote by hand gives access without an end.
func (e *Entry) UnmarshalJSON(text []byte) error {
	var f entryFile
	if err := json.Unmarshal(text, &f); err != nil {
		return err
	}
	ref := access.Ref{Type: f.Type, ID: f.ID}
	object, err := access.ParseDeclaration(ref.Type, f.Declaration)
	if err != nil {
		return err
	}
	if object.Ref() != ref {
		return fmt.Errorf("it declares %s instead of %s", object.Ref(), ref)
	}
	if f.EndsAt.IsZero() || f.History.UID == "" {
		return errors.New("it has no end or no uid")
	}
	*e = Entry{
		Object: object, History: f.History, Bound: f.EndsAt, Issued: f.Issued, RemovedAt: f.RemovedAt,
		HoldLifted: f.HoldLifted, Adopted: f.Adopted,
		HeldUnder: f.HeldUnder, Former: f.Former, Bygone: f.Bygone,
	}
	return nil
}
