package openbao

import (
	"context"
	"errors"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// issuer issues for one put. What it issued is kept for another try of the same put, and taken back where the put fails.
type issuer struct {
	system *System
	ctx    context.Context //nolint:containedctx // it lives as long as one call
	issued []issued
	texts  map[string]string // certificates by serial
	kept   bool
}

type issued struct {
	credential *access.Credential
	until      time.Time
	item       ledger.Item
}

// Fixed says that nothing that OpenBao issued can be shortened: a certificate is signed, and a secret id has the life that
// it was given.
func (*issuer) Fixed(ledger.Item) bool { return true }

// Issue issues what the credential asks for.
func (is *issuer) Issue(now, end time.Time, c *access.Credential, change access.Change) (ledger.Item, error) {
	s := is.system
	at := now.Truncate(time.Second)
	until := c.IssueLife(at, end).Truncate(time.Second)
	for _, x := range is.issued {
		if x.until.Equal(until) {
			return x.item, nil
		}
	}
	// The mounts have to be there before anything is issued, and the role before it can be issued by.
	if _, _, err := s.aliasOf(is.ctx, c); err != nil {
		return ledger.Item{}, err
	}
	if err := s.settleRoles(is.ctx, c, end); err != nil {
		return ledger.Item{}, err
	}
	var item ledger.Item
	var err error
	if c.Kind() == access.Certificate {
		var text string
		item, text, err = s.sign(is.ctx, c, at, until)
		if is.texts == nil {
			is.texts = map[string]string{}
		}
		is.texts[item.Serial] = text
	} else {
		item, err = s.newSecret(is.ctx, c, at, until, change.Seal)
	}
	if err == nil {
		is.issued = append(is.issued, issued{c, until, item})
	}
	return item, err
}

// keep says that the put was made with what was issued last.
func (is *issuer) keep() { is.kept = true }

// takeBack ends what was issued for a put that failed: nobody has it.
func (is *issuer) takeBack() error {
	var errs []error
	for n, x := range is.issued {
		if is.kept && n == len(is.issued)-1 {
			continue
		}
		if x.item.Serial != "" {
			errs = append(errs, is.system.revokeSerial(is.ctx, x.item.Serial))
		} else {
			errs = append(errs, is.system.destroy(is.ctx, x.credential.IdentityID, x.item.Accessor))
		}
	}
	return errors.Join(errs...)
}
