// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// One object of a plan, and how it compares with what is there. Three versions of it count: what the plan makes of it
// (Object), what the system holds (Before), and what the state was last told (Told). A change is judged against both of
// the last two (but see narrower), so that neither somebody's change in the system nor an edited state makes an
// extension look like none.

// Subject is one object as a plan leaves it.
type Subject struct {
	Object access.Object
	// Before is what the system holds; nil: the plan creates the object.
	Before access.Object
	// Told is what the state says was last applied, where that is not Before; nil: nothing, or the
	// state is not believed.
	Told access.Object
	// Gone: the system holds nothing any more, Before is what the state remembers of it, and the plan brings it back.
	// It is judged as created, and a later end is an extension all the same.
	Gone bool
	// Adopted: the plan creates it, but the system holds it from this stack, and Before is that. A later end is then an
	// extension; every other rule judges it as created.
	Adopted bool
	// History is what the system keeps of it; zero when it is new.
	History access.History
	// EndsAt is the end that the plan puts in force, LastUsedAt when the system last saw it used; zero: not known.
	EndsAt, LastUsedAt time.Time
	// UseUnknown: it may have been used since LastUsedAt. Unseen says since when, and why, where
	// something has stopped to tell.
	UseUnknown bool
	Unseen     access.Unseen
	// IssuedAt is when what is in force of a credential was issued; zero: nothing is, or it is not known. Anew:
	// the plan issues it anew.
	IssuedAt time.Time
	Anew     bool
	// Drift is what the system holds beyond the declaration. Held: it was cut by hand in the system.
	Drift []string
	Held  bool
	// Released are the values of hold_released that were applied to the identity before; Before's is always one.
	Released []string
	// Unknown names the arguments whose values are not known yet. The Object's field is zero then.
	Unknown map[string]bool
	// Nonce tells one resource block from another that declares the same id.
	Nonce string
	// Replaces is the uid of what the same block held before, and this takes the place of; "" where it takes nobody's.
	Replaces string
	// Nowhere: what it hangs on is not in the system, and whoever plans is sure that it does not arrive.
	Nowhere bool
	// Later: a creation that is judged at apply and only warned of at plan.
	Later bool

	// keys are what a credential holds, read once when it arrives; reaches what a grant or a ceiling reaches, by the
	// last look at the system.
	keys    []heldKey
	reaches []reached
}

// created reports whether the plan creates the object, adopting it or not.
func (s *Subject) created() bool { return s.Before == nil || s.Adopted || s.Gone }

// extends reports whether the plan moves the expiry of what exists to a later moment, takes back a decision by which it
// ended, or takes away a waiver that ended it before.
func (s *Subject) extends() bool {
	if s.Before == nil {
		return false
	}
	told := s.narrower()
	return access.Extends(s.Before, s.Object, s.EndsAt) || (told != nil && access.Extends(told, s.Object, s.EndsAt))
}

// moves says how the plan moves the end of what it extends.
func (s *Subject) moves() string {
	from, to := s.endBefore(), access.Declared(s.Object)
	if to.After(from) {
		return say("expires_at moves from %s to %s", date(from), date(s.terms().ExpiresAt.Time))
	}
	return say("a waiver that ended it on %s is gone, so that it ends on %s", date(access.Dropped(s.Before, s.Object)),
		date(access.Earliest(to, s.EndsAt)))
}

// endBefore returns the earlier of the ends that the system holds and that the state was told.
func (s *Subject) endBefore() time.Time {
	if told := s.narrower(); told != nil {
		return access.Earliest(access.Declared(s.Before), access.Declared(told))
	}
	return access.Declared(s.Before)
}

// widens reports whether an argument is wider than what the system holds, or than what was last applied. For expires_at
// it also asks extends, which knows decisions and waivers that ended the object.
func (s *Subject) widens(attribute string) bool {
	if access.Widened(s.Before, s.Object, attribute) || (attribute == "expires_at" && s.extends()) {
		return true
	}
	told := s.narrower()
	return told != nil && access.Widened(told, s.Object, attribute)
}

// narrower returns what a change is compared with beside what the system holds: what was last applied, if that is
// something else. Nil where the change takes away from what the system holds and adds nothing: less is never refused,
// whatever a state says.
func (s *Subject) narrower() access.Object {
	if s.Told == nil || (len(s.Unknown) == 0 && access.Narrows(s.Before, s.Object)) {
		return nil
	}
	return s.Told
}

// Gives reports whether the plan creates the object, or changes it in anything that is not less access: to
// end it by a review is.
func (s *Subject) Gives(phase Phase) bool {
	r := s.terms().Review
	ends := s.Before != nil &&
		r != nil &&
		r.EndNow &&
		r.Decision == access.DecisionEnd &&
		!s.extends()
	return s.enters(slices.DeleteFunc(access.Attributes(s.Object.Ref().Type),
		func(a string) bool { return ends && a == "review" }), phase)
}

// enters reports whether the plan creates the object, or widens it in one of the arguments. An argument that is not
// known yet counts as widened. At plan, a creation that is only warned of (Later) counts as none.
func (s *Subject) enters(reads []string, phase Phase) bool {
	if s.created() && (!s.Later || phase == Apply) {
		return true
	}
	if s.Before == nil {
		return false
	}
	for _, a := range reads {
		if s.Unknown[a] || s.widens(a) {
			return true
		}
	}
	return false
}

// waits reports whether one of the arguments is not known yet.
func (s *Subject) waits(arguments ...[]string) bool {
	if len(s.Unknown) == 0 {
		return false
	}
	for _, names := range arguments {
		for _, a := range names {
			if s.Unknown[a] {
				return true
			}
		}
	}
	return false
}

// start returns when the life that the plan leaves in place began: now where it creates or extends, else when the
// object was last renewed, or created.
func (s *Subject) start(now time.Time) time.Time {
	switch {
	case s.extends() || s.Gone || s.History.CreatedAt.IsZero():
		return now
	case !s.History.RenewedAt.IsZero():
		return s.History.RenewedAt
	}
	return s.History.CreatedAt
}

// issued returns when what the plan leaves in force of a credential was or will be issued: a later end of what stays
// does not make it younger.
func (s *Subject) issued(now time.Time) time.Time {
	if s.Anew || s.IssuedAt.IsZero() || s.Before == nil {
		return s.start(now)
	}
	return s.IssuedAt
}

// end returns the end in force, as far as it is known. It is the end that the plan puts in force if that is known, else
// the declared one.
func (s *Subject) end() time.Time {
	if s.EndsAt.IsZero() {
		return s.Object.Common().ExpiresAt.Time
	}
	return s.EndsAt
}

// entryOf returns a subject as one whose way up can be looked for. It is not in the portfolio, and is in no index.
func entryOf(s *Subject) *entry {
	return &entry{Subject: *s, ref: s.Object.Ref(), holder: s.Object.Holder()}
}

// identity returns the object if it is an identity, else nil; credential and grant do the same for their type.
func (s *Subject) identity() *access.Identity {
	i, _ := s.Object.(*access.Identity)
	return i
}

// identityBefore returns the identity as it was before the plan; nil if there was none, or it is no identity.
func (s *Subject) identityBefore() *access.Identity {
	return (&Subject{Object: s.Before}).identity()
}

func (s *Subject) credential() *access.Credential {
	c, _ := s.Object.(*access.Credential)
	return c
}

func (s *Subject) grant() *access.Grant {
	g, _ := s.Object.(*access.Grant)
	return g
}

func (s *Subject) terms() *access.Terms { return s.Object.Common() }

func (s *Subject) partner() string { return s.Object.Holder().Partner }

func (s *Subject) String() string { return s.Object.Ref().String() }
