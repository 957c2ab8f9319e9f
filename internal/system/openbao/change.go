// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"errors"
	"fmt"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// A change goes through four steps, each with its invariant: decide drafts it and writes no policy, write puts the
// draft into the policies, follow brings in line what follows from them (all in put.go), and answer tells what came of
// it. With the identity's own policy the change is made; all before can be taken back, and all after can be done again.

// changer creates and changes objects. It keeps nothing between two changes but what its parts keep.
type changer struct {
	*server
	store    *policies
	bundler  *bundler
	creds    *credentials
	certs    *certificates
	secrets  *secrets
	fed      *federation
	entities *entities
	adopter  *adopter
	observer *observer
	sweeper  *sweeper
	writer   *writer
	turns    *turns
	notes    *notes
}

// Put creates or changes one object, and returns when OpenBao enforces it. It may be called concurrently; changes of
// one identity take turns. Once it has begun, it is finished even if the context ends, for up to two minutes.
//
// An error does not mean that nothing was changed: it says so if the policy has what is declared already. The same Put
// again finishes the change.
func (ch *changer) Put(ctx context.Context, change access.Change) (*access.Record, error) {
	ref := change.Object.Ref()
	r, err := ch.put(ctx, change)
	if err != nil {
		return nil, fmt.Errorf("put %s: %w", ref, err)
	}
	return r, nil
}

// offered refuses an object that OpenBao cannot hold: an id that is none, or a kind of credential that is not offered.
func offered(o access.Object) error {
	if _, _, err := access.ParseRef(o.Ref().Type, o.Ref().ID); err != nil {
		return err
	}
	if c, ok := o.(*access.Credential); ok {
		return offeredKind(c.Kind())
	}
	return nil
}

// put drafts and writes until no other process comes between: the policy is written over the version that was read.
// Once something was written, the next round goes on from there and issues nothing twice.
//
// What was issued, and stands in no policy in the end, is taken back: the partner is told of nothing that an error
// hides. The workflow for bundles is offered last, when the change is safe.
func (ch *changer) put(ctx context.Context, change access.Change) (*access.Record, error) {
	if err := offered(change.Object); err != nil {
		return nil, err
	}
	ctx, cancel, err := begin(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	if change.Object.Ref().Type == access.TypeIdentity && change.UID == "" {
		if err := ch.store.Identify(ctx); err != nil {
			return nil, err
		}
	}
	defer ch.turns.alone(change.Object.Holder())()
	is := &issuer{by: ch.creds, ctx: ctx}
	var p *putting
	var found finds
	err = store.Again(ctx, func() error {
		written, err := ch.tryPut(ctx, change, is, &found)
		if written != nil { // another round goes on from what is written
			written.placed.Tell = written.placed.Tell || (p != nil && p.placed.Tell)
			p = written
			change.UID = p.placed.Entry.History.UID
			change.Issue = access.IssueKeep
		}
		return err
	})
	if err = errors.Join(err, is.takeBack()); err != nil {
		if p != nil {
			err = fmt.Errorf("%w. The policy already says what is declared. Apply again to finish the change", err)
		}
		return nil, err
	}
	ch.notes.note(found)
	r, err := ch.answer(ctx, p, is)
	ch.bundler.offerBundles(ctx)
	return r, err
}
