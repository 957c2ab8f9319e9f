// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
	"github.com/partner-access/terraform-provider-partner/internal/system/systemtest"
)

var globex = access.IdentityID{Partner: "globex", Environment: "prod", Name: "etl"}

// twoPartners have all kinds of credentials and a subcontractor, who hangs on acme.
func twoPartners(t *testing.T) (w *world, of map[string]systemtest.Probe) {
	t.Helper()
	w, of = newWorld(t), map[string]systemtest.Probe{}
	for _, id := range []access.IdentityID{acme, globex} {
		i := identity(id, 90)
		i.Subcontractors = &access.Subcontractors{Allowed: true, MaxDepth: 1}
		w.put(i)
		w.put(grant(id, "daily", "orders/"+id.Partner+"/*", 30, "read"))
		w.put(grant(id, "shell", "ssh/deploy", 30, "login"))
		w.put(sshCertificate(id, 30))
		f := federated(id, 30)
		f.Federated.Subject = id.Partner
		w.put(f)
		of[id.Partner+"'s token"] = systemtest.Probe{Credential: f, Action: "read", Path: "orders/" + id.Partner + "/1"}
		c := certificate(id, 30)
		of[id.Partner+"'s certificate"] = systemtest.Probe{
			Credential:  c,
			Certificate: w.put(c).Issued.Text,
			Action:      "read",
			Path:        "orders/" + id.Partner + "/1",
		}
	}
	below := child(acme, "below", 60)
	w.put(below)
	w.put(grant(below.ID, "daily", "orders/below/*", 30, "read"))
	f := federated(below.ID, 30)
	w.put(f)
	of["the subcontractor's token"] = systemtest.Probe{Credential: f, Action: "read", Path: "orders/below/1"}
	return w, of
}

// lets claims who is let in: OPA decides on what is published, sshd and nginx by the lists.
func (w *world) lets(of map[string]systemtest.Probe, when string, want func(name string) bool) {
	w.Helper()
	for name, p := range of {
		if got := opaAllows(w, w.dir, w.clock(), p); got != want(name) {
			w.Errorf("%s: %s is let in: %v", when, name, got)
		}
		if p.Certificate != "" && w.listed(p.Certificate) == want(name) {
			w.Errorf("%s: %s is in crl.pem: %v", when, name, !want(name))
		}
	}
	for _, partner := range []string{"acme", "globex"} {
		if got := strings.Contains(w.read("publish/ssh/principals/deploy"),
			partner+"/prod/etl"); got != want(partner+"'s login") {
			w.Errorf("%s: %s may log in: %v", when, partner, got)
		}
	}
}

// listed asks openssl whether a certificate is revoked.
func (w *world) listed(chain string) bool {
	w.Helper()
	return w.listedAt(chain, w.clock())
}

// listedAt does so on a machine whose clock says something else.
func (w *world) listedAt(chain string, now time.Time) bool {
	w.Helper()
	leaf := filepath.Join(w.TempDir(), "leaf.pem")
	if err := os.WriteFile(leaf, []byte(chain), 0o600); err != nil {
		w.Fatal(err)
	}
	out, err := exec.Command(realtool.Find(w, "openssl"), "verify", "-crl_check", "-attime",
		strconv.FormatInt(now.Unix(), 10),
		"-CAfile", filepath.Join(w.dir, "publish", "ca.pem"), "-CRLfile", filepath.Join(w.dir, "publish", "crl.pem"),
		leaf).CombinedOutput()
	switch {
	case err == nil:
		return false
	case strings.Contains(string(out), "certificate revoked"):
		return true
	}
	w.Fatalf("openssl: %v: %s", err, out)
	return false
}

func everybody(string) bool       { return true }
func globexOnly(name string) bool { return strings.HasPrefix(name, "globex") }

// byHand cuts a partner by the printed steps.
func (w *world) byHand(id access.IdentityID) {
	w.Helper()
	w.shell(w.Capabilities().CutByHand(id.Partner, nil)...)
}

// shell runs printed steps as they stand, from anywhere.
func (w *world) shell(steps ...string) {
	w.Helper()
	for _, step := range steps {
		cmd := exec.Command("sh", "-c", step)
		cmd.Dir = w.TempDir()
		if out, err := cmd.CombinedOutput(); err != nil {
			w.Fatalf("%s: %v: %s", step, err, out)
		}
	}
}

func TestOneCopyCutsAPartnerAndAFileMakesItLast(t *testing.T) {
	w, of := twoPartners(t)
	w.lets(of, "before", everybody)
	w.restart()
	w.byHand(acme)
	w.lets(of, "after the copy, with no provider running", globexOnly)
	for _, ref := range []access.Ref{acme.Ref(), grant(acme, "daily", "a", 1).Ref(),
		{Type: access.TypeIdentity, ID: "sub/prod/below"}} {
		if !w.get(ref).Held {
			t.Errorf("%s is not held", ref)
		}
	}
	if w.get(globex.Ref()).Held {
		t.Error("globex is held")
	}
	w.lets(of, "after a plan", globexOnly)
	w.restart()
	w.put(grant(globex, "weekly", "orders/weekly/*", 30, "read"))
	w.put(grant(acme, "weekly", "orders/weekly/*", 30, "read"))
	w.lets(of, "after an apply", globexOnly)
}

func TestAHoldIsLiftedByANewValueAndByTakingTheFileAway(t *testing.T) {
	w, of := twoPartners(t)
	hold := filepath.Join(w.dir, "hold", "acme")
	w.byHand(acme)
	i := w.get(acme.Ref()).Object.(*access.Identity)
	i.Purpose = "Another purpose"
	w.put(i, update(w.get(acme.Ref())))
	w.lets(of, "after another change", globexOnly)
	i.HoldReleased = "INC-2027-3"
	if r := w.put(i, update(w.get(acme.Ref()))); r.Held || !slices.Contains(r.Released, "INC-2027-3") {
		t.Errorf("held %v, released %q", r.Held, r.Released)
	}
	w.lets(of, "after its release", everybody)
	w.restart()
	w.lets(of, "in the next process", everybody)

	moment := time.Now().Add(time.Minute)
	if err := os.Chtimes(hold, moment, moment); err != nil {
		t.Fatal(err)
	}
	w.put(i, update(w.get(acme.Ref())))
	w.lets(of, "held again, with the old value", globexOnly)
	if !w.get(acme.Ref()).Held {
		t.Error("the same value lifts another hold")
	}
	// The clock has gone back since: a cut that is older than one that was released came to nothing.
	for n := range 2 {
		i.HoldReleased = fmt.Sprintf("INC-2027-4-%d", n)
		w.put(i, update(w.get(acme.Ref())))
		w.lets(of, "after another release", everybody)
		w.byHand(acme)
		w.restart()
		w.put(i, update(w.get(acme.Ref())))
		w.lets(of, "cut once more, by a clock that is behind the last cut", globexOnly)
	}
	if err := os.Remove(hold); err != nil {
		t.Fatal(err)
	}
	if w.get(acme.Ref()).Held {
		t.Error("it is held by nothing")
	}
	w.lets(of, "after the file is gone", everybody)
}

func TestWhatIsMadeForAPartnerOnHoldIsCutToo(t *testing.T) {
	w, of := twoPartners(t)
	w.byHand(acme)
	id := access.IdentityID{Partner: "acme", Environment: "prod", Name: "new"}
	if r := w.put(identity(id, 30)); !r.Held {
		t.Error("it is not held")
	}
	w.put(grant(id, "daily", "orders/new/*", 30, "read"))
	f := federated(id, 30)
	w.put(f)
	of["the new one"] = systemtest.Probe{Credential: f, Action: "read", Path: "orders/new/1"}
	w.lets(of, "after it is made", globexOnly)
	if _, err := w.Delete(w.ctx(), id.Ref(), w.get(id.Ref()).UID); err != nil {
		t.Error(err)
	}
}

// The folders are of the publication that they lie in: whoever copies one cuts one partner, and brings nothing back.
func TestTheFoldersToCutWithAreAlwaysOfTheNewestPublication(t *testing.T) {
	w, of := twoPartners(t)
	w.byHand(acme)
	w.byHand(globex)
	w.lets(of, "both cut", func(name string) bool { return false })
	for _, id := range []access.IdentityID{acme, globex} {
		if err := os.Remove(filepath.Join(w.dir, "hold", id.Partner)); err != nil {
			t.Fatal(err)
		}
	}
	w.get(acme.Ref())
	w.lets(of, "both restored", everybody)
	if _, err := w.Delete(w.ctx(), globex.Ref(), w.get(globex.Ref()).UID); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(w.dir, "publish", "cut", "globex.txt")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder is left of who is gone: %v", err)
	}
	w.byHand(acme)
	w.lets(of, "acme cut, globex destroyed", func(name string) bool { return false })
}

func TestWhoMayNotWriteStillSeesAHold(t *testing.T) {
	w, _ := twoPartners(t)
	if err := os.MkdirAll(filepath.Join(w.dir, "hold", "acme"), 0o755); err != nil { // a folder does as well
		t.Fatal(err)
	}
	w.restart()
	w.disk.Before = func(operation, path string) error { return os.ErrPermission }
	if !w.get(acme.Ref()).Held || w.get(globex.Ref()).Held {
		t.Error("the hold is not seen")
	}
}
