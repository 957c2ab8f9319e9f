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
	// CreatedAt is when it was created, RenewedAt when its end was last moved to a later moment.
	CreatedAt time.Time `json:"created_at"`
	RenewedAt time.Time `json:"renewed_at,omitzero"`
	// Renewals counts how often its end was moved to a later moment.
	Renewals int64 `json:"renewals,omitzero"`
	// ReviewedAt is the newest review applied to it, its own or its identity's.
	ReviewedAt time.Time `json:"reviewed_at,omitzero"`
	// ReviewUsedAt is the newest review that stood at its creation or at an extension: it extends nothing again.
	ReviewUsedAt time.Time `json:"review_used_at,omitzero"`
	// Released are the values of hold_released that were applied to the identity, oldest first: none lifts a hold twice.
	Released []string `json:"released,omitempty"`
}

// Releases is the history after a value of hold_released was applied.
func (h History) Releases(value string) History {
	if value != "" && !slices.Contains(h.Released, value) {
		h.Released = append(slices.Clone(h.Released), value)
	}
	return h
}

// HistoryLine is a history in a line.
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

// NewUID is a fresh uid: 128 bits of randomness or more, as text.
func NewUID() string { return rand.Text() }

// NewestReview is the moment of the newest of the reviews that are set.
func NewestReview(reviews ...*Review) time.Time {
	var newest time.Time
	for _, r := range reviews {
		if r != nil && r.At.After(newest) {
			newest = r.At.Time
		}
	}
	return newest
}

// Born is the history of an object that is created now. The reviews are its own and its identity's.
func Born(stack string, now time.Time, reviews ...*Review) History {
	reviewed := NewestReview(reviews...)
	return History{
		UID: NewUID(), Stack: stack, CreatedAt: now.UTC().Truncate(time.Second),
		ReviewedAt: reviewed, ReviewUsedAt: reviewed,
	}
}

// Next is the history after a change of an object from one declaration to another.
func (h History) Next(before, after Object, now time.Time, reviews ...*Review) History {
	if newest := NewestReview(reviews...); newest.After(h.ReviewedAt) {
		h.ReviewedAt = newest
	}
	if Extends(before, after) {
		h.Renewals++
		h.RenewedAt = now.UTC().Truncate(time.Second)
		if newest := NewestReview(reviews...); newest.After(h.ReviewUsedAt) {
			h.ReviewUsedAt = newest
		}
	}
	return h
}

// Extends says whether the change moves the expiry to a later moment.
func Extends(before, after Object) bool {
	return after.Common().ExpiresAt.After(before.Common().ExpiresAt.Time)
}
