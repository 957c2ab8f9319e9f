// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// finder finds what IAM has of an identity by its names and tags, if its page cannot be read, is gone, or says less.
// Without it, a page that somebody removed would make a destroy say "done" while the keys work.
type finder struct {
	at     *account
	store  *pages
	reader *reader
}

// atHome returns store.ErrElsewhere if the ledger is of another account: what it names is not in this one, so nothing
// of it could be removed. Nor is a removal believed if nobody can tell which account this is.
func (fd *finder) atHome(ctx context.Context) error {
	why := fd.at.Enter(ctx)
	_, err := fd.store.Identified(ctx)
	if errors.Is(err, store.ErrElsewhere) {
		return err
	}
	if why == nil {
		return nil
	}
	owner := fd.store.Owner()
	if owner == "" {
		return nil
	}
	return fmt.Errorf("the ledger %s belongs to the account %s, but this provider cannot tell which account its "+
		"login is of, and %w: %w. Allow it sts:GetCallerIdentity, or correct endpoints.sts", fd.at.options.Ledger,
		owner, store.ErrElsewhere, why)
}

// left is a principal that IAM has under an identity's names, as it was read.
type left struct {
	principal
	described
	adopted bool
}

// leftOf returns what IAM has under the names of an identity that its page does not name. The page is read last: a
// process that makes a principal writes there first that it will.
func (fd *finder) leftOf(ctx context.Context, id access.IdentityID) (all []left, err error) {
	for _, k := range []kind{store.Role, store.User} {
		names, err := fd.at.namesAt(ctx, k, store.FolderOf(id))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			p := principal{Kind: k, Name: name, Path: store.FolderOf(id)}
			if !maybeOf(id, p) {
				continue
			}
			x, is, err := fd.leftAs(ctx, id, p)
			if err != nil {
				return nil, err
			}
			if is {
				all = append(all, x)
			}
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	p, err := fd.store.Fetch(ctx, id)
	if err != nil && !errors.Is(err, access.ErrNotPermitted) {
		return nil, err
	}
	return slices.DeleteFunc(all, func(x left) bool { return p != nil && p.Has(x.principal) }), nil
}

// leftAs reads a principal whose name may be of an identity, and reports whether its tags say so, too. One that may not
// be read is known by its name alone.
func (fd *finder) leftAs(ctx context.Context, id access.IdentityID, p principal) (x left, is bool, err error) {
	d, err := fd.at.describe(ctx, p)
	switch {
	case errors.Is(err, client.ErrAbsent):
		return x, false, nil
	case errors.Is(err, access.ErrNotPermitted):
	case err != nil:
		return x, false, err
	}
	if fd.reader.elsewhere(d) {
		return x, false, nil
	}
	of := d.tagged(identityTag)
	return left{p, d, p.Name == store.AdoptedOf(id).Name}, of == id.String() || isOf(id, p), nil
}

// isOf reports whether a principal is of an identity by its name, which can be no other's, whatever its tags say.
func isOf(id access.IdentityID, p principal) bool {
	if p.Kind == store.Role {
		return p.Name == store.RoleOf(id).Name
	}
	return strings.HasPrefix(p.Name, store.NameOf(id, string(access.Secret)+"."))
}

// maybeOf reports whether a principal may be of an identity by its name. A long name has only its beginning and a
// digest, which does not tell one key's number from another's; the tags decide then.
func maybeOf(id access.IdentityID, p principal) bool {
	begin, _, short := strings.Cut(store.UserOf(id, 1).Name, "=")
	return isOf(id, p) ||
		(p.Kind == store.User &&
			(p.Name == store.AdoptedOf(id).Name || (short && strings.HasPrefix(p.Name, begin+"="))))
}

// of reports whether a principal is of what a ref names: all are of the identity, and each grant is in all.
func (x left) of(ref access.Ref) bool {
	switch {
	case ref.Type != access.TypeCredential:
		return true
	case strings.HasSuffix(ref.ID, "/"+string(access.Federated)):
		return x.Kind == store.Role
	}
	return x.Kind == store.User && !x.adopted
}

// lost returns what it means that a page has no object: an access.DamagedError if something of it is still in IAM, with
// what that is, or access.ErrNotFound.
func (fd *finder) lost(ctx context.Context, ref access.Ref, p *page) error {
	all, err := fd.leftOf(ctx, p.ID)
	if err != nil {
		return err
	}
	damage := &access.DamagedError{Record: fd.store.Where(store.KeyOf(p.ID))}
	for _, x := range all {
		// the page is there, and says that it is not granted
		if (ref.Type == access.TypeGrant && p.ETag != "") || !x.of(ref) {
			continue
		}
		damage.Left = append(damage.Left, x.String())
		if uid := x.uid(); ref.Type == access.TypeCredential && uid != "new" {
			damage.UID = uid
		}
	}
	if len(damage.Left) == 0 {
		return access.ErrNotFound
	}
	return damage
}
