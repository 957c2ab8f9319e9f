// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/ca"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

var _ access.Examiner = (*System)(nil)

// damage are the objects whose files cannot be read, and why. Their identities publish nothing, and everybody else goes on.
type damage map[access.Ref]error

// harms reports whether a file that cannot be read is damage of its own object. Where the machine has no more of something, or
// the disk hangs, nothing is known of any file.
func harms(err error) bool {
	return errors.Is(err, access.ErrDamaged) || errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EIO) ||
		noFile(err)
}

// noFile reports whether what lies in the place of a file is none: a directory, or a link to itself.
func noFile(err error) bool { return errors.Is(err, syscall.EISDIR) || errors.Is(err, syscall.ELOOP) }

// damagedBy returns an error of a file as damage of it.
func damagedBy(path string, err error) error {
	if d := (*access.DamagedError)(nil); errors.As(err, &d) {
		return d
	}
	if f := (*failure)(nil); errors.As(err, &f) {
		err = f.cause
	}
	return &access.DamagedError{Record: path, Problem: err}
}

// of returns a damaged record of an identity; nil where all are whole.
func (x damage) of(id access.IdentityID) error {
	if len(x) == 0 {
		return nil
	}
	for _, ref := range order.Sorted(maps.Keys(x), ledger.CompareRefs) {
		if _, holder, err := access.ParseRef(ref.Type, ref.ID); err == nil && holder == id {
			return x[ref]
		}
	}
	return nil
}

// refuse says why a change would give access to an identity with a damaged record, or to one that is to hang on it; nil where
// it does not. Less access is not refused, where its own record can be read.
func (d *draft) refuse(c access.Change) error {
	ref, above := c.Object.Ref(), c.Object.Holder()
	if i, ok := c.Object.(*access.Identity); ok {
		above = i.ParentID
	}
	if err := d.damaged[ref]; err != nil {
		return err
	}
	before := d.Ledger[ref]
	if before != nil && !before.Removed() && access.Narrows(before.Object, c.Object) {
		return nil
	}
	if err := d.damaged[above.Ref()]; err != nil {
		return err
	}
	if err := d.damaged.of(c.Object.Holder()); err != nil {
		return err
	}
	if before != nil && ref.Type == access.TypeIdentity && before.Object.(*access.Identity).ParentID == above {
		return nil // it hung there already
	}
	return d.damaged.of(above)
}

// strike begins the removal of an object, with all that is damaged below it. What is damaged is known by its name alone: its
// file goes at once, and the publication is what proves that nothing is left.
func (d *draft) strike(ref access.Ref, uid string) (victims []*ledger.Entry, err error) {
	_, holder, err := access.ParseRef(ref.Type, ref.ID)
	if err != nil {
		return nil, err
	}
	if d.damaged[ref] == nil {
		victims, err = d.Strike(ref, uid)
	} else {
		victims, err = d.strikeDamaged(ref, holder)
	}
	if err != nil {
		return nil, err
	}
	taken := map[access.IdentityID]bool{}
	for _, v := range victims {
		if v.Ref().Type == access.TypeIdentity {
			taken[v.Object.Holder()] = true
		}
	}
	for _, other := range order.Sorted(maps.Keys(d.damaged), ledger.CompareRefs) {
		if _, of, _ := access.ParseRef(other.Type, other.ID); !taken[of] {
			continue
		}
		delete(d.damaged, other)
		lost, err := bare(other)
		if err != nil {
			return nil, err
		}
		victims = append(victims, lost)
	}
	return victims, nil
}

// strikeDamaged begins the removal of an object whose record cannot be read: it is given up, and what hangs on it is marked.
func (d *draft) strikeDamaged(ref access.Ref, holder access.IdentityID) ([]*ledger.Entry, error) {
	own, err := bare(ref)
	if err != nil {
		return nil, err
	}
	delete(d.damaged, ref)
	victims := []*ledger.Entry{own}
	if ref.Type == access.TypeIdentity {
		below := d.Under(holder)
		d.Mark(below)
		victims = append(victims, below...)
	}
	return victims, nil
}

// bare returns an entry of which only the name is known.
func bare(ref access.Ref) (*ledger.Entry, error) {
	o, err := access.Bare(ref)
	return &ledger.Entry{Object: o}, err
}

// admittedCertificate is a certificate as the publication admits it.
type admittedCertificate struct {
	Identity access.IdentityID `json:"identity"`
	Serial   string            `json:"serial"`
	EndsAt   time.Time         `json:"ends_at"`
}

// admitted reads the certificates that the last publication admits. None where it cannot be read: it is made anew from the ledger.
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
			Version: version, Kind: access.Certificate, Identity: c.Identity, At: d.Now.Truncate(time.Second), Until: c.EndsAt, Withheld: true,
			Serial: strings.Repeat("0", max(0, 32-len(c.Serial))) + c.Serial, // it is published without its zeros
		}
		if _, already := d.revoked[r.file()]; !already && ca.IsSerial(r.Serial) && !known[r.Serial] && c.EndsAt.After(d.Now) {
			d.revoked[r.file()] = r
		}
	}
	return nil
}

// giveBack gives certificates back whose record is there again.
func (d *draft) giveBack() {
	var known map[string]bool
	for name, r := range d.revoked {
		if !r.Withheld {
			continue
		}
		if known == nil {
			known = d.serials()
		}
		if known[r.Serial] {
			delete(d.revoked, name)
		}
	}
}

// serials returns those of all certificates that a record knows.
func (d *draft) serials() map[string]bool {
	known := map[string]bool{}
	for _, e := range d.Ledger {
		for _, i := range e.Issued {
			known[i.Serial] = true
		}
	}
	return known
}

// unreadable returns what a damaged file of the revoked still says by its name: it stays revoked until somebody mends or removes it.
func unreadable(name string, err error) (revocation, bool) {
	kind, serial, found := strings.Cut(strings.TrimSuffix(name, ".json"), "-")
	told := slices.Contains(append(signedKinds(), tokenKind), access.Kind(kind))
	return revocation{Kind: access.Kind(kind), Serial: serial, At: time.Unix(0, 0).UTC(), Until: lastNanosecond, damage: err}, told && found && serial != ""
}

// Damaged returns the records that cannot be read.
func (s *System) Damaged(ctx context.Context) ([]access.Damage, error) {
	l, err := s.view(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for damaged records: %w", err)
	}
	var all []access.Damage
	for ref, err := range l.damaged {
		all = append(all, s.damageOf(ref, s.paths.object(ref), err))
	}
	for name, r := range l.revoked {
		if r.damage != nil {
			all = append(all, s.damageOf(access.Ref{}, s.paths.revocationFile(name), r.damage))
		}
	}
	for _, f := range l.found {
		all = append(all, access.Damage{NativeID: f.file, Why: f.file + " " + f.why})
	}
	order.Sort(all, func(a, b access.Damage) int {
		return cmp.Or(ledger.CompareRefs(a.Ref, b.Ref), cmp.Compare(a.NativeID, b.NativeID))
	})
	return all, nil
}

// damageOf returns damage of an object, or of nothing declared where the reference is zero, by the path of its file below the
// directory.
func (s *System) damageOf(ref access.Ref, path string, err error) access.Damage {
	name, relErr := filepath.Rel(s.paths.root, path)
	if relErr != nil {
		name = path
	}
	return access.Damage{Ref: ref, NativeID: filepath.ToSlash(name), Why: err.Error()}
}
