// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/durable"
	"github.com/partner-access/terraform-provider-partner/internal/order"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/policy"
)

// observer reads the ledger and what is published, and changes nothing. It needs no lock: a commit bumps the generation
// before it changes anything else, so whoever finds the same generation before and after reading has read one state of
// the ledger.
type observer struct {
	*directory
	signatures *signatures
}

// inspect compares what is published with the record of it. What cut.sh has changed is no
// finding: that takes access away, and the file in hold/ tells of it.
func (ob *observer) inspect(l *book, was published) error {
	if was.Generation != l.generation {
		return nil // it is made anew
	}
	there, err := ob.digests()
	if err != nil {
		return fail(err, nothingChanged)
	}
	for _, name := range slices.Sorted(maps.Keys(was.Files)) {
		now, found := there[name]
		digest := hex.EncodeToString(now[:])
		switch {
		case !found:
			l.find(ob.paths, ob.paths.public(name), "is gone", access.IdentityID{})
		case digest != was.Files[name] && !ob.onlyCuts(l, name, was.Files[name]):
			ob.differs(l, name, digest)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(there)) {
		if _, known := was.Files[name]; !known && ours(name) {
			ob.differs(l, name, hex.EncodeToString(func(d [sha256.Size]byte) []byte { return d[:] }(there[name])))
		}
	}
	return nil
}

// ours reports whether gateways would read a file of this name, whoever put it there: all of the folders that are
// theirs, and what OPA or a verifier loads from wherever it lies.
func ours(name string) bool {
	folder, _, nested := strings.Cut(name, "/")
	if nested && slices.Contains([]string{"policy", "ssh", "cut"}, folder) {
		return true
	}
	return slices.Contains([]string{".rego", ".json", ".yaml", ".yml", ".pem", ".gz"}, filepath.Ext(name))
}

// differs notes a file that is not as it was published, with each identity that it gives something to.
func (ob *observer) differs(l *book, name, digest string) {
	path := ob.paths.public(name)
	why := "differs from what was published (SHA-256 " + digest + "): the next change writes it again"
	of := ob.concerned(l, name)
	for _, id := range of {
		l.find(ob.paths, path, why, id)
	}
	if len(of) == 0 {
		l.find(ob.paths, path, why, access.IdentityID{})
	}
}

// concerned returns the identities of the ledger whose lines of a principals file, or parts of the policy data, are not
// as this system would write them; none where that cannot be told.
func (ob *observer) concerned(l *book, name string) (of []access.IdentityID) {
	want, known := ob.compiled(l, name)
	got, err := ob.paths.shown(name)
	if err != nil || !known {
		return nil
	}
	for _, ref := range order.Sorted(maps.Keys(l.Ledger),
		func(a, b access.Ref) int { return strings.Compare(a.ID, b.ID) }) {
		if ref.Type != access.TypeIdentity {
			continue
		}
		if id := l.Ledger[ref].Object.Holder(); !bytes.Equal(partOf(want, name, id), partOf(got, name, id)) {
			of = append(of, id)
		}
	}
	return of
}

// linesOf returns the lines of one identity in the file of a login.
func linesOf(text []byte, id access.IdentityID) (part []byte) {
	for line := range bytes.Lines(text) {
		if slices.Contains(strings.Fields(string(line)), id.String()) {
			part = append(part, line...)
		}
	}
	return part
}

// partOf returns what a published file says of one identity, in an order of its own, to be compared with what it should
// say.
func partOf(text []byte, name string, id access.IdentityID) (part []byte) {
	if strings.HasPrefix(name, principalsDir+"/") {
		return linesOf(text, id)
	}
	var d struct {
		Partner struct {
			Published struct {
				Certificates, Secrets map[string]json.RawMessage
				Identities            map[string]json.RawMessage
				Trust                 map[string]map[string]json.RawMessage
			}
		}
	}
	if json.Unmarshal(text, &d) != nil {
		return nil
	}
	p := d.Partner.Published
	part = append(part, p.Identities[id.String()]...)
	for _, proofs := range []map[string]json.RawMessage{p.Certificates, p.Secrets} {
		for _, print := range slices.Sorted(maps.Keys(proofs)) {
			if bytes.Contains(proofs[print], []byte(`"`+id.String()+`"`)) {
				part = append(append(part, print...), proofs[print]...)
			}
		}
	}
	for _, issuer := range slices.Sorted(maps.Keys(p.Trust)) {
		for _, subject := range slices.Sorted(maps.Keys(p.Trust[issuer])) {
			if proofs := p.Trust[issuer][subject]; bytes.Contains(proofs, []byte(`"`+id.String()+`"`)) {
				part = append(append(append(part, issuer...), subject...), proofs...)
			}
		}
	}
	return part
}

// compiled returns a file as this system would write it now, as far as it can be told for each identity.
func (ob *observer) compiled(l *book, name string) (text []byte, known bool) {
	p := ob.publication(draftOn(l, ob.now(), nil))
	if strings.HasPrefix(name, principalsDir+"/") {
		return policy.Principals(p)[name], true
	}
	if name != dataFile {
		return nil, false
	}
	text, err := policy.Data(p)
	return text, err == nil
}

// onlyCuts reports whether a published file differs from what was published, by its digest, only in what cut.sh does:
// it takes access away, and gives none.
func (ob *observer) onlyCuts(l *book, name, digest string) bool {
	text, err := durable.ReadFile(ob.paths.public(name))
	if err != nil {
		return false
	}
	switch {
	case name == crlFile: // more lists, which nobody believes without our signature
		return addsLists(text, digest)
	case name == krlFile: // more sections, which only revoke
		return addsSections(text, digest)
	case strings.HasPrefix(name, principalsDir+"/"): // the lines are left out of those who are on hold
		want, _ := ob.compiled(l, name)
		return bytes.Equal(want, text)
	case name == policy.HoldText:
		return draftOn(l, ob.now(), nil).hold().Says(text)
	case name == policy.HoldBundle:
		data, err := policy.Unpack(text, "data.json")
		return err == nil && draftOn(l, ob.now(), nil).hold().Says(data)
	}
	return false
}

// snapshot reads the ledger without the lock: nil where a commit was at work meanwhile, or did not finish. It is
// settled when the publication needs nothing either, or nothing that a plan may do.
func (ob *observer) snapshot() (l *book, settled bool, err error) {
	h, err := ob.paths.readHolds()
	if err != nil {
		return nil, false, err
	}
	st, err := ob.signatures.readStanding()
	if err == nil &&
		ob.dueOf(st.was, &book{generation: st.generation, holds: h, root: ob.paths.root}, false) == broken {
		return nil, false, nil
	}
	if err == nil {
		l, err = ob.paths.readLedger(st, h)
	}
	if err == nil {
		err = ob.inspect(l, st.was)
	}
	switch after, again := ob.paths.readGeneration(); {
	case again != nil:
		return nil, false, again
	case after != st.raw: // and if something went wrong, then because of that
		return nil, false, nil
	case err != nil:
		return nil, false, err
	}
	l.inspectFolders(ob.paths)
	l.inspectKeys(ob.paths)
	l.tell()
	due := ob.dueOf(st.was, l, false)
	if due == broken && len(l.damaged) == 0 {
		return nil, false, nil
	}
	return l, due == notDue || due == tampered, nil // who may not publish without what is damaged may read the rest
}

// due says what a publication needs.
type due int

const (
	notDue   due = iota
	tampered     // something is not as this system left it: the next change makes it anew
	aging        // it is whole, and should be made anew
	broken       // it is not of this ledger: a change did not finish
)

// dueOf says what the publication of a ledger needs. One that is known to be whole is not looked over.
func (ob *observer) dueOf(p published, l *book, whole bool) due {
	switch {
	case l.generation == generation{}:
		return notDue
	case p.Generation == generation{} && l.generation.Number > 1, p.Generation.Number > l.generation.Number:
		return tampered
	case p.Generation != l.generation, !whole && l.Ledger != nil && p.Census != l.census():
		return broken
	case ob.byHand(), !maps.Equal(p.Holds, l.holds), !p.RenewAt.IsZero() && !ob.now().Before(p.RenewAt):
		return aging
	case len(l.found) > 0:
		return tampered
	}
	return notDue
}
