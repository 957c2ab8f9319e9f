// SPDX-License-Identifier: MPL-2.0

package ca

import (
	"crypto"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

func TestZlintPassesEveryCertificate(t *testing.T) {
	a := authority(t)
	t.Run("authority", func(t *testing.T) { lint(t, a.CertificatePEM()) })
	keys := map[string]crypto.Signer{
		"P-256": ecKey(t, elliptic.P256()), "P-384": ecKey(t, elliptic.P384()), "P-521": ecKey(t, elliptic.P521()),
		"Ed25519": edKey(t), "RSA": rsaKey(t, 3072),
	}
	for name, key := range keys {
		for _, id := range []access.IdentityID{orders, longest} {
			t.Run(name+" "+id.Partner[:4], func(t *testing.T) {
				csr := request(t, key, &x509.CertificateRequest{})
				issued, err := a.SignX509(X509Request{
					CSR:       csr,
					Identity:  id,
					NotBefore: now,
					NotAfter:  now.Add(90 * 24 * time.Hour),
				})
				if err != nil {
					t.Fatal(err)
				}
				lint(t, []byte(issued.Text))
			})
		}
	}
	t.Run("revocation list", func(t *testing.T) {
		issued, _ := leaf(t, a, orders)
		// Without a hold: public authorities may not use that reason, so zlint refuses what RFC 5280 allows.
		crl, err := a.CRL([]Revoked{{Serial: issued.Serial, At: now}, {Serial: "0a", At: now}}, 7, now,
			now.Add(7*24*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		lint(t, crl)
	})
}

func TestCertificateSaysWhoseItIsAndNothingOfTheRequest(t *testing.T) {
	a := authority(t)
	csr := request(t, rsaKey(t, 2048), &x509.CertificateRequest{
		Subject:  pkix.Name{CommonName: "globex/prod/admin", SerialNumber: "7", Organization: []string{"Globex"}},
		DNSNames: []string{"admin.example.com"}, EmailAddresses: []string{"root@example.com"},
		URIs: []*url.URL{{Scheme: "partner", Opaque: "globex/prod/admin"}},
		// CA: true
		ExtraExtensions: []pkix.Extension{{
			Id:       asn1.ObjectIdentifier{2, 5, 29, 19},
			Critical: true,
			Value:    []byte{0x30, 3, 1, 1, 0xff},
		}},
	})
	end := now.Add(time.Hour + 900*time.Millisecond)
	issued, err := a.SignX509(X509Request{
		CSR:       csr,
		Identity:  orders,
		NotBefore: now,
		NotAfter:  end.In(time.FixedZone("east", 3600)),
	})
	if err != nil {
		t.Fatal(err)
	}
	c := parse(t, issued.Text)
	if got := c.Subject.String(); got != "CN=acme/prod/orders-etl" {
		t.Errorf("subject %s", got)
	}
	if len(c.URIs) != 1 ||
		c.URIs[0].String() != "partner:acme/prod/orders-etl" ||
		len(c.DNSNames)+len(c.EmailAddresses)+len(c.IPAddresses) > 0 {
		t.Errorf("names %v %v %v", c.URIs, c.DNSNames, c.EmailAddresses)
	}
	if c.IsCA ||
		c.KeyUsage != x509.KeyUsageDigitalSignature ||
		len(c.ExtKeyUsage) != 1 ||
		c.ExtKeyUsage[0] != x509.ExtKeyUsageClientAuth {
		t.Errorf("CA %v, usage %v, extended %v", c.IsCA, c.KeyUsage, c.ExtKeyUsage)
	}
	if !c.NotAfter.Equal(now.Add(time.Hour)) || !c.NotBefore.Equal(now) {
		t.Errorf("from %s to %s", c.NotBefore, c.NotAfter)
	}
	sum := sha256.Sum256(c.Raw)
	if issued.Fingerprint != hex.EncodeToString(sum[:]) ||
		len(issued.Serial) != 32 ||
		issued.Serial != fmt.Sprintf("%032x", c.SerialNumber) {
		t.Errorf("fingerprint %s, serial %s of %x", issued.Fingerprint, issued.Serial, c.SerialNumber)
	}
	if _, rest := pem.Decode([]byte(issued.Text)); len(rest) > 0 {
		t.Errorf("the root follows the leaf: %s", rest)
	}
}

func TestSerialsAre128BitsAndDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 2000 {
		n, err := newSerial()
		if err != nil {
			t.Fatal(err)
		}
		der, err := asn1.Marshal(n)
		if err != nil ||
			n.Sign() <= 0 ||
			n.BitLen() <= 120 ||
			len(der)-2 > 20 ||
			seen[n.String()] {
			t.Fatalf("serial %x (%d octets): %v", n, len(der)-2, err)
		}
		seen[n.String()] = true
	}
}

func TestLongIDsKeepACommonNameThatIsNobodysID(t *testing.T) {
	other := longest
	other.Name = strings.Repeat("n", 62) + "m"
	name := longest.CommonName()
	if len(name) != 64 || name == other.CommonName() {
		t.Errorf("%q and %q", name, other.CommonName())
	}
	if _, err := access.ParseIdentityID(name); err == nil {
		t.Errorf("%q is an id", name)
	}
	fits := access.IdentityID{Partner: strings.Repeat("p", 30), Environment: "e", Name: strings.Repeat("n", 31)}
	if fits.CommonName() != fits.String() || len(fits.String()) != 64 {
		t.Errorf("an id of 64 characters became %q", fits.CommonName())
	}
	_, c := leaf(t, authority(t), longest)
	if c.URIs[0].Opaque != longest.String() {
		t.Errorf("URI %s", c.URIs[0])
	}
}

func TestRequestsThatAreNotSigned(t *testing.T) {
	good := request(t, ecKey(t, elliptic.P256()), &x509.CertificateRequest{})
	block, _ := pem.Decode([]byte(good))
	forged := append([]byte(nil), block.Bytes...)
	forged[len(forged)-1] ^= 1
	sec1, err := x509.MarshalECPrivateKey(ecKey(t, elliptic.P256()))
	if err != nil {
		t.Fatal(err)
	}
	private := string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1}))
	cases := map[string]string{
		"empty":         "",
		"not PEM":       "MIIB",
		"bad signature": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: forged})),
		"truncated":     string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: block.Bytes[:90]})),
		"private key":   private,
		"two requests":  good + request(t, ecKey(t, elliptic.P256()), &x509.CertificateRequest{}),
		"key after it":  good + private,
		"key before it": "x" + private + good,
		"certificate":   string(authority(t).CertificatePEM()),
	}
	a := authority(t)
	for name, csr := range cases {
		_, err := a.SignX509(X509Request{CSR: csr, Identity: orders, NotBefore: now, NotAfter: now.Add(time.Hour)})
		if err == nil {
			t.Errorf("%s: was signed", name)
			continue
		}
		t.Logf("%s: %v", name, err)
		if strings.Contains(err.Error(), private[40:80]) {
			t.Errorf("%s: the error repeats the key", name)
		}
	}
	for name, end := range map[string]time.Time{
		"no time":             now,
		"backwards":           now.Add(-time.Hour),
		"after the authority": now.Add(11 * 365 * 24 * time.Hour),
	} {
		if _, err := a.SignX509(X509Request{CSR: good, Identity: orders, NotBefore: now, NotAfter: end}); err == nil {
			t.Errorf("%s: was signed", name)
		} else {
			t.Logf("%s: %v", name, err)
		}
	}
}

func TestOpensslAcceptsUntilRevoked(t *testing.T) {
	a := authority(t)
	ca := write(t, "ca.pem", a.CertificatePEM())
	mine, c := leaf(t, a, orders)
	held, _ := leaf(t, a, orders)
	other, _ := leaf(t, a, longest)
	verify := func(issued Issued, crl string, args ...string) (string, bool) {
		args = append([]string{"verify", "-x509_strict", "-purpose", "sslclient", "-crl_check", "-CAfile", ca,
			"-CRLfile", crl}, args...)
		return run(t, "openssl", append(args, write(t, "leaf.pem", []byte(issued.Text)))...)
	}
	list := func(number int64, revoked ...Revoked) string {
		crl, err := a.CRL(revoked, number, now, now.Add(48*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		path := write(t, "crl.pem", crl)
		if out := mustRun(t, "openssl", "crl", "-in", path, "-CAfile", ca, "-noout"); !strings.Contains(out,
			"verify OK") {
			t.Fatalf("openssl crl: %s", out)
		}
		return path
	}
	empty := list(1)
	for _, issued := range []Issued{mine, held, other} {
		if out, ok := verify(issued, empty); !ok {
			t.Errorf("refused before revocation: %s", out)
		}
	}
	crl := list(2, Revoked{Serial: mine.Serial, At: now}, Revoked{Serial: held.Serial, At: now, Hold: true})
	for _, issued := range []Issued{mine, held} {
		if out, ok := verify(issued, crl); ok || !strings.Contains(out, "revoked") {
			t.Errorf("accepted after revocation: %s", out)
		}
	}
	if out, ok := verify(other, crl); !ok {
		t.Errorf("another's revocation refused it: %s", out)
	}
	early, err := a.SignX509(X509Request{
		CSR: request(t, ecKey(t, elliptic.P256()), &x509.CertificateRequest{}), Identity: longest,
		NotBefore: now.Add(-access.Late), NotAfter: now.Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, behind := range []time.Duration{40 * time.Second, 5 * time.Minute, access.Late} {
		late := strconv.FormatInt(now.Add(-behind).Unix(), 10)
		if out, ok := verify(early, crl, "-attime", late); !ok {
			t.Errorf("a gateway whose clock is %s late refuses everybody after a revocation: %s", behind, out)
		}
		if out, ok := verify(mine, crl, "-attime", late); ok {
			t.Errorf("a gateway whose clock is %s late accepts what was revoked: %s", behind, out)
		}
	}
	text := mustRun(t, "openssl", "crl", "-in", crl, "-noout", "-text")
	for _, want := range []string{"Certificate Hold", "X509v3 CRL Number", "X509v3 Authority Key Identifier",
		"Version 2", strings.ToUpper(mine.Serial)} {
		if !strings.Contains(text, want) {
			t.Errorf("the list does not say %q:\n%s", want, text)
		}
	}
	if out, ok := verify(mine, empty, "-attime", strconv.FormatInt(c.NotAfter.Unix(), 10)); ok ||
		!strings.Contains(out, "expired") {
		t.Errorf("accepted at its end: %s", out)
	}
	if out, ok := verify(mine, empty, "-attime", strconv.FormatInt(c.NotAfter.Unix()-1, 10)); !ok {
		t.Errorf("refused in its last second: %s", out)
	}
	if got := mustRun(t, "openssl", "x509", "-noout", "-serial", "-in",
		write(t, "leaf.pem", []byte(mine.Text))); strings.TrimSpace(got) != "serial="+strings.ToUpper(mine.Serial) {
		t.Errorf("openssl says %s, we say %s", got, mine.Serial)
	}
}

// Whether a key is too weak is for a rule to say. Where a waiver sets that aside, the plan that promises
// a certificate is kept.
func TestTheAuthorityFollowsAWaiverOfWeakKeys(t *testing.T) {
	a := authority(t)
	for name, csr := range map[string]string{
		"RSA 1024": request(t, rsaKey(t, 1024), &x509.CertificateRequest{SignatureAlgorithm: x509.SHA256WithRSA}),
		"P-224":    request(t, ecKey(t, elliptic.P224()), &x509.CertificateRequest{}),
		"SHA-1":    request(t, rsaKey(t, 2048), &x509.CertificateRequest{SignatureAlgorithm: x509.SHA1WithRSA}),
	} {
		issued, err := a.SignX509(X509Request{CSR: csr, Identity: orders, NotBefore: now, NotAfter: now.Add(time.Hour)})
		if err != nil || CheckRequest(csr) != nil {
			t.Errorf("%s: %v, %v", name, err, CheckRequest(csr))
			continue
		}
		said := mustRun(t, "openssl", "verify", "-auth_level", "0", "-CAfile", write(t, "ca.pem", a.CertificatePEM()),
			write(t, "leaf.pem", []byte(issued.Text)))
		if !strings.Contains(said, "OK") {
			t.Errorf("%s: %s", name, said)
		}
	}
	line := sshLine(t, rsaKey(t, 1024))
	issued, err := a.SignSSH(SSHRequest{
		PublicKey: line,
		Identity:  orders,
		NotBefore: now,
		NotAfter:  now.Add(time.Hour),
	})
	if err != nil || CheckSSHKey(line) != nil {
		t.Fatal(err)
	}
	if said := mustRun(t, "ssh-keygen", "-L", "-f", write(t, "cert.pub", []byte(issued.Text))); !strings.Contains(said,
		"RSA-CERT") {
		t.Error(said)
	}
}
