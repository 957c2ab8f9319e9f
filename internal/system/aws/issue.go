// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// keymaker is what issuers of keys stand on.
type keymaker struct {
	at      *account
	store   *pages
	lookout *lookout
	aligner *aligner
	cutter  *cutter
}

// issuer makes a user with an access key for each key that is issued. It belongs to one round of one change.
type issuer struct {
	*keymaker
	ctx    context.Context
	family *family
	// made are the users of this round: they go again where no page comes to hold what they are for.
	made []principal
}

// Fixed reports whether the end of an item cannot be moved: each can, by the policy of its user.
func (*issuer) Fixed(ledger.Item) bool { return false }

// Issue makes a user whose end stands before it has a key, and seals the key. The page says that there may be such a
// user before there is one, and nothing is made that cannot be sealed.
func (is *issuer) Issue(now, end time.Time, c *access.Credential, change access.Change) (ledger.Item, error) {
	at := now.Truncate(time.Second)
	i := ledger.Item{At: at, RotatesAt: c.RotatesAt(at)}
	if c.Rotation != nil {
		i.Until = c.IssueLife(at, time.Time{})
	}
	if change.Seal == nil {
		return i, errors.New("there is no key to seal the access key to")
	}
	if _, err := change.Seal(sealable(opened{1, rand.Text()[:20], rand.Text() + rand.Text()[:14]})); err != nil {
		return i, err
	}
	if err := context.Cause(is.ctx); err != nil { // from here on it is done to its end
		return i, err
	}
	ctx := context.WithoutCancel(is.ctx)
	if err := is.lookout.heedCuts(ctx, is.family, c.IdentityID); err != nil {
		return i, err
	}
	u, err := is.reserve(ctx, c.IdentityID)
	if err != nil {
		return i, err
	}
	is.made = append(is.made, u)
	w := wanted{
		principal: u,
		end:       i.End(end),
		owner:     c.IdentityID,
		tags:      map[string]string{uidTag: "new", identityTag: c.IdentityID.String(), systemTag: is.store.SystemID()},
	}
	n, err := is.aligner.create(ctx, w)
	if err != nil {
		return i, err
	}
	for _, k := range n.keys { // it was there, as where an old page was put back: nobody is to come in with what it had
		if err := is.at.dropKey(ctx, u, k.ID); err != nil {
			return i, err
		}
	}
	if err := is.at.putInline(ctx, u, endPolicy, policy.End(w.end, c.AllowedCIDRs).JSON()); err != nil {
		return i, err
	}
	if err := is.limitAsBefore(ctx, u, c, w.end); err != nil {
		return i, err
	}
	made, err := is.at.createKey(ctx, u)
	if err != nil {
		return i, err
	}
	is.name(c.IdentityID, u.Name, made.AccessKeyID)
	sum := sha256.Sum256([]byte(made.SecretAccessKey))
	i.Accessor, i.Fingerprint = u.Name, hex.EncodeToString(sum[:])
	text := sealable(made)
	i.Sealed, err = change.Seal(text)
	clear(text)
	return i, err
}

func sealable(o opened) []byte {
	text, err := json.Marshal(o)
	if err != nil {
		panic(err) // three plain fields
	}
	return text
}

// reserve writes into the page of an identity that there may be a user of the next number.
func (is *issuer) reserve(ctx context.Context, id access.IdentityID) (principal, error) {
	next := is.family.Pages[id].Copied()
	next.Issued++
	u := store.UserOf(id, next.Issued)
	next.Principals = append(next.Principals, u)
	written, err := is.store.Write(ctx, next)
	if err != nil {
		return u, err
	}
	is.family.Pages[id] = written
	return u, nil
}

// name notes the id of a user's key, for the page that is written next.
func (is *issuer) name(id access.IdentityID, user, key string) {
	next := is.family.Pages[id].Copied()
	if n := slices.IndexFunc(next.Principals, func(x principal) bool { return x.Name == user }); n >= 0 {
		next.Principals[n].Key = key
	}
	is.family.Pages[id] = next
}

// takeBack removes the users of a round that came to nothing. What cannot be removed now stands in the page, or has
// nothing but its end, and the next change removes it.
func (is *issuer) takeBack(id access.IdentityID) error {
	var failed error
	ctx := access.Insisting(context.WithoutCancel(is.ctx))
	for _, u := range is.made {
		failed = errors.Join(failed, is.cutter.destroy(ctx, id, u))
	}
	is.made = nil
	return failed
}
