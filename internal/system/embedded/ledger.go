// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/durable"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// book is the ledger as the files have it at one generation. Once it is shared it is never changed.
type book struct {
	ledger.Ledger
	system     string // the id of the system; "" where it has none yet, or it was lost
	idLost     bool   // the file of the id is damaged or gone
	generation generation
	changedAt  time.Time             // when the last change was made; zero where nothing says
	revoked    map[string]revocation // by the name of their file
	holds      ledger.Holds
	stones     ledger.Tombstones
	rehearsed  map[string]time.Time // when each partner was rehearsed last
	floor      floorBase
	damaged    damage
	// raw is the generation as it lay there, and sums are what it signed.
	raw  generation
	sums sums
	// found is what is not as this system left it, and planted the paths of what it never put there.
	found   []finding
	planted []string
	lost    map[string]bool                // what is signed and gone, by its name in the sums
	drifts  map[access.IdentityID][]string // what each identity is to tell of it
	root    string                         // the directory, for the steps that are told
}

// census returns a digest of which objects are there, by their uids. The record of the publication has it, so that a
// publication of another ledger is told from one of this.
func (l *book) census() string {
	lines := make([]string, 0, len(l.Ledger))
	for ref, e := range l.Ledger {
		lines = append(lines, ref.String()+" "+e.History.UID+"\n")
	}
	for ref := range l.damaged {
		lines = append(lines, ref.String()+" damaged\n")
	}
	slices.Sort(lines)
	digest := sha256.New()
	for _, line := range lines {
		digest.Write([]byte(line))
	}
	return hex.EncodeToString(digest.Sum(nil))
}

// readLedger reads everything that is signed. What nobody signed is noted as planted, and gives nothing; what is signed
// and gone or damaged is noted, too, and stops nobody else. If the list of what is signed cannot be read, or the disk
// fails, that is an error. Files that are none of ours are left alone.
func (p paths) readLedger(st standing, h ledger.Holds) (*book, error) {
	l := &book{
		Ledger: ledger.Ledger{}, generation: st.generation, raw: st.raw, revoked: map[string]revocation{}, holds: h,
		stones:  ledger.Tombstones{},
		damaged: damage{}, found: st.found, lost: map[string]bool{}, root: p.root,
	}
	if st.was.Generation == st.generation {
		l.changedAt = st.was.ChangedAt
	}
	var damaged []string
	var err error
	if l.sums, damaged, err = p.readSums(st.generation); err != nil {
		return nil, err
	}
	for _, path := range damaged {
		l.find(p, path, "is damaged", access.IdentityID{})
	}
	refs, err := p.refs(l.damaged, l)
	if err == nil {
		err = l.identity(p, st.was)
	}
	if err == nil {
		err = l.readRehearsed(p)
	}
	if err == nil {
		err = l.readFloor(p, st.was)
	}
	if err != nil {
		return nil, err
	}
	if err := l.readEntries(p, l.unplanted(p, refs)); err != nil {
		return nil, err
	}
	return l, p.readRevoked(l)
}

// readers is how many files are read at a time: most of it is waiting for the kernel.
const readers = 4

// readEntries reads the files of objects. One that cannot be read is damage of that object, and stops no other.
func (l *book) readEntries(p paths, refs []access.Ref) error {
	entries := make([]*ledger.Entry, len(refs))
	errs := make([]error, len(refs))
	var all errgroup.Group
	all.SetLimit(readers)
	for i, ref := range refs {
		all.Go(func() error {
			entries[i], errs[i] = readEntry(p, l.sums, ref)
			return nil
		})
	}
	_ = all.Wait()
	for i, err := range errs {
		switch {
		case err == nil:
			l.Ledger[refs[i]] = entries[i]
		case harms(err):
			l.damaged[refs[i]] = damagedBy(p.object(refs[i]), err)
		default:
			return err
		}
	}
	return nil
}

// refs returns the objects that have a file. An identity's directory that cannot be read is damage of it. It reads the
// tombstones that lie beside them.
func (p paths) refs(damaged damage, l *book) ([]access.Ref, error) {
	var refs []access.Ref
	err := p.directories("", 3, func(holder string) error {
		files, err := os.ReadDir(p.in("ledger", filepath.FromSlash(holder)))
		for _, f := range files {
			if ref, ours := refOf(holder, f.Name()); ours {
				refs = append(refs, ref)
			}
			if id, notAnID := access.ParseIdentityID(holder); notAnID == nil && f.Name() == stoneFile {
				if err := l.readStone(p, id); err != nil {
					return err
				}
			}
		}
		if harms(err) {
			ref := access.Ref{Type: access.TypeIdentity, ID: holder}
			damaged[ref] = damagedBy(p.object(ref), err)
			return nil
		}
		return err
	})
	return refs, fail(err, nothingChanged)
}

// readStone reads a tombstone. One that cannot be read lets no release lift anything, and stands in nobody else's way.
func (l *book) readStone(p paths, id access.IdentityID) error {
	path := p.stone(id)
	if _, listed := l.sums.files[p.listed(path)]; !listed {
		l.plant(p, path, id)
		return nil
	}
	var t ledger.Tombstone
	_, err := readSigned(p, l.sums, path, &t)
	if harms(err) {
		l.find(p, path, "is damaged: no release lifts a hold until it is written again", id)
		t, err = ledger.Tombstone{Damaged: true}, nil
	}
	l.stones[id] = t
	return err
}

// directories visits the directories so many levels down whose names may be parts of an id.
func (p paths) directories(at string, levels int, visit func(string) error) error {
	if levels == 0 {
		return visit(at)
	}
	below, err := os.ReadDir(p.in("ledger", filepath.FromSlash(at)))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, d := range below {
		if d.IsDir() && access.ValidPart(d.Name()) {
			if err := p.directories(strings.TrimPrefix(at+"/"+d.Name(), "/"), levels-1, visit); err != nil {
				return err
			}
		}
	}
	return nil
}

// readRevoked reads the files of what was revoked. One that nobody signed is planted, and revokes nothing.
func (p paths) readRevoked(l *book) error {
	files, err := os.ReadDir(p.revoked())
	if err != nil && !missing(err) {
		return fail(err, nothingChanged)
	}
	for _, f := range files {
		if f.IsDir() || filepath.Ext(f.Name()) != ".json" {
			continue
		}
		if _, listed := l.sums.files["revoked/"+f.Name()]; !listed {
			l.plant(p, p.revocationFile(f.Name()), access.IdentityID{})
			continue
		}
		r, err := p.readRevocation(l.sums, f.Name())
		if err != nil {
			return err
		}
		l.revoked[f.Name()] = r
	}
	l.missing(p)
	return nil
}

// readRevocation reads one file of what was revoked. Of a damaged one the name still says what it revokes.
func (p paths) readRevocation(s sums, name string) (revocation, error) {
	var r revocation
	path := p.revocationFile(name)
	_, err := readSigned(p, s, path, &r)
	if err == nil && r.file() != name {
		err = corrupt(path, errors.New("it belongs to another certificate than its name says"))
	}
	if err == nil {
		return r, nil
	}
	r, told := unreadable(name, damagedBy(path, err))
	if !told || !harms(err) {
		return revocation{}, err
	}
	return r, nil
}

// lastNanosecond is the last moment that OPA can compare: it counts nanoseconds since 1970 in 63 bits.
var lastNanosecond = time.Unix(0, 1<<63-1)

// unreadable returns what a damaged file of the revoked still says by its name: it stays revoked until
// somebody mends or removes it.
func unreadable(name string, err error) (revocation, bool) {
	kind, serial, found := strings.Cut(strings.TrimSuffix(name, ".json"), "-")
	told := slices.Contains(append(signedKinds(), tokenKind), access.Kind(kind))
	return revocation{
			Kind:   access.Kind(kind),
			Serial: serial,
			At:     time.Unix(0, 0).UTC(),
			Until:  lastNanosecond,
			damage: err,
		}, told &&
			found &&
			serial != ""
}

// find notes a finding.
func (l *book) find(p paths, path, why string, of access.IdentityID) {
	l.found = append(l.found, finding{file: p.named(path), why: why, identity: of})
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

// inspectFolders notes what stands where a folder belongs.
func (l *book) inspectFolders(p paths) {
	for _, folder := range p.folders() {
		if to, ok := leadsNowhere(folder); ok {
			l.find(p, folder, fmt.Sprintf("is a link to %s, which does not exist: mount that, or remove the link", to),
				access.IdentityID{})
		} else if blocked(folder) {
			l.find(p, folder, "is no longer a folder: the next change makes it one", access.IdentityID{})
		}
	}
}

// tell gives each finding to the identity that is to tell of it: its own, and what is of nobody, or of what the ledger
// does not know, to the first. So there is always a change that heals it.
func (l *book) tell() {
	if len(l.found) == 0 {
		return
	}
	var first access.IdentityID
	for ref, e := range l.Ledger {
		if id := e.Object.Holder(); ref.Type == access.TypeIdentity &&
			!e.Removed() &&
			(first == access.IdentityID{} || id.String() < first.String()) {
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
