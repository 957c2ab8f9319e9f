// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"errors"
	"regexp"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/policy"
)

// A token that is given out for one run is a JWT that the key of the publication signs. Nobody remembers it: gateways
// verify it with jwks.json, and look its identity up in the policy data. Only one that is revoked before its end is
// kept, in ledger/revoked and in the policy data, until then.

// request is what a task about a token is asked, and its answer.
type request struct {
	id    access.IdentityID
	until time.Time
	token access.Token
}

// signToken makes the token of a request.
func (kr *keyring) signToken(d *draft, r *request) error {
	e := d.Ledger[r.id.Ref()]
	if e == nil || e.Removed() {
		return access.ErrNoIdentity
	}
	from := d.Now.Truncate(time.Second)
	until := access.Earliest(r.until, d.Standing(r.id).End).UTC().Truncate(time.Second)
	switch {
	case !until.After(d.Now):
		return access.ErrEnded
	case (d.Standing(r.id).Cut() || d.HeldIdentity(d.Holds, r.id)):
		return access.ErrCut
	}
	if err := kr.open(); err != nil {
		return fail(err, "No token was issued.")
	}
	t := policy.Token{
		Identity: r.id, UID: e.History.UID, ID: access.NewUID(), Environment: kr.options.Environment, From: from,
		Until: until,
	}
	text, err := kr.signer.Token(t)
	if err != nil {
		return fail(err, "No token was issued.")
	}
	r.token = access.Token{Identity: r.id, Text: text, Accessor: t.ID, Until: until}
	return nil
}

var tokenID = regexp.MustCompile(`^[A-Z2-7]{20,64}$`)

// revokeToken lists a token until it would have ended by itself.
func (d *draft) revokeToken(t access.Token) error {
	if !tokenID.MatchString(t.Accessor) {
		return errors.New("this is not a token of this system")
	}
	r := revocation{
		Version:  version,
		Kind:     tokenKind,
		Serial:   t.Accessor,
		Identity: t.Identity,
		At:       d.Now.Truncate(time.Second),
		Until:    t.Until,
	}
	if _, already := d.revoked[r.file()]; !already {
		d.revoked[r.file()] = r
	}
	return nil
}

// revokedTokens returns those that gateways have to be told of.
func (d *draft) revokedTokens() map[string]time.Time {
	all := map[string]time.Time{}
	for _, r := range d.revoked {
		if r.Kind == tokenKind {
			all[r.Serial] = r.Until
		}
	}
	return all
}
