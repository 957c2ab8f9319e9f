// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

func floorOf(grants int) access.Floor {
	return access.Floor{SetBy: "ciso@example.com", MaxGrants: grants}
}

func (w *world) setFloor(grants int, known int64) *access.FloorRecord {
	w.Helper()
	r, err := w.SetFloor(w.ctx(), floorOf(grants), "security", known)
	if err != nil {
		w.Fatal(err)
	}
	return r
}

// lost returns why the floor is not known, to a process that begins now.
func (w *world) lost() *access.FloorError {
	w.Helper()
	w.restart()
	r, err := w.Floor(w.ctx())
	var lost *access.FloorError
	if !errors.As(err, &lost) {
		w.Fatalf("the floor is %+v, %v, and not lost", r, err)
	}
	return lost
}

// What an adversary does to the floor's file: nothing of it makes a system without a floor, and nothing of it is
// forgotten by the changes of others.
func TestAFloorThatIsTamperedWithIsMissed(t *testing.T) {
	other := newWorld(t)
	other.setFloor(99, 0)
	for name, c := range map[string]struct {
		tamper func(w *world, older []byte)
		says   string
	}{
		"removed": {func(w *world, _ []byte) { w.try1(os.Remove(w.paths.floor())) }, "is gone"},
		"edited": {func(w *world, _ []byte) { w.edit(`"max_grants": 3`, `"max_grants": 9`) },
			"differs from what was signed"},
		"emptied": {func(w *world, _ []byte) { w.try1(os.WriteFile(w.paths.floor(), nil, 0o600)) },
			"differs from what was signed"},
		"replayed": {func(w *world, older []byte) { w.try1(os.WriteFile(w.paths.floor(), older, 0o600)) },
			"an older one"},
		"another's": {func(w *world, _ []byte) {
			w.try1(os.WriteFile(w.paths.floor(), other.bytes(other.paths.floor()), 0o600))
		}, "differs from what was signed"},
		"a directory": {func(w *world, _ []byte) {
			w.try1(os.Remove(w.paths.floor()), os.Mkdir(w.paths.floor(), 0o700))
		}, "differs from what was signed"},
		"no right to it": {func(w *world, _ []byte) {
			w.try1(os.Remove(w.paths.floor()), os.Symlink("nowhere", w.paths.floor()))
		}, "is gone"},
		"with its record": {func(w *world, _ []byte) {
			w.try1(os.Remove(w.paths.floor()), os.Remove(w.paths.record()))
		}, "is gone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.setFloor(9, 0)
			older := w.bytes(w.paths.floor())
			w.setFloor(3, 1)
			id := w.put(identity(acme, 40))
			w.restart()
			c.tamper(w, older)
			if lost := w.lost(); !strings.Contains(lost.Error(), c.says) {
				t.Errorf("%v, want ...%s...", lost, c.says)
			}
			// Others go on, and forget nothing.
			g := w.put(&access.Grant{
				IdentityID: acme,
				Name:       "daily",
				Terms:      terms(30),
				Resource:   "orders/acme/*",
				Actions:    []string{"read"},
				Purpose:    "Read",
			})
			if lost := w.lost(); !strings.Contains(lost.Error(), c.says) {
				t.Errorf("after a change: %v", lost)
			}
			for _, r := range []*access.Record{g, id} {
				if _, err := w.Delete(w.ctx(), r.Object.Ref(), r.UID); err != nil {
					t.Error("less is refused:", err)
				}
			}
			_ = w.lost()
			// Nobody else takes it over because it is lost, as far as anything remembers whose it was.
			if name != "with its record" {
				var other *access.FloorStackError
				_, set := w.SetFloor(w.ctx(), access.Floor{SetBy: "me@example.com"}, "partners", 0)
				_, lift := w.LiftFloor(w.ctx(), "partners", 2)
				if !errors.As(set, &other) ||
					!errors.As(lift, &other) ||
					other.Stack != "security" {
					t.Errorf("taken over: %v, %v", set, lift)
				}
				_ = w.lost()
			}
			// Whoever sets it again repairs it, under a generation that was never used.
			if r := w.setFloor(4, 2); r.Generation != 3 {
				t.Errorf("generation %d, want 3", r.Generation)
			}
			w.restart()
			if r, err := w.Floor(w.ctx()); err != nil || r.Floor.MaxGrants != 4 {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
}

// try1 fails where something went wrong.
func (w *world) try1(errs ...error) {
	w.Helper()
	if err := errors.Join(errs...); err != nil {
		w.Fatal(err)
	}
}

func (w *world) bytes(path string) []byte {
	w.Helper()
	text, err := os.ReadFile(path)
	w.try1(err)
	return text
}

func (w *world) edit(from, to string) {
	w.Helper()
	text := string(w.bytes(w.paths.floor()))
	if !strings.Contains(text, from) {
		w.Fatalf("no %s in %s", from, text)
	}
	w.try1(os.WriteFile(w.paths.floor(), []byte(strings.Replace(text, from, to, 1)), 0o600))
}

// A ledger from before the floor that is put back, and accepted, does not get rid of it: the publication knows better.
func TestAnOlderLedgerBringsNoOlderFloor(t *testing.T) {
	for _, before := range []int{0, 9} {
		w := newWorld(t)
		w.put(identity(acme, 40))
		if before > 0 {
			w.setFloor(before, 0)
		}
		old, err := w.paths.readGeneration()
		copied := t.TempDir()
		w.try1(err, copyTree(w.paths.ledger(), copied))
		w.setFloor(3, 0)
		w.try1(os.RemoveAll(w.paths.ledger()), copyTree(copied, w.paths.ledger()))
		w.System = Open(w.dir, Options{Clock: w.clock, Environment: "prod", Accept: old.Number})
		w.put(identity(access.IdentityID{Partner: "globex", Environment: "prod", Name: "etl"}, 40))
		if lost := w.lost(); lost.Was.Generation == 0 {
			t.Error(lost)
		}
	}
}

func TestAFloorThatNobodySignedIsNone(t *testing.T) {
	other, w := newWorld(t), newWorld(t)
	other.setFloor(1, 0)
	w.put(identity(acme, 40))
	w.restart()
	w.try1(os.WriteFile(w.paths.floor(), other.bytes(other.paths.floor()), 0o600))
	if r, err := w.Floor(w.ctx()); r != nil ||
		err != nil ||
		!strings.Contains(w.told(acme), "floor.json was put there by somebody else") {
		t.Errorf("%+v, %v, %s", r, err, w.told(acme))
	}
	w.put(identity(acme, 30))
	if _, err := os.Stat(w.paths.floor()); err == nil {
		t.Error("it is still there after a change")
	}
}

func TestAFloorOnANewDirectoryMakesTheSystem(t *testing.T) {
	w := newWorld(t)
	r := w.setFloor(3, 0)
	w.restart()
	if id, err := w.ID(w.ctx()); err != nil || id == "" || id != r.System {
		t.Errorf("the system is %q, %v, and the floor of %q", id, err, r.System)
	}
	if rec := w.put(identity(acme, 40)); rec.System != r.System {
		t.Errorf("what is put is of %q", rec.System)
	}
}
