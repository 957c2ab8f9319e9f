// SPDX-License-Identifier: MPL-2.0

package material

import (
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math"
	"math/big"
	"mime/quotedprintable"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// someKeys are three keys that are made now.
func someKeys(t *testing.T) (ed25519.PrivateKey, *rsa.PrivateKey, *ecdsa.PrivateKey) {
	t.Helper()
	_, ed, errs := ed25519.GenerateKey(rand.Reader)
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	ec, failed := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err := errors.Join(errs, err, failed); err != nil {
		t.Fatal(err)
	}
	return ed, r, ec
}

// signs writes bytes as Java prints them.
func signs(b []byte) string {
	var all []string
	for _, c := range b {
		all = append(all, strconv.Itoa(int(int8(c))))
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// pythonHex writes bytes as hex() of Python does, one by one.
func pythonHex(b []byte) string {
	var all []string
	for _, c := range b {
		all = append(all, fmt.Sprintf("%#x", c))
	}
	return strings.Join(all, ", ")
}

func rotated(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return 'a' + (r-'a'+13)%26
		case r >= 'A' && r <= 'Z':
			return 'A' + (r-'A'+13)%26
		}
		return r
	}, text)
}

func backwards(text string) string {
	all := []rune(text)
	slices.Reverse(all)
	return string(all)
}

// wrappedKeys are private keys as other programs keep them, encoded several times, cut, or with signs of all kinds
// between their letters.
func wrappedKeys(t *testing.T) map[string]string {
	t.Helper()
	must := func(b []byte, err error) []byte {
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	b64 := base64.StdEncoding.EncodeToString
	ed, r, ec := someKeys(t)
	raw := must(x509.MarshalPKCS8PrivateKey(ed))
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
	linesOf := func(key crypto.PrivateKey) []string {
		block, err := ssh.MarshalPrivateKey(key, "jane@host")
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSpace(string(pem.EncodeToMemory(block))), "\n")
	}
	lines := linesOf(ed)
	eclines := linesOf(ec)
	rlines := linesOf(r)
	gz := func(s []byte) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(s)
		_ = z.Close()
		return b.Bytes()
	}
	var qp bytes.Buffer
	w := quotedprintable.NewWriter(&qp)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	mp := func(n []byte) []byte {
		if n[0]&0x80 != 0 {
			n = append([]byte{0}, n...)
		}
		return n
	}
	ppk := b64(wire(mp(r.D.Bytes()), mp(r.Primes[0].Bytes()), mp(r.Primes[1].Bytes()), mp(r.Precomputed.Qinv.Bytes())))
	ppkLines := regexp.MustCompile(`.{64}`).ReplaceAllString(ppk, "$0\n")
	swapped := ""
	for i := 0; i+1 < len(raw); i += 2 {
		if i%16 == 0 {
			swapped += fmt.Sprintf("\n%07x", i)
		}
		swapped += fmt.Sprintf(" %02x%02x", raw[i+1], raw[i])
	}
	pkcs1 := x509.MarshalPKCS1PrivateKey(r)
	blob := append([]byte{7, 2, 0, 0, 0, 0xa4, 0, 0, 'R', 'S', 'A', '2', 0, 8, 0, 0, 1, 0, 1, 0},
		bytes.Repeat([]byte{0x5a, 1, 0xc3}, 100)...)
	pvk := append([]byte{0x1e, 0xf1, 0xb5, 0xb0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x54, 2, 0, 0},
		blob...)
	secret := "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
	jwkObj := `{"kty":"OKP","crv":"Ed25519","d":"` + secret + `"}`
	kdbx := append([]byte{0x03, 0xd9, 0xa2, 0x9a, 0x67, 0xfb, 0x4b, 0xb5, 1, 0, 4, 0},
		bytes.Repeat([]byte{9, 0x77, 0xa1}, 60)...)
	inJSON := string(must(json.Marshal(string(must(json.Marshal(map[string]string{"pem": text}))))))
	aws := "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	return map[string]string{
		"base64 three times":         b64([]byte(b64([]byte(b64([]byte(text)))))),
		"base64 four times":          b64([]byte(b64([]byte(b64([]byte(b64([]byte(text)))))))),
		"gzip twice, base64":         b64(gz(gz([]byte(text)))),
		"gzip, base64, gzip, base64": b64(gz([]byte(b64(gz([]byte(text)))))),
		"gzip hex":                   hex.EncodeToString(gz([]byte(text))),
		"gzip of base64 of DER":      b64(gz([]byte(b64(raw)))),
		"base64 of hex of PEM":       b64([]byte(hex.EncodeToString([]byte(text)))),
		"hex of hex of PEM":          hex.EncodeToString([]byte(hex.EncodeToString([]byte(text)))),
		"hex, upper, colons, of PEM": strings.ReplaceAll(fmt.Sprintf("% X", []byte(text)), " ", ":"),
		"hex dots":                   strings.ReplaceAll(fmt.Sprintf("% x", raw), " ", "."),
		"hex by %":                   "%" + strings.ReplaceAll(fmt.Sprintf("% x", raw), " ", "%"),
		"od -x":                      swapped,
		"JSON in JSON, an object":    inJSON,
		"one line no header":         b64(raw),
		"one line no header, quotes": `key: "` + b64(raw) + `"`,
		"spaced letters":             strings.Join(strings.Split(b64(raw), ""), " "),
		"quoted printable":           qp.String(),
		"PPK whole": "PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\nComment: " +
			"x\nPublic-Lines: 6\n",
		"PPK private lines only":      ppkLines,
		"PPK in base64":               b64([]byte("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n")),
		"PPK key lower":               "putty-user-key-file-3: ssh-ed25519\nencryption: none",
		"age upper":                   "AGE-SECRET-KEY-1" + strings.Repeat("Q", 58),
		"age lower":                   "age-secret-key-1" + strings.Repeat("q", 58),
		"age base64":                  b64([]byte("AGE-SECRET-KEY-1" + strings.Repeat("Q", 58))),
		"age hex":                     hex.EncodeToString([]byte("AGE-SECRET-KEY-1" + strings.Repeat("Q", 58))),
		"age by underscores":          "AGE_SECRET_KEY_1" + strings.Repeat("Q", 58),
		"age by non-breaking hyphens": "AGE‑SECRET‑KEY‑1" + strings.Repeat("Q", 58),
		"JWK base64url":               base64.RawURLEncoding.EncodeToString([]byte(jwkObj)),
		"JWK in a JWKS":               `{"keys":[` + jwkObj + `]}`,
		"JWK, Ruby":                   strings.NewReplacer(`":`, `" => `).Replace(jwkObj),
		"JWK, PHP":                    strings.NewReplacer(`":`, `' => `, `"`, `'`).Replace(jwkObj),
		"JWK, upper members":          `{"Kty":"OKP","Crv":"Ed25519","D":"` + secret + `"}`,
		"JWK, RSA by its factors": `{"kty":"RSA","n":"` + b64(r.N.Bytes()) + `","dp":"` +
			b64(r.Precomputed.Dp.Bytes()) + `","qi":"` + b64(r.Precomputed.Qinv.Bytes()) + `"}`,
		"AWS, as the provider takes it": "access_key = \"AKIAIOSFODNN7EXAMPLE\"\nsecret_key = \"" + aws + "\"",
		"AWS, s3cmd":                    "[default]\naccess_key = AKIAIOSFODNN7EXAMPLE\nsecret_key = " + aws,
		"AWS, env":                      "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE AWS_SECRET_ACCESS_KEY=" + aws,
		"AWS, export lower":             "export aws_secret_access_key='" + aws + "'",
		"AWS, in a URL": "s3://AKIAIOSFODNN7EXAMPLE:" + strings.ReplaceAll(aws, "/", "%2F") +
			"@bucket",
		"AWS, YAML":            "aws:\n  accessKeyId: AKIAIOSFODNN7EXAMPLE\n  secretAccessKey: " + aws,
		"AWS, old name":        "AWS_SECRET_KEY=" + aws,
		"AWS, Java properties": "aws.secretKey=" + aws + "\naws.accessKeyId=AKIAIOSFODNN7EXAMPLE",
		"AWS, JSON of sts": `{"Credentials":{"AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"` + aws +
			`","SessionToken":"x"}}`,
		"AWS, CSV of the console": "Access key ID,Secret access key\r\nAKIAIOSFODNN7EXAMPLE," + aws +
			"\r\n",
		"AWS base64":                      b64([]byte("aws_secret_access_key = " + aws)),
		"OpenSSH, first half":             strings.Join(lines[1:3], "\n"),
		"OpenSSH, second half":            strings.Join(lines[3:len(lines)-1], "\n"),
		"OpenSSH EC, second half":         strings.Join(eclines[3:len(eclines)-1], "\n"),
		"OpenSSH RSA, from line 7":        strings.Join(rlines[7:len(rlines)-1], "\n"),
		"OpenSSH, in a comment of a .pub": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKm8Sr4LqDGx1rBoEYG8nHOxcQd7FoHY5zqBAUcqFt " + strings.Join(lines[1:len(lines)-1], ""),
		"DER in a comment of a .pub":      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKm8Sr4LqDGx1rBoEYG8nHOxcQd7FoHY5zqBAUcqFt " + b64(raw),
		"PEM in a comment of a .pub":      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKm8Sr4LqDGx1rBoEYG8nHOxcQd7FoHY5zqBAUcqFt " + strings.ReplaceAll(text, "\n", " "),
		"DER as a file name":              "/etc/partner/" + base64.RawURLEncoding.EncodeToString(raw) + ".pem",
		"DER as a file name, b64 std":     "/etc/partner/" + b64(pkcs1) + ".pem",
		"DER as a host":                   "https://" + base64.RawURLEncoding.EncodeToString(raw) + ".acme.test/",
		"DER in a query": "https://login.acme.test/?key=" +
			base64.RawURLEncoding.EncodeToString(raw),
		"DER in a mail address": base64.RawURLEncoding.EncodeToString(raw) + "@example.com",
		"KeePass 2":             b64(kdbx),
		"KeePass export": "<String><Key>Notes</Key><Value>" +
			strings.ReplaceAll(text, "\n", "&#xA;") + "</Value></String>",
		"SSH 1": "SSH PRIVATE KEY FILE FORMAT 1.1\n",
		"a key store of Java's with two keys": b64(append([]byte{0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0,
			0, 1}, make([]byte, 64)...)),
		"bytes of Java, with signs": signs(raw), "Python's hex()": pythonHex(raw),
		"ROT13": rotated(text), "backwards": backwards(text), "backwards in base64": b64([]byte(backwards(text))),
		"SSH 1 in base64": b64(append([]byte("SSH PRIVATE KEY FILE FORMAT 1.1\n\x00\x00"),
			bytes.Repeat([]byte{1, 0xaa}, 40)...)),
		"PEM of old, no header": "Proc-Type: 4,ENCRYPTED\nDEK-Info: " +
			"AES-128-CBC,0123456789ABCDEF0123456789ABCDEF\n\n" + b64(bytes.Repeat([]byte{0x91, 0x5, 0xe7}, 100)),
		"GnuPG's file": "Created: 20240101T000000\nKey: (private-key (ecc (curve Ed25519)(flags " +
			"eddsa)(q #40AA#)(d #0123456789#)))",
		"GnuPG's file, protected": "Key: (protected-private-key (rsa (n #00#)(e #010001#)(protected " +
			"openpgp-s2k3-ocb-aes",
		"GnuPG's canonical file":    "(21:protected-private-key(3:rsa(1:n257:",
		"GnuPG's canonical, base64": b64([]byte("(11:private-key(3:ecc(5:curve7:Ed25519)(1:q33:@0123456789abcdef0123456789abcdef)(1:d32:0123456789abcdef0123456789abcdef)))")),
		"NATS creds": "-----BEGIN USER NKEY " +
			"SEED-----\nSUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY\n------END USER NKEY SEED------",
		"NATS seed":        "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY",
		"BIP 32":           "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi",
		"Tailscale":        "privkey:" + strings.Repeat("0a1b2c3d", 8),
		"WireGuard, upper": "PRIVATEKEY=yAnz5TF+lXXJte14tji3zlMNftft6n1fwZ6D2kVbfLU=",
		"libp2p":           `{"PeerID":"x","PrivKey":"CAESQ` + strings.Repeat("Ab1+", 22) + `"}`,
		"PASERK":           "k4.secret.cHFyc3R1dnd4eXp7fH1-f4CBgoOEhYaHiImKi4yNjo8c5WpIyC_5kWKhS8VEYSZ05dYfuTF-ZdQFV4D9vLTcNQ",
		"strong name":      b64(blob),
		"strong name, hex": hex.EncodeToString(blob),
		"PVK":              b64(pvk),
		"PKCS 12, hex":     "308209a10201033082096706092a864886f70d010701" + strings.Repeat("a0", 60),
		"tls.key of a secret": "apiVersion: v1\ndata:\n  tls.crt: " + b64([]byte(file("rsa3072.csr"))) +
			"\n  tls.key: " + b64([]byte(text)) + "\nkind: Secret\n",
		"a tfvars heredoc":   "<<-EOT\n    " + strings.ReplaceAll(text, "\n", "\n    ") + "EOT",
		"full-width letters": strings.NewReplacer("PRIVATE", "ＰＲＩＶＡＴＥ", "KEY", "ＫＥＹ").Replace(text),
		"Cyrillic letters": strings.NewReplacer("A", "А", "E", "Е").Replace(strings.Split(text, "\n")[0]) +
			"\n" + strings.Join(strings.Split(text, "\n")[1:], "\n"),
		"body in URL alphabet, wrapped": regexp.MustCompile(`.{20}`).
			ReplaceAllString(base64.URLEncoding.EncodeToString(raw), "$0\n"),
		"base64 with = in the middle": b64(raw[:20]) + b64(raw[20:]),
		"base64 lines each padded":    b64(raw[:16]) + "\n" + b64(raw[16:32]) + "\n" + b64(raw[32:]),
		"base64 in (parts)": "(" +
			strings.Join(strings.Split(regexp.MustCompile(`.{16}`).ReplaceAllString(b64(raw), "$0 "), " "), ")(") + ")",
		"base64 in [parts]":             "[" + b64(raw)[:30] + "][" + b64(raw)[30:] + "]",
		"base64 in join of Terraform":   `join("", ["` + b64(raw)[:30] + `", "` + b64(raw)[30:] + `"])`,
		"base64 over \\n escapes":       b64(raw)[:32] + `\n` + b64(raw)[32:],
		"base64 over %0A":               b64(raw)[:32] + `%0A` + b64(raw)[32:],
		"base64 over <wbr>":             b64(raw)[:32] + `<wbr>` + b64(raw)[32:],
		"base64 over zero-width space":  b64(raw)[:32] + "\u200b" + b64(raw)[32:],
		"base64 over ideographic space": b64(raw)[:32] + "\u3000" + b64(raw)[32:],
		"base64 over a bullet":          "• " + b64(raw)[:32] + "\n• " + b64(raw)[32:],
		"base64 over $":                 b64(raw)[:32] + "$" + b64(raw)[32:],
		"base64 percent-encoded":        strings.NewReplacer("+", "%2B", "/", "%2F", "=", "%3D").Replace(b64(pkcs1)),
		"base64 double percent-encoded": strings.NewReplacer("+", "%252B", "/", "%252F", "=",
			"%253D").Replace(b64(pkcs1)),
	}
}

func TestPrivateKeysAreFoundHoweverTheyAreWrapped(t *testing.T) {
	for name, text := range wrappedKeys(t) {
		if !HoldsPrivateKey(text) {
			t.Errorf("%s: not found", name)
		}
	}
}

// signedTexts are what is public and looks like a key: certificates by and of each sort of key,
// signatures, requests, sums.
func signedTexts(t *testing.T) map[string]string {
	t.Helper()
	ed, r, ec := someKeys(t)
	signers, all := map[string]ssh.Signer{}, map[string]string{}
	keys := map[string]crypto.Signer{"Ed25519": ed, "RSA": r, "P-256": ec}
	for _, curve := range []elliptic.Curve{elliptic.P384(), elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		keys[curve.Params().Name] = key
	}
	for name, key := range keys {
		signer, err := ssh.NewSignerFromKey(key)
		if err != nil {
			t.Fatal(err)
		}
		signers[name] = signer
	}
	spelled := func(name string, blob []byte) {
		all[name+", base64"] = base64.StdEncoding.EncodeToString(blob)
		all[name+", hexadecimal"] = hex.EncodeToString(blob)
		all[name+", bytes"] = strings.ReplaceAll(fmt.Sprintf("% x", blob), " ", ":")
		all[name+", half"] = base64.StdEncoding.EncodeToString(blob[:len(blob)/2])
	}
	for by, authority := range signers {
		for of, signer := range signers {
			c := &ssh.Certificate{
				Key:             signer.PublicKey(),
				Serial:          7,
				CertType:        ssh.UserCert,
				KeyId:           "x",
				ValidPrincipals: []string{"a"},
				ValidBefore:     1 << 40,
			}
			if err := c.SignCert(rand.Reader, authority); err != nil {
				t.Fatal(err)
			}
			spelled(of+" signed by "+by, c.Marshal())
			all[of+" signed by "+by+", lines"] = string(ssh.MarshalAuthorizedKey(signer.PublicKey())) +
				string(ssh.MarshalAuthorizedKey(c))
		}
		made := &x509.Certificate{
			SerialNumber: big.NewInt(7),
			Subject:      pkix.Name{CommonName: "x"},
			NotAfter:     time.Unix(1<<31, 0),
		}
		certificate, err := x509.CreateCertificate(rand.Reader, made, made, keys[by].Public(), keys[by])
		if err != nil {
			t.Fatal(err)
		}
		spelled("X.509 by "+by, certificate)
		request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, keys[by])
		if err != nil {
			t.Fatal(err)
		}
		spelled("a request by "+by, request)
		signature, err := authority.Sign(rand.Reader, []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		spelled("SSHSIG by "+by, append([]byte("SSHSIG\x00\x00\x00\x01"),
			wire(authority.PublicKey().Marshal(), []byte("file"), nil, []byte("sha512"), ssh.Marshal(signature))...))
	}
	noise := make([]byte, 96)
	for n := range 50 {
		_, _ = rand.Read(noise)
		spelled(fmt.Sprint("noise ", n), noise)
	}
	return all
}

func TestWhatIsSignedIsNoPrivateKey(t *testing.T) {
	for name, text := range signedTexts(t) {
		if HoldsPrivateKey(text) {
			t.Errorf("%s: found in %s", name, text)
		}
	}
}

// A long text was decoded as often as it has words: 50 kB took five seconds, and 200 kB a minute. A text four times as
// long takes some four times as long now; it took 16 times as long.
func TestALongTextIsReadSoon(t *testing.T) {
	for _, unit := range []string{"Reads the files of the shop every night ", "MIIE xyz, ", "H4sI ABC ",
		"= [x] (UQAR) ", "-12, 34, ", "0x1, "} {
		best := func(size int, least time.Duration) time.Duration {
			text := strings.Repeat(unit, size/len(unit))
			began := time.Now()
			if HoldsPrivateKey(text) {
				t.Errorf("found in %q", unit)
			}
			return min(least, time.Since(began))
		}
		short := best(20_000, math.MaxInt64)
		long := best(80_000, math.MaxInt64)
		for n := 0; n < 10 && long > 10*short; n++ { // a busy machine may have stopped it in the middle
			short, long = best(20_000, short), best(80_000, long)
		}
		if long > 10*short {
			t.Errorf("%q: 20 kB take %s, and 80 kB %s", unit, short, long)
		}
	}
}
