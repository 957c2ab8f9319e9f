// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/durable"
	"github.com/partner-access/terraform-provider-partner/internal/order"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// observer reads the ledger and what is published, and changes nothing.
type observer struct {
	*directory
	signatures *signatures
}

// finding is a file that is not as this system left it.
type finding struct {
	// file is its path below the directory, with why after it a sentence without its stop.
	file, why string
	// identity is whose it is; zero where it is of nobody.
	identity access.IdentityID
}

func (f finding) String() string { return f.file + " " + f.why + "." }

// ofKeys reports whether it is of the keys.
func (f finding) ofKeys() bool { return strings.HasPrefix(f.file, "keys/") }

func (st *standing) find(p paths, path, why string) {
	st.found = append(st.found, finding{file: p.named(path), why: why})
}

// find notes a finding.
func (l *book) find(p paths, path, why string, of access.IdentityID) {
	l.found = append(l.found, finding{file: p.named(path), why: why, identity: of})
}

// named returns the path of a file below the directory.
func (p paths) named(path string) string {
	name, err := filepath.Rel(p.root, path)
	if err != nil {
		return path
	}
	return filepath.ToSlash(name)
}

// plant notes a file that nobody signed. It is not read: the next change takes it away.
func (l *book) plant(p paths, path string, of access.IdentityID) {
	why := "was put there by somebody else. It is not signed and gives nothing. The next change removes it"
	if text, err := durable.ReadFile(path); err == nil {
		why += " (SHA-256 " + digestOf(text) + ")"
	}
	l.planted = append(l.planted, path)
	l.find(p, path, why, of)
}

// unplanted returns the objects that are signed.
func (l *book) unplanted(p paths, refs []access.Ref) []access.Ref {
	return slices.DeleteFunc(refs, func(ref access.Ref) bool {
		path := p.object(ref)
		_, listed := l.sums.files[p.listed(path)]
		if !listed {
			_, holder, _ := access.ParseRef(ref.Type, ref.ID)
			l.plant(p, path, holder)
		}
		return !listed
	})
}

// missingRevocation makes a revocation whose file is gone of its name.
func (l *book) missingRevocation(file, path string) {
	if _, ok := l.revoked[file]; ok {
		return
	}
	if r, ok := unreadable(file, &access.DamagedError{Record: path, Problem: errGone}); ok {
		l.revoked[file] = r
	}
}

// missing notes what is signed and gone. Of what was revoked, the name says all that is needed.
func (l *book) missing(p paths) {
	for name := range l.sums.files {
		path := p.in("ledger", filepath.FromSlash(name))
		if file, ok := strings.CutPrefix(name, "revoked/"); ok {
			l.missingRevocation(file, path)
		}
		holder, object := splitListed(name)
		if id, err := access.ParseIdentityID(holder); err == nil && object == stoneFile {
			if _, read := l.stones[id]; !read {
				l.find(p, path, "is gone: no release lifts a hold until it is written again", id)
				l.stones[id], l.lost[name] = ledger.Tombstone{Damaged: true}, true
			}
			continue
		}
		ref, ours := refOf(holder, object)
		if ours && l.Ledger[ref] == nil && l.damaged[ref] == nil {
			_, of, _ := access.ParseRef(ref.Type, ref.ID)
			l.find(p, path, "is gone: somebody removed it", of)
			l.lost[name] = true
		}
	}
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

// inspectFolders notes what stands where a folder belongs.
func (l *book) inspectFolders(p paths) {
	for _, folder := range p.folders() {
		if to, ok := leadsNowhere(folder); ok {
			l.find(p, folder, fmt.Sprintf("is a link to %s, which does not exist: mount that, or remove the link", to), access.IdentityID{})
		} else if blocked(folder) {
			l.find(p, folder, "is no longer a folder: the next change makes it one", access.IdentityID{})
		}
	}
}

// ours reports whether gateways would read a file of this name, whoever put it there: all of the folders that are theirs, and what OPA
// or a verifier loads from wherever it lies.
func ours(name string) bool {
	folder, _, nested := strings.Cut(name, "/")
	if nested && slices.Contains([]string{"policy", "ssh", "cut"}, folder) {
		return true
	}
	return slices.Contains([]string{".rego", ".json", ".yaml", ".yml", ".pem", ".gz"}, filepath.Ext(name))
}

// differs notes a file that is not as it was published, with each identity that it gives something to.
func (ob *observer) differs(l *book, name, digest string) {
	path, why := ob.paths.public(name), "differs from what was published (SHA-256 "+digest+"): the next change writes it again"
	of := ob.concerned(l, name)
	for _, id := range of {
		l.find(ob.paths, path, why, id)
	}
	if len(of) == 0 {
		l.find(ob.paths, path, why, access.IdentityID{})
	}
}

// concerned returns the identities of the ledger whose lines of a principals file, or parts of the policy data, are not as this
// system would write them; none where that cannot be told.
func (ob *observer) concerned(l *book, name string) (of []access.IdentityID) {
	want, known := ob.compiled(l, name)
	got, err := ob.paths.shown(name)
	if err != nil || !known {
		return nil
	}
	for _, ref := range order.Sorted(maps.Keys(l.Ledger), func(a, b access.Ref) int { return strings.Compare(a.ID, b.ID) }) {
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

// partOf returns what a published file says of one identity.
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

// tell gives each finding to the identity that is to tell of it: its own, and what is of nobody, or of what the ledger does not
// know, to the first. So there is always a change that heals it.
func (l *book) tell() {
	if len(l.found) == 0 {
		return
	}
	var first access.IdentityID
	for ref, e := range l.Ledger {
		if id := e.Object.Holder(); ref.Type == access.TypeIdentity && !e.Removed() && (first == access.IdentityID{} || id.String() < first.String()) {
			first = id
		}
	}
	l.drifts = map[access.IdentityID][]string{}
	for _, f := range l.found {
		of := f.identity
		if l.Ledger[of.Ref()] == nil {
			of = first
		}
		l.drifts[of] = append(l.drifts[of], f.String())
	}
}
