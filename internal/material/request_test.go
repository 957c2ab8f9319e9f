// SPDX-License-Identifier: MPL-2.0

package material

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
)

// crafted is a request of a key with a subject and attributes as they are given, signed by the key as openssl signs.
func crafted(t *testing.T, key *ecdsa.PrivateKey, info, subject, attributes []byte) string {
	t.Helper()
	marshal := func(v any) []byte {
		b, err := asn1.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if info == nil {
		var err error
		if info, err = x509.MarshalPKIXPublicKey(key.Public()); err != nil {
			t.Fatal(err)
		}
	}
	var inner []byte
	inner = append(inner, marshal(0)...)
	inner = append(append(append(inner, subject...), info...), attributes...)
	signed := marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: inner})
	sum := sha256.Sum256(signed)
	signature, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return block("CERTIFICATE REQUEST", marshal(struct {
		Info      asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}{asn1.RawValue{FullBytes: signed},
		pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}},
		asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}}))
}

func block(name string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: name, Bytes: der}))
}

// name is a subject with one common name of a string type.
func name(tag byte, text string) []byte {
	value := append([]byte{tag, byte(len(text))}, text...)
	pair := append([]byte{6, 3, 0x55, 4, 3}, value...)
	in := func(tag byte, b []byte) []byte { return append([]byte{tag, byte(len(b))}, b...) }
	return in(0x30, in(0x31, in(0x30, pair)))
}

func ecKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

var noAttributes = []byte{0xa0, 0}

// One key is one key, however its request is written down, and whatever the request says beside it.
func TestRequestsAreReadHoweverTheyAreWritten(t *testing.T) {
	key := ecKey(t)
	info, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	plain := crafted(t, key, nil, name(0x0c, "depot"), noAttributes)
	for how, text := range map[string]string{
		"as it is":              plain,
		"a byte order mark":     "\ufeff" + plain,
		"windows line ends":     strings.ReplaceAll(plain, "\n", "\r\n"),
		"line ends of old Macs": strings.ReplaceAll(plain, "\n", "\r"),
		"no line end":           strings.TrimSpace(plain),
		"blank lines":           "\n\n" + plain + "\n\n",
		"indented":              "    " + strings.ReplaceAll(plain, "\n", "\n\t  "),
		"openssl req -text":     "Certificate Request:\n    Data:\n        Version: 1 (0x0)\n" + plain,
		"a device's words around it": "% Certificate request follows:\n\n" + plain +
			"\n---End - This line not part of the certificate request---\n",
		"the old header": strings.ReplaceAll(plain, "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"),
		"lines of another width": "-----BEGIN CERTIFICATE REQUEST-----\n" +
			base64.StdEncoding.EncodeToString(derOf(plain)) + "\n-----END CERTIFICATE REQUEST-----\n",
		"a certificate beside it":      block("CERTIFICATE", []byte("0123456789")) + plain,
		"an underscore, Printable":     crafted(t, key, nil, name(0x13, "acme_depot"), noAttributes),
		"Latin-1 in UTF-8":             crafted(t, key, nil, name(0x0c, "G\xe4ste"), noAttributes),
		"no attributes":                crafted(t, key, nil, name(0x0c, "depot"), nil),
		"attributes that are nonsense": crafted(t, key, nil, name(0x0c, "depot"), []byte{0xa0, 3, 0x30, 1, 0xff}),
		"no subject":                   crafted(t, key, nil, []byte{0x30, 0}, noAttributes),
	} {
		r, err := ParseRequest(text)
		if err != nil ||
			string(r.Info) != string(info) ||
			r.Digest != "" ||
			!key.PublicKey.Equal(r.PublicKey) {
			t.Errorf("%s: %v", how, err)
			continue
		}
		if again, err := ParseRequest(r.PEM()); err != nil || again.PEM() != r.PEM() {
			t.Errorf("%s: its own spelling is read otherwise: %v", how, err)
		}
	}
}

func derOf(text string) []byte {
	b, _ := pem.Decode([]byte(text))
	return b.Bytes
}

// spki is a SubjectPublicKeyInfo of an algorithm, its parameters, and bits.
func spki(t *testing.T, id asn1.ObjectIdentifier, parameters any, bits []byte) []byte {
	t.Helper()
	algorithm := pkix.AlgorithmIdentifier{Algorithm: id}
	if parameters != nil {
		full, err := asn1.Marshal(parameters)
		if err != nil {
			t.Fatal(err)
		}
		algorithm.Parameters = asn1.RawValue{FullBytes: full}
	}
	b, err := asn1.Marshal(struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}{algorithm, asn1.BitString{Bytes: bits, BitLength: 8 * len(bits)}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What is not taken is called by its name, with what to write or ask for. Only a signature that was
// checked is said not to fit.
func TestRequestsThatAreNotTakenAreToldWhy(t *testing.T) {
	key := ecKey(t)
	subject := name(0x0c, "depot")
	plain := crafted(t, key, nil, subject, noAttributes)
	der := derOf(plain)
	curve := asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}
	ecID := asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	bigRSA, err := asn1.Marshal(struct{ N, E *big.Int }{new(big.Int).Lsh(big.NewInt(1), 2047),
		new(big.Int).Lsh(big.NewInt(1), 40)})
	if err != nil {
		t.Fatal(err)
	}
	of := func(info []byte) string { return crafted(t, key, info, subject, noAttributes) }
	flipped := append([]byte(nil), der...)
	flipped[len(flipped)-3] ^= 1
	sha224 := append([]byte(nil), der...)
	at := strings.Index(string(sha224), "\x2a\x86\x48\xce\x3d\x04\x03\x02")
	sha224[at+7] = 1
	compressed := elliptic.MarshalCompressed(elliptic.P256(), key.X, key.Y)
	for how, c := range map[string]struct{ text, says string }{
		"a certificate": {block("CERTIFICATE", der[9:]), "it is a CERTIFICATE, not a request"},
		"a public key":  {block("PUBLIC KEY", der[9:]), "public key in PEM"},
		"an SSH key": {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDPvnrjDUtrc8ZZ/GIMr1htCDpX3sBmCpuIylk4prkbe",
			"it is an SSH public key, not a request"},
		"PGP": {"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDMEZ\n-----END PGP PUBLIC " +
			"KEY BLOCK-----", "PGP"},
		"the body alone":      {base64.StdEncoding.EncodeToString(der), "without its BEGIN and END lines"},
		"no-break spaces":     {strings.ReplaceAll(plain, "\n", "\u00a0\n"), "a no-break space (U+00A0)"},
		"zero-width spaces":   {strings.ReplaceAll(plain, "\n", "\u200b\n"), "a zero-width space"},
		"line ends as text":   {strings.ReplaceAll(plain, "\n", `\n`), `its line ends are written as \n`},
		"two requests":        {plain + crafted(t, ecKey(t), nil, subject, noAttributes), "there are 2 requests"},
		"cut off":             {plain[:len(plain)/2], "damaged or cut off"},
		"cut off inside":      {block("CERTIFICATE REQUEST", der[:60]), "cut off or damaged"},
		"empty":               {"  \n", "it is empty"},
		"a word":              {"hello", "no request in it"},
		"another's signature": {block("CERTIFICATE REQUEST", flipped), "changed or damaged"},
		"SHA-224": {block("CERTIFICATE REQUEST", sha224),
			"it is signed with SHA-224, which is not supported: ask"},
		"Ed448": {of(spki(t, asn1.ObjectIdentifier{1, 3, 101, 113}, nil, make([]byte, 57))),
			"its key is Ed448, which is not supported: ask"},
		"X25519": {of(spki(t, asn1.ObjectIdentifier{1, 3, 101, 111}, nil, make([]byte, 56))), "X448"},
		"RSASSA-PSS": {of(spki(t, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}, nil, bigRSA)),
			"RSASSA-PSS"},
		"a great exponent": {of(spki(t, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}, asn1.NullRawValue,
			bigRSA)), "RSA with a public exponent over 2^32"},
		"a compressed point": {of(spki(t, ecID, curve, compressed)), "P-256 as a compressed point"},
		"secp256k1": {of(spki(t, ecID, asn1.ObjectIdentifier{1, 3, 132, 0, 10}, make([]byte, 65))),
			"secp256k1"},
		"brainpool": {of(spki(t, ecID, asn1.ObjectIdentifier{1, 3, 36, 3, 3, 2, 8, 1, 1, 7},
			make([]byte, 65))), "brainpoolP256r1"},
		"a curve written out": {of(spki(t, ecID, []int{1, 2}, make([]byte, 65))), "written out as parameters"},
		"ML-DSA": {of(spki(t, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 18}, nil,
			make([]byte, 65))), "ML-DSA-65"},
		"a kind that nobody knows": {of(spki(t, asn1.ObjectIdentifier{1, 2, 3, 4}, nil, make([]byte, 65))), "1.2.3.4"},
	} {
		if _, err := ParseRequest(c.text); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want it to say %q", how, err, c.says)
		} else if strings.Contains(err.Error(), "damaged") && !strings.Contains(c.says, "damaged") {
			t.Errorf("%s: is said to be damaged: %v", how, err)
		} else if strings.Contains(err.Error(), "not supported") &&
			!strings.Contains(err.Error(), "ECDSA P-256, Ed25519 or RSA of 3072 bits") {
			t.Errorf("%s: it does not say what to ask for: %v", how, err)
		}
	}
}

// Whole requests with broken digests are read: a rule refuses them, with its reason. RSASSA-PSS signatures of
// ordinary keys are read.
func TestBrokenDigestsAreNamed(t *testing.T) {
	for name, want := range map[string]string{
		"sha1.csr":    "SHA-1",
		"md5.csr":     "MD5",
		"rsa3072.csr": "",
		"ed25519.csr": "",
		"p224.csr":    "",
		"rsa1024.csr": "",
	} {
		if r, err := ParseRequest(file(name)); err != nil || r.Digest != want {
			t.Errorf("%s: %q, %v", name, r.Digest, err)
		}
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, algorithm := range []x509.SignatureAlgorithm{x509.SHA256WithRSAPSS, x509.SHA512WithRSAPSS,
		x509.SHA384WithRSA} {
		der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{SignatureAlgorithm: algorithm},
			key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseRequest(block("CERTIFICATE REQUEST", der)); err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
}

// Requests that are whole were said to be damaged: in CMC, as Windows makes them for its own authorities, and with two
// digests of RSASSA-PSS.
func TestAWholeRequestOfAnotherKindIsNotDamaged(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	pss := func(digest x509.SignatureAlgorithm) string {
		der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{SignatureAlgorithm: digest},
			key)
		if err != nil {
			t.Fatal(err)
		}
		return string(der)
	}
	// The masks of SHA-256 and SHA-384 are named by the last of three OIDs, the same as the first:
	// another one takes its place.
	const sha256, sha384 = "\x60\x86\x48\x01\x65\x03\x04\x02\x01", "\x60\x86\x48\x01\x65\x03\x04\x02\x02"
	two := pss(x509.SHA256WithRSAPSS)
	at := strings.LastIndex(two, sha256)
	two = two[:at] + sha384 + two[at+len(sha384):]
	cmc := "\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"
	cmc = "\x30\x20" + cmc[2:] + strings.Repeat("\x00", 0x20-len(cmc)+2)
	for how, c := range map[string]struct{ der, says string }{
		"RSASSA-PSS with SHA-256": {pss(x509.SHA256WithRSAPSS), ""},
		"RSASSA-PSS with SHA-512": {pss(x509.SHA512WithRSAPSS), ""},
		"two digests":             {two, "it is signed with RSASSA-PSS and two digests, which is not supported"},
		"CMC":                     {cmc, "RequestType = CMC): ask the partner for PKCS #10"},
	} {
		_, err := ParseRequest(block("NEW CERTIFICATE REQUEST", []byte(c.der)))
		if (c.says == "" && err != nil) || (c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says))) {
			t.Errorf("%s: %v, want %q", how, err, c.says)
		}
	}
}
