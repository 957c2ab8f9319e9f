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

// One file of one identity was emptied, cut off, edited, or written by a newer provider: today that stopped every plan
// and every destroy of everybody.
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
				if _, err := w.Get(w.ctx(), ref); !errors.Is(err, access.ErrDamaged) ||
					errors.Is(err, access.ErrNotFound) ||
					!strings.Contains(err.Error(), filepath.FromSlash(path)) {
					t.Errorf("read: %v", err)
				}
				if all, err := w.Damaged(w.ctx()); err != nil ||
					len(all) != 1 ||
					all[0].Ref != ref ||
					all[0].NativeID != path {
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

func TestADestroyOfADamagedRecordAloneTakesIt(t *testing.T) {
	for _, o := range []access.Object{grant(acme, "daily", "x", 1), certificate(acme, 1), secret(acme, 1),
		federated(acme, 1), sshCertificate(acme, 1)} {
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
	if _, err := w.try(child(acme, "other", 60)); !errors.Is(err, access.ErrNoIdentity) &&
		!errors.Is(err, access.ErrDamaged) {
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
	for _, file := range []string{"ledger/generation.json", "publish/generation.json", "ledger/ledger.sums",
		"ledger/rehearsed.json", name} {
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

// Two damages at once of what is of all: any one of the three copies of the generation is enough, and
// nobody's removal waits.
func TestTwoDamagedFilesOfAllBlockNobody(t *testing.T) {
	t.Parallel()
	files := []string{"ledger/generation.json", "publish/generation.json", "ledger/ledger.sums",
		"ledger/ledger.sums.copy"}
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

// The list of the files and one object of acme were damaged together: nobody could tell what of the ledger is whose,
// and everything was refused, also the removal of globex.
func TestADamagedListAndAnObjectBlockNobodyElse(t *testing.T) {
	t.Parallel()
	for _, list := range []string{"ledger/ledger.sums", "ledger/ledger.sums.copy", "ledger/generation.json",
		"publish/generation.json"} {
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
			case isObject &&
				how == "gone" &&
				!errors.Is(err, access.ErrNotFound), isObject &&
				how != "gone" &&
				!errors.Is(err, access.ErrDamaged):
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
