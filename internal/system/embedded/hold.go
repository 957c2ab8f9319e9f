package embedded

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/ca"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// A partner is cut by hand in two steps, without Terraform, keys or state: a file hold/PARTNER makes it last, and what
// lies in publish/cut/PARTNER/, copied over publish/, makes it act at the gateways' next pull. Every publication makes
// these folders anew: they hold the files that would differ without the partner, signed where a signature is needed. The
// policy bundle is not among them: who is on hold has a small bundle of its own.

// holds are the partners that are on hold, by the moment at which the file of each was last written.
type holds map[string]time.Time

// readHolds reads hold/. Whatever bears the name of a partner holds it, also a folder or a dangling link.
func (p paths) readHolds() (holds, error) {
	files, err := os.ReadDir(p.holds())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fail(err, nothingChanged)
	}
	found := holds{}
	for _, f := range files {
		if !access.ValidPart(f.Name()) {
			continue
		}
		info, err := f.Info()
		if errors.Is(err, fs.ErrNotExist) { // it was taken away meanwhile
			continue
		}
		if err != nil {
			return nil, fail(err, nothingChanged)
		}
		found[f.Name()] = info.ModTime().UTC()
	}
	if len(found) == 0 {
		return nil, nil
	}
	return found, nil
}

// lifts says whether an entry has a value of hold_released that was never applied to it before.
func lifts(before, after *ledger.Entry) bool {
	i, isIdentity := after.Object.(*access.Identity)
	return isIdentity && i.HoldReleased != "" && (before == nil || !slices.Contains(before.History.Released, i.HoldReleased))
}

// holding says whether the hold of an identity's own partner is in force on it.
func (h holds) holding(id access.IdentityID, e *ledger.Entry) bool {
	since, on := h[id.Partner]
	return on && since.After(e.HoldLifted)
}

// held says whether an identity was cut by hand, or anything above it.
func held(l ledger.Ledger, h holds, id access.IdentityID) bool {
	if len(h) == 0 {
		return false
	}
	return slices.ContainsFunc(line(l, id), func(member access.IdentityID) bool {
		e := l[member.Ref()]
		return e != nil && h.holding(member, e)
	})
}

// line is an identity with all that it hangs on, itself first.
func line(l ledger.Ledger, id access.IdentityID) []access.IdentityID {
	ids := []access.IdentityID{id}
	for i, _ := l.Identity(id); i != nil && i.ParentID != (access.IdentityID{}) && len(ids) <= len(l); i, _ = l.Identity(i.ParentID) {
		ids = append(ids, i.ParentID)
	}
	return ids
}

// cut says whether an identity gives no access, by declaration or by hand, or because a record of it cannot be read.
func (d *draft) cut(id access.IdentityID) bool {
	return d.Standing(id).Cut() || held(d.Ledger, d.holds, id) || d.damaged.of(id) != nil
}

// hold is who is on hold, as gateways are told. A partner whose identities were all released is not.
func (d *draft) hold() policy.Hold {
	var h policy.Hold
	if len(d.holds) == 0 {
		return h
	}
	on := map[string]bool{}
	for partner := range d.holds {
		on[partner] = true // also one that has no identity yet
	}
	free := map[string]bool{}
	for _, e := range d.Ledger {
		i, ok := e.Object.(*access.Identity)
		if !ok || e.Removed() || !on[i.ID.Partner] {
			continue
		}
		if d.holds.holding(i.ID, e) {
			free[i.ID.Partner] = false
			continue
		}
		if _, known := free[i.ID.Partner]; !known {
			free[i.ID.Partner] = true
		}
		h.Released = append(h.Released, i.ID)
	}
	h.Partners = slices.Sorted(maps.Keys(on))
	h.Partners = slices.DeleteFunc(h.Partners, func(partner string) bool { return free[partner] })
	h.Released = slices.DeleteFunc(h.Released, func(id access.IdentityID) bool { return free[id.Partner] })
	return h
}

// without is who is on hold once a partner is cut, too.
func without(h policy.Hold, partner string) policy.Hold {
	h.Partners = append(slices.DeleteFunc(slices.Clone(h.Partners), func(p string) bool { return p == partner }), partner)
	h.Released = slices.DeleteFunc(slices.Clone(h.Released), func(id access.IdentityID) bool { return id.Partner == partner })
	return h
}

// cutting is what changes where a partner is cut.
type cutting struct {
	identities map[access.IdentityID]bool // its own, and what hangs on them
	revoked    revocations                // what they hold, beside what is revoked anyway
}

// holdFiles say in a folder who is on hold; nil where they stay as this process left them. To sign and pack the same for each
// partner again would be most of what a change costs where there are many.
func (s *System) holdFiles(h policy.Hold, folder string) (map[string][]byte, error) {
	text, err := h.Text()
	if err != nil {
		return nil, err
	}
	digest, there := s.known.digests[folder+policy.HoldText]
	if _, packed := s.known.digests[folder+policy.HoldBundle]; there && packed && digest == sha256.Sum256(text) {
		return map[string][]byte{policy.HoldText: nil, policy.HoldBundle: nil}, nil
	}
	return policy.HoldFiles(h, s.signer)
}

// cuttings are all partners that have an identity, with what is cut with each.
func (s *System) cuttings(d *draft) map[string]*cutting {
	all := map[string]*cutting{}
	for _, e := range d.Ledger {
		i, ok := e.Object.(*access.Identity)
		if !ok || e.Removed() {
			continue
		}
		for _, member := range line(d.Ledger, i.ID) {
			c := all[member.Partner]
			if c == nil {
				c = &cutting{identities: map[access.IdentityID]bool{}}
				all[member.Partner] = c
			}
			c.identities[i.ID] = true
		}
	}
	for _, ref := range slices.SortedFunc(maps.Keys(d.Ledger), ledger.CompareRefs) {
		e := d.Ledger[ref]
		c, ok := e.Credential()
		if !ok || len(e.Issued) == 0 || e.Removed() || d.cut(c.IdentityID) {
			continue
		}
		for _, partner := range partners(line(d.Ledger, c.IdentityID)) {
			for _, i := range e.Issued {
				all[partner].revoked.add(c.Kind(), ca.Revoked{Serial: i.Serial, At: d.Now, Hold: true})
			}
		}
	}
	return all
}

// partners are whose identities these are, each once.
func partners(ids []access.IdentityID) (all []string) {
	for _, id := range ids {
		if !slices.Contains(all, id.Partner) {
			all = append(all, id.Partner)
		}
	}
	return all
}

// cutFolder is where the files lie that cut a partner.
func cutFolder(partner string) string { return "cut/" + partner + "/" }

// without are the lines of a principals file that stay: each ends with the id of its identity.
func (c *cutting) without(text []byte) []byte {
	left := []byte{}
	for line := range bytes.Lines(text) {
		fields := strings.Fields(string(line))
		if id, err := access.ParseIdentityID(fields[len(fields)-1]); err != nil || !c.identities[id] {
			left = append(left, line...)
		}
	}
	return left
}

// cutFiles are the files that cut each partner, but for the lists of what is revoked: without what is not its own.
func (s *System) cutFiles(p policy.Publication, all map[string]*cutting, principals map[string][]byte) (map[string][]byte, error) {
	files := map[string][]byte{}
	for partner, c := range all {
		hold, err := s.holdFiles(without(p.Hold, partner), cutFolder(partner))
		if err != nil {
			return nil, err
		}
		for name, text := range principals {
			if left := c.without(text); len(left) < len(text) {
				hold[name] = left
			}
		}
		for name, text := range hold {
			files[cutFolder(partner)+name] = text
		}
	}
	return files, nil
}
