package guardrail

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// privateKeys are private keys as people paste them.
func privateKeys(t *testing.T) map[string]string {
	t.Helper()
	must := func(b []byte, err error) []byte {
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	openssh := func(key crypto.PrivateKey) string {
		block, err := ssh.MarshalPrivateKey(key, "")
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(block))
	}
	encode := func(name string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: name, Bytes: der}))
	}
	pkcs8 := encode("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(ed)))
	return map[string]string{
		"PKCS 8":              pkcs8,
		"PKCS 1":              encode("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(r)),
		"SEC 1":               encode("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(ec))),
		"encrypted":           encode("ENCRYPTED PRIVATE KEY", []byte("0123456789012345678901234567890123456789")),
		"OpenSSH":             openssh(ed),
		"OpenSSH, RSA":        openssh(r),
		"OpenSSH, no armor":   strings.Join(strings.Split(openssh(ec), "\n")[1:4], "\n"),
		"ssh.com":             "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nComment: x\n",
		"PGP":                 "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nxx",
		"PuTTY":               "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n",
		"age":                 "# created: today\nage-secret-key-1" + strings.Repeat("q", 58),
		"JWK":                 `{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`,
		"JWK, escaped":        `{\"kty\": \"EC\", \"d\": \"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\"}`,
		"symmetric JWK":       `{"kty":"oct","k":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}`,
		"escaped line ends":   strings.ReplaceAll(pkcs8, "\n", `\n`),
		"on one line":         strings.ReplaceAll(pkcs8, "\n", " "),
		"windows line ends":   strings.ReplaceAll(pkcs8, "\n", "\r\n"),
		"in lower case":       strings.ToLower(pkcs8),
		"base64":              base64.StdEncoding.EncodeToString([]byte(pkcs8)),
		"base64 behind words": "my key is: key=" + base64.StdEncoding.EncodeToString([]byte(pkcs8)),
		"base64url":           base64.RawURLEncoding.EncodeToString([]byte("xx" + pkcs8)),
		"base64 twice":        base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString([]byte(pkcs8)))),
		"base64 of DER":       base64.StdEncoding.EncodeToString(must(x509.MarshalPKCS8PrivateKey(ec))),
		"base64 of PKCS 1":    base64.StdEncoding.EncodeToString(x509.MarshalPKCS1PrivateKey(r)),
		"hexadecimal":         hex.EncodeToString([]byte(pkcs8)),
	}
}

func TestPrivateKeysAreFoundInEveryForm(t *testing.T) {
	for name, text := range privateKeys(t) {
		if !PrivateKey("harmless", text) {
			t.Errorf("%s: not found", name)
		}
		if !PrivateKey(file("rsa3072.csr") + "\n" + text) {
			t.Errorf("%s: not found behind a certificate request", name)
		}
	}
}

func TestWhatIsPublicIsNoPrivateKey(t *testing.T) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(ed.Public())
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"", "private key", "Rotates the PRIVATE KEY of the signer", file("rsa3072.csr"), file("p256.csr"), file("rsa3072.pub"), file("dsa.pub"), recipient,
		string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})), base64.StdEncoding.EncodeToString([]byte(file("rsa3072.csr"))),
		`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`,
		"https://login.acme.test/realms/partners", strings.Repeat("0123456789abcdef", 40), strings.Repeat("MIIC", 100),
	} {
		if PrivateKey(text) {
			t.Errorf("found in %q", text)
		}
	}
}

func BenchmarkPrivateKey(b *testing.B) {
	text := file("rsa3072.csr")
	for b.Loop() {
		PrivateKey(text)
	}
}
