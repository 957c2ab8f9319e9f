// SPDX-License-Identifier: MPL-2.0

package material

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
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
	// EncryptedPrivateKeyInfo: PBES2, and octets. PKCS #12: version 3, and data.
	encrypted := must(asn1.Marshal(struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}{pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}}, make([]byte, 64)}))
	store := must(asn1.Marshal(struct {
		Version int
		Data    pkix.AlgorithmIdentifier
		Rest    []byte
	}{3, pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}}, make([]byte, 64)}))
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
		"base32":              base32.StdEncoding.EncodeToString([]byte(pkcs8)),
		"base32 in lines": regexp.MustCompile(`.{76}`).
			ReplaceAllString(strings.ToLower(base32.StdEncoding.EncodeToString([]byte(pkcs8))), "$0\n"),
		"base32 of DER":      base32.StdEncoding.EncodeToString(must(x509.MarshalPKCS8PrivateKey(ec))),
		"hexadecimal":        hex.EncodeToString([]byte(pkcs8)),
		"indented":           strings.ReplaceAll("\n"+pkcs8, "\n", "\n        "),
		"quoted in a mail":   strings.ReplaceAll("\n"+pkcs8, "\n", "\n> "),
		"no-break spaces":    strings.ReplaceAll(pkcs8, " ", "\u00a0"),
		"zero-width spaces":  strings.ReplaceAll(pkcs8, "PRIVATE", "PRI\u200bVATE"),
		"a word processor's": strings.ReplaceAll(pkcs8, "-----", "–––"),
		"UTF-16":             strings.Join(strings.Split(pkcs8, ""), "\x00"),
		"in a URL":           url.QueryEscape(pkcs8),
		"in XML":             strings.ReplaceAll(pkcs8, "\n", "&#10;"),
		"an encrypted body":  base64.StdEncoding.EncodeToString(encrypted),
		"an age plugin's":    "AGE-PLUGIN-YUBIKEY-1QQPQZZZQFFFF",
		"minisign":           "untrusted comment: minisign encrypted secret key\nRWRTY0Iy",
		"BIND":               "Private-key-format: v1.3\nAlgorithm: 13 (ECDSAP256SHA256)\n",
		"openssl pkey -text": "Private-Key: (256 bit)\npriv:\n    1f:0a:b4:9c:00:11:22:33:44:55:66:77:88:99:aa:\n",
		".NET":               "<RSAKeyValue><Modulus>x</Modulus><Exponent>AQAB</Exponent><P>x</P><D>y</D></RSAKeyValue>",
		"PKCS 12":            base64.StdEncoding.EncodeToString(store),
		"a Java key store": base64.StdEncoding.EncodeToString(append([]byte{0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0, 0,
			0, 1, 0, 0, 0, 1}, make([]byte, 40)...)),
		"OpenVPN": "-----BEGIN OpenVPN Static key V1-----\n6acef03f62675b4b1bbd03e53b187727",
	}
}

// file is what a partner sends, from the cases of the rules.
func file(name string) string {
	b, err := os.ReadFile(filepath.Join("..", "guardrail", "testdata", name))
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestPrivateKeysAreFoundInEveryForm(t *testing.T) {
	for name, text := range privateKeys(t) {
		if !HoldsPrivateKey(text) {
			t.Errorf("%s: not found", name)
		}
		if !HoldsPrivateKey(file("rsa3072.csr") + "\n" + text) {
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
		"", "private key", "Rotates the PRIVATE KEY of the signer", file("rsa3072.csr"), file("p256.csr"),
		file("rsa3072.pub"), file("dsa.pub"), "age1g4cmkag7wz6v70vmx3zlacnx0ep6x2c4pa348w75gt6t4m97047sq7l5wg",
		string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})),
		base64.StdEncoding.EncodeToString([]byte(file("rsa3072.csr"))),
		`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`,
		"https://login.acme.test/realms/partners", "Phase 2 - begin private key rotation",
		"Private-key: none is ever asked for", "priv: what is private",
		"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDMEZ", "---- BEGIN SSH2 PUBLIC KEY ----\nComment: x\nAAAA",
		"untrusted comment: minisign public key 1234\nRWQ",
		strings.ReplaceAll(fmt.Sprintf("% X", public), " ", "-"),
		"0x" + strings.ReplaceAll(fmt.Sprintf("% x", public), " ", ", 0x"), fmt.Sprintf("%d", public),
		strings.Repeat("443, 8443, 22, ", 30),
		`{"crv":"P-256","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","y":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}`,
		"AGE-PLUGIN-YUBIKEY writes recipients such as age1yubikey1",
		"The key exchange begins -- private keys stay with the partner", strings.Repeat("0123456789abcdef", 40),
		strings.Repeat("MIIC", 100),
		"private key: /etc/letsencrypt/live/example.com/privkey.pem",
		"private_key_id: 0123456789abcdef0123456789abcdef01234567", "AKIAIOSFODNN7EXAMPLE",
		"secretKeyRef:\n  name: x\n  key: tls.key", "secret_key: projects/acme/secrets/key/versions/1",
		"SSH private key file formats are not taken",
		"see (private-key) in the wiki", "A (private-key rotation) is due", "NKEY SEED is not asked for",
		"https://k4.secret.example.com/a/page/whose/name/is/long/enough/to/be/one",
		`{"kty":"RSA","n":"` + strings.Repeat("Zm9v", 80) +
			`","e":"AQAB","kid":"abcdefghijklmnopqrst","use":"sig","alg":"RS256","x5t":"abcdefghijklmnopqrstuvw"}`,
	} {
		if HoldsPrivateKey(text) {
			t.Errorf("found in %q", text)
		}
	}
}

func BenchmarkPrivateKey(b *testing.B) {
	text := file("rsa3072.csr")
	for b.Loop() {
		HoldsPrivateKey(text)
	}
}
