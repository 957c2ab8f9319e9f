// SPDX-License-Identifier: MPL-2.0

package access

import (
	"context"
	"crypto"
	"strings"
	"time"
)

// Rehearser is a System on which a cut can be rehearsed on a shadow partner: it lets the holder of the shadow's
// credentials in as it lets in a partner, and remembers when the turn of each partner was.
type Rehearser interface {
	// Doors are the ways in which the holder of a proof comes in. A cut has to close each of them.
	Doors(p Proof) []Door
	// Shell is the environment in which a shell runs the steps of a cut as this system's login; clean removes what was
	// written for it. An error says what is missing on this machine.
	Shell(ctx context.Context) (environment []string, clean func() error, err error)
	// Tidy removes what the steps of a cut left of shadow partners that hold nothing any more.
	Tidy(ctx context.Context) error
	// Remember keeps when a partner was rehearsed last; Rehearsed tells it, by partner. Neither touches any access.
	Remember(ctx context.Context, partner string, at time.Time) error
	Rehearsed(ctx context.Context) (map[string]time.Time, error)
}

// Stager is a Rehearser where a shadow cannot come in as its partner does, or has to go where the system
// can tell what is refused.
type Stager interface {
	// Stage makes the credential of a shadow one that can be tried here, and returns what its holder does: an action on
	// a pattern that gives it nothing. ErrUnsupported where there is none.
	Stage(ctx context.Context, c *Credential) (action string, on Pattern, err error)
}

// Proof is what the holder of a credential has: all of it is secret but what was issued, and is in memory only.
type Proof struct {
	Credential *Credential
	// Issued is what the system answered to the Put; nil where it issues nothing.
	Issued *Issued
	// Key is the private key of a certificate, Secret is an opened secret.
	Key    crypto.Signer
	Secret string
}

// Door is one way in.
type Door struct {
	// How says how the holder comes in, Note what of that is not tried; in words.
	How, Note string
	// Enter comes in anew, does an action on a path, and leaves; false where it is refused on the way.
	Enter func(ctx context.Context, action, path string) (bool, error)
	// Open comes in and stays; nil where each request is judged anew, and there is nothing to stay in.
	Open func(ctx context.Context) (Visit, error)
}

// Visit is a session that was opened at a door.
type Visit interface {
	// May does an action on a path; false where it is refused.
	May(ctx context.Context, action, path string) (bool, error)
	// Leave ends the session.
	Leave(ctx context.Context) error
}

// shadows begins the names of the partners that rehearsals make. No declaration may have such a one.
const shadows = "rehearsal-"

// ShadowPartner returns the name of a shadow partner.
func ShadowPartner(word string) string { return shadows + word }

// IsShadow reports whether a partner is one that a rehearsal made.
func IsShadow(partner string) bool { return strings.HasPrefix(partner, shadows) }
