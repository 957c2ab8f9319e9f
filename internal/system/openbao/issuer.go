// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// Issuing comes before the policy that names what was issued: a policy that names what could not be made would lie. So
// there is a moment at which something works that no policy holds. A process that dies then leaves it, without anybody
// who has it: a secret died with the process, and a certificate is of the partner's key but was sent to nobody. The
// next change of the credential finds and ends it (secrets.inventoryOf, certificates.unknownSerials).

// issuer issues for one put, over all of its rounds. What it issued and no ledger holds is taken back: nobody has it.
// It is not for concurrent use.
type issuer struct {
	by *credentials
	// ctx is that of the put: ledger.Issuer has none in its methods.
	ctx context.Context
	// before is what the policies said before this round.
	before ledger.Ledger
	// issued is what was issued and is in no policy yet.
	issued []issued
	// texts are certificates as they are told, by serial.
	texts map[string]string
	// unknown are certificates that no ledger held when ours was signed: of a process that died, or of a lost answer.
	unknown []string
}

// issued is one item, and the credential that it is for.
type issued struct {
	credential *access.Credential
	item       ledger.Item
}

// Fixed reports that nothing that OpenBao issued can be shortened: a certificate is signed, and a secret id has the
// life that it was given.
func (*issuer) Fixed(ledger.Item) bool { return true }

// Issue issues what the credential asks for, and returns what the ledger keeps of it. A draft calls it while it
// decides. end is the credential's; change has the key that a secret is sealed to.
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

// sign signs the partner's request. If something may have been signed for the identity before, it looks what, before
// ours is among it.
func (is *issuer) sign(c *access.Credential, at, until, end time.Time) (ledger.Item, error) {
	by := is.by
	err := by.client.Get(is.ctx, by.options.Mounts.PKI+"/roles/"+roleOf(c.IdentityID), nil)
	if err == nil {
		is.unknown, err = by.certs.unknownSerials(is.ctx, c.IdentityID)
	}
	if ifThere(err) != nil {
		return ledger.Item{}, err
	}
	ca, err := is.settleSigning(c, end)
	if err != nil {
		return ledger.Item{}, err
	}
	item, text, err := by.certs.sign(is.ctx, c, ca, at, until)
	if ambiguous(err) {
		// Whatever was signed, nobody has it: it is revoked with what is not known, and asked for anew.
		if is.unknown, err = by.certs.unknownSerials(is.ctx, c.IdentityID); err == nil {
			item, text, err = by.certs.sign(is.ctx, c, ca, at, until)
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

// settleSigning writes the roles of a credential so that they take what was signed for it before and what is signed
// now, and returns the authority that signs. The role is written before anything is signed by it: it bounds the end.
func (is *issuer) settleSigning(c *access.Credential, end time.Time) (ca string, err error) {
	by := is.by
	if ca, err = by.certs.authority(is.ctx); err != nil {
		return "", err
	}
	bundle := ca
	if e := is.before[c.Ref()]; e != nil && !e.Removed() {
		if bundle, err = by.certs.trusted(is.ctx, e.Issued, ca); err != nil {
			return "", err
		}
	}
	return ca, by.writeRoles(is.ctx, c, by.certs.certificateRoles(c, end, with(bundle, ca)))
}

// keep takes what a ledger holds from now on out of what would be taken back.
func (is *issuer) keep(items []ledger.Item) {
	is.issued = slices.DeleteFunc(is.issued, func(x issued) bool {
		return slices.ContainsFunc(items,
			func(i ledger.Item) bool { return i.Serial == x.item.Serial && i.Accessor == x.item.Accessor })
	})
}

// takeBack ends what was issued and is in no ledger. The policy is read for that, since a lost answer may have put it
// there. It insists, as whatever takes away does. What it cannot read or end, the next change of the credential finds.
func (is *issuer) takeBack() error {
	if len(is.issued) == 0 {
		return nil
	}
	by := is.by
	c := is.issued[0].credential
	ctx := access.Insisting(is.ctx)
	d, err := by.store.Fetch(ctx, c.IdentityID)
	if err != nil {
		return err // the next put finds it
	}
	if d != nil && d.Entries[c.Ref()] != nil {
		is.keep(d.Entries[c.Ref()].Issued)
	}
	for ; len(is.issued) > 0; is.issued = is.issued[1:] {
		if err := by.end(ctx, c.IdentityID, is.issued[0].item.Serial, is.issued[0].item.Accessor); err != nil {
			return err
		}
	}
	return nil
}
