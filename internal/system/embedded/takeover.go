// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// takeOver takes into a ledger that was put back, and accepted, what became of access since, as far as the newer publication
// tells: what was revoked stays revoked, and what was removed or suspended is as a removal that did not come to its end.
func (co *committer) takeOver(base *book, d *draft, in scope) error {
	newer, err := co.signatures.lastRecord()
	if err != nil || !in.changes || newer.Generation.Number <= base.generation.Number {
		return err
	}
	for _, r := range newer.Revoked {
		d.revoked[r.file()] = r
	}
	there, err := co.digests()
	if err != nil {
		return err
	}
	if now := there[dataFile]; hex.EncodeToString(now[:]) != newer.Files[dataFile] {
		return fmt.Errorf("%w: %s differs from what generation %d published, and nothing else tells what was removed "+
			"since generation %d: restore it",
			errNotAuthentic, co.paths.public(dataFile), newer.Generation.Number, base.generation.Number)
	}
	e, err := co.observer.readEvidence()
	if err != nil {
		return err
	}
	for _, ref := range order.Sorted(maps.Keys(base.Ledger), ledger.CompareRefs) {
		v := base.Ledger[ref]
		if d.Ledger[ref] != v || v.Removed() || !e.endedSince(v, d.revoked) { // what this batch has put is newer than both
			continue
		}
		if _, err := d.Strike(ref, v.History.UID); err != nil {
			return err
		}
	}
	return nil
}

// endedSince reports whether an object of an older ledger gives nothing in the newer publication.
func (e *evidence) endedSince(v *ledger.Entry, revoked map[string]revocation) bool {
	published := &e.data.Partner.Published
	switch o := v.Object.(type) {
	case *access.Identity:
		now, there := published.Identities[o.ID.String()]
		return !there || now.Suspended && !o.Suspended
	case *access.Grant:
		return e.grants(o, o.IdentityID.String()) == ""
	case *access.Credential:
		if !traitOf(o.Kind()).listedOnly {
			return !e.proves(o, v, o.IdentityID.String())
		}
		return slices.ContainsFunc(v.Issued, func(i ledger.Item) bool {
			_, ok := revoked[revocation{Kind: o.Kind(), Serial: i.Serial}.file()]
			return ok
		})
	}
	return false
}
