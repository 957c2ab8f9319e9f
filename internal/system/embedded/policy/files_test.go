// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"bytes"
	"crypto/ecdsa"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

func TestFilesOfAPublication(t *testing.T) {
	want := []string{"bundle.tar.gz", "hold.tar.gz", "jwks.json", "openid-configuration", "policy/data.json",
		"policy/hold.json", "policy/key.pem", "policy/policy.rego"}
	got := slices.Sorted(maps.Keys(files(t, fixture(), signer(t))))
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSamePublicationSameBytes(t *testing.T) {
	s := signer(t)
	shuffled := fixture()
	slices.Reverse(shuffled.Identities)
	for i := range shuffled.Identities {
		slices.Reverse(shuffled.Identities[i].Credentials)
		slices.Reverse(shuffled.Identities[i].Grants)
	}
	a, b := files(t, fixture(), s), files(t, shuffled, s)
	for name := range a {
		if !bytes.Equal(a[name], b[name]) {
			t.Errorf("%s differs", name)
		}
	}
}

// A field that is not in the order of its name would make OPA compute another hash than we sign.
func TestDataIsCanonical(t *testing.T) {
	p := fixture()
	p.Identities[0].Credentials[3].Trust.Subject = "<&> ü \u2028"
	for name, text := range unpack(t, files(t, p, signer(t))["bundle.tar.gz"]) {
		if !strings.HasSuffix(name, ".json") && name != ".manifest" {
			continue
		}
		r := json.NewDecoder(bytes.NewReader(text))
		r.UseNumber()
		var value any
		if err := r.Decode(&value); err != nil {
			t.Fatal(err)
		}
		if again, err := canonical(value); err != nil || !bytes.Equal(again, text) {
			t.Errorf("%s is\n%s\nand canonically\n%s", name, text, again)
		}
	}
}

func TestNothingSecretIsPublished(t *testing.T) {
	dir := t.TempDir()
	s, err := OpenSigner(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	private, err := os.ReadFile(filepath.Join(dir, "signing.pem"))
	if err != nil {
		t.Fatal(err)
	}
	line := strings.Split(string(private), "\n")[1]
	for name, text := range files(t, fixture(), s) {
		for _, secret := range []string{key, officeKey, line, `"d"`, "PRIVATE"} {
			if bytes.Contains(text, []byte(secret)) {
				t.Errorf("%s contains %q", name, secret)
			}
		}
	}
}

func TestEndsThatCannotBeCounted(t *testing.T) {
	for _, c := range []struct {
		at   time.Time
		want string
	}{
		{time.Time{}, "1970-01-01T00:00:00Z 0"},
		{time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), "2262-04-11T23:47:16.854775807Z 9223372036854775807"},
		{time.Date(2027, 3, 31, 2, 0, 0, 0, time.FixedZone("", 7200)), "2027-03-31T00:00:00Z 1806451200000000000"},
	} {
		if e := ending(c.at); fmt.Sprint(e.EndsAt, " ", e.EndsAtNS) != c.want {
			t.Errorf("%v: got %v, want %s", c.at, e, c.want)
		}
	}
}

func TestKeySetAndDiscovery(t *testing.T) {
	s := signer(t)
	f := files(t, fixture(), s)
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(f["jwks.json"], &set); err != nil || len(set.Keys) != 1 {
		t.Fatalf("%v in %s", err, f["jwks.json"])
	}
	k := set.Keys[0]
	if k.KeyID != s.KeyID() ||
		k.Use != "sig" ||
		k.Algorithm != "ES256" ||
		!k.IsPublic() {
		t.Errorf("got %+v", k)
	}
	token, err := s.sign([]byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signed.Verify(set); err != nil {
		t.Error(err)
	}
	var about struct {
		Issuer string
		KeySet string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(f["openid-configuration"], &about); err != nil ||
		about.Issuer != "urn:partner:prod" ||
		about.KeySet != "jwks.json" {
		t.Errorf("%v in %s", err, f["openid-configuration"])
	}
}

// The thumbprint of RFC 7638 is over the required members only; a changed kid would orphan what verifiers keep.
func TestSignerIsTheSameAfterARestart(t *testing.T) {
	dir := t.TempDir()
	first, err := OpenSigner(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	second, err := OpenSigner(dir, "")
	if err != nil ||
		!first.public.Key.(*ecdsa.PublicKey).Equal(second.public.Key) ||
		first.KeyID() != second.KeyID() {
		t.Errorf("another key: %v", err)
	}
	if info, err := os.Stat(filepath.Join(dir, "signing.pem")); err != nil ||
		(runtime.GOOS != "windows" && info.Mode() != 0o600) {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// big is the portfolio that the bench of the whole provider has.
func big() Publication {
	p := Publication{Environment: "prod", Now: now, ValidUntil: valid}
	for n := range 600 {
		i := Identity{ID: access.IdentityID{
			Partner:     fmt.Sprintf("partner-%d", n%50),
			Environment: "prod",
			Name:        fmt.Sprintf("app-%d", n),
		}, EndsAt: whoEnds}
		c := secret(fmt.Sprint("key", n), keyEnds)
		c.Networks = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}
		trust := Credential{Kind: access.Federated, EndsAt: keyEnds, Trust: &access.FederatedTrust{
			Issuer: fmt.Sprintf("https://login.partner-%d.test", n%50), Subject: fmt.Sprint("svc-", n),
			Audiences: []string{audience},
		}}
		i.Credentials = []Credential{c, trust}
		i.Grants = []Grant{
			grant("daily", fmt.Sprintf("orders/app-%d/daily/*", n), mayEnds, "read", "list"),
			grant("shell", fmt.Sprintf("ssh/app%d", n), mayEnds, "login", "login-pty"),
		}
		p.Identities = append(p.Identities, i)
	}
	return p
}

func BenchmarkFiles(b *testing.B) {
	p, s := big(), signer(b)
	b.ReportAllocs()
	var size, zipped int
	for b.Loop() {
		f := files(b, p, s)
		size, zipped = len(f["policy/data.json"]), len(f["bundle.tar.gz"])
	}
	b.ReportMetric(float64(size), "data-bytes")
	b.ReportMetric(float64(zipped), "bundle-bytes")
}

func BenchmarkPrincipals(b *testing.B) {
	p := big()
	for b.Loop() {
		Principals(p)
	}
}
