// SPDX-License-Identifier: MPL-2.0

package access

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"
)

// History is what an access system keeps of an object beside its declaration, so that it outlives the state file.
// Times are UTC; zero means never.
type History struct {
	// UID is new at each creation.
	UID string `json:"uid"`
	// Stack is who owns the object: the configuration that made it.
	Stack string `json:"stack"`
	// Since is when the access began that it goes on from under another name; zero: it goes on from none.
	Since time.Time `json:"since,omitzero"`
	// CreatedAt is when it was created, RenewedAt when its end was last moved to a later moment.
	CreatedAt time.Time `json:"created_at"`
	RenewedAt time.Time `json:"renewed_at,omitzero"`
	// Renewals counts how often its end was moved to a later moment.
	Renewals int64 `json:"renewals,omitzero"`
	// ReviewedAt is the newest review applied to it, its own or its identity's.
	ReviewedAt time.Time `json:"reviewed_at,omitzero"`
	// ReviewUsedAt is the newest review that stood at its creation or at an extension: it extends nothing again.
	ReviewUsedAt time.Time `json:"review_used_at,omitzero"`
	// Released are the values of hold_released that were applied to the identity, oldest first:
	// none lifts a hold twice.
	Released []string `json:"released,omitempty"`
}

// Began returns when the access began, under whatever name.
func (h History) Began() time.Time {
	if !h.Since.IsZero() && h.Since.Before(h.CreatedAt) {
		return h.Since
	}
	return h.CreatedAt
}

// Continues returns the history of an object that continues older access under another name: when that began, and until
// when its reviews are spent. Both are zero if it continues none.
func (h History) Continues(since, spent time.Time) History {
	h.ReviewUsedAt = Latest(h.ReviewUsedAt, spent.UTC())
	if !since.IsZero() && since.Before(h.Began()) {
		h.Since = since.UTC().Truncate(time.Second)
	}
	return h
}

// ahead is how long before a thing is created somebody may have looked at it for the last time.
const ahead = 7 * 24 * time.Hour

// Extendable reports whether a review of a moment can extend what has this history: it extends nothing twice, and is
// newer than the last extension. Before the first one there is a week's time to look, and then to create.
func (h History) Extendable(review time.Time) bool { return review.After(h.ExtendableFrom()) }

// ExtendableFrom returns the moment than which a review has to be newer to extend what has this history.
func (h History) ExtendableFrom() time.Time {
	last := h.RenewedAt
	if last.IsZero() {
		last = h.CreatedAt.Add(-ahead - time.Nanosecond)
	}
	if h.ReviewUsedAt.After(last) {
		return h.ReviewUsedAt
	}
	return last
}

// Releases returns the history after a value of hold_released was applied.
func (h History) Releases(value string) History {
	if value != "" && !slices.Contains(h.Released, value) {
		h.Released = append(slices.Clone(h.Released), value)
	}
	return h
}

// HistoryLine returns a history in a line.
func HistoryLine(h History) string {
	parts := []string{"created " + At(h.CreatedAt).String()}
	switch {
	case h.Renewals == 1:
		parts = append(parts, "renewed once, "+At(h.RenewedAt).String())
	case h.Renewals > 1:
		parts = append(parts, fmt.Sprintf("renewed %d times, last %s", h.Renewals, At(h.RenewedAt)))
	}
	if !h.ReviewedAt.IsZero() {
		parts = append(parts, "reviewed "+At(h.ReviewedAt).String())
	}
	return strings.Join(parts, "; ")
}

// NewUID returns a fresh uid: 128 bits of randomness or more, as text.
func NewUID() string { return rand.Text() }

// NewestReview returns the moment of the newest of the reviews that are set.
func NewestReview(reviews ...*Review) time.Time {
	var newest time.Time
	for _, r := range reviews {
		if r != nil && r.At.After(newest) {
			newest = r.At.Time
		}
	}
	return newest
}

// Born returns the history of an object that is created now. The reviews are its own and its identity's.
func Born(stack string, now time.Time, reviews ...*Review) History {
	reviewed := NewestReview(reviews...)
	return History{
		UID: NewUID(), Stack: stack, CreatedAt: now.UTC().Truncate(time.Second),
		ReviewedAt: reviewed, ReviewUsedAt: reviewed,
	}
}

// Next returns the history after a change of an object from one declaration to another, which lets it end at a moment.
func (h History) Next(before, after Object, ends, now time.Time, reviews ...*Review) History {
	if newest := NewestReview(reviews...); newest.After(h.ReviewedAt) {
		h.ReviewedAt = newest
	}
	if Extends(before, after, ends) {
		h.Renewals++
		h.RenewedAt = now.UTC().Truncate(time.Second)
		if newest := NewestReview(reviews...); newest.After(h.ReviewUsedAt) {
			h.ReviewUsedAt = newest
		}
	}
	return h
}

// Extends reports whether the change moves the expiry to a later moment, takes a decision back by which it had ended,
// or takes a waiver away that ended it before. One that is only lengthened was approved anew. Ends is when the object
// ends after the change by all that it rests on; zero: that is not known.
func Extends(before, after Object, ends time.Time) bool {
	dropped := Dropped(before, after)
	return Declared(after).After(Declared(before)) ||
		(!dropped.IsZero() && Earliest(waived(after), ends).After(dropped))
}
