// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"cmp"
	"context"
	"errors"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// Whoever has to cut a partner off at night does what AWS's console offers: removes the role or the key, closes the
// trust, attaches a policy that denies everything. Each of these is a cut of its credential, as partner-hold is one of
// its identity. Without this, the next apply would bring back what is missing, and give back what was taken away
// (TestWhatSomebodyCutByAWSsOwnMeansStaysCut).

// lookout notices what somebody cut by hand, and marks it beside the pages before anything is changed: what is marked
// stays cut, whatever is removed or made anew meanwhile.
type lookout struct {
	at       *account
	store    *pages
	reader   *reader
	compiler *compiler
	issuers  *issuers
}

// noticed reports whether somebody cut a principal by AWS's own means, and marks that if it is news, so that nothing
// that is made for the credential later gives it back. While a release is carried out, what is denied still is no new
// cut.
//
// IAM may answer from a copy that is a little old, so what is gone is asked for until it surely is. Then it is marked
// even if the caller is stopped: nobody else may see it again.
func (lk *lookout) noticed(ctx context.Context, w wanted, n *native) (bool, error) {
	if w.lifted || w.cutBy(n) == "" {
		return false, nil
	}
	// it is known already
	if !w.policies[holdPolicy].Empty() {
		return true, nil
	}
	// a user that was renamed is not cut: its key works on, which an error has to say instead
	if !n.there && w.Kind == store.User {
		if err := lk.at.movedKeys(ctx, w.principal, w.Keys()); errors.Is(err, access.ErrRemains) { // it is not cut
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
	if stays, err := lk.staysCut(ctx, w); err != nil || !stays {
		return false, err
	}
	return true, lk.store.Mark(context.WithoutCancel(ctx), w.credential.ID)
}

// staysCut reports whether a principal still seems cut when IAM is asked again, as often as makes sure. What cuts it
// may lie outside of it, in the account's trust in its issuer: that is asked again, too.
func (lk *lookout) staysCut(ctx context.Context, w wanted) (bool, error) {
	for range proofs {
		if err := access.Pause(ctx, lk.at.settle()/proofs); err != nil {
			return false, err
		}
		if w.cutOff != nil {
			none, err := lk.issuers.distrustsNow(ctx, w.cutOff)
			if err != nil {
				return false, err
			}
			if !none {
				w.cutOff = nil
			}
		}
		again, err := lk.reader.look(ctx, w.principal)
		if err != nil || w.cutBy(again) == "" {
			return false, err
		}
	}
	return true, nil
}

// heedCuts looks whether somebody cut a credential of an identity by AWS's own means, before something of it goes or is
// issued anew. The family then has the new marks.
func (lk *lookout) heedCuts(ctx context.Context, f *family, id access.IdentityID) error {
	p := f.Pages[id]
	if p.Lifting {
		return nil
	}
	news := false
	for _, w := range lk.compiler.wantedOf(f.Ledger(), f.Holds, p) {
		n, err := lk.reader.look(ctx, w.principal)
		if err != nil {
			return err
		}
		cut, err := lk.noticed(ctx, w, n)
		if err != nil {
			return err
		}
		news = news || cut
	}
	if !news {
		return nil
	}
	var err error
	f.Holds, err = lk.store.Marks(ctx)
	return err
}

// heed looks whether somebody cut an identity by hand with partner-hold, and marks that beside the page: so it outlives
// the principals. What a release has yet to take away is no new cut, and neither is what is held already. Heeded is the
// moment of the mark, since the policy itself bears none.
func (lk *lookout) heed(ctx context.Context, f *family, id access.IdentityID) error {
	p := f.Pages[id]
	if p.Lifting {
		return nil
	}
	held, err := lk.heldByHand(ctx, p)
	if err != nil || !held {
		return err
	}
	e := p.Entries[id.Ref()]
	if e != nil && f.Holds.Holding(e) { // it is known
		return nil
	}
	if err := lk.store.Mark(context.WithoutCancel(ctx), id.String()); err != nil {
		return err
	}
	f.Holds, err = lk.store.Marks(ctx)
	f.Heeded = f.Holds[id.String()]
	return err
}

// heldByHand reports whether a principal of an identity bears partner-hold, however it is written.
func (lk *lookout) heldByHand(ctx context.Context, p *page) (bool, error) {
	for _, x := range p.Principals {
		text, err := lk.at.inlineText(ctx, x, holdPolicy)
		if err == nil && cuts(text) {
			return true, nil
		}
		if client.Gone(err) != nil {
			return false, err
		}
	}
	return false, nil
}

// heedIfSeen looks whether an identity was cut by hand before something of it is removed. What may not be read stops no
// removal.
func (lk *lookout) heedIfSeen(ctx context.Context, f *family, id access.IdentityID) error {
	err := cmp.Or(lk.heed(ctx, f, id), lk.heedCuts(ctx, f, id))
	if errors.Is(err, access.ErrNotPermitted) {
		return nil
	}
	return err
}
