// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// What is left of an object that no ledger holds. The state knows it, and the snapshot does not: it may never have been
// there, or was removed, or somebody deleted its record and its login works on. Only the first two are "not found".

// text returns damage as a sentence.
func text(err error) string { return strings.ToUpper(err.Error()[:1]) + err.Error()[1:] + "." }

// lostRecord returns what it means that the ledger has no object: a DamagedError if its record cannot be read, or is
// gone and something of the object is still there; ErrNotFound if there is nothing. It asks OpenBao only if nothing is
// known, so no other reading costs more.
func (ob *observer) lostRecord(ctx context.Context, snap *snapshot, ref access.Ref) error {
	_, holder, err := access.ParseRef(ref.Type, ref.ID)
	if err != nil {
		return err
	}
	d := snap.Documents[holder]
	if err := d.Broken(); err != nil {
		return err
	}
	left, uid, err := ob.leftovers(ctx, d, ref, snap.Foreign[holder])
	if err != nil {
		return err
	}
	if len(left) == 0 {
		return access.ErrNotFound
	}
	return &access.DamagedError{Record: "the policy " + store.NameOf(holder), Left: left, UID: uid}
}

// leftovers returns what OpenBao still has under an object's name, and the uid that its entity bears. d is the
// identity's policy, nil for none; foreign says that somebody else's has its name. Of a grant only a path can be left.
//
// The role for tokens is not looked at: it admits nobody without its alias.
func (ob *observer) leftovers(ctx context.Context, d *store.Document, ref access.Ref, foreign bool) (left []string,
	uid string, err error) {
	_, id, err := access.ParseRef(ref.Type, ref.ID)
	if err != nil {
		return nil, "", err
	}
	if ref.Type == access.TypeGrant {
		if d.Allows(ref.ID[strings.LastIndexByte(ref.ID, '/')+1:]) {
			left = append(left, "a path of its name")
		}
		return left, "", nil
	}
	at, err := ob.lookOnce(ctx)
	if err != nil {
		return nil, "", err
	}
	paths := ob.creds.rolesOf(id, ob.methods(at))
	if ref.Type == access.TypeIdentity {
		if left, uid, err = ob.entityLeft(ctx, id, foreign); err != nil {
			return nil, "", err
		}
		paths = append(paths, ob.options.Mounts.PKI+"/roles/"+roleOf(id))
	} else {
		if paths, err = ob.rolesLeft(ctx, d, ref, id, ob.methods(at)); err != nil {
			return nil, "", err
		}
	}
	there, err := ob.existing(ctx, slices.DeleteFunc(paths, func(path string) bool { return path == tokenRole(id) }))
	if err != nil {
		return nil, "", err
	}
	return append(left, there...), uid, nil
}

// entityLeft returns what is left of an identity's entity, with the uid that it bears. An entity that somebody else
// made is not left of it.
func (ob *observer) entityLeft(ctx context.Context, id access.IdentityID, foreign bool) (left []string, uid string,
	err error) {
	e, err := ob.entities.readEntity(ctx, id)
	if err != nil || e == nil || e.Metadata["managed_by"] != "terraform-provider-partner" {
		return nil, "", err
	}
	left = []string{entityPath(id)}
	if foreign {
		left = append(left, "a policy of another text")
	}
	return left, e.Metadata["uid"], nil
}

// existing returns those of some paths at which something is.
func (ob *observer) existing(ctx context.Context, paths []string) (there []string, err error) {
	for _, path := range paths {
		switch err := ob.client.Get(ctx, path, nil); {
		case err == nil:
			there = append(there, path)
		case ifThere(err) != nil:
			return nil, err
		}
	}
	return there, nil
}

// rolesLeft returns the roles of a credential that no ledger holds and that may yet let somebody in. While the identity
// stands, a role without an alias is what an attempt to issue left behind: nobody logs in by it as the identity.
func (ob *observer) rolesLeft(ctx context.Context, d *store.Document, ref access.Ref, id access.IdentityID,
	mounts map[string]mounted) (paths []string, err error) {
	paths = ob.creds.rolesOfKind(id, access.Kind(ref.ID[strings.LastIndexByte(ref.ID, '/')+1:]), mounts)
	if d.Identity() == nil {
		return paths, nil
	}
	e, err := ob.entities.readEntity(ctx, id)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(paths, func(path string) bool { return len(e.onMount(mountIn(path))) > 0 }) {
		return nil, nil
	}
	return paths, nil
}

// withoutPolicy says that a policy is gone, or says nothing of an object, while something of that is left.
func withoutPolicy(id access.IdentityID, left ...string) string {
	return fmt.Sprintf("The policy %s is gone or does not mention it, but this exists: %s.", store.NameOf(id),
		strings.Join(left, ", "))
}
