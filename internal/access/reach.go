// SPDX-License-Identifier: MPL-2.0

package access

import (
	"context"
	"time"
)

// Reach is what a grant comes to in a system, beyond what its own words say. A text says why; "" where it is not so.
type Reach struct {
	// System: it reaches the system's own administration, or passes access on.
	System string
	// Privileged: it issues, signs, exports keys, or gives out access elsewhere.
	Privileged string
	// Unknown: it lies where the provider does not know what is data, and what gives out access.
	Unknown string
	// Nothing: there is nothing, so that it opens nothing, or whatever comes there later.
	Nothing string
	// Absent: nothing is there only because nothing is mounted yet, which the same run may do.
	Absent bool
	// Instead says what to write instead, in a sentence; "" where the rule's remedy says all.
	Instead string
	// Place is how many of the pattern's first segments only name a place, such as a mount of several segments. They
	// fix no more than one segment does. 0 or 1: each segment counts.
	Place int
	// Targets are the things that it reaches, where several paths reach one; what only one path reaches is none.
	Targets []Target
}

// Target is a thing that several paths of a system reach: a secret, whose values are on one path and whose names are on
// another. Two patterns that share no path meet all the same where they reach one target.
type Target struct {
	// Kind is what it is called: secret, key, role. Things of two kinds are never one.
	Kind string
	// Path is where it is, as its place and its name; a pattern stands for several of a kind.
	Path Pattern
	// Way is the part of the grant's pattern that reaches the part of Path that it is asked for.
	Way func(path Pattern) Pattern
}

// Reaching says what actions on a pattern reach. It is pure: it makes no request.
type Reaching func(resource Pattern, actions []string) Reach

// Scout is a System in which what a grant reaches depends on what stands there.
type Scout interface {
	// Reaching judges by what stood there at a moment or later: it looks again where it has not looked since.
	Reaching(ctx context.Context, since time.Time) (Reaching, error)
}
