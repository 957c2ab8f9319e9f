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
			identity(id, 90), grant(id, "shell", "ssh/deploy", 80, "login"), grant(id, "daily", id.Partner+"/orders/*", 80, "read"),
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

// issuedSerials are all certificates that were ever signed in the world of the neighbours.
var issuedSerials = sync.OnceValue(func() (serials []string) {
	s := Open(neighbours(), Options{Clock: func() time.Time { return start }, Environment: "prod"})
	l, err := s.view(new(world).ctx())
	if err != nil {
		panic(err)
	}
	for _, e := range l.Ledger {
		if c, ok := e.Credential(); ok && c.Kind() == access.Certificate {
			serials = append(serials, e.Issued[0].Serial)
		}
	}
	for _, r := range l.revoked {
		if r.Kind == access.Certificate {
			serials = append(serials, r.Serial)
		}
	}
	return serials
})

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

// One file of one identity was emptied, cut off, edited, or written by a newer provider: today that stopped every plan and
// every destroy of everybody.
func TestADamagedRecordHarmsNobodyElse(t *testing.T) {
	edit := func(old, replacement string) func(string) string {
		return func(text string) string { return strings.Replace(text, old, replacement, 1) }
	}
	for name, damage := range map[string]func(string) string{
		"emptied":      func(string) string { return "" },
		"cut off":      func(text string) string { return text[:len(text)/2] },
		"no version":   edit(`"version": 1`, `"version": 0`),
		"newer":        edit(`"version": 1`, `"version": 2`),
		"of another":   edit("acme/prod/etl", "acme/prod/other"),
		"a longer end": edit("2027-", "2037-"),
		"no sum":       func(text string) string { return strings.SplitN(text, sumKey, 2)[0] + "\n}\n" },
	} {
		for _, file := range []string{"identity", "grant-daily", "credential-certificate", "credential-secret"} {
			t.Run(name+" "+file, func(t *testing.T) {
				w := newNeighbours(t)
				before := w.admitted()
				uid := w.get(acme.Ref()).UID
				path := filepath.Join("ledger/acme/prod/etl", file+".json")
				old := w.read(path)
				w.write(path, damage(old))
				w.restart()
				ref, _ := refOf("acme/prod/etl", file+".json")
				if _, err := w.Get(w.ctx(), ref); !errors.Is(err, access.ErrDamaged) || errors.Is(err, access.ErrNotFound) || !strings.Contains(err.Error(), filepath.FromSlash(path)) {
					t.Errorf("read: %v", err)
				}
				if all, err := w.Damaged(w.ctx()); err != nil || len(all) != 1 || all[0].Ref != ref || all[0].NativeID != path {
					t.Errorf("damaged: %v %v", all, err)
				}
				if left := of(w.admitted(), "acme"); len(left) > 0 {
					t.Errorf("still admitted: %v", left)
				}
				if len(of(w.admitted(), "TLS")) != 1 {
					t.Error("a TLS server still admits it")
				}
				if _, err := w.try(grant(acme, "new", "acme/new/*", 10, "read")); !errors.Is(err, access.ErrDamaged) {
					t.Errorf("a new grant: %v", err)
				}
				if _, err := w.try(child(acme, "below", 10)); !errors.Is(err, access.ErrDamaged) {
					t.Errorf("a new child: %v", err)
				}
				if file != "identity" {
					less := identity(acme, 90)
					less.Suspended = true
					r := w.get(acme.Ref())
					if _, err := w.try(identity(acme, 90), update(r)); !errors.Is(err, access.ErrDamaged) {
						t.Errorf("the same again: %v", err)
					}
					back := w.saved()
					w.put(less, update(r)) // less is never refused
					back()
				}
				w.write(path, old) // somebody mends it: all is as it was
				w.restart()
				w.get(ref)
				if now := w.admitted(); !maps.Equal(before, now) {
					t.Errorf("after it was mended:\n%v\nwas\n%v", now, before)
				}
				w.write(path, damage(old))
				w.restart()
				w.unharmed(t, before)
				w.leaves(t, uid)
			})
		}
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
	if all = slices.DeleteFunc(all, func(d access.Damage) bool { return d.Ref == access.Ref{} }); err != nil || len(all) > 0 { // but for what was revoked
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

func TestADestroyOfADamagedRecordAloneTakesIt(t *testing.T) {
	for _, o := range []access.Object{grant(acme, "daily", "x", 1), certificate(acme, 1), secret(acme, 1), federated(acme, 1), sshCertificate(acme, 1)} {
		t.Run(o.Ref().String(), func(t *testing.T) {
			w := newNeighbours(t)
			uid := w.get(o.Ref()).UID
			serial := w.get(certificate(acme, 1).Ref()).Issued.Serial
			path, _ := filepath.Rel(w.dir, w.paths.object(o.Ref()))
			w.write(path, "")
			w.restart()
			if _, err := w.Delete(w.ctx(), o.Ref(), uid); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Get(w.ctx(), o.Ref()); !errors.Is(err, access.ErrNotFound) {
				t.Errorf("afterwards: %v", err)
			}
			if r := w.get(acme.Ref()); len(r.Drift) > 0 || w.data().Identities[acme.String()].Suspended {
				t.Errorf("the rest should be as it was: %v", r.Drift)
			}
			if _, revoked := w.crl()[serial]; revoked != (o.Ref() == certificate(acme, 1).Ref()) {
				t.Errorf("its certificate is revoked: %v", revoked)
			}
		})
	}
}

// To suspend it was refused: what it hangs on was said not to be there.
func TestLessOfASubcontractorActsThoughTheRecordOfItsPartnerIsDamaged(t *testing.T) {
	w := newWorld(t)
	above := identity(acme, 90)
	above.Subcontractors = &access.Subcontractors{Allowed: true, MaxDepth: 1}
	w.put(above)
	below := child(acme, "sub", 60)
	r := w.put(below)
	w.put(grant(below.ID, "daily", "acme/orders/*", 50, "read"))
	w.write("ledger/"+acme.String()+"/identity.json", "{")
	w.restart()
	suspended := *below
	suspended.Suspended = true
	if r, err := w.try(&suspended, update(r)); err != nil || !r.Object.(*access.Identity).Suspended {
		t.Errorf("suspend: %+v, %v", r, err)
	}
	if _, err := w.try(child(acme, "other", 60)); !errors.Is(err, access.ErrNoIdentity) && !errors.Is(err, access.ErrDamaged) {
		t.Errorf("a new one under it: %v", err)
	}
}

// What is of nobody alone is made anew, and a list of revocations stays one.
func TestDamagedFilesOfAllAreMadeAnew(t *testing.T) {
	w := newNeighbours(t)
	before := w.admitted()
	revoked, err := filepath.Glob(filepath.Join(w.dir, "ledger/revoked/*.json"))
	if err != nil || len(revoked) == 0 {
		t.Fatal(err, revoked)
	}
	name, _ := filepath.Rel(w.dir, revoked[0])
	for _, file := range []string{"ledger/generation.json", "publish/generation.json", "ledger/ledger.sums", "ledger/rehearsed.json", name} {
		for _, text := range []string{"", "{", "\x00\x00\x00"} {
			w.write(file, text)
			w.restart()
			if _, err := w.List(w.ctx()); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if _, err := w.Rehearsed(w.ctx()); err != nil {
				t.Errorf("%s: %v", file, err)
			}
			if now := w.admitted(); !maps.Equal(before, now) {
				t.Errorf("%s: admitted is\n%v\nwas\n%v", file, now, before)
			}
			r := w.get(globex.Ref())
			w.put(r.Object, update(r)) // a change heals it, where it can be
		}
	}
	if all, err := w.Damaged(w.ctx()); err != nil || len(all) != 1 || all[0].NativeID != name {
		t.Errorf("damaged: %v %v", all, err)
	}
	w.unharmed(t, before)
}

// Two damages at once of what is of all: any one of the three copies of the generation is enough, and nobody's removal waits.
func TestTwoDamagedFilesOfAllBlockNobody(t *testing.T) {
	t.Parallel()
	files := []string{"ledger/generation.json", "publish/generation.json", "ledger/ledger.sums", "ledger/ledger.sums.copy"}
	for n, one := range files {
		for _, other := range files[n+1:] {
			for _, text := range []string{"", "{", "gone"} {
				w := newNeighbours(t)
				before := w.admitted()
				for _, file := range []string{one, other} {
					if text != "gone" {
						w.write(file, text)
					} else if err := os.Remove(filepath.Join(w.dir, file)); err != nil {
						t.Fatal(err)
					}
				}
				w.restart()
				said, err := w.List(w.ctx())
				if err != nil {
					t.Errorf("%s and %s, %q: %v", one, other, text, err)
					continue
				}
				if !slices.ContainsFunc(said, func(r *access.Record) bool { return len(r.Drift) > 0 }) {
					t.Errorf("%s and %s, %q: it is not said", one, other, text)
				}
				if now := w.admitted(); !maps.Equal(before, now) {
					t.Errorf("%s and %s, %q: admitted is\n%v\nwas\n%v", one, other, text, now, before)
				}
				r := w.get(globex.Ref())
				if _, err := w.Delete(w.ctx(), globex.Ref(), r.UID); err != nil {
					t.Errorf("%s and %s, %q: a removal: %v", one, other, text, err)
				}
			}
		}
	}
}

// The list of the files and one object of acme were damaged together: nobody could tell what of the ledger is whose, and everything
// was refused, also the removal of globex.
func TestADamagedListAndAnObjectBlockNobodyElse(t *testing.T) {
	t.Parallel()
	for _, list := range []string{"ledger/ledger.sums", "ledger/ledger.sums.copy", "ledger/generation.json", "publish/generation.json"} {
		for _, object := range []string{"identity.json", "grant-daily.json", "credential-certificate.json"} {
			for _, text := range []string{"", "gone", "{}"} {
				w := newNeighbours(t)
				before := w.admitted()
				for _, file := range []string{list, "ledger/acme/prod/etl/" + object} {
					if text != "gone" {
						w.write(file, text)
					} else if err := os.Remove(filepath.Join(w.dir, file)); err != nil {
						t.Fatal(err)
					}
				}
				when := fmt.Sprintf("%s and %s, %q", list, object, text)
				w.restart()
				all, err := w.Damaged(w.ctx())
				if err != nil || len(all) < 2 {
					t.Errorf("%s: it is told as %v, %v", when, all, err)
					continue
				}
				for line := range w.admitted() {
					if !before[line] {
						t.Errorf("%s: new is %s", when, line)
					}
				}
				if _, err := w.Delete(w.ctx(), globex.Ref(), w.get(globex.Ref()).UID); err != nil {
					t.Errorf("%s: globex cannot leave: %v", when, err)
				}
			}
		}
	}
}

// The list of the files was called as a partner may be.
func TestAPartnerMayBeCalledAsTheFilesOfTheLedger(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"sums", "revoked", "generation", "system", "rehearsed", "keys", "copy"} {
		id := access.IdentityID{Partner: name, Environment: "prod", Name: "etl"}
		w.put(identity(id, 90))
		w.put(certificate(id, 80))
		w.restart()
		if r := w.get(certificate(id, 80).Ref()); len(r.Drift) > 0 {
			t.Errorf("%s: %v", name, r.Drift)
		}
	}
	for _, name := range []string{"sums", "revoked"} {
		ref := access.IdentityID{Partner: name, Environment: "prod", Name: "etl"}.Ref()
		if _, err := w.Delete(w.ctx(), ref, w.get(ref).UID); err != nil {
			t.Error(err)
		}
	}
}

// A file of one identity in any state: never wider access, never a blocked removal of somebody else, always said.
func TestAnyDamageOfOneIdentity(t *testing.T) {
	rounds := 400
	if testing.Short() {
		rounds = 60
	}
	files := neighboursFiles(t)
	for n := range rounds {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			dice := rand.New(rand.NewPCG(uint64(n), 6))
			w := newNeighbours(t)
			before, uid := w.admitted(), w.get(acme.Ref()).UID
			file := files[dice.IntN(len(files))]
			text := []byte(w.read(file))
			how := mangle(dice, &text, w.read(files[dice.IntN(len(files))]))
			if how == "gone" && strings.Contains(file, "revoked") {
				how, text = "emptied", nil
			}
			if how == "gone" {
				_ = os.Remove(filepath.Join(w.dir, file))
			} else {
				w.write(file, string(text))
			}
			t.Logf("%s: %s", file, how)
			w.restart()
			ref, isObject := refOf("acme/prod/etl", filepath.Base(file))
			_, err := w.Get(w.ctx(), ref)
			all, listErr := w.Damaged(w.ctx())
			switch {
			case listErr != nil:
				t.Fatal(listErr)
			case how == "as it was":
			case isObject && how == "gone" && !errors.Is(err, access.ErrNotFound), isObject && how != "gone" && !errors.Is(err, access.ErrDamaged):
				t.Errorf("read: %v", err)
			case how != "gone" && len(all) != 1:
				t.Errorf("it is not said: %v", all)
			}
			for line := range w.admitted() {
				if !before[line] {
					t.Errorf("new: %s", line)
				}
			}
			w.unharmed(t, before)
			if how != "gone" || ref != acme.Ref() {
				w.leaves(t, uid)
			}
		})
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
