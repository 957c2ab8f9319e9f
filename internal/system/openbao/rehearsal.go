// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// A rehearsal runs the printed steps against a shadow of the partner and watches when it is refused. Here are the
// shadow's logins, which are the partner's own ways, and the sessions that they open. The rehearsal itself is in
// package rehearsal.

// rehearsals are tried on shadows of partners.
type rehearsals struct {
	*server
	store  *policies
	words  *wording
	tokens *tokens
}

// Remember keeps when a partner was rehearsed.
func (rh *rehearsals) Remember(ctx context.Context, partner string, at time.Time) error {
	if err := rh.store.Rehearsed(ctx, partner, at); err != nil {
		return fmt.Errorf("remember the rehearsal of %s: %w", partner, err)
	}
	return nil
}

// Tidy removes the marks that the steps left of shadow partners which have no identity any more.
func (rh *rehearsals) Tidy(ctx context.Context) error {
	if err := rh.store.RemoveMarks(ctx); err != nil {
		return fmt.Errorf("remove the marks of shadow partners: %w", err)
	}
	return nil
}

// Doors returns the logins of a credential. For a federated one it lends a token of the entity: nobody can sign as the
// partner's issuer.
func (rh *rehearsals) Doors(p access.Proof) []access.Door {
	c := p.Credential
	at := rh.words.tellLogin(c)
	var d door
	switch c.Kind() {
	case access.Federated:
		d = func(ctx context.Context) (*visit, error) { return rh.lentVisit(ctx, c.IdentityID) }
	case access.Certificate:
		d = func(ctx context.Context) (*visit, error) {
			return rh.logIn(ctx, pairOf(p), at["path"], map[string]string{"name": at["name"]})
		}
	case access.Secret:
		d = func(ctx context.Context) (*visit, error) {
			return rh.logIn(ctx, nil, at["path"], map[string]string{"role_id": at["role_id"], "secret_id": p.Secret})
		}
	default:
		return nil
	}
	out := access.Door{How: "a login at " + at["path"], Enter: d.enter, Open: d.open}
	if c.Kind() == access.Federated {
		out.How = "a token of the shadow's entity, as partner_token issues it"
		out.Note = "Nobody can sign as the partner's issuer, so the login at " + at["path"] +
			" was not tried; its role was deleted by the steps."
	}
	out.Note = strings.TrimSpace(out.Note + " " + rh.atOneAddress())
	return []access.Door{out}
}

// atOneAddress says, on a cluster, what a measure does not tell: a standby learns of a cut a moment after the leader.
func (rh *rehearsals) atOneAddress() string {
	if !rh.onCluster() {
		return ""
	}
	return "Measured at " + rh.client.Address() + " alone: other nodes of the cluster were not asked. A standby may " +
		"refuse a moment later."
}

// door opens a session; nil without an error if that is refused.
type door func(ctx context.Context) (*visit, error)

// enter opens a session, asks whether it may do something, and leaves it. A login that is refused may not.
func (d door) enter(ctx context.Context, action, path string) (bool, error) {
	v, err := d(ctx)
	if v == nil || err != nil {
		return false, err
	}
	may, err := v.May(ctx, action, path)
	return may, errors.Join(err, v.Leave(ctx))
}

// open opens a session that stays open, to see when it is cut. A refused login is no Visit at all, since callers
// compare with nil.
func (d door) open(ctx context.Context) (access.Visit, error) {
	v, err := d(ctx)
	if v == nil || err != nil {
		return nil, err
	}
	return v, nil
}

// visit is a session of a shadow.
type visit struct {
	system  *tokens
	visitor *client.Visitor
	token   access.Token
}

// logIn logs in as the shadow would, with its certificate or without one; nil if it is refused. Every login is by a
// client of its own, so no connection of another one is used again.
func (rh *rehearsals) logIn(ctx context.Context, show *tls.Certificate, path string, body map[string]string) (*visit,
	error) {
	visitor, err := rh.client.Visitor(show)
	if err != nil {
		return nil, err
	}
	token, accessor, err := visitor.LogIn(ctx, path, body)
	if client.Refused(err) {
		return nil, nil
	}
	return &visit{rh.tokens, visitor, access.Token{Text: token, Accessor: accessor}}, err
}

// lentVisit returns a session of one that cannot log in: its token is given out by this system. It is refused if the
// identity is cut or has ended.
func (rh *rehearsals) lentVisit(ctx context.Context, id access.IdentityID) (*visit, error) {
	visitor, err := rh.client.Visitor(nil)
	if err != nil {
		return nil, err
	}
	token, err := rh.tokens.Token(ctx, id, rh.now().Add(access.LongestToken))
	if errors.Is(err, access.ErrCut) || errors.Is(err, access.ErrEnded) {
		return nil, nil
	}
	return &visit{rh.tokens, visitor, token}, err
}

// May reads a path. Nothing is mounted where a shadow may read: OpenBao asks the policy first, and then finds nothing,
// so "not found" means that it may.
func (v *visit) May(ctx context.Context, _, path string) (bool, error) {
	err := v.visitor.Get(ctx, v.token.Text, path)
	switch {
	case client.Refused(err):
		return false, nil
	case errors.Is(err, access.ErrNotFound), errors.Is(err, access.ErrUnsupported):
		return true, nil
	}
	return err == nil, err
}

// Leave revokes the session's token. A login that may not do that leaves it to its end: it is nobody's by then.
func (v *visit) Leave(ctx context.Context) error {
	err := v.system.Revoke(ctx, v.token)
	if errors.Is(err, access.ErrNotPermitted) {
		return nil
	}
	return err
}

// pairOf returns the certificate of a proof, with its key.
func pairOf(p access.Proof) *tls.Certificate {
	c := &tls.Certificate{PrivateKey: p.Key}
	for block, rest := pem.Decode([]byte(p.Issued.Text)); block != nil; block, rest = pem.Decode(rest) {
		c.Certificate = append(c.Certificate, block.Bytes)
	}
	return c
}
