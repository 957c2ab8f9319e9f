// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/ca"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// takeOver takes into a ledger that was put back, and accepted, what became of access since, as far as the
// newer publication tells: what was revoked stays revoked, and what was removed or suspended is as a removal
// that did not come to its end. A restored backup would otherwise give back what was taken away after it.
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
		// what this batch has put is newer than both
		if d.Ledger[ref] != v || v.Removed() || !e.endedSince(v, d.revoked) {
			continue
		}
		if _, err := d.Strike(ref, v.History.UID); err != nil {
			return err
		}
	}
	return nil
}

// endedSince reports whether an object of an older ledger gives nothing in the newer publication. What is admitted by
// lists of revoked serials alone, as certificates for SSH are, is not in the publication: the lists tell of it.
func (e *evidence) endedSince(v *ledger.Entry, revoked map[string]revocation) bool {
	published := &e.data.Partner.Published
	switch o := v.Object.(type) {
	case *access.Identity:
		now, there := published.Identities[o.ID.String()]
		return !there || (now.Suspended && !o.Suspended)
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

// admittedCertificate is a certificate as the publication admits it.
type admittedCertificate struct {
	Identity access.IdentityID `json:"identity"`
	Serial   string            `json:"serial"`
	EndsAt   time.Time         `json:"ends_at"`
}

// admitted reads the certificates that the last publication admits. None where it cannot be read: it is
// made anew from the ledger.
func (co *committer) admitted() (map[string]admittedCertificate, error) {
	text, err := co.paths.shown(dataFile)
	if errors.Is(err, fs.ErrNotExist) || noFile(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var last struct {
		Partner struct {
			Published struct {
				Certificates map[string]admittedCertificate `json:"certificates"`
			} `json:"published"`
		} `json:"partner"`
	}
	if json.Unmarshal(text, &last) != nil {
		return nil, nil //nolint:nilerr // there is no publication, or none that can be read: it is made anew
	}
	return last.Partner.Published.Certificates, nil
}

// withhold puts certificates on hold that the last publication admits and no record knows: their record is damaged, or
// somebody took it away. Gateways that ask only the revocation list would go on to admit them.
func (co *committer) withhold(d *draft) error {
	admitted, err := co.admitted()
	if err != nil {
		return err
	}
	known := d.serials()
	for _, c := range admitted {
		r := revocation{
			Version: version, Kind: access.Certificate, Identity: c.Identity, At: d.Now.Truncate(time.Second),
			Until: c.EndsAt, Withheld: true,
			Serial: strings.Repeat("0", max(0, 32-len(c.Serial))) + c.Serial, // it is published without its zeros
		}
		if _, already := d.revoked[r.file()]; !already &&
			ca.IsSerial(r.Serial) &&
			!known[r.Serial] &&
			c.EndsAt.After(d.Now) {
			d.revoked[r.file()] = r
		}
	}
	return nil
}
