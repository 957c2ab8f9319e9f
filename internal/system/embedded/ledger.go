// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/partner-access/terraform-provider-partner/internal/access"
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

// revocation is a certificate, or a token of our own, that was revoked before its natural end. It outlives its identity.
type revocation struct {
	Version  int               `json:"version"`
	Kind     access.Kind       `json:"kind"`
	Serial   string            `json:"serial"`
	Identity access.IdentityID `json:"identity"`
	At       time.Time         `json:"at"`
	Until    time.Time         `json:"until"`
	// Withheld: nobody revoked it, but its record cannot be read. It is given back with the record.
	Withheld bool `json:"withheld,omitzero"`
	// damage is why the file cannot be read; nil where it can.
	damage error
}

func (r revocation) file() string { return string(r.Kind) + "-" + r.Serial + ".json" }

// census returns a digest of which objects are there.
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

// readLedger reads everything that is signed, on as many cores as there are. Files that are none of ours are left alone.
func (p paths) readLedger(st standing, h ledger.Holds) (*book, error) {
	l := &book{
		Ledger: ledger.Ledger{}, generation: st.generation, raw: st.raw, revoked: map[string]revocation{}, holds: h, stones: ledger.Tombstones{},
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

// refs returns the objects that have a file. An identity's directory that cannot be read is damage of it. It reads the tombstones
// that lie beside them.
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

// draft is a book in the making.
type draft struct {
	*ledger.Draft
	base       *book // what it is a draft on
	system     string
	generation generation
	revoked    map[string]revocation
	damaged    damage
	sums       sums
	root       string
	rehearsed  map[string]time.Time
	remembers  bool // rehearsed is more than it was
	floor      floorBase
	lays       bool // the floor is another than it was
}

// draftOn returns a draft on a book. Who only looks what would follow names no issuer.
func draftOn(b *book, now time.Time, by ledger.Issuer) *draft {
	d := &draft{
		Draft: ledger.NewDraft(b.Ledger, now, by), base: b, system: b.system, generation: b.generation, revoked: maps.Clone(b.revoked),
		damaged: maps.Clone(b.damaged), sums: b.sums, root: b.root,
	}
	d.Holds, d.Tombstones, d.rehearsed = b.holds, maps.Clone(b.stones), maps.Clone(b.rehearsed)
	d.floor = b.floor
	d.Revoke = d.revoke
	return d
}

// asBook returns the draft as it is.
func (d *draft) asBook() *book {
	return &book{
		Ledger: d.Ledger, system: d.system, generation: d.generation, revoked: d.revoked, holds: d.Holds, stones: d.Tombstones,
		damaged: d.damaged, sums: d.sums, root: d.root, rehearsed: d.rehearsed, floor: d.floor,
	}
}

// listed returns what was revoked, sorted, without whose it was: gateways may read it.
func (d *draft) listed() (all []revocation) {
	for _, name := range slices.Sorted(maps.Keys(d.revoked)) {
		r := d.revoked[name]
		r.Identity = access.IdentityID{}
		all = append(all, r)
	}
	return all
}

// census returns a digest of which objects are there.
func (d *draft) census() string { return d.asBook().census() }

// conclude draws the consequences of a change: what cannot be shortened is revoked, and what has ended is forgotten.
func (d *draft) conclude() {
	d.Settle()
	d.Prune()
	d.giveBack()
	for name, r := range d.revoked {
		if !r.Until.Add(grace).After(d.Now) {
			delete(d.revoked, name)
		}
	}
}

// grace is how long a revoked certificate stays listed after its end, for gateways whose clocks are late.
const grace = 24 * time.Hour

// revoke lists a certificate that ends before its time, until it would have ended by itself.
func (d *draft) revoke(c *access.Credential, i ledger.Item) (undo func()) {
	if i.Serial == "" || !i.Until.After(d.Now) {
		return nil
	}
	r := revocation{Version: version, Kind: c.Kind(), Serial: i.Serial, Identity: c.IdentityID, At: d.Now.Truncate(time.Second), Until: i.Until}
	if _, already := d.revoked[r.file()]; already {
		return nil
	}
	d.revoked[r.file()] = r
	return func() { delete(d.revoked, r.file()) }
}
