// SPDX-License-Identifier: MPL-2.0

// Package ledger is what an access system remembers of what it was asked for, and what follows from it: who owns an
// object, when it ends with all above it, whether it is cut, and what is issued for it and revoked. It is the part that
// all systems have in common; where it is kept, and how access is enforced, is each system's own.
package ledger

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Version is the version of the entries that are written here, and the newest that can be read.
const Version = 1

// Entry is what a ledger holds of one object. Once it is in a ledger it is never changed, only replaced.
type Entry struct {
	Object  access.Object
	History access.History
	// Bound is the end that the object itself was given; what is above it may end earlier.
	Bound time.Time
	// Issued is what was issued for a credential and still counts, oldest first.
	Issued []Item
	// RemovedAt is set when a removal was begun: it gives no access, and is there only until that is proven.
	RemovedAt time.Time
	// HoldLifted is up to when holds that were made by hand are lifted from an identity, in
	// systems that keep that here.
	HoldLifted time.Time
	// HeldUnder is when the last cut was made by which an identity that is being removed was held
	// through what it hung on.
	HeldUnder time.Time
	// Adopted is what an identity has taken over that nobody had declared; nil for nothing.
	Adopted *Adopted
	// Former is what was removed of an identity while it stays.
	Former []access.Former
	// Bygone are the uids that the identity, and what was under it, had before.
	Bygone []access.Bygone
}

// Adopted is what an identity has taken over.
type Adopted struct {
	// From is its native id.
	From string `json:"from"`
	// Logins are the ways to log in that were there before, and are not declared.
	Logins []Login `json:"logins,omitempty"`
	// Released is the value of hold_released that lifts what was cut by hand of it; "" for none.
	Released string `json:"released,omitempty"`
}

// Lifted reports whether an identity lifts what was cut by hand of what it takes over.
func (a *Adopted) Lifted(i *access.Identity) bool {
	return a.Released != "" && a.Released == i.HoldReleased
}

// Left returns the ways to log in that are left of what an identity has taken over; a is nil where it
// has taken over nothing.
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

// Item is one thing that was issued: a certificate, or a key that was sealed to the partner.
type Item struct {
	At time.Time `json:"at"`
	// Until is when it ends by itself, whatever becomes of what is above; zero: only with its credential.
	Until     time.Time `json:"until,omitzero"`
	RotatesAt time.Time `json:"rotates_at,omitzero"`
	// Superseded: a newer one was issued, and this one works until its own end.
	Superseded bool   `json:"superseded,omitzero"`
	Serial     string `json:"serial,omitzero"`
	// Authority names who signed it, where the system may have another authority tomorrow.
	Authority   string `json:"authority,omitzero"`
	Fingerprint string `json:"fingerprint,omitzero"`
	KeyHash     string `json:"key_hash,omitzero"`
	// Accessor names a secret to the system without being it.
	Accessor    string `json:"accessor,omitzero"`
	Certificate string `json:"certificate,omitzero"`
	Sealed      string `json:"sealed,omitzero"`
}

// End returns when the item ends, under a credential that ends at a moment.
func (i Item) End(of time.Time) time.Time { return access.Earliest(i.Until, of) }

// Name returns the item's serial, or where it has none its fingerprint: the fingerprint of an SSH
// certificate is its key's.
func (i Item) Name() string { return cmp.Or(i.Serial, i.Fingerprint) }

// Ref names the object.
func (e *Entry) Ref() access.Ref { return e.Object.Ref() }

// Removed reports whether its removal was begun.
func (e *Entry) Removed() bool { return !e.RemovedAt.IsZero() }

// Credential returns the object where it is a credential.
func (e *Entry) Credential() (*access.Credential, bool) {
	c, ok := e.Object.(*access.Credential)
	return c, ok
}

// Newest returns what was last issued, where it was not revoked.
func (e *Entry) Newest() (Item, bool) {
	for _, i := range e.Issued {
		if !i.Superseded {
			return i, true
		}
	}
	return Item{}, false
}

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

// UnmarshalJSON reads what MarshalJSON wrote, and refuses what does not fit together.
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
