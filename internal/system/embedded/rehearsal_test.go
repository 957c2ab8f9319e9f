// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// holders are proofs of all kinds of one identity, by kind, and where each lets it do what.
func holders(w *world, id access.IdentityID) map[access.Kind]access.Proof {
	w.Helper()
	tlsKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, tlsKey)
	if err != nil {
		w.Fatal(err)
	}
	_, sshKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		w.Fatal(err)
	}
	public, err := ssh.NewPublicKey(sshKey.Public())
	if err != nil {
		w.Fatal(err)
	}
	x, s, k := certificate(id, 60), sshCertificate(id, 60), ""
	x.Certificate.CSR = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
	s.SSHCertificate.PublicKey = strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public)))
	w.put(identity(id, 90))
	w.put(grant(id, "daily", "orders/acme/daily/*", 60, "read"))
	w.put(grant(id, "shell", "ssh/deploy", 60, "login"))
	w.put(secret(id, 60), func(c *access.Change) {
		c.Seal = func(key []byte) (string, error) { k = string(key); return "sealed", nil }
	})
	return map[access.Kind]access.Proof{
		access.Federated:      {Credential: federated(id, 60), Issued: w.put(federated(id, 60)).Issued},
		access.Certificate:    {Credential: x, Issued: w.put(x).Issued, Key: tlsKey},
		access.SSHCertificate: {Credential: s, Issued: w.put(s).Issued, Key: sshKey},
		access.Secret:         {Credential: secret(id, 60), Secret: k},
	}
}

// opens says of each door of a proof whether it lets in.
func (w *world) opens(p access.Proof) (all []bool) {
	w.Helper()
	action, path := "read", "orders/acme/daily/1"
	if p.Credential.Kind() == access.SSHCertificate {
		action, path = "login", "ssh/deploy"
	}
	for _, d := range w.Doors(p) {
		admitted, err := d.Enter(w.ctx(), action, path)
		if err != nil {
			w.Errorf("%s: %v", d.How, err)
		}
		all = append(all, admitted)
	}
	return all
}

func (w *world) admits(when string, proofs map[access.Kind]access.Proof, want bool) {
	w.Helper()
	for kind, p := range proofs {
		for n, admitted := range w.opens(p) {
			if admitted != want {
				w.Errorf("%s: door %d of %s is open: %v", when, n, kind, admitted)
			}
		}
	}
}

// A door that lets everybody in would make a rehearsal of nothing.
func TestEachDoorLetsInItsHolderAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	proofs := holders(w, acme)
	w.admits("its holder", proofs, true)
	other := holders(w, access.IdentityID{Partner: "globex", Environment: "prod", Name: "feed"})
	for kind, p := range proofs {
		p.Key, p.Secret = other[kind].Key, "partner_nobody"
		if kind == access.Federated {
			c := *p.Credential
			c.Federated = &access.FederatedTrust{
				Issuer:    "https://login.acme.test",
				Subject:   "nobody",
				Audiences: []string{"orders.example.com"},
			}
			p.Credential = &c
		}
		if got := w.opens(p); got[0] {
			t.Errorf("%s lets in who does not hold it", kind)
		}
	}
	r := w.get(acme.Ref())
	cut := identity(acme, 90)
	cut.Suspended = true
	w.put(cut, update(r))
	w.admits("suspended", proofs, false)
	w.put(identity(acme, 90), update(r))
	w.admits("given back", proofs, true)
	if _, err := w.Delete(w.ctx(), acme.Ref(), r.UID); err != nil {
		t.Fatal(err)
	}
	w.admits("removed", proofs, false)
	w.wait(61 * 24 * time.Hour)
	w.admits("ended", other, false)
}

// What a rehearsal copies over the publication is never older than what somebody else published meanwhile: a
// certificate that was revoked stays so.
func TestACutBringsNothingBackThatIsRevokedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	shadow := access.IdentityID{Partner: access.ShadowPartner("1"), Environment: "prod", Name: "twin"}
	twin := w.put(identity(shadow, 1))
	var cuts sync.WaitGroup
	done := make(chan struct{})
	cuts.Go(func() {
		steps := Open(w.dir, Options{Clock: w.clock, Environment: "prod"}).Capabilities().CutByHand(shadow.Partner,
			[]*access.Record{twin})
		for {
			select {
			case <-done:
				return
			default:
				if out, err := exec.Command("sh", "-c", steps[0]).CombinedOutput(); err != nil {
					t.Errorf("%v: %s", err, out)
				}
			}
		}
	})
	for n := range 8 {
		id := access.IdentityID{Partner: "acme", Environment: "prod", Name: fmt.Sprintf("etl-%d", n)}
		proofs := holders(w, id)
		w.admits("before", proofs, true)
		if _, err := w.Delete(w.ctx(), id.Ref(), w.get(id.Ref()).UID); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			w.admits("after it was removed", proofs, false)
		}
	}
	close(done)
	cuts.Wait()
}

func TestRehearsalsAreRememberedInAFileOfTheirOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if all, err := w.Rehearsed(w.ctx()); err != nil || all == nil || len(all) > 0 {
		t.Fatalf("at first: %v, %v", all, err)
	}
	for _, partner := range []string{"acme", "globex"} {
		if err := w.Remember(w.ctx(), partner, w.clock()); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(w.dir, "ledger", "rehearsed.json")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != privateFile {
		t.Errorf("its mode: %v, %v", info, err)
	}
	w.disk.Before = func(operation, path string) error {
		if operation == "write" {
			return errors.New("no space left on device")
		}
		return nil
	}
	if err := w.Remember(w.ctx(), "acme", w.clock().Add(time.Hour)); !errors.Is(err, access.ErrUnavailable) {
		t.Errorf("on a full disk it says %v", err)
	}
	w.restart()
	all, err := w.Rehearsed(w.ctx())
	if err != nil || len(all) != 2 || !all["acme"].Equal(start) {
		t.Errorf("later: %v, %v", all, err)
	}
	w.put(identity(acme, 90))
	signed, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// Somebody who wants no rehearsal writes that there was one, or puts the file away: neither is
	// believed, both are told.
	for what, text := range map[string]string{
		"damaged": "{",
		"forged":  strings.ReplaceAll(string(signed), "20", "21"),
		"gone":    "",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if what == "gone" {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}
		w.restart()
		if all, err := w.Rehearsed(w.ctx()); err != nil || len(all) > 0 { // then the rules ask for another rehearsal
			t.Errorf("%s: %v, %v", what, all, err)
		}
		if drift := w.get(acme.Ref()).Drift; !slices.ContainsFunc(drift,
			func(d string) bool { return strings.Contains(d, "rehearsed.json") }) {
			t.Errorf("%s: it is not said: %q", what, drift)
		}
		if err := os.WriteFile(file, signed, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// The list of the files can be made anew from them: this one was in the way, as it stood in no list.
	if err := errors.Join(os.Remove(w.paths.sumsFile()), os.Remove(w.paths.sumsCopy())); err != nil {
		t.Fatal(err)
	}
	w.restart()
	if all, err := w.Rehearsed(w.ctx()); err != nil || len(all) != 2 {
		t.Errorf("without the list: %v, %v", all, err)
	}
}
