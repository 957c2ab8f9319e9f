// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// neighbours is a directory with two identities, made once: whatever happens to the files of acme, globex goes on.
var neighbours = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp("", "embedded-neighbours")
	if err != nil {
		panic(err)
	}
	dir = filepath.Join(dir, "prod")
	w := &world{dir: dir}
	s := Open(dir, Options{Clock: func() time.Time { return start }, Environment: "prod"})
	put := func(o access.Object) *access.Record {
		r, err := s.Put(w.ctx(), change(o))
		if err != nil {
			panic(err)
		}
		return r
	}
	for _, id := range []access.IdentityID{acme, globex} {
		for _, o := range []access.Object{
			identity(id, 90), grant(id, "shell", "ssh/deploy", 80, "login"),
			grant(id, "daily", id.Partner+"/orders/*", 80, "read"),
			sshCertificate(id, 80), certificate(id, 80), secret(id, 80), federated(id, 80),
		} {
			put(o)
		}
	}
	old := grant(acme, "old", "acme/old/*", 80, "read")
	if _, err := s.Delete(w.ctx(), old.Ref(), put(old).UID); err != nil {
		panic(err)
	}
	again := rotating(certificate(acme, 80), "240h", "1h") // leaves a revoked one behind
	c := change(again)
	r, err := s.Get(w.ctx(), again.Ref())
	if err != nil {
		panic(err)
	}
	c.UID, c.Issue = r.UID, access.IssueReplace
	if _, err := s.Put(w.ctx(), c); err != nil {
		panic(err)
	}
	return dir
})

func newNeighbours(t testing.TB) *world {
	t.Helper()
	w := newWorld(t)
	if err := copyTree(neighbours(), w.dir); err != nil {
		t.Fatal(err)
	}
	return w
}

// admitted is what gateways admit, a line each: identities in force with their grants, proofs, lines for sshd.
func (w *world) admitted() map[string]bool {
	w.Helper()
	lines := map[string]bool{}
	d, crl := w.data(), w.crl()
	for id, i := range d.Identities {
		if i.Suspended {
			continue
		}
		for _, g := range i.Grants {
			lines[fmt.Sprint(id, " may ", g.Name, " until ", g.EndsAt, i.EndsAt)] = true
		}
		for fingerprint, c := range d.Certificates {
			if c.Identity == id {
				lines[fmt.Sprint(id, " certificate ", fingerprint, c.EndsAt)] = true
			}
		}
		for hash, c := range d.Secrets {
			if c.Identity == id {
				lines[fmt.Sprint(id, " secret ", hash, c.EndsAt)] = true
			}
		}
		for issuer, subjects := range d.Trust {
			for subject, proofs := range subjects {
				for _, p := range proofs {
					if p.Identity == id {
						lines[fmt.Sprint(id, " comes from ", issuer, subject)] = true
					}
				}
			}
		}
	}
	for _, serial := range issuedSerials() {
		if _, revoked := crl[serial]; !revoked {
			lines["TLS admits "+serial] = true
		}
	}
	for _, l := range strings.Split(w.read("publish/ssh/principals/deploy"), "\n") {
		lines["sshd "+l] = l != ""
	}
	maps.DeleteFunc(lines, func(_ string, on bool) bool { return !on })
	return lines
}

func of(lines map[string]bool, partner string) (found []string) {
	for l := range lines {
		if strings.Contains(l, partner+"/prod/etl") || strings.HasPrefix(l, partner+" ") {
			found = append(found, l)
		}
	}
	slices.Sort(found)
	return found
}

// unharmed claims that the neighbour reads, changes and leaves as if nothing had happened.
func (w *world) unharmed(t *testing.T, before map[string]bool) {
	t.Helper()
	if was, now := of(before, "globex"), of(w.admitted(), "globex"); !slices.Equal(was, now) {
		t.Errorf("globex was admitted as\n%s\nand is now as\n%s", strings.Join(was, "\n"), strings.Join(now, "\n"))
	}
	r := w.get(grant(globex, "daily", "x", 1).Ref())
	if len(r.Drift) > 0 {
		t.Errorf("globex drifts: %v", r.Drift)
	}
	w.put(grant(globex, "daily", "globex/orders/*", 10, "read"), update(r))
	w.put(grant(globex, "more", "globex/more/*", 10, "read"))
	if _, err := w.Delete(w.ctx(), globex.Ref(), w.get(globex.Ref()).UID); err != nil {
		t.Errorf("globex cannot leave: %v", err)
	}
	if left := of(w.admitted(), "globex"); len(left) > 0 {
		t.Errorf("globex left, and is still admitted: %v", left)
	}
}

// onlyRemembers claims that the ledger has nothing of a partner but what is remembered of what was removed.
func (w *world) onlyRemembers(partner string) {
	w.Helper()
	for name := range w.files("ledger/" + partner) {
		if filepath.Base(name) != stoneFile {
			w.Errorf("the ledger still has %s", name)
		}
	}
}

// leaves claims that a destroy of acme takes everything.
func (w *world) leaves(t *testing.T, uid string) {
	t.Helper()
	if _, err := w.Delete(w.ctx(), acme.Ref(), uid); err != nil {
		t.Errorf("acme cannot leave: %v", err)
	}
	if left := w.admitted(); len(left) > 0 {
		t.Errorf("both left, and still are admitted: %v", left)
	}
	w.onlyRemembers("acme")
	all, err := w.Damaged(w.ctx())
	// but for what was revoked
	if all = slices.DeleteFunc(all, func(d access.Damage) bool { return d.Ref == access.Ref{} }); err != nil ||
		len(all) > 0 {
		t.Errorf("still damaged: %v %v", all, err)
	}
}

// saved copies the directory; what it returns puts all of it back, as from a backup.
func (w *world) saved() (back func()) {
	w.Helper()
	copied := w.TempDir()
	if err := copyTree(w.dir, copied); err != nil {
		w.Fatal(err)
	}
	return func() {
		if err := errors.Join(os.RemoveAll(w.dir), copyTree(copied, w.dir)); err != nil {
			w.Fatal(err)
		}
		w.restart()
	}
}

func (w *world) write(name, text string) {
	w.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
}

// neighboursFiles are the files of acme in the ledger.
func neighboursFiles(t *testing.T) (files []string) {
	t.Helper()
	for _, pattern := range []string{"ledger/acme/prod/etl/*.json", "ledger/revoked/*.json"} {
		found, err := filepath.Glob(filepath.Join(neighbours(), pattern))
		if err != nil || len(found) == 0 {
			t.Fatal(pattern, err)
		}
		for _, f := range found {
			name, _ := filepath.Rel(neighbours(), f)
			files = append(files, name)
		}
	}
	return files
}

// mangle does to a text what disks, editors and people do, and says what.
func mangle(dice *rand.Rand, text *[]byte, other string) string {
	was := string(*text)
	how := "gone"
	switch dice.IntN(8) {
	case 0:
	case 1:
		how, *text = "emptied", nil
	case 2:
		how, *text = "cut off", (*text)[:dice.IntN(len(*text))]
	case 3:
		how = "garbage"
		for i := range *text {
			(*text)[i] = byte(dice.UintN(256))
		}
	case 4:
		how, *text = "another's", []byte(other)
	case 5:
		how, *text = "twice", append(*text, *text...)
	default:
		how = "a bit flipped"
		for range 1 + dice.IntN(3) {
			(*text)[dice.IntN(len(*text))] ^= 1 << dice.UintN(8)
		}
	}
	if how != "gone" && string(*text) == was {
		return "as it was"
	}
	return how
}
