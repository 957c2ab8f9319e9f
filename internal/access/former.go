// SPDX-License-Identifier: MPL-2.0

package access

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Rememberer is a System that remembers what was removed.
type Rememberer interface {
	// Formers returns what was removed within a year, of every stack, sorted, and the uids that
	// ended since, in any order.
	Formers(ctx context.Context) ([]Former, []Bygone, error)
	// Whose says what has a uid that somebody takes for that of an object, or had it until a moment, which is zero
	// while it has. ErrNotFound: this system never gave it to anything, or it ended more than a year ago.
	Whose(ctx context.Context, of Ref, uid string) (Ref, time.Time, error)
}

// Dated is a System of which copies may lie about: a directory that was restored from a backup has the same id, and
// others may go by a newer one.
type Dated interface {
	// ChangedAt returns when the last change was made; zero where nothing says.
	ChangedAt(ctx context.Context) (time.Time, error)
}

// Former is what a system remembers of a credential or grant that was removed, or that a change took something from:
// the same under another name goes on from it. Nothing in it is secret, and nobody is named in it.
type Former struct {
	// Object is what tells the access from other: the key or the trust and the networks, or the
	// reach; and its declared end.
	Object Object
	// History is when it was created, renewed and reviewed, and since when the access was there under earlier names.
	History History
	// EndsAt is when it would have ended, RemovedAt when it was removed.
	EndsAt, RemovedAt time.Time
	// HeldAt is when it was cut by hand last, of a credential that was held when it was removed; zero of any other.
	HeldAt time.Time
}

// FormerOf returns what is remembered of an object; false for an identity, which gives nothing by itself.
func FormerOf(o Object, h History, endsAt, removedAt time.Time) (Former, bool) {
	f := Former{
		History: History{
			CreatedAt: h.CreatedAt, RenewedAt: h.RenewedAt, Renewals: h.Renewals, ReviewedAt: h.ReviewedAt,
			ReviewUsedAt: h.ReviewUsedAt, Since: h.Since,
		},
		EndsAt: endsAt.UTC(), RemovedAt: removedAt.UTC().Truncate(time.Second),
	}
	terms := Terms{ExpiresAt: o.Common().ExpiresAt}
	switch o := o.(type) {
	case *Credential:
		kept := *o
		kept.Terms = terms
		kept.Rotation = nil
		kept.RevokeIssuedBefore = Moment{}
		f.Object = &kept
	case *Grant:
		f.Object = &Grant{
			IdentityID: o.IdentityID,
			Name:       o.Name,
			Terms:      terms,
			Resource:   o.Resource,
			Actions:    o.Actions,
		}
	default:
		return Former{}, false
	}
	return f, true
}

// Forgotten reports whether a year has passed since it was removed.
func (f Former) Forgotten(now time.Time) bool { return !now.Before(f.RemovedAt.AddDate(1, 0, 0)) }

// Same reports whether two formers are of the same access of one identity, whatever it was called and until when.
func (f Former) Same(g Former) bool { return bytes.Equal(f.gist(), g.gist()) }

// gist returns the declaration without what a new name or another end would change.
func (f Former) gist() []byte {
	o := f.Object
	switch former := o.(type) {
	case *Credential:
		same := *former
		same.Terms = Terms{}
		o = &same
	case *Grant:
		same := *former
		same.Terms, same.Name = Terms{}, ""
		o = &same
	}
	text, _ := Declaration(o)
	return text
}

type formerFile struct {
	Type        Type            `json:"type"`
	Declaration json.RawMessage `json:"declaration"`
	History     formerHistory   `json:"history"`
	EndsAt      time.Time       `json:"ends_at"`
	RemovedAt   time.Time       `json:"removed_at"`
	HeldAt      time.Time       `json:"held_at,omitzero"`
}

// formerHistory is a history without the uid and the stack, which ended with the object.
type formerHistory struct {
	CreatedAt    time.Time `json:"created_at"`
	Since        time.Time `json:"since,omitzero"`
	RenewedAt    time.Time `json:"renewed_at,omitzero"`
	Renewals     int64     `json:"renewals,omitzero"`
	ReviewedAt   time.Time `json:"reviewed_at,omitzero"`
	ReviewUsedAt time.Time `json:"review_used_at,omitzero"`
}

// MarshalJSON writes a former: the same one gives the same bytes.
func (f Former) MarshalJSON() ([]byte, error) {
	declaration, err := Declaration(f.Object)
	if err != nil {
		return nil, fmt.Errorf("write what is remembered of %s: %w", f.Object.Ref(), err)
	}
	h := f.History
	return json.Marshal(formerFile{
		Type: f.Object.Ref().Type, Declaration: declaration, EndsAt: f.EndsAt, RemovedAt: f.RemovedAt, HeldAt: f.HeldAt,
		History: formerHistory{h.CreatedAt, h.Since, h.RenewedAt, h.Renewals, h.ReviewedAt, h.ReviewUsedAt},
	})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *Former) UnmarshalJSON(text []byte) error {
	var file formerFile
	if err := json.Unmarshal(text, &file); err != nil {
		return err
	}
	o, err := ParseDeclaration(file.Type, file.Declaration)
	if err != nil {
		return err
	}
	h := file.History
	*f = Former{Object: o, EndsAt: file.EndsAt, RemovedAt: file.RemovedAt, HeldAt: file.HeldAt, History: History{
		CreatedAt: h.CreatedAt, Since: h.Since, RenewedAt: h.RenewedAt, Renewals: h.Renewals, ReviewedAt: h.ReviewedAt,
		ReviewUsedAt: h.ReviewUsedAt,
	}}
	return nil
}
