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

// keymaker is what each issuer of keys stands on.
type keymaker struct {
	at      *account
	store   *pages
	lookout *lookout
	aligner *aligner
	cutter  *cutter
}

// issuer makes a user with an access key for each key that is issued: a key has no end of its own, its user has. It
// belongs to one round of one change. It is a ledger.Issuer.
type issuer struct {
	*keymaker
	ctx    context.Context
	family *family
	// made are the users of this round: they go again if no page comes to hold what they are for.
	made []principal
}

// Fixed reports that no item's end is fixed: each can be moved, by the policy of its user.
func (*issuer) Fixed(ledger.Item) bool { return false }

// Issue makes a user whose end stands before it has a key, and seals the key. The page says that there may be such a
// user before there is one, and nothing is made that cannot be sealed. A process that dies in between leaves a user
// without a key, or one whose key nobody has, in a page that names it: the next change removes it.
func (is *issuer) Issue(now, end time.Time, c *access.Credential, change access.Change) (ledger.Item, error) {
	at := now.Truncate(time.Second)
	i := ledger.Item{At: at, RotatesAt: c.RotatesAt(at)}
	if c.Rotation != nil {
		i.Until = c.IssueLife(at, time.Time{})
	}
	if err := trySeal(change); err != nil {
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
	if err := is.makeUser(ctx, u, c, i.End(end)); err != nil {
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

// trySeal seals a key that opens nothing, as long as a real one: a recipient that cannot be sealed to is an error
// before anything is made.
func trySeal(change access.Change) error {
	if change.Seal == nil {
		return errors.New("there is no key to seal the access key to")
	}
	_, err := change.Seal(sealable(opened{1, rand.Text()[:20], rand.Text() + rand.Text()[:14]}))
	return err
}

// makeUser makes a user that can do nothing yet: with its end, and with the limits of those before it.
func (is *issuer) makeUser(ctx context.Context, u principal, c *access.Credential, end time.Time) error {
	n, err := is.aligner.create(ctx, wanted{
		principal: u,
		end:       end,
		owner:     c.IdentityID,
		tags:      map[string]string{uidTag: "new", identityTag: c.IdentityID.String(), systemTag: is.store.SystemID()},
	})
	if err != nil {
		return err
	}
	for _, k := range n.keys { // it was there, as where an old page was put back: nobody is to come in with what it had
		if err := is.at.dropKey(ctx, u, k.ID); err != nil {
			return err
		}
	}
	if err := is.at.putInline(ctx, u, endPolicy, policy.End(end, c.AllowedCIDRs).JSON()); err != nil {
		return err
	}
	return is.limitAsBefore(ctx, u, c, end)
}

// sealable returns a key as it is sealed, in bytes that can be overwritten afterwards.
func sealable(o opened) []byte {
	text, err := json.Marshal(o)
	if err != nil {
		panic(err) // three plain fields
	}
	return text
}

// reserve writes into the page of an identity that there may be a user of the next number, before there is one. The
// number stays used, whatever becomes of it.
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

// takeBack removes the users of a round that came to nothing, also if AWS seems away. What cannot be removed now stands
// in the page, or has nothing but its end, and the next change removes it.
func (is *issuer) takeBack(id access.IdentityID) error {
	var failed error
	ctx := access.Insisting(context.WithoutCancel(is.ctx))
	for _, u := range is.made {
		failed = errors.Join(failed, is.cutter.destroy(ctx, id, u))
	}
	is.made = nil
	return failed
}
