// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

func TestAnIdentityTakesEverythingAlong(t *testing.T) {
	w := newWorld(t)
	w.put(identity(acme, 90))
	other := access.IdentityID{Partner: "globex", Environment: "prod", Name: "etl"}
	w.put(identity(other, 90))
	w.put(grant(other, "shell", "ssh/deploy", 80, "login"))
	w.permit(90, 2)
	lab := child(acme, "lab", 80)
	lab.Subcontractors = &access.Subcontractors{Allowed: true, MaxDepth: 1}
	w.put(lab, by("labs"))
	bench := child(lab.ID, "bench", 80)
	w.put(bench, by("labs"))
	x509 := w.put(certificate(bench.ID, 70), by("labs"))
	ssh := w.put(sshCertificate(acme, 70))
	w.put(secret(acme, 70))
	w.put(federated(lab.ID, 70))
	w.put(grant(acme, "shell", "ssh/deploy", 70, "login"))

	swept, err := w.Delete(w.ctx(), acme.Ref(), w.get(acme.Ref()).UID)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, ref := range swept {
		names = append(names, ref.String())
	}
	want := []string{
		"credential acme/prod/etl/secret", "credential acme/prod/etl/ssh_certificate",
		"credential sub/prod/bench/certificate",
		"credential sub/prod/lab/federated", "grant acme/prod/etl/shell", "identity sub/prod/bench",
		"identity sub/prod/lab",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	all, err := w.List(w.ctx())
	if err != nil || len(all) != 2 {
		t.Errorf("left: %v, %v", all, err)
	}
	for name, text := range w.files("publish") {
		if !strings.HasSuffix(name, ".tar.gz") &&
			(strings.Contains(text, "acme/prod") || strings.Contains(text, "sub/prod")) {
			t.Errorf("something of it is in %s", name)
		}
	}
	if line := w.read("publish/ssh/principals/deploy"); !strings.Contains(line, other.String()) {
		t.Errorf("the other partner was cut: %q", line)
	}
	w.revoked([]string{x509.Issued.Serial, ssh.Issued.Serial})
	w.onlyRemembers("acme")
	if _, err := w.Delete(w.ctx(), acme.Ref(), "any"); !errors.Is(err, access.ErrNotFound) {
		t.Errorf("deleted twice: %v", err)
	}
}

func TestOneObjectGoesAndItsFileWithIt(t *testing.T) {
	w := newWorld(t)
	w.put(identity(acme, 90))
	w.put(grant(acme, "bare", "ssh/deploy", 70, "login"))
	g := w.put(grant(acme, "pty", "ssh/deploy", 70, "login-pty"))
	only := w.put(grant(acme, "other", "ssh/backup", 70, "login"))
	for _, r := range []*access.Record{g, only, w.put(secret(acme, 70)), w.put(certificate(acme, 70)),
		w.put(federated(acme, 70))} {
		if _, err := w.Delete(w.ctx(), r.Object.Ref(), r.UID); err != nil {
			t.Errorf("%s: %v", r.Object.Ref(), err)
		}
		if _, err := w.Get(w.ctx(), r.Object.Ref()); !errors.Is(err, access.ErrNotFound) {
			t.Errorf("%s: %v", r.Object.Ref(), err)
		}
	}
	if line := w.read("publish/ssh/principals/deploy"); strings.Contains(line, ",pty") ||
		!strings.Contains(line, "restrict") {
		t.Errorf("sshd reads %q", line)
	}
	if _, err := os.Stat(filepath.Join(w.dir, "publish/ssh/principals/backup")); !os.IsNotExist(err) {
		t.Errorf("the file of a login that nobody has: %v", err)
	}
}

func TestWhatRemainsIsNamedAndStays(t *testing.T) {
	w := newWorld(t)
	w.put(identity(acme, 90))
	k := w.put(secret(acme, 70))
	stubborn := w.read("publish/policy/data.json")
	w.disk.Before = func(operation, path string) error {
		// somebody restores an old copy
		if operation == "rename" && strings.HasSuffix(path, "publish/generation.json") {
			return os.WriteFile(filepath.Join(w.dir, "publish/policy/data.json"), []byte(stubborn), 0o600)
		}
		return nil
	}
	_, err := w.Delete(w.ctx(), k.Object.Ref(), k.UID)
	if !errors.Is(err, access.ErrRemains) || !strings.Contains(err.Error(), "publish/policy/data.json") {
		t.Errorf("got %v", err)
	}
	r := w.get(k.Object.Ref())
	if r.UID != k.UID || !r.Suspended || len(r.Drift) == 0 || r.Issued != nil {
		t.Errorf("it is known as %+v", r)
	}
	w.disk.Before = nil
	w.restart()
	if _, err := w.Delete(w.ctx(), k.Object.Ref(), k.UID); err != nil {
		t.Error(err)
	}
	if strings.Contains(w.read("publish/policy/data.json"), k.Issued.Fingerprint) {
		t.Error("its hash is still published")
	}
}

func TestARemovalThatWasBegunCanBeTakenBack(t *testing.T) {
	w := newWorld(t)
	w.put(identity(acme, 90))
	c := w.put(certificate(acme, 70))
	bumps := 0
	w.disk.Before = func(operation, path string) error {
		if operation == "rename" && strings.HasSuffix(path, "ledger/generation.json") {
			if bumps++; bumps == 2 { // it is revoked, and about to be forgotten
				return os.ErrClosed
			}
		}
		return nil
	}
	if _, err := w.Delete(w.ctx(), c.Object.Ref(), c.UID); !errors.Is(err, access.ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	w.disk.Before = nil
	w.restart()
	back := w.put(certificate(acme, 70), update(c))
	if back.UID != c.UID || back.Issued.Text == "" || len(back.Drift) != 0 {
		t.Errorf("got %+v", back)
	}
	if !slices.Contains([]int{0}, w.crl()[c.Issued.Serial]) || len(w.crl()) != 1 {
		t.Errorf("the old certificate works again: %v", w.crl())
	}
}

// What was removed is remembered for a year, and then by no file.
func TestWhatWasRemovedIsForgottenAfterAYear(t *testing.T) {
	w := newWorld(t)
	i := w.put(identity(acme, 90))
	w.put(federated(acme, 80))
	w.put(grant(acme, "daily", "orders/acme/*", 80, "read"))
	if _, err := w.Delete(w.ctx(), acme.Ref(), i.UID); err != nil {
		t.Fatal(err)
	}
	remembered := func(when string, want int) {
		t.Helper()
		if formers, _, err := w.Formers(w.ctx()); err != nil || len(formers) != want {
			t.Errorf("%s: remembered are %v, %v", when, formers, err)
		}
	}
	remembered("at once", 2)
	w.wait(365*24*time.Hour - time.Second)
	remembered("a second before a year", 2)
	w.restart()
	w.wait(time.Second)
	remembered("after a year", 0)
	w.put(identity(access.IdentityID{Partner: "globex", Environment: "prod", Name: "etl"}, 400))
	if left, err := os.ReadDir(filepath.Join(w.dir, "ledger", "acme")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after the next change there is %v, %v", left, err)
	}
}
