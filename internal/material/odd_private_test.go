// SPDX-License-Identifier: MPL-2.0

package material

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"html"
	"math/big"
	"strings"
	"testing"
	"unicode/utf16"
)

// der is a structure in DER.
func der(t *testing.T, v any) []byte {
	t.Helper()
	b, err := asn1.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// oddKeys are private keys as tools and configurations wrap them, and algorithms that Go has no parser for.
func oddKeys(t *testing.T) map[string]string {
	t.Helper()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(ed)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8 := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
	b64 := base64.StdEncoding.EncodeToString
	escaped := func(text string) string { // as Terraform's jsonencode writes it
		b, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	zipped := func(text string) string { // base64gzip
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write([]byte(text))
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return b64(b.Bytes())
	}
	deflated := func(text string) string {
		var b bytes.Buffer
		z := zlib.NewWriter(&b)
		_, _ = z.Write([]byte(text))
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return b64(b.Bytes())
	}
	utf16le := func(text string) []byte { // textencodebase64(..., "UTF-16LE"), and PowerShell
		b, err := binary.Append([]byte{0xff, 0xfe}, binary.LittleEndian, utf16.Encode([]rune(text)))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	type algorithm struct{ ID asn1.ObjectIdentifier }
	type other struct { // PKCS #8 of an algorithm that Go does not know
		Version   int
		Algorithm algorithm
		Key       []byte
	}
	type sec1 struct {
		Version int
		Key     []byte
		Curve   asn1.ObjectIdentifier `asn1:"explicit,tag:0"`
	}
	n := new(big.Int).SetBytes(bytes.Repeat([]byte{0x5b}, 64))
	dsa := struct {
		Version       int
		P, Q, G, Y, X *big.Int
	}{0, n, n, n, n, n}
	secret := "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
	jwk := `{"kty":"OKP","crv":"Ed25519","d":"` + secret + `"}`
	xml := "<RSAKeyValue><Modulus>x</Modulus><D>" + b64(make([]byte, 64)) + "</D></RSAKeyValue>"
	pgp := append([]byte{0x94, 0x58, 4, 0x65, 0, 0, 0, 22, 9, 0x2b, 6, 1, 4, 1, 0xda, 0x47, 0xf, 1},
		make([]byte, 72)...)
	return map[string]string{
		"the header wrapped":          strings.Replace(pkcs8, "BEGIN PRIVATE KEY", "BEGIN PRIVATE\nKEY", 1),
		"the header indented by tabs": strings.Replace(pkcs8, " ", "\t", 2),
		"hyphens that do not break":   strings.ReplaceAll(pkcs8, "-----", "‑‑‑‑‑"),
		"horizontal bars":             strings.ReplaceAll(pkcs8, "-----", "―――――"),
		"full-width hyphens":          strings.ReplaceAll(pkcs8, "-----", "－－－－－"),
		"HTML":                        strings.NewReplacer("-", "&#45;", " ", "&nbsp;", "\n", "<br/>").Replace(pkcs8),
		"JSON in JSON":                escaped(escaped(pkcs8)),
		"escaped by number":           strings.NewReplacer("-", `\u002d`, "\n", `\u000A`).Replace(pkcs8),
		"escaped by hexadecimal":      strings.NewReplacer("-", `\x2d`, "\n", `\x0a`).Replace(pkcs8),
		"in lines of a list":          `["` + strings.ReplaceAll(pkcs8, "\n", `", "`) + `"]`,
		"UTF-16 in base64":            b64(utf16le(pkcs8)),
		"gzip in base64":              zipped(pkcs8),
		"gzip of DER":                 zipped(string(raw)),
		"gzip behind a path":          "orders/" + zipped(pkcs8),
		"DER behind a path":           "orders/acme/" + base64.RawURLEncoding.EncodeToString(raw),
		"DER behind a dash":           "key-" + base64.RawURLEncoding.EncodeToString(raw),
		"DER behind an underscore":    "key_" + base64.RawURLEncoding.EncodeToString(raw),
		"hexadecimal of DER":          strings.ToUpper(hex.EncodeToString(raw)),
		"hexadecimal by colons":       strings.TrimSuffix(strings.ReplaceAll(fmt.Sprintf("% x", raw), " ", ":"), ":"),
		"hexadecimal with 0x":         "0x" + hex.EncodeToString(raw),
		"hexadecimal by dashes":       strings.ReplaceAll(fmt.Sprintf("% X", raw), " ", "-"),
		"xxd -i": "unsigned char key[] = {\n  0x" +
			strings.ReplaceAll(fmt.Sprintf("% x", raw), " ", ", 0x") + "\n};",
		"a string of bytes": `b'\x` + strings.ReplaceAll(fmt.Sprintf("% x", raw), " ", `\x`) + "'",
		"a list of numbers": "[" +
			strings.Trim(strings.ReplaceAll(fmt.Sprintf("%d", raw), " ", ", "), "[]") + "]",
		"lines joined by pipes":        b64(raw)[:30] + "|" + b64(raw)[30:],
		"lines joined by semicolons":   b64(raw)[:30] + "; " + b64(raw)[30:],
		"zlib in base64":               deflated(pkcs8),
		"JWK without its type":         `{"crv":"Ed25519","d":"` + secret + `"}`,
		"age, wrapped":                 "AGE-SECRET-\nKEY-1" + strings.Repeat("Q", 58),
		"base64 in DER in base64":      b64([]byte(b64(raw))),
		"lines of a list without head": `"` + strings.Join([]string{b64(raw)[:30], b64(raw)[30:]}, `", "`) + `"`,
		"Ed448": b64(der(t,
			other{0, algorithm{asn1.ObjectIdentifier{1, 3, 101, 113}}, make([]byte, 59)})),
		"a curve that Go lacks": b64(der(t, sec1{1, make([]byte, 32), asn1.ObjectIdentifier{1, 3, 132, 0, 10}})),
		"DSA":                   b64(der(t, dsa)),
		"PKCS 12 of any length": b64(append([]byte{0x30, 0x80, 2, 1, 3, 0x30, 0x80, 6, 9, 0x2a, 0x86, 0x48, 0x86,
			0xf7, 13, 1, 7, 1}, make([]byte, 64)...)),
		"JCEKS": b64(append([]byte{0xce, 0xce, 0xce, 0xce, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1},
			make([]byte, 64)...)),
		"JWK in HCL":    "kty = \"OKP\"\ncrv = \"Ed25519\"\nd   = \"" + secret + "\"\n",
		"JWK in YAML":   "kty: OKP\ncrv: Ed25519\nd: " + secret + "\n",
		"JWK in Python": strings.ReplaceAll(jwk, `"`, `'`),
		"JWK in a URL": "https://login.acme.test/?jwk=%7B%22kty%22%3A%22OKP%22%2C%22d%22%3A%22" +
			secret + "%22%7D",
		"JWK in HTML":            html.EscapeString(jwk),
		"JWK escaped by number":  strings.ReplaceAll(jwk, `"`, `\u0022`),
		".NET in JSON":           strings.NewReplacer("<", `\u003c`, ">", `\u003e`).Replace(xml),
		".NET in HTML":           html.EscapeString(xml),
		".NET with a name space": strings.Replace(xml, "<RSAKeyValue>", `<RSAKeyValue xmlns="urn:x">`, 1),
		"openssl asn1parse": "12:d=1  hl=2 l=  34 prim: OCTET STRING      [HEX DUMP]:0420" +
			strings.Repeat("DB", 32),
		"WireGuard":         "[Interface]\nPrivateKey = yAnz5TF+lXXJte14tji3zlMNftft6n1fwZ6D2kVbfLU=\n",
		"PGP without armor": b64(pgp),
		"age, spaced":       "AGE-SECRET-KEY-PQ-1" + strings.Repeat("q", 58),
		"PuTTY, its tail":   "Private-MAC: 0123456789abcdef0123456789abcdef01234567",
	}
}

func TestPrivateKeysAreFoundInOddForms(t *testing.T) {
	for name, text := range oddKeys(t) {
		if !HoldsPrivateKey(text) {
			t.Errorf("%s: not found", name)
		}
	}
}
