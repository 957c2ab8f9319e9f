// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/systemtest"
)

// fivePartners have all kinds of credentials.
func fivePartners(t *testing.T) (w *world, of map[string]systemtest.Probe) {
	t.Helper()
	w, of = newWorld(t), map[string]systemtest.Probe{}
	for n := range 5 {
		id := access.IdentityID{Partner: fmt.Sprintf("p%d", n), Environment: "prod", Name: "etl"}
		w.put(identity(id, 90))
		w.put(grant(id, "daily", "orders/"+id.Partner+"/*", 30, "read"))
		w.put(grant(id, "shell", "ssh/deploy", 30, "login"))
		w.put(sshCertificate(id, 30))
		f, c := federated(id, 30), certificate(id, 30)
		f.Federated.Subject = id.Partner
		w.put(f)
		of[id.Partner+" token"] = systemtest.Probe{Credential: f, Action: "read", Path: "orders/" + id.Partner + "/1"}
		of[id.Partner+" certificate"] = systemtest.Probe{
			Credential:  c,
			Certificate: w.put(c).Issued.Text,
			Action:      "read",
			Path:        "orders/" + id.Partner + "/1",
		}
	}
	return w, of
}

// judged claims who comes in: by OPA, by the lists as OpenSSL and ssh-keygen read them, and by the lines of the logins.
func (w *world) judged(of map[string]systemtest.Probe, when string, cut map[string]bool) {
	w.Helper()
	for name, p := range of {
		partner, _, _ := strings.Cut(name, " ")
		if got := opaAllows(w, w.dir, w.clock(), p); got == cut[partner] {
			w.Errorf("%s: %s is let in by OPA: %v", when, name, got)
		}
		if p.Certificate != "" && w.listed(p.Certificate) != cut[partner] {
			w.Errorf("%s: OpenSSL takes %s for revoked: %v", when, name, !cut[partner])
		}
		if line := " " + p.Credential.IdentityID.String() +
			"\n"; strings.Contains(w.read("publish/ssh/principals/deploy"), line) == cut[partner] {
			w.Errorf("%s: %s may log in: %v", when, name,
				!strings.Contains(w.read("publish/ssh/principals/deploy"), line))
		}
	}
}

// The steps for a second partner let the first one in again: they were of a publication in which it was not cut.
func TestPartnersThatAreCutOneAfterAnotherAllStayOut(t *testing.T) {
	t.Parallel()
	w, of := fivePartners(t)
	cut := map[string]bool{}
	w.judged(of, "before", cut)
	steps := map[string][]string{}
	for n := range 4 {
		partner := fmt.Sprintf("p%d", n)
		steps[partner] = w.Capabilities().CutByHand(partner, nil)
	}
	for _, partner := range []string{"p2", "p0", "p3", "p0", "p1"} { // one of them twice
		w.shell(steps[partner]...)
		cut[partner] = true
		w.judged(of, "after "+partner, cut)
	}
	w.restart()
	w.put(grant(access.IdentityID{Partner: "p4", Environment: "prod", Name: "etl"}, "more", "orders/more/*", 30,
		"read"))
	w.judged(of, "after an apply", cut)
	if left, _ := filepath.Glob(filepath.Join(w.dir, "publish", ".cut*")); len(left) > 0 {
		t.Errorf("left is %q", left)
	}
}

// Whoever cuts while the provider publishes is not overtaken: not for a moment is the partner back, nor is anything
// that the provider revoked meanwhile.
func TestACutWhileTheProviderPublishesStands(t *testing.T) {
	t.Parallel()
	w, of := fivePartners(t)
	done := make(chan struct{})
	var publisher sync.WaitGroup
	publisher.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			default:
				w.put(grant(access.IdentityID{Partner: "p4", Environment: "prod", Name: "etl"}, fmt.Sprintf("g%d", n%3),
					"orders/more/*", 30, "read"))
			}
		}
	})
	cut, partners, looks := map[string]bool{}, 4, 3
	if testing.Short() {
		partners, looks = 2, 1
	}
	for n := range partners {
		partner := fmt.Sprintf("p%d", n)
		w.shell(w.Capabilities().CutByHand(partner, nil)...)
		cut[partner] = true
		for range looks {
			w.judged(of, "after "+partner, cut)
		}
	}
	close(done)
	publisher.Wait()
	w.judged(of, "at the end", cut)
}

// One credential is cut by its own step: the others of its identity work on, and no apply gives it back.
func TestOneCredentialIsCutAlone(t *testing.T) {
	t.Parallel()
	w, of := fivePartners(t)
	token, certificate := of["p0 token"], of["p0 certificate"]
	certificateIn := func(want bool, when string) {
		t.Helper()
		if opaAllows(w, w.dir, w.clock(), certificate) != want || w.listed(certificate.Certificate) == want {
			t.Errorf("%s: the certificate comes in: %v", when, !want)
		}
		if !opaAllows(w, w.dir, w.clock(), token) {
			t.Errorf("%s: the token is cut as well", when)
		}
	}
	ref := certificate.Credential.Ref()
	w.shell(w.get(ref).Revocation[:1]...)
	certificateIn(false, "cut")
	if r := w.get(ref); !r.Held || len(r.Drift) > 0 || w.get(token.Credential.Ref()).Held {
		t.Errorf("it is held: %v, drift %q", r.Held, r.Drift)
	}
	w.put(certificate.Credential, update(w.get(ref)))
	w.restart()
	certificateIn(false, "after an apply")
	if _, err := w.Delete(w.ctx(), ref, w.get(ref).UID); err != nil {
		t.Fatal(err)
	}
	if r := w.put(certificate.Credential); !r.Held || r.Issued != nil {
		t.Errorf("made anew it is held: %v, issued %v", r.Held, r.Issued)
	}
	certificateIn(false, "made anew")
	i := w.get(certificate.Credential.IdentityID.Ref())
	declared := i.Object.(*access.Identity)
	declared.HoldReleased = "INC-1"
	w.put(declared, update(i))
	r := w.put(certificate.Credential, update(w.get(ref)))
	certificate.Certificate = r.Issued.Text
	certificateIn(true, "released")
}

// What was cut by hand stays so, whatever becomes of the objects, until a release that was never used.
func TestWhatWasCutByHandDoesNotComeBackWithNewObjects(t *testing.T) {
	t.Parallel()
	w, of := twoPartners(t)
	remake := func(release string) {
		t.Helper()
		if r, err := w.Get(w.ctx(), acme.Ref()); err == nil {
			if _, err := w.Delete(w.ctx(), acme.Ref(), r.UID); err != nil {
				t.Fatal(err)
			}
		}
		i := identity(acme, 90)
		i.HoldReleased = release
		w.put(i)
		w.put(grant(acme, "daily", "orders/acme/*", 30, "read"))
		w.put(grant(acme, "shell", "ssh/deploy", 30, "login"))
		w.put(of["acme's token"].Credential)
		p := of["acme's certificate"]
		p.Certificate = w.put(p.Credential).Issued.Text
		of["acme's certificate"] = p
	}
	release := func(value string) {
		t.Helper()
		r := w.get(acme.Ref())
		declared := r.Object.(*access.Identity)
		declared.HoldReleased = value
		w.put(declared, update(r))
	}
	delete(of, "the subcontractor's token") // it goes with the first replacement
	w.shell(w.get(acme.Ref()).Revocation...)
	w.lets(of, "cut", globexOnly)
	remake("")
	w.lets(of, "replaced", globexOnly)
	remake("INC-1")
	w.lets(of, "replaced with a release, whose plan may have seen no cut", globexOnly)
	release("INC-1")
	w.lets(of, "with what it was made with", globexOnly)
	release("INC-2")
	w.lets(of, "released", everybody)
	remake("INC-2")
	w.lets(of, "replaced as it was released", everybody)
	w.shell(w.get(acme.Ref()).Revocation...)
	w.lets(of, "cut again", globexOnly)
	remake("INC-2")
	w.lets(of, "replaced with a release that was used", globexOnly)
	if err := os.RemoveAll(filepath.Join(w.dir, "ledger", "acme", "prod", "etl", "identity.json")); err != nil {
		t.Fatal(err)
	}
	w.restart()
	remake("INC-2")
	w.lets(of, "made anew where somebody removed it by hand", globexOnly)
	if _, err := w.Delete(w.ctx(), acme.Ref(), w.get(acme.Ref()).UID); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.dir, "ledger", "acme", "prod", "etl", stoneFile), []byte("{"),
		0o600); err != nil {
		t.Fatal(err)
	}
	w.restart()
	remake("INC-3")
	w.lets(of, "with a damaged tombstone", globexOnly)
	release("INC-4")
	w.lets(of, "with one that was written anew", everybody)

	w.byHand(acme)
	other := access.IdentityID{Partner: "acme", Environment: "prod", Name: "another"}
	i := identity(other, 90)
	i.HoldReleased = "INC-5"
	if r := w.put(i); !r.Held {
		t.Error("a new identity is released by what it is made with")
	}
	i.HoldReleased = "INC-4"
	if r := w.put(i, update(w.get(other.Ref()))); !r.Held {
		t.Error("a new identity is released by what released another one")
	}
	i.HoldReleased = "INC-6"
	if r := w.put(i, update(w.get(other.Ref()))); r.Held {
		t.Error("a new value does not release it")
	}
}

// A rename makes a new identity: what was cut under the old id does not come back under another.
func TestWhatWasCutDoesNotComeBackUnderAnotherName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bystander := access.IdentityID{Partner: "acme", Environment: "prod", Name: "bystander"}
	remake := func(id access.IdentityID) *access.Record {
		t.Helper()
		if r, err := w.Get(w.ctx(), id.Ref()); err == nil {
			if _, err := w.Delete(w.ctx(), id.Ref(), r.UID); err != nil {
				t.Fatal(err)
			}
		}
		r := w.put(identity(id, 90))
		w.put(federated(id, 30))
		return r
	}
	remake(bystander)
	remake(acme)
	w.shell(w.get(federated(acme, 1).Ref()).Revocation...)
	if w.get(acme.Ref()).Held || !w.get(federated(acme, 1).Ref()).Held {
		t.Error("the credential is not held alone")
	}
	if _, err := w.Delete(w.ctx(), acme.Ref(), w.get(acme.Ref()).UID); err != nil {
		t.Fatal(err)
	}
	if r := remake(access.IdentityID{Partner: "acme", Environment: "prod", Name: "renamed"}); !r.Held {
		t.Error("it comes back under another name")
	}
	if r := remake(bystander); r.Held {
		t.Error("another identity that was there already, and is made anew, is held")
	}
	cutAt := func(scope string, at time.Time) {
		t.Helper()
		file := filepath.Join(w.dir, "hold", holdFile(scope))
		if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Chtimes(file, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	cutAt(bystander.String(), start.Add(10*time.Hour)) // by a clock that has gone back since
	i := identity(bystander, 90)
	i.HoldReleased = "INC-1"
	w.put(i, update(w.get(bystander.Ref())))
	if _, err := w.Delete(w.ctx(), bystander.Ref(), w.get(bystander.Ref()).UID); err != nil {
		t.Fatal(err)
	}
	cutAt("acme/prod/third", start.Add(time.Hour))
	mark := filepath.Join(w.dir, "hold", holdFile(bystander.String()))
	// FAT keeps every other second: each put failed as if somebody cut all the time
	w.disk.Before = func(_, path string) error {
		if info, err := os.Stat(mark); err == nil && filepath.Base(path) == ".cutting" {
			kept := info.ModTime().Truncate(2 * time.Second)
			return os.Chtimes(mark, kept, kept)
		}
		return nil
	}
	if r := remake(bystander); !r.Held {
		t.Error("it was cut and released itself, and is not held when it comes back while another one of its " +
			"partner is cut")
	}
}

// Where nothing is to be cut, the step fails, says so, and writes nothing.
func TestTheScriptFailsWhereItCutsNothing(t *testing.T) {
	t.Parallel()
	w, _ := twoPartners(t)
	script := filepath.Join(w.dir, "publish", cutName)
	before := w.files("")
	for _, scope := range []string{
		"", "nobody", "acme/prod", "acme/prod/other", "acme/prod/etl/secret", "acme/prod/etl/federated/x", "../acme",
		"acme/", "/acme", "acme;id", "acme prod", "ACME", "$(id)",
	} {
		out, err := exec.Command("sh", script, scope).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "cut.sh: ") {
			t.Errorf("%q: %v: %s", scope, err, out)
		}
	}
	same(t, before, w.files(""))
	if err := os.Rename(filepath.Join(w.dir, "publish", "crl.pem"), filepath.Join(w.dir, "crl.pem")); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("sh", script, "acme").CombinedOutput(); err == nil ||
		!strings.Contains(string(out), "is no publication: nothing was cut") {
		t.Errorf("%v: %s", err, out)
	}
}

// A directory may be called anything, and a step is one word of a shell.
func TestStepsTakeAnyDirectory(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a b", "it's", `"quoted"`, "$(id)", "-rf", "a;b", "a\nb", "*"} {
		dir := filepath.Join(t.TempDir(), name)
		s := Open(dir, Options{Environment: "prod"})
		i := identity(acme, 90)
		if _, err := s.Put(t.Context(), access.Change{Object: i, Stack: "s", EndsAt: i.ExpiresAt.Time}); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("sh", "-c", s.Capabilities().CutByHand("acme", nil)[0])
		cmd.Dir = "/"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%q: %v: %s", name, err, out)
		}
		if r, err := s.Get(t.Context(), acme.Ref()); err != nil || !r.Held {
			t.Errorf("%q: %v, %v", name, r, err)
		}
	}
}
