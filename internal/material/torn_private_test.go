// SPDX-License-Identifier: MPL-2.0

package material

import (
	"archive/zip"
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/ascii85"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// wire is what SSH writes: each part behind its length.
func wire(parts ...[]byte) (b []byte) {
	for _, part := range parts {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(part))), part...)
	}
	return b
}

// xxd prints bytes as xxd and its like do, sixteen in a line.
func xxd(b []byte, offset, text string) string {
	var all strings.Builder
	for at := 0; at < len(b); at += 16 {
		line := b[at:min(at+16, len(b))]
		shown := regexp.MustCompile(`[^ -~]`).ReplaceAllString(string(line), ".")
		fmt.Fprintf(&all, offset, at)
		for i := 0; i < len(line); i += 2 {
			fmt.Fprintf(&all, "%x ", line[i:min(i+2, len(line))])
		}
		all.WriteString(strings.Replace(text, "%s", shown, 1))
	}
	return all.String()
}

// tornKeys are private keys of which a part is pasted, or which something stands between, and those of
// programs that write no PEM.
func tornKeys(t *testing.T) map[string]string {
	t.Helper()
	must := func(b []byte, err error) []byte {
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	public, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	raw := must(x509.MarshalPKCS8PrivateKey(r))
	body := strings.TrimSpace(regexp.MustCompile(`.{64}`).ReplaceAllString(base64.StdEncoding.EncodeToString(raw),
		"$0\n"))
	lines := strings.Split(body, "\n")
	b64 := base64.StdEncoding.EncodeToString
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
	var zipped bytes.Buffer
	z := zip.NewWriter(&zipped)
	f, err := z.Create("id.pem")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = f.Write([]byte(text))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	numbers := func(format, between string, b []byte) string {
		var all []string
		for _, c := range b {
			all = append(all, fmt.Sprintf(format, c))
		}
		return strings.Join(all, between)
	}
	ascii := make([]byte, ascii85.MaxEncodedLen(len(raw)))
	ascii = ascii[:ascii85.Encode(ascii, raw)]
	uu := ""
	for rest := raw; len(rest) > 0; rest = rest[min(45, len(rest)):] {
		line := append([]byte(nil), rest[:min(45, len(rest))]...)
		uu += string(rune(32 + len(line)))
		for len(line)%3 != 0 {
			line = append(line, 0)
		}
		for i := 0; i < len(line); i += 3 {
			n := int(line[i])<<16 | int(line[i+1])<<8 | int(line[i+2])
			for _, shift := range []int{18, 12, 6, 0} {
				c := n >> shift & 63
				if c == 0 {
					c = 64
				}
				uu += string(rune(32 + c))
			}
		}
		uu += "\n"
	}
	n, e := r.N.Bytes(), []byte{1, 0, 1}
	point := must(ec.PublicKey.Bytes())
	d := must(ec.Bytes())
	return map[string]string{
		"the first line of PKCS 8":    lines[0],
		"the first line of PKCS 1":    b64(x509.MarshalPKCS1PrivateKey(r))[:64],
		"the first line of SEC 1":     b64(must(x509.MarshalECPrivateKey(ec)))[:64],
		"half of PKCS 8":              body[:len(body)/2],
		"quoted in a mail, no header": "> " + strings.Join(lines, "\n> "),
		"with line numbers":           "1: " + lines[0] + "\n2: " + lines[1],
		"joined by plus":              `"` + strings.Join(lines, "\" +\n\"") + `"`,
		"continued by backslashes":    strings.Join(lines, "\\\n"),
		"commented out":               "# " + strings.Join(lines, "\n# "),
		"in lines of HTML":            strings.Join(lines, "<br>"),
		"joined by dots":              strings.Join(lines, "."),
		"in rows of a table":          "|" + strings.Join(lines, "|\n|") + "|",
		"its end":                     lines[len(lines)-1] + "\n-----END PRIVATE KEY-----\n",
		"its end, of RSA":             "\n-----END RSA PRIVATE KEY-----",
		"Dropbear, Ed25519":           b64(wire([]byte("ssh-ed25519"), ed)),
		"Dropbear, RSA": b64(wire([]byte("ssh-rsa"), e, n, r.D.Bytes(), r.Primes[0].Bytes(),
			r.Primes[1].Bytes())),
		"Dropbear, ECDSA": b64(wire([]byte("ecdsa-sha2-nistp384"), []byte("nistp384"), point, d)),
		"an agent's RSA": b64(wire([]byte("ssh-rsa"), n, e, r.D.Bytes(), r.Primes[0].Bytes(),
			r.Primes[0].Bytes(), r.Primes[1].Bytes())),
		"an agent's Ed25519":           b64(wire([]byte("ssh-ed25519"), public, ed)),
		"a Tink keyset":                `{"primaryKeyId":1,"key":[{"keyData":{"typeUrl":"type.googleapis.com/google.crypto.tink.Ed25519PrivateKey","value":"EiDr","keyMaterialType":"ASYMMETRIC_PRIVATE"}}]}`,
		"minisign without its comment": "RWRTY0IyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"signify without its comment":  b64(append([]byte("EdBK\x00\x00\x00\x2a"), bytes.Repeat([]byte{7}, 96)...)),
		"Nostr":                        "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5",
		"printf in octal":              numbers(`\%03o`, "", raw),
		"od -b":                        numbers("%03o", " ", raw),
		"numbers in lines":             numbers("%d", "\n", raw),
		"hexadecimal in Go":            numbers("0x%02x", ", ", raw),
		"hexadecimal by backslashes":   numbers(`\x%02x`, "", raw),
		"hexadecimal of a part":        fmt.Sprintf("%x", raw[:64]),
		"binary digits":                numbers("%08b", " ", raw[:64]),
		"zip":                          b64(zipped.Bytes()),
		"ascii85":                      "<~" + string(ascii) + "~>",
		"uuencoded":                    "begin 600 key.der\n" + uu + "`\nend\n",
		"an AWS key":                   "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
		"an AWS key in JSON":           `{"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}`,
		"a service account of GCP": `{"type": "service_account", "private_key_id": "x", "private_key": "` +
			strings.ReplaceAll(text, "\n", `\n`) + `"}`,
		"a kubeconfig": "users:\n- name: x\n  user:\n    client-key-data: " + b64([]byte(text)),
		"JWK, its members in other words": "{kty: 'EC', crv: 'P-256', x: " +
			"'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU', d: 'jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI'}",
		"PuTTY by hand": "Encryption: none\nPublic-Lines: 2\nAAAA\nPrivate-Lines: 1\nAAAA",
		"in base64 in lines of a list": `["` +
			strings.Join(strings.Split(regexp.MustCompile(`.{40}`).ReplaceAllString(b64([]byte(text)), "$0\n"), "\n"),
				`","`) + `"]`,
		"hexadecimal in quotes and plus": `"` + fmt.Sprintf("%x", raw[:40]) + `" + "` + fmt.Sprintf("%x", raw[40:]) +
			`"`,
		"xxd":                xxd(raw, "%08x: ", "  %s\n"),
		"hexdump -C":         xxd(raw, "%08x  ", "  |%s|\n"),
		"PGP's dump":         xxd(raw[:48], "%06x ", "\n"),
		"a data URL":         "data:application/pkcs8;base64," + b64(raw),
		"a data URL of text": "data:application/x-pem-file;base64," + b64([]byte(text)),
		"in an INI file":     "key=" + b64(raw)[:100],
	}
}

func TestTornPrivateKeysAreFound(t *testing.T) {
	for name, text := range tornKeys(t) {
		if !HoldsPrivateKey(text) {
			t.Errorf("%s: not found", name)
		}
	}
}
