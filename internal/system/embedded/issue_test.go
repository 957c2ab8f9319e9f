// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

func TestOnlyTheAnswerThatIssuesTellsWhatWasIssued(t *testing.T) {
	w := newWorld(t)
	w.put(identity(acme, 90))
	for _, c := range []*access.Credential{certificate(acme, 60), sshCertificate(acme, 60), secret(acme, 60)} {
		r := w.put(c)
		if r.Issued == nil || r.Issued.Text+r.Issued.Sealed == "" {
			t.Fatalf("%s: nothing was told: %+v", c.Ref(), r.Issued)
		}
		if again := w.put(c, update(r)); again.Issued.Text+again.Issued.Sealed != "" ||
			again.Issued.Fingerprint != r.Issued.Fingerprint {
			t.Errorf("%s: an update tells or reissues: %+v", c.Ref(), again.Issued)
		}
		if got := w.get(c.Ref()); got.Issued.Text+got.Issued.Sealed != "" {
			t.Errorf("%s: a read tells", c.Ref())
		}
		// The answer was lost, and the create is repeated.
		adopted := w.put(c)
		if adopted.Issued.Text != r.Issued.Text ||
			adopted.Issued.Sealed != r.Issued.Sealed ||
			adopted.Issued.Serial != r.Issued.Serial {
			t.Errorf("%s: adopted %+v, issued %+v", c.Ref(), adopted.Issued, r.Issued)
		}
	}
}

func TestAnAPIKeyIsNowhereInTheClear(t *testing.T) {
	w := newWorld(t)
	w.put(identity(acme, 90))
	var key string
	var held []byte
	r := w.put(secret(acme, 60), func(c *access.Change) {
		c.Seal = func(k []byte) (string, error) { key, held = string(k), k; return "sealed", nil }
	})
	sum := sha256.Sum256([]byte(key))
	hash := hex.EncodeToString(sum[:])
	if !strings.HasPrefix(key, "partner_") || len(key) != 8+43 || r.Issued.Fingerprint != hash {
		t.Errorf("key of %d characters, fingerprint %s", len(key), r.Issued.Fingerprint)
	}
	if string(held) != strings.Repeat("\x00", len(key)) {
		t.Error("the key was not overwritten after use")
	}
	if w.data().Secrets[hash].Identity != acme.String() {
		t.Error("its hash is not published")
	}
	for name, text := range w.files("") {
		if strings.Contains(text, strings.TrimPrefix(key, "partner_")) {
			t.Errorf("the key is in %s", name)
		}
	}
}

func TestASecretThatCannotBeSealedChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.put(identity(acme, 90))
	before := w.files("")
	_, err := w.try(secret(acme, 60), func(c *access.Change) {
		c.Seal = func([]byte) (string, error) { return "", errors.New("no such recipient") }
	})
	if err == nil || !strings.Contains(err.Error(), "Nothing was changed") {
		t.Errorf("got %v", err)
	}
	same(t, before, w.files(""))
	bad := certificate(acme, 60)
	bad.Certificate = &access.CertificateRequest{CSR: "nonsense"}
	if _, err := w.try(bad); err == nil {
		t.Error("a request that cannot be parsed was signed")
	}
	if _, err := w.Get(w.ctx(), bad.Ref()); !errors.Is(err, access.ErrNotFound) {
		t.Errorf("half of it is there: %v", err)
	}
}

func same(t *testing.T, before, after map[string]string) {
	t.Helper()
	for name := range before {
		if before[name] != after[name] {
			t.Errorf("%s changed", name)
		}
	}
	for name := range after {
		if _, there := before[name]; !there {
			t.Errorf("%s is new", name)
		}
	}
}

func TestRotationOverlapsAndThenEnds(t *testing.T) {
	w := newWorld(t)
	w.put(identity(acme, 90))
	c := rotating(secret(acme, 80), "240h", "48h")
	r := w.put(c)
	if !r.Issued.RotatesAt.Equal(start.Add(240*time.Hour)) || !r.Issued.Until.Equal(start.Add(288*time.Hour)) {
		t.Errorf("issued %+v", r.Issued)
	}
	first := r.Issued.Fingerprint
	w.wait(240 * time.Hour)
	r = w.put(c, update(r), issuing(access.IssueOverlap))
	second := r.Issued.Fingerprint
	if second == first || r.Issued.Sealed == "" {
		t.Fatalf("not rotated: %+v", r.Issued)
	}
	if got := w.data().Secrets; len(got) != 2 || !got[first].EndsAt.Equal(w.clock().Add(48*time.Hour)) {
		t.Errorf("published: %+v", got)
	}
	w.wait(24 * time.Hour)
	r = w.put(c, update(r), issuing(access.IssueOverlap))
	third := r.Issued.Fingerprint
	if got := w.data().Secrets; len(got) != 2 ||
		got[first].Identity != "" ||
		got[second].Identity == "" ||
		got[third].Identity == "" {
		t.Errorf("of three, not the two newest work: %+v", got)
	}
	w.wait(49 * time.Hour)
	w.put(c, update(r))
	if got := w.data().Secrets; len(got) != 1 || got[third].Identity == "" {
		t.Errorf("what ended was not forgotten: %+v", got)
	}
	fourth := w.put(c, update(r), issuing(access.IssueReplace)).Issued.Fingerprint
	if got := w.data().Secrets; len(got) != 1 || got[fourth].Identity == "" {
		t.Errorf("replaced, but: %+v", got)
	}
}

func TestTheRotationIntervalDoesNotRotate(t *testing.T) {
	w := newWorld(t)
	w.put(identity(acme, 90))
	r := w.put(rotating(secret(acme, 80), "240h", "48h"))
	want := withoutText(r.Issued) // but for when it is due
	want.RotatesAt, want.Until = start.Add(24*time.Hour), start.Add(25*time.Hour)
	if got := w.put(rotating(secret(acme, 80), "24h", "1h"), update(r)); *got.Issued != want {
		t.Errorf("got %+v, want %+v", got.Issued, want)
	}
}

func withoutText(i *access.Issued) access.Issued {
	out := *i
	out.Text, out.Sealed = "", ""
	return out
}

func TestASecretFollowsTheEndOfItsCredential(t *testing.T) {
	w := newWorld(t)
	w.put(identity(acme, 90))
	r := w.put(secret(acme, 30))
	later := w.put(secret(acme, 60), update(r))
	if later.Issued.Fingerprint != r.Issued.Fingerprint || !later.Issued.Until.Equal(start.AddDate(0, 0, 60)) {
		t.Errorf("extended: %+v", later.Issued)
	}
	if sooner := w.put(secret(acme, 5), update(r)); !sooner.Issued.Until.Equal(start.AddDate(0, 0, 5)) {
		t.Errorf("shortened: %+v", sooner.Issued)
	}
}

func TestCertificatesOverlapOrAreRevoked(t *testing.T) {
	for _, c := range []*access.Credential{rotating(certificate(acme, 80), "240h", "48h"),
		rotating(sshCertificate(acme, 80), "240h", "48h")} {
		t.Run(string(c.Kind()), func(t *testing.T) {
			w := newWorld(t)
			w.put(identity(acme, 90))
			first := w.put(c)
			if !first.Issued.Until.Equal(start.Add(288 * time.Hour)) {
				t.Errorf("issued %+v", first.Issued)
			}
			w.wait(240 * time.Hour)
			second := w.put(c, update(first), issuing(access.IssueOverlap))
			w.revoked(nil)
			third := w.put(c, update(first), issuing(access.IssueOverlap))
			w.revoked([]string{first.Issued.Serial})
			w.put(c, update(first), issuing(access.IssueReplace))
			w.revoked([]string{first.Issued.Serial, second.Issued.Serial, third.Issued.Serial})

			w.wait(48*time.Hour + grace) // the natural end of the first, and the grace
			w.put(c, update(first), issuing(access.IssueOverlap))
			w.revoked([]string{second.Issued.Serial, third.Issued.Serial})
		})
	}
}

// revoked checks what the ledger lists as revoked, and for X.509 what is published.
func (w *world) revoked(want []string) {
	w.Helper()
	l, err := w.view(w.ctx())
	if err != nil {
		w.Fatal(err)
	}
	for _, serial := range want {
		if _, found := l.revoked["certificate-"+serial+".json"]; found {
			if _, published := w.crl()[serial]; !published {
				w.Errorf("%s is not in the revocation list", serial)
			}
		} else if _, found := l.revoked["ssh_certificate-"+serial+".json"]; !found {
			w.Errorf("%s is not revoked", serial)
		}
	}
	if len(l.revoked) != len(want) {
		w.Errorf("%d are revoked, want %d: %+v", len(l.revoked), len(want), l.revoked)
	}
}

func TestAnotherRequestReplaces(t *testing.T) {
	w := newWorld(t)
	w.put(identity(acme, 90))
	r := w.put(certificate(acme, 60))
	other := certificate(acme, 60)
	other.Certificate = &access.CertificateRequest{CSR: newCSR()}
	replaced := w.put(other, update(r))
	if replaced.Issued.Serial == r.Issued.Serial || replaced.Issued.Text == "" {
		t.Errorf("not reissued: %+v", replaced.Issued)
	}
	w.revoked([]string{r.Issued.Serial})
	k := w.put(secret(acme, 60))
	next := secret(acme, 60)
	next.Secret = &access.SecretRequest{Recipient: "age1another"}
	if got := w.put(next, update(k)); got.Issued.Fingerprint == k.Issued.Fingerprint || len(w.data().Secrets) != 1 {
		t.Errorf("a new recipient kept the old key: %+v", got.Issued)
	}
	// Adoption with another request replaces as well.
	if got := w.put(secret(acme, 60)); got.Issued.Sealed == "" || len(w.data().Secrets) != 1 {
		t.Errorf("adopted: %+v", got.Issued)
	}
}

func TestRevokeIssuedBeforeKillsAtOnce(t *testing.T) {
	for _, mode := range []access.Issue{access.IssueKeep, access.IssueOverlap, access.IssueReplace} {
		w := newWorld(t)
		w.put(identity(acme, 90))
		stolen := w.put(certificate(acme, 60))
		key := w.put(rotating(secret(acme, 60), "240h", "48h"))
		w.wait(time.Hour)
		for _, r := range []*access.Record{stolen, key} {
			c := r.Object.(*access.Credential)
			c.RevokeIssuedBefore = access.At(w.clock())
			got := w.put(c, update(r), issuing(mode))
			if got.Issued == nil || got.Issued.Fingerprint == r.Issued.Fingerprint {
				t.Errorf("mode %d: %+v", mode, got.Issued)
			}
			if again := w.put(c, update(r)); again.Issued.Fingerprint != got.Issued.Fingerprint {
				t.Errorf("mode %d: killed what was issued after", mode)
			}
		}
		w.revoked([]string{stolen.Issued.Serial})
		if n := len(w.data().Secrets); n != 1 {
			t.Errorf("mode %d: %d keys work", mode, n)
		}
	}
}

func TestNothingIssuedAfterTheEnd(t *testing.T) {
	w := newWorld(t)
	w.put(identity(acme, 90))
	r := w.put(certificate(acme, 60))
	gone := w.put(certificate(acme, -1), update(r), issuing(access.IssueReplace))
	if gone.Issued != nil {
		t.Errorf("issued %+v", gone.Issued)
	}
	w.revoked([]string{r.Issued.Serial})
	back := w.put(certificate(acme, 61), update(r))
	if back.Issued == nil || back.Issued.Text == "" {
		t.Errorf("extended, but nothing issued: %+v", back.Issued)
	}
}
