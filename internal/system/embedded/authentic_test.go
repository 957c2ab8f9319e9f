// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// forged is the file of a grant as this system would write it, made in another directory.
func forged(t *testing.T, g *access.Grant) string {
	t.Helper()
	w := newWorld(t)
	w.put(identity(g.IdentityID, 90))
	w.put(g)
	name, _ := filepath.Rel(w.dir, w.paths.object(g.Ref()))
	return w.read(name)
}

// told are the drifts of an identity, in one text.
func (w *world) told(id access.IdentityID) string { return strings.Join(w.get(id.Ref()).Drift, "\n") }

func (w *world) crlNumber() int64 {
	w.Helper()
	block, _ := pem.Decode([]byte(w.read("publish/crl.pem")))
	list, err := x509.ParseRevocationList(block.Bytes)
	if err != nil {
		w.Fatal(err)
	}
	return list.Number.Int64()
}

// Who could write to ledger/ had what he liked published by a plan that said "No changes".
func TestAFileThatIsPutIntoTheLedgerIsNeverPublished(t *testing.T) {
	w, _ := story(t)
	// in this order: after the second, a plan publishes again what was withheld
	for _, put := range []struct{ name, text string }{
		{"ledger/acme/prod/etl/grant-all.json", forged(t, grant(acme, "all", "orders/*", 80, "read"))},
		// in the place of another
		{"ledger/acme/prod/etl/grant-shell.json", forged(t, grant(acme, "shell", "ssh/root", 80, "login"))},
	} {
		name, text := put.name, put.text
		before, was := w.files("publish"), w.read(name)
		w.write(name, text)
		w.restart()
		if _, err := w.List(w.ctx()); err != nil {
			t.Fatal(err)
		}
		if was == "" {
			same(t, before, w.files("publish"))
		}
		if said := w.told(acme); !strings.Contains(said, name) {
			t.Errorf("it is told as %q", said)
		}
		if i := w.data().Identities[acme.String()]; (!i.Suspended && len(i.Grants) > 1) ||
			strings.Contains(w.read("publish/policy/data.json"), "root") ||
			w.read("publish/ssh/principals/root") != "" {
			t.Error("it is published")
		}
		w.write(name, was)
		if was == "" {
			w.write(name, text)
			w.put(identity(acme, 90), update(w.get(acme.Ref())))
			if w.read(name) != "" || w.told(acme) != "" {
				t.Error("the next change did not take it away")
			}
		}
		w.restart()
	}
}

// A revocation that is put there by hand revokes nobody: that would be a way to cut others off.
func TestAForgedRevocationIsNotBelieved(t *testing.T) {
	w, r := story(t)
	forged := revocation{
		Version:  version,
		Kind:     access.Certificate,
		Serial:   r.Issued.Serial,
		Identity: acme,
		At:       start,
		Until:    r.Issued.Until,
	}
	text, err := encodeFile(forged)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(w.paths.revoked(), 0o700); err != nil {
		t.Fatal(err)
	}
	w.write("ledger/revoked/"+forged.file(), string(text))
	w.restart()
	w.put(grant(acme, "daily", "orders/*", 30, "read"))
	if len(w.crl()) != 0 {
		t.Errorf("revoked is %v", w.crl())
	}
}

// An older ledger gave back what was revoked since, and used the number of a revocation list again.
func TestAnOlderLedgerThatIsPutBackIsRefused(t *testing.T) {
	w, r := story(t)
	k := w.put(secret(acme, 80))
	old := t.TempDir()
	if err := copyTree(w.paths.ledger(), old); err != nil {
		t.Fatal(err)
	}
	w.put(r.Object, update(r), issuing(access.IssueReplace))
	if _, err := w.Delete(w.ctx(), k.Object.Ref(), k.UID); err != nil {
		t.Fatal(err)
	}
	number, revoked := w.crlNumber(), w.crl()
	if err := errors.Join(os.RemoveAll(w.paths.ledger()), copyTree(old, w.paths.ledger())); err != nil {
		t.Fatal(err)
	}
	before := w.files("")
	w.restart()
	_, getErr := w.Get(w.ctx(), acme.Ref())
	_, putErr := w.try(grant(acme, "daily", "orders/*", 30, "read"))
	for _, err := range []error{getErr, putErr} {
		if !errors.Is(err, errNotAuthentic) ||
			errors.Is(err, access.ErrNotFound) ||
			!strings.Contains(err.Error(), "went back to generation") ||
			!strings.Contains(err.Error(), AcceptVariable+"=") {
			t.Fatalf("got %v", err)
		}
	}
	same(t, before, w.files(""))
	// It was put back on purpose.
	var accepted int64
	_, named, _ := strings.Cut(putErr.Error(), AcceptVariable)
	if _, err := fmt.Sscanf(named, "=%d", &accepted); err != nil {
		t.Fatal(err)
	}
	w.System = Open(w.dir, Options{Clock: w.clock, Environment: "prod", Accept: accepted})
	if said := w.told(acme); !strings.Contains(said, "was put back to generation") {
		t.Errorf("it is told as %q", said)
	}
	w.put(grant(acme, "daily", "orders/*", 30, "read"))
	w.restart()
	if w.told(acme) != "" {
		t.Errorf("accepted, it is told as %q", w.told(acme))
	}
	now := w.crl()
	for serial := range revoked {
		if _, still := now[serial]; !still {
			t.Errorf("%s is not revoked any more", serial)
		}
	}
	if w.crlNumber() <= number {
		t.Errorf("the number of the list was %d, and is %d", number, w.crlNumber())
	}
	if len(w.data().Secrets) > 0 {
		t.Error("the key that was removed is back")
	}
}

// Both folders were put back: only the journal knows.
func TestTheJournalRemembersTheGeneration(t *testing.T) {
	w, r := story(t)
	back := w.saved()
	w.put(r.Object, update(r), issuing(access.IssueReplace))
	newest := w.view2(t).generation.Number
	back()
	w.System = Open(w.dir, Options{
		Clock:       w.clock,
		Environment: "prod",
		Remembered:  func(string) int64 { return newest },
	})
	if _, err := w.Get(w.ctx(), acme.Ref()); !errors.Is(err, errNotAuthentic) ||
		!strings.Contains(err.Error(), "went back") {
		t.Errorf("got %v", err)
	}
	if err := errors.Join(os.RemoveAll(w.paths.ledger()), os.RemoveAll(w.paths.publish())); err != nil {
		t.Fatal(err)
	}
	w.System = Open(w.dir, Options{
		Clock:       w.clock,
		Environment: "prod",
		Remembered:  func(string) int64 { return newest },
	})
	if _, err := w.try(identity(acme, 90)); !errors.Is(err, errNotAuthentic) {
		t.Errorf("with nothing left: %v", err)
	}
}

func (w *world) view2(t *testing.T) *book {
	t.Helper()
	l, err := w.view(w.ctx())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// The ledger and the publication of another directory, whose key nobody here trusts, were put in the place of both,
// where no journal remembers a generation. That was taken for a new directory: the next change published without
// what had been revoked.
func TestAnotherSignersLedgerIsNoBeginning(t *testing.T) {
	other, w := newWorld(t), newNeighbours(t)
	for _, id := range []access.IdentityID{acme, globex} {
		other.put(identity(id, 60))
		other.put(grant(id, "daily", "orders/"+id.Partner+"/*", 30, "read"))
	}
	for name, text := range other.contents() {
		if strings.HasPrefix(name, "ledger/") || strings.HasPrefix(name, "publish/") {
			w.write(name, text)
		}
	}
	w.restart()
	before := w.contents()
	_, listed := w.List(w.ctx())
	_, read := w.Get(w.ctx(), globex.Ref())
	_, put := w.Put(w.ctx(), access.Change{
		Object: identity(access.IdentityID{Partner: "initech", Environment: "prod", Name: "etl"}, 10),
		Stack:  "ours",
		EndsAt: w.clock().AddDate(0, 0, 10),
	})
	for what, err := range map[string]error{"a listing": listed, "a reading": read, "a change": put} {
		if !errors.Is(err, errNotAuthentic) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for name, text := range w.contents() {
		if !derived(name) && text != before[name] {
			t.Errorf("%s was changed", name)
		}
	}
}

// A line for root in publish/ was not seen, and the next change overwrote the evidence.
func TestALineThatIsAddedToThePublicationIsToldAndTakenAway(t *testing.T) {
	for name, line := range map[string]string{
		"ssh/principals/root":   "acme/prod/etl\n",
		"ssh/principals/backup": "somebody\n",
		"ssh/principals/deploy": "restrict acme/prod/etl\n",
		"crl.pem":               "",
		"policy/data.json":      "{}",
		// OPA loads what lies in a folder, whatever it is called.
		"policy/more.rego":     "package partner\nallow := true\n",
		"policy/sub/more.json": "{}",
		"sub/more.rego":        "package partner\nallow := true\n",
		"ssh/more":             "",
		"ca2.pem":              "",
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := story(t)
			before := w.published()
			if err := os.MkdirAll(filepath.Dir(w.paths.public(name)), 0o755); err != nil {
				t.Fatal(err)
			}
			w.write("publish/"+name, line)
			changed := w.published()
			w.restart()
			if said := w.told(acme); !strings.Contains(said, "publish/"+name) {
				t.Errorf("it is told as %q", said)
			}
			same(t, changed, w.published())
			w.put(identity(acme, 90), update(w.get(acme.Ref())))
			w.restart()
			if _, there := before[name]; w.told(acme) != "" ||
				(!there && w.read("publish/"+name) != "") ||
				(there && w.read("publish/"+name) == line) {
				t.Errorf("the next change left it: %q", w.told(acme))
			}
		})
	}
}

// The publication of another system stood in the place of ours, by a wrong mount: a destroy wrote over it
// and was done, and the gateways of neither heard of it. Where it is empty instead, somebody is told of the
// mount that may be missing.
func TestAnotherSystemsPublicationIsNotWrittenOver(t *testing.T) {
	w, _ := story(t)
	other := newNeighbours(t)
	ours := filepath.Join(t.TempDir(), "ours")
	publish := filepath.Join(w.dir, "publish")
	theirs := other.published()
	if err := errors.Join(os.Rename(publish, ours),
		os.Symlink(filepath.Join(other.dir, "publish"), publish)); err != nil {
		t.Fatal(err)
	}
	w.restart()
	r := w.get(acme.Ref())
	if _, err := w.Delete(w.ctx(), acme.Ref(), r.UID); err == nil ||
		!strings.Contains(err.Error(), "the publication of another access system") {
		t.Errorf("a removal that no gateway hears of: %v", err)
	}
	same(t, theirs, other.published())
	if err := errors.Join(os.Remove(publish), os.Mkdir(publish, 0o755)); err != nil {
		t.Fatal(err)
	}
	w.restart()
	if _, err := w.Delete(w.ctx(), acme.Ref(), r.UID); err != nil {
		t.Fatal(err)
	}
	if _, said := w.Notes(); !strings.Contains(fmt.Sprint(said), "a share that is not mounted here") {
		t.Errorf("publish/ was empty, and nobody is told of a mount that may be missing: %v", said)
	}
}

// What a cut by hand copies over the publication is no finding, and a list under a number of its own.
func TestACutByHandIsNoFinding(t *testing.T) {
	w, _ := story(t)
	w.shell(w.Capabilities().CutByHand("acme", nil)...)
	cut := w.crlNumber()
	w.restart()
	if said := w.told(acme); said != "" {
		t.Errorf("it is told as %q", said)
	}
	w.put(certificate(acme, 80), update(w.get(certificate(acme, 80).Ref())), issuing(access.IssueReplace))
	if w.crlNumber() <= cut {
		t.Errorf("after the cut with the number %d comes %d", cut, w.crlNumber())
	}
}

// Bit flips, truncation, deletion, swaps and rollback of every file of the directory: never wider access, never a
// blocked removal of somebody else, always said.
func TestTwoThousandDamagesOfAnyFile(t *testing.T) {
	rounds := 2000
	if testing.Short() {
		rounds = 100
	}
	older := newNeighbours(t)
	older.put(grant(globex, "late", "globex/late/*", 30, "read"))
	rollback := older.contents()
	older.put(identity(acme, 60), update(older.get(acme.Ref())))
	if _, err := older.Delete(older.ctx(), secret(acme, 1).Ref(), older.get(secret(acme, 1).Ref()).UID); err != nil {
		t.Fatal(err)
	}
	now, before := older.contents(), older.admitted()
	files := slices.Sorted(maps.Keys(now))
	w := &world{TB: t, dir: filepath.Join(t.TempDir(), "prod"), elapsed: older.elapsed}
	for n := range rounds {
		if t.Failed() {
			return
		}
		dice := rand.New(rand.NewPCG(uint64(n), 16))
		file := files[n%len(files)]
		w.fill(now)
		text, how := []byte(now[file]), "an older one"
		if old, was := rollback[file]; was && old != now[file] && dice.IntN(3) == 0 {
			text = []byte(old)
		} else if len(text) == 0 {
			continue
		} else if how = mangle(dice, &text, now[files[dice.IntN(len(files))]]); how == "as it was" {
			continue
		}
		if how == "gone" {
			if err := os.Remove(filepath.Join(w.dir, file)); err != nil {
				t.Fatal(err)
			}
		} else {
			w.write(file, string(text))
		}
		if when := fmt.Sprintf("%d: %s: %s", n, file, how); !w.survives(before, file, !derived(file)) {
			t.Errorf("%s", when)
		}
	}
}

// survives says whether a damaged directory is told to be, where it should, gives nothing new to
// anybody, and lets globex go.
func (w *world) survives(before map[string]bool, file string, told bool) bool {
	w.restart()
	all, err := w.Damaged(w.ctx())
	if err != nil || (len(all) == 0 && told) {
		w.Logf("it is told as %v, %v", all, err)
		return false
	}
	wider := func(when string) bool {
		for line := range w.admitted() {
			if !before[line] {
				w.Logf("%s: new is %s", when, line)
				return true
			}
		}
		return false
	}
	if r, err := w.Get(w.ctx(), globex.Ref()); err == nil {
		_, err = w.Delete(w.ctx(), globex.Ref(), r.UID)
		if err != nil {
			w.Logf("globex cannot leave: %v", err)
			return false
		}
	} else if (!errors.Is(err, access.ErrDamaged) && !errors.Is(err, access.ErrNotFound)) ||
		!strings.Contains(file, "globex") {
		w.Logf("globex cannot be read: %v", err)
		return false
	}
	return !wider("after the next change")
}

// refusesWhatIsAway claims that a removal says which link leads nowhere and what to do, leaves the link as it is,
// and that the plan tells.
func (w *world) refusesWhatIsAway(name string) {
	w.Helper()
	w.restart()
	if all, err := w.Damaged(w.ctx()); err != nil || len(all) == 0 {
		w.Errorf("%s: it is told as %v, %v", name, all, err)
	}
	r, err := w.Get(w.ctx(), globex.Ref())
	if err == nil {
		_, err = w.Delete(w.ctx(), globex.Ref(), r.UID)
	}
	if err == nil || !strings.Contains(err.Error(), "is a link to nowhere, which does not exist here") {
		w.Errorf("%s: a removal through a link to nowhere: %v", name, err)
	}
	if to, err := os.Readlink(filepath.Join(w.dir, name)); err != nil || to != "nowhere" {
		w.Errorf("%s: the link is %q, %v", name, to, err)
	}
}

// derived are files that nobody has to hear of: they say who holds the lock.
func derived(file string) bool { return file == "ledger/ledger.lock" || file == "ledger/ledger.holder" }

// contents are all files of the directory.
func (w *world) contents() map[string]string {
	w.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(w.dir, path)
		all[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return all
}

// fill makes the directory hold these files and nothing else.
func (w *world) fill(files map[string]string) {
	w.Helper()
	if err := os.RemoveAll(w.dir); err != nil {
		w.Fatal(err)
	}
	for name, text := range files {
		path := filepath.Join(w.dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755),
			os.WriteFile(path, []byte(text), 0o600)); err != nil {
			w.Fatal(err)
		}
	}
}

// Somebody lays a directory in the place of a file, empty or with something in it: nothing can be renamed over that,
// and so nobody could be removed. A link that leads nowhere, or to itself, cannot be read.
func TestWhatIsNoFileInThePlaceOfAFileBlocksNobody(t *testing.T) {
	t.Parallel()
	older := newNeighbours(t)
	now, before := older.contents(), older.admitted()
	files := slices.Collect(maps.Keys(now))
	for _, dir := range []string{"ledger", "ledger/globex", "ledger/globex/prod/etl", "ledger/revoked", "keys",
		"keys/copy", "publish", "publish/ssh/principals", "publish/cut", "publish/policy"} {
		files = append(files, dir+"/other", dir+"/other.json") // where there was none
	}
	for _, file := range files {
		if derived(file) {
			continue
		}
		for what, lay := range map[string]func(path string) error{
			"an empty directory":    func(path string) error { return os.MkdirAll(path, 0o755) },
			"a directory":           func(path string) error { return os.MkdirAll(filepath.Join(path, "x"), 0o755) },
			"a link to nowhere":     func(path string) error { return os.Symlink("nowhere", path) },
			"a link to a directory": func(path string) error { return os.Symlink("..", path) },
			// who reads it waits for ever
			"a pipe":           func(path string) error { return exec.Command("mkfifo", path).Run() },
			"a link to no end": func(path string) error { return os.Symlink("/dev/zero", path) },
			"a link to itself": func(path string) error { return os.Symlink(filepath.Base(path), path) },
		} {
			if testing.Short() && what != "a directory" {
				continue
			}
			w := &world{TB: t, dir: filepath.Join(t.TempDir(), "prod"), elapsed: older.elapsed}
			w.fill(now)
			path := filepath.Join(w.dir, file)
			if err := errors.Join(os.RemoveAll(path), os.MkdirAll(filepath.Dir(path), 0o755), lay(path)); err != nil {
				t.Fatal(err)
			}
			if _, was := now[file]; !w.survives(before, file, was) {
				t.Errorf("%s: %s", file, what)
			}
		}
	}
	// A change asks for the key of a record that another system signed.
	other, _ := story(t)
	w := &world{TB: t, dir: filepath.Join(t.TempDir(), "prod"), elapsed: older.elapsed}
	w.fill(now)
	w.write("publish/generation.json", other.read("publish/generation.json"))
	key := filepath.Join(w.dir, "publish/policy/key.pem")
	if err := errors.Join(os.Remove(key), exec.Command("mkfifo", key).Run()); err != nil {
		t.Fatal(err)
	}
	if !w.survives(before, "publish/policy/key.pem", true) {
		t.Error("a pipe in the place of another system's key")
	}
}

// A file stands where a folder belongs: nothing could be written, and so nobody removed. A link to nowhere is another
// matter: gateways may read what it leads to, and a folder in its place would say "done" and cut nobody.
func TestWhatIsNoFolderInThePlaceOfAFolderBlocksNobody(t *testing.T) {
	t.Parallel()
	older := newNeighbours(t)
	now, before := older.contents(), older.admitted()
	for _, folder := range older.paths.folders() {
		name := older.paths.named(folder)
		for what, lay := range map[string]func(path string) error{
			"a file":            func(path string) error { return os.WriteFile(path, nil, 0o600) },
			"a link to nowhere": func(path string) error { return os.Symlink("nowhere", path) },
			"nothing":           func(string) error { return nil },
		} {
			w := &world{TB: t, dir: filepath.Join(t.TempDir(), "prod"), elapsed: older.elapsed}
			w.fill(now)
			path := filepath.Join(w.dir, name)
			if err := errors.Join(os.RemoveAll(path), lay(path)); err != nil {
				t.Fatal(err)
			}
			if what == "a link to nowhere" {
				w.refusesWhatIsAway(name)
				continue
			}
			if !w.survives(before, name, what != "nothing") {
				t.Errorf("%s: %s", name, what)
			}
		}
	}
}
