// SPDX-License-Identifier: MPL-2.0

// Package inventory answers, at any moment, which partners can act in a system: who owns each access, what it reaches,
// when it ends, when it was last used, how it is cut, and what is there that nobody declared.
package inventory

import (
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Flag is one thing to know about an item.
type Flag string

// The flags, in the order in which an item has them. All but Governed and Ungoverned may stand side by side.
const (
	// Governed: this provider made it, and it is declared with owner and end.
	Governed Flag = "governed"
	// Ungoverned: no provider made it; nobody declared an owner or an end.
	Ungoverned Flag = "ungoverned"
	// Orphaned: its owner left, or what it hangs on is gone.
	Orphaned Flag = "orphaned"
	// Drifted: the system holds more of it than was declared.
	Drifted Flag = "drifted"
	// Dormant: it was used, but not for longer than it may rest.
	Dormant Flag = "dormant"
	// Unused: a credential without a grant, a grant without a credential, an identity without either, or what was never
	// used for longer than it may rest.
	Unused Flag = "unused"
	// Expiring: it ends soon.
	Expiring Flag = "expiring"
)

// Inventory is everything that partners hold in one system, sorted by id and type.
type Inventory struct {
	// System is the system's name (embedded, openbao), At the moment of its clock.
	System string
	At     time.Time
	Items  []Item
	// Unchecked are the flags that nobody looked for: that no item has one does not mean that there is none.
	Unchecked []Flag
	// OwnersUnknown: nobody said which owners are there, so that nobody knows who left.
	OwnersUnknown bool
	// ReviewEvery is how long a review counts; zero: reviews are not asked for.
	ReviewEvery time.Duration
}

// Item is one identity, credential or grant, or something ungoverned. All times are UTC; zero
// means never, or not known.
type Item struct {
	// Type is identity, credential or grant; of what is ungoverned it is what it would become.
	Type access.Type
	// ID is the object's id; "" for what is ungoverned. NativeID is its name in the system where that has one.
	ID, NativeID string
	// Partner, Environment and Name are the parts of its identity's id. Of what is ungoverned they
	// are empty, or guessed.
	Partner, Environment, Name string
	// Parent is the id of the identity that the identity hangs on, "" for none.
	Parent string
	// Kind is a credential's kind.
	Kind access.Kind
	// Owner, Purpose, Contact are as declared.
	Owner, Purpose, Contact string
	// Stack is whose configuration made it.
	Stack string
	// System is where it is held, if a report holds several systems; "" is the inventory's own.
	System string
	// Issuer, Subject and Audiences are whom a federated credential trusts; Fingerprint is of the key that
	// the partner handed in.
	Issuer, Subject, Fingerprint string
	Audiences                    []string
	// Networks are those from which alone a credential is let in; none: any.
	Networks []string
	// Logins is how many ways to log in are left from before it was adopted.
	Logins int
	// OwnerLeft: the directory does not know the owner any more.
	OwnerLeft bool
	// UseUnknown: the system does not see every use, so that no last use does not mean never.
	UseUnknown bool
	// Resource and Actions are what a grant reaches; Ceiling is an identity's.
	Resource string
	Actions  []string
	Ceiling  []string
	// Agreement is the contract that an identity rests on, nil for none.
	Agreement *access.Agreement
	// Review is the newest one declared on the object itself; nil for none.
	Review *access.Review
	// Waivers are the rules that are set aside on it.
	Waivers map[string]access.Waiver
	// Signed are the fingerprints of the keys that its review ("review") and its waivers (by their
	// rules) were signed with.
	Signed map[string]string

	ExpiresAt, EndsAt, RotatesAt                 time.Time
	CreatedAt, RenewedAt, ReviewedAt, LastUsedAt time.Time
	// ReviewDueAt is when somebody has to look at an identity again.
	ReviewDueAt time.Time
	Renewals    int64
	Status      string // as the resources have it: expired, held, suspended, due, expiring, active
	Flags       []Flag
	Drift       []string // what the system holds beyond the declaration, a sentence each
	EnforcedBy  string   // who ends it, in words
	Revocation  []string // how to cut it by hand, a step each
	// Why says of what is ungoverned what makes it a partner's, or access at all, and of a rehearsal's twin what it is;
	// Import is a ready import block. Declaration are resource blocks that declare anew what is ungoverned.
	Why, Import, Declaration string
}

// Looked returns when somebody looked at an item last: at its newest review, or when it was created.
func (i *Item) Looked() time.Time {
	if i.ReviewedAt.After(i.CreatedAt) {
		return i.ReviewedAt
	}
	return i.CreatedAt
}

// ReviewDue returns when somebody has to look again, where a review counts for so long; zero where that is not asked
// for, or where nobody knows when anybody has looked.
func (i *Item) ReviewDue(every time.Duration) time.Time {
	if every == 0 || i.Looked().IsZero() {
		return time.Time{}
	}
	return i.Looked().Add(every)
}

// Has reports whether an item has a flag.
func (i *Item) Has(flag Flag) bool {
	for _, f := range i.Flags {
		if f == flag {
			return true
		}
	}
	return false
}
