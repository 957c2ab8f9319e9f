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
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
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
	if errors.Is(err, access.ErrDamaged) && !errors.Is(err, errNewer) {
		return generation{}, nil // as where it is missing: the next one goes on from the publication's
	}
	return g, err
}

// book is the ledger as the files have it at one generation. Once it is shared it is never changed.
type book struct {
	ledger.Ledger
	generation generation
	revoked    map[string]revocation // by the name of their file
	holds      holds
	damaged    damage
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

// unborn: there are objects, but no generation of them was ever finished; somebody put them there.
func (l *book) unborn() bool { return l.generation == generation{} && len(l.Ledger)+len(l.damaged) > 0 }

// census is a digest of which objects are there.
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

// readLedger reads everything, on as many cores as there are. Files that are none of ours are left alone.
func (p paths) readLedger(g generation, h holds) (*book, error) {
	l := &book{Ledger: ledger.Ledger{}, generation: g, revoked: map[string]revocation{}, holds: h, damaged: damage{}}
	refs, err := p.refs(l.damaged)
	if err != nil {
		return nil, err
	}
	entries := make([]*ledger.Entry, len(refs))
	errs := make([]error, len(refs))
	var wg sync.WaitGroup
	for worker := range readers {
		wg.Go(func() {
			for i := worker; i < len(refs); i += readers {
				entries[i], errs[i] = readEntry(p.object(refs[i]), refs[i])
			}
		})
	}
	wg.Wait()
	for i, err := range errs {
		switch {
		case err == nil:
			l.Ledger[refs[i]] = entries[i]
		case harms(err):
			l.damaged[refs[i]] = damagedBy(p.object(refs[i]), err)
		default:
			return nil, err
		}
	}
	return l, p.readRevoked(l)
}

// readers is how many files are read at a time: most of it is waiting for the kernel.
const readers = 4

// refs are the objects that have a file. An identity's directory that cannot be read is damage of it.
func (p paths) refs(damaged damage) ([]access.Ref, error) {
	var refs []access.Ref
	err := p.directories("", 3, func(holder string) error {
		files, err := os.ReadDir(p.in("ledger", filepath.FromSlash(holder)))
		for _, f := range files {
			if ref, ours := refOf(holder, f.Name()); ours {
				refs = append(refs, ref)
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

func (p paths) readRevoked(l *book) error {
	files, err := os.ReadDir(p.revoked())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fail(err, nothingChanged)
	}
	for _, f := range files {
		if f.IsDir() || filepath.Ext(f.Name()) != ".json" {
			continue
		}
		var r revocation
		_, err := readFile(p.revocation(f.Name()), &r)
		if err == nil && r.file() != f.Name() {
			err = corrupt(p.revocation(f.Name()), errors.New("it is of another certificate than its name says"))
		}
		if err != nil {
			told := false
			if r, told = unreadable(f.Name(), damagedBy(p.revocation(f.Name()), err)); !harms(err) || !told {
				return err
			}
		}
		l.revoked[f.Name()] = r
	}
	return nil
}

// draft is a book in the making.
type draft struct {
	*ledger.Draft
	generation generation
	revoked    map[string]revocation
	holds      holds
	damaged    damage
}

// draftOn is a draft on a book.
func (s *System) draftOn(b *book) *draft {
	d := &draft{Draft: ledger.NewDraft(b.Ledger, s.now(), issuer{s}), generation: b.generation, revoked: maps.Clone(b.revoked), holds: b.holds, damaged: maps.Clone(b.damaged)}
	d.Revoke = d.revoke
	return d
}

// book is the draft as it is.
func (d *draft) book() *book {
	return &book{Ledger: d.Ledger, generation: d.generation, revoked: d.revoked, holds: d.holds, damaged: d.damaged}
}

// census is a digest of which objects are there.
func (d *draft) census() string { return d.book().census() }

// settle draws the consequences of a change: what cannot be shortened is revoked, and what has ended is forgotten.
func (d *draft) settle() {
	d.Settle()
	d.release()
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
