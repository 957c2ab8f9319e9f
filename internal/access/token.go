// SPDX-License-Identifier: MPL-2.0

package access

import (
	"context"
	"time"
)

// TokenIssuer is a System that gives out tokens just in time: somebody acts as an identity for one run, and nothing of
// it is declared, stored or sealed.
type TokenIssuer interface {
	// Token gives out a token of an identity that ends by itself, at the latest at a moment and never after the
	// identity. It may do what the identity is granted while it is used, and is cut with the identity. ErrNoIdentity
	// where it is not there, ErrEnded where it has ended, ErrCut where it is suspended or held.
	Token(ctx context.Context, id IdentityID, until time.Time) (Token, error)
	// Revoke ends a token before its end, and removes what was made for it. It needs the accessor, not the text; a
	// token that is gone already is none to revoke.
	Revoke(ctx context.Context, t Token) error
}

// LongestToken is the longest that a token may live: it is for one run, and not a credential.
const LongestToken = 15 * time.Minute

// Token is a token that was given out.
type Token struct {
	// Identity is whose it is.
	Identity IdentityID
	// Text is the token itself: secret. Accessor names it, and is not.
	Text, Accessor string
	// Until is when it ends by itself, UTC.
	Until time.Time
}
