package openbao

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// issuer issues for one put. What it issued and no ledger holds is taken back: nobody has it.
type issuer struct {
	by     *credentials
	ctx    context.Context // it lives as long as one call
	before ledger.Ledger   // what was there before the change
	issued []issued
	texts  map[string]string // certificates by serial
	// unknown are certificates that no ledger held when ours was signed, with a process that died between.
	unknown []string
}

type issued struct {
	credential *access.Credential
	item       ledger.Item
}

// Fixed says that nothing that OpenBao issued can be shortened: a certificate is signed, and a secret id has the life that
// it was given.
func (*issuer) Fixed(ledger.Item) bool { return true }

// Issue issues what the credential asks for.
func (is *issuer) Issue(now, end time.Time, c *access.Credential, change access.Change) (ledger.Item, error) {
	by := is.by
	at := now.Truncate(time.Second)
	until := c.IssueLife(at, end).Truncate(time.Second)
	if c.Kind() == access.Certificate {
		return is.sign(c, at, until, end)
	}
	if err := by.settleRoles(is.ctx, c, end, nil); err != nil { // it is issued by the role
		return ledger.Item{}, err
	}
	item, err := by.secrets.newSecret(is.ctx, c, at, until, change.Seal)
	if err == nil {
		is.issued = append(is.issued, issued{c, item})
	}
	return item, err
}

// sign signs the partner's request. Where something may have been signed for the identity before, it looks what.
func (is *issuer) sign(c *access.Credential, at, until, end time.Time) (ledger.Item, error) {
	by := is.by
	err := by.client.Get(is.ctx, by.options.Mounts.PKI+"/roles/"+roleOf(c.IdentityID), nil)
	if err == nil {
		is.unknown, err = by.certs.unknownSerials(is.ctx, c.IdentityID)
	}
	if client.Gone(err) != nil && !errors.Is(err, access.ErrUnsupported) {
		return ledger.Item{}, err
	}
	if err := is.settleSigning(c, end); err != nil {
		return ledger.Item{}, err
	}
	item, text, err := by.certs.sign(is.ctx, c, at, until)
	if ambiguous(err) {
		// Whatever was signed, nobody has it: it is revoked with what is not known, and asked for anew.
		if is.unknown, err = by.certs.unknownSerials(is.ctx, c.IdentityID); err == nil {
			item, text, err = by.certs.sign(is.ctx, c, at, until)
		}
	}
	if err != nil {
		return ledger.Item{}, err
	}
	if is.texts == nil {
		is.texts = map[string]string{}
	}
	is.texts[item.Serial] = text
	is.issued = append(is.issued, issued{c, item})
	return item, nil
}

// settleSigning writes the roles of a credential so that they take what was signed for it before, and what is signed now.
func (is *issuer) settleSigning(c *access.Credential, end time.Time) error {
	by := is.by
	ca, err := by.certs.authority(is.ctx)
	if err != nil {
		return err
	}
	bundle := ca
	if e := is.before[c.Ref()]; e != nil && !e.Removed() {
		if bundle, err = by.certs.trusted(is.ctx, e.Issued, ca); err != nil {
			return err
		}
	}
	return by.writeRoles(is.ctx, c, by.certs.certificateRoles(c, end, with(bundle, ca)))
}

// keep leaves alone what a ledger holds from now on.
func (is *issuer) keep(items []ledger.Item) {
	is.issued = slices.DeleteFunc(is.issued, func(x issued) bool {
		return slices.ContainsFunc(items, func(i ledger.Item) bool { return i.Serial == x.item.Serial && i.Accessor == x.item.Accessor })
	})
}

// takeBack ends what was issued and is in no ledger. A lost answer may have put it there: it looks.
func (is *issuer) takeBack() error {
	if len(is.issued) == 0 {
		return nil
	}
	by, c := is.by, is.issued[0].credential
	d, err := by.store.Fetch(is.ctx, c.IdentityID)
	if err != nil {
		return err // the next put finds it
	}
	if d != nil && d.Entries[c.Ref()] != nil {
		is.keep(d.Entries[c.Ref()].Issued)
	}
	for ; len(is.issued) > 0; is.issued = is.issued[1:] {
		if err := by.end(is.ctx, c.IdentityID, is.issued[0].item.Serial, is.issued[0].item.Accessor); err != nil {
			return err
		}
	}
	return nil
}

// end ends what was issued: the certificate of a serial, or the secret id of an accessor.
func (cs *credentials) end(ctx context.Context, id access.IdentityID, serial, accessor string) error {
	switch {
	case serial != "":
		return cs.certs.revokeSerial(ctx, serial)
	case accessor != "":
		return cs.secrets.destroy(ctx, id, accessor)
	}
	return nil
}

func lostItem(c *access.Credential, i ledger.Item) store.Lost {
	return store.Lost{ID: c.IdentityID, Kind: c.Kind(), Until: i.Until, Serial: i.Serial, Accessor: i.Accessor}
}

// bury ends what is lost, and every session that may have been opened with it, and then forgets it.
func (w *writer) bury(ctx context.Context, f *family, l ledger.Ledger, ids []access.IdentityID) error {
	var serials []string
	signed := map[access.IdentityID]bool{}
	sessions := map[access.IdentityID]bool{}
	var shut error
	for _, id := range ids {
		for _, x := range f.documents[id].Pending() {
			if !x.Until.IsZero() && !x.Until.After(w.now()) {
				continue
			}
			if x.Entity != "" {
				if err := w.adopter.takeOver(ctx, l, id, x.Entity); err != nil {
					return err
				}
				continue
			}
			sessions[id] = true
			if x.Serial != "" {
				serials, signed[id] = append(serials, x.Serial), true
			}
			if err := w.creds.end(ctx, id, x.Serial, x.Accessor); away(err) {
				shut = err
			} else if err != nil {
				return err
			}
		}
	}
	if len(serials) > 0 {
		if err := w.certs.pushRevoked(ctx, serials...); away(err) {
			shut = err
		} else if err != nil {
			return err
		}
	}
	if shut != nil { // no list can say that it is revoked: nobody logs in by it, until it is applied again
		for id := range signed {
			if err := w.client.Delete(ctx, "auth/"+w.options.Mounts.Cert+"/certs/"+roleOf(id)); client.Gone(err) != nil && !away(err) {
				return err
			}
		}
	}
	for _, id := range ids {
		if sessions[id] {
			if err := w.entities.cutSessions(ctx, l, id); err != nil {
				return err
			}
		}
		if err := w.buried(ctx, f, id); err != nil {
			return err
		}
	}
	return nil
}

// buried takes what has ended out of a policy.
func (w *writer) buried(ctx context.Context, f *family, id access.IdentityID) error {
	done := f.documents[id].Pending()
	if len(done) == 0 {
		return nil
	}
	d := f.documents[id]
	return store.Again(ctx, func() (err error) {
		text := d.Text
		for _, x := range done {
			text = strings.ReplaceAll(text, "# "+x.Line()+"\n", "")
		}
		if text == d.Text {
			return nil
		}
		written, err := w.store.Write(ctx, id, text, d.Version)
		if errors.Is(err, store.ErrChanged) {
			now, failed := w.store.Fetch(ctx, id)
			if failed != nil {
				return failed
			}
			if now == nil {
				return nil
			}
			d = now
		} else if err == nil {
			f.documents[id] = written
		}
		return err
	})
}
