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
	"sync"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// generation names one state of the ledger. Its number grows from commit to commit; its id tells it from one of the same
// number before a backup was restored.
type generation struct {
	Version int    `json:"version"`
	Number  int64  `json:"number"`
	ID      string `json:"id"`
}

func (p paths) readGeneration() (generation, error) {
	var g generation
	_, err := readFile(p.generation(), &g)
	return g, err
}

// ledger is everything that exists, at one generation. Once it is shared it is never changed.
type ledger struct {
	generation generation
	entries    map[access.Ref]*entry
	revoked    map[string]revocation // by the name of their file
}

// revocation is a certificate that was revoked before its natural end. It outlives its identity.
type revocation struct {
	Version  int               `json:"version"`
	Kind     access.Kind       `json:"kind"`
	Serial   string            `json:"serial"`
	Identity access.IdentityID `json:"identity"`
	At       time.Time         `json:"at"`
	Until    time.Time         `json:"until"`
}

func (r revocation) file() string { return string(r.Kind) + "-" + r.Serial + ".json" }

// unborn: there are objects, but no generation of them was ever finished; somebody put them there.
func (l *ledger) unborn() bool { return l.generation == generation{} && len(l.entries) > 0 }

// census is a digest of which objects are there.
func (l *ledger) census() string {
	lines := make([]string, 0, len(l.entries))
	for ref, e := range l.entries {
		lines = append(lines, ref.String()+" "+e.history.UID+"\n")
	}
	slices.Sort(lines)
	digest := sha256.New()
	for _, line := range lines {
		digest.Write([]byte(line))
	}
	return hex.EncodeToString(digest.Sum(nil))
}

// has says whether an object of a uid is there.
func (l *ledger) has(ref access.Ref, uid string) bool {
	e, found := l.entries[ref]
	return found && e.history.UID == uid
}

// identity is an identity that gives access or could: one whose removal was begun is none.
func (l *ledger) identity(id access.IdentityID) (*access.Identity, *entry) {
	e, found := l.entries[id.Ref()]
	if !found || e.removed() {
		return nil, nil
	}
	i, _ := e.object.(*access.Identity)
	return i, e
}

// standing is how an identity stands, with all above it.
type standing struct {
	end time.Time
	// suspended by a declaration; broken says why it cannot work at all.
	suspended bool
	broken    string
}

func (s standing) cut() bool { return s.suspended || s.broken != "" }

// standing walks from an identity to the top.
func (l *ledger) standing(id access.IdentityID) standing {
	var s standing
	for depth := 0; ; depth++ {
		i, e := l.identity(id)
		if i == nil || depth > len(l.entries) {
			s.broken = "the identity " + id.String() + " is not there"
			return s
		}
		s.end = access.Earliest(s.end, e.bound)
		s.suspended = s.suspended || i.Suspended || depth > 0 && !permits(i, depth)
		if i.ParentID == (access.IdentityID{}) {
			return s
		}
		id = i.ParentID
	}
}

// permits says whether an identity lets others hang on it, so many levels down.
func permits(i *access.Identity, depth int) bool {
	return i.Subcontractors != nil && i.Subcontractors.Allowed && i.Subcontractors.MaxDepth >= int64(depth)
}

// end is when an object ends: the earliest of its own bound and of all above it.
func (l *ledger) end(e *entry) time.Time {
	return access.Earliest(e.bound, l.standing(e.object.Holder()).end)
}

// readLedger reads everything, on as many cores as there are. Files that are none of ours are left alone.
func (p paths) readLedger(g generation) (*ledger, error) {
	l := &ledger{generation: g, entries: map[access.Ref]*entry{}, revoked: map[string]revocation{}}
	refs, err := p.refs()
	if err != nil {
		return nil, err
	}
	entries := make([]*entry, len(refs))
	errs := make([]error, readers)
	var wg sync.WaitGroup
	for worker := range readers {
		wg.Go(func() {
			for i := worker; i < len(refs) && errs[worker] == nil; i += readers {
				entries[i], errs[worker] = readEntry(p.object(refs[i]), refs[i])
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	for _, e := range entries {
		l.entries[e.ref] = e
	}
	return l, p.readRevoked(l)
}

// readers is how many files are read at a time: most of it is waiting for the kernel.
const readers = 4

// refs are the objects that have a file.
func (p paths) refs() ([]access.Ref, error) {
	var refs []access.Ref
	err := p.directories("", 3, func(holder string) error {
		files, err := os.ReadDir(p.in("ledger", filepath.FromSlash(holder)))
		for _, f := range files {
			if ref, ours := refOf(holder, f.Name()); ours && !f.IsDir() {
				refs = append(refs, ref)
			}
		}
		return err
	})
	return refs, fail(err, nothingChanged)
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

func (p paths) readRevoked(l *ledger) error {
	files, err := os.ReadDir(p.revoked())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fail(err, nothingChanged)
	}
	for _, f := range files {
		if f.IsDir() || filepath.Ext(f.Name()) != ".json" {
			continue
		}
		var r revocation
		if _, err := readFile(p.revocation(f.Name()), &r); err != nil {
			return err
		}
		if r.file() != f.Name() {
			return corrupt(p.revocation(f.Name()), errors.New("it is of another certificate than its name says"))
		}
		l.revoked[f.Name()] = r
	}
	return nil
}

// draft is a ledger in the making: a copy of one, with what was touched, and how to take back the change at work.
type draft struct {
	ledger
	now     time.Time
	touched map[access.Ref]bool
	undo    []func()
	// again asks for a publication though nothing changes: a removal did not come to its end with the last one.
	again bool
}

func newDraft(of *ledger, now time.Time) *draft {
	return &draft{
		ledger: ledger{generation: of.generation, entries: maps.Clone(of.entries), revoked: maps.Clone(of.revoked)},
		now:    now, touched: map[access.Ref]bool{},
	}
}

// try makes a change whole or not at all.
func (d *draft) try(change func() error) error {
	d.undo = nil
	err := change()
	if err != nil {
		for i := len(d.undo) - 1; i >= 0; i-- {
			d.undo[i]()
		}
	}
	return err
}

func (d *draft) set(e *entry) {
	before, found := d.entries[e.ref]
	d.undo = append(d.undo, func() {
		if delete(d.entries, e.ref); found {
			d.entries[e.ref] = before
		}
	})
	d.entries[e.ref], d.touched[e.ref] = e, true
}

// forget takes an object out of the ledger.
func (d *draft) forget(ref access.Ref) {
	delete(d.entries, ref)
	d.touched[ref] = true
}

// revoke ends an item before its time. A certificate is listed until it would have ended by itself.
func (d *draft) revoke(c *access.Credential, i item) {
	if i.Serial == "" || !i.Until.After(d.now) {
		return
	}
	r := revocation{Version: version, Kind: c.Kind(), Serial: i.Serial, Identity: c.IdentityID, At: d.now.Truncate(time.Second), Until: i.Until}
	if _, already := d.revoked[r.file()]; already {
		return
	}
	d.revoked[r.file()] = r
	d.undo = append(d.undo, func() { delete(d.revoked, r.file()) })
}
