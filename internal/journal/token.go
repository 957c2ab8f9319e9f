// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"context"
	"fmt"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// issuing is a governed system that gives out tokens: each is a change of who may do what, if for minutes only.
type issuing struct {
	*governed
	issuer access.TokenIssuer
}

var _ access.TokenIssuer = (*issuing)(nil)

// Unwrap returns the governed system without tokens.
func (g *issuing) Unwrap() access.System { return g.governed }

// Token gives out a token, with a line before and one after. The lines hold its accessor, and not the token.
func (g *issuing) Token(ctx context.Context, id access.IdentityID, until time.Time) (access.Token, error) {
	if ctx.Err() != nil {
		return access.Token{}, fmt.Errorf("issue a token for %s: %w", id, context.Cause(ctx))
	}
	l := g.token(ctx, Token, id, until)
	if err := g.intend(ctx, l); err != nil {
		return access.Token{}, err
	}
	t, err := g.issuer.Token(ctx, id, until)
	if err != nil {
		g.failed(ctx, l, err)
		return t, err
	}
	l.Serial, l.EndsAt = t.Accessor, t.Until.UTC()
	g.done(ctx, l)
	return t, nil
}

// Revoke ends a token, with a line before and one after.
func (g *issuing) Revoke(ctx context.Context, t access.Token) error {
	l := g.token(ctx, Revoke, t.Identity, t.Until)
	l.Serial = t.Accessor
	if err := g.intend(ctx, l); err != nil {
		return err
	}
	asked := g.desk.Clock()
	if err := g.issuer.Revoke(ctx, t); err != nil {
		g.failed(ctx, l, err)
		return err
	}
	g.done(ctx, g.refused(l, asked))
	return nil
}

// token returns what the lines of a token have in common.
func (g *issuing) token(ctx context.Context, verb Verb, id access.IdentityID, until time.Time) Line {
	l := g.line(verb, access.Ref{Type: tokenType, ID: id.String()})
	l.EndsAt = until.UTC()
	if identity := g.before(ctx, id.Ref()); identity != nil {
		l.Owner = identity.Object.Common().Owner
	}
	return l
}
