// SPDX-License-Identifier: MPL-2.0

package material

import (
	"crypto"
	"crypto/dsa" //nolint:staticcheck // to say that such a key is weak, it has to be read
	"crypto/ecdsa"
	"crypto/ed25519"
	_ "crypto/md5" //nolint:gosec // partners' old devices sign with it, which a rule refuses
	"crypto/rsa"
	_ "crypto/sha1" //nolint:gosec // as above
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// method is how a request is signed.
type method struct {
	digest crypto.Hash
	// broken is the digest's name where it is broken.
	broken string
	pss    bool
}

var errUnfit = errors.New("the request's signature does not fit its key: it was changed or damaged, ask the partner " +
	"for it again")

var methods = map[string]method{
	"1.2.840.113549.1.1.4":   {digest: crypto.MD5, broken: "MD5"},
	"1.2.840.113549.1.1.5":   {digest: crypto.SHA1, broken: "SHA-1"},
	"1.3.14.3.2.29":          {digest: crypto.SHA1, broken: "SHA-1"},
	"1.2.840.113549.1.1.11":  {digest: crypto.SHA256},
	"1.2.840.113549.1.1.12":  {digest: crypto.SHA384},
	"1.2.840.113549.1.1.13":  {digest: crypto.SHA512},
	"1.2.840.10045.4.1":      {digest: crypto.SHA1, broken: "SHA-1"},
	"1.2.840.10045.4.3.2":    {digest: crypto.SHA256},
	"1.2.840.10045.4.3.3":    {digest: crypto.SHA384},
	"1.2.840.10045.4.3.4":    {digest: crypto.SHA512},
	"1.2.840.10040.4.3":      {digest: crypto.SHA1, broken: "SHA-1"},
	"2.16.840.1.101.3.4.3.2": {digest: crypto.SHA256}, // DSA
	"1.3.101.112":            {},                      // Ed25519 takes the text itself
	"2.16.840.1.101.3.4.2.1": {digest: crypto.SHA256}, // digests, as RSASSA-PSS names them
	"2.16.840.1.101.3.4.2.2": {digest: crypto.SHA384},
	"2.16.840.1.101.3.4.2.3": {digest: crypto.SHA512},
	"1.3.14.3.2.26":          {digest: crypto.SHA1, broken: "SHA-1"},
}

var unsupported = map[string]string{
	"1.2.840.113549.1.1.2": "MD2", "1.2.840.113549.1.1.14": "SHA-224", "1.2.840.113549.1.1.15": "SHA-512/224",
	"1.2.840.113549.1.1.16": "SHA-512/256",
	"1.2.840.10045.4.3.1":   "SHA-224", "2.16.840.1.101.3.4.3.1": "SHA-224", "2.16.840.1.101.3.4.2.4": "SHA-224",
	"2.16.840.1.101.3.4.3.9":  "SHA3-224",
	"2.16.840.1.101.3.4.3.10": "SHA3-256", "2.16.840.1.101.3.4.3.11": "SHA3-384", "2.16.840.1.101.3.4.3.12": "SHA3-512",
	"2.16.840.1.101.3.4.3.13": "SHA3-224",
	"2.16.840.1.101.3.4.3.14": "SHA3-256", "2.16.840.1.101.3.4.3.15": "SHA3-384", "2.16.840.1.101.3.4.3.16": "SHA3-512",
	"1.3.36.3.3.1.2":      "RIPEMD-160",
	"1.2.156.10197.1.501": "SM3", "1.3.101.113": "Ed448",
}

// readMethod reads an AlgorithmIdentifier.
func readMethod(algorithm cryptobyte.String) (method, error) {
	var id asn1.ObjectIdentifier
	if !algorithm.ReadASN1ObjectIdentifier(&id) {
		return method{}, errUnfit
	}
	pss := id.String() == "1.2.840.113549.1.1.10"
	name := id.String()
	if pss {
		digest, mask := pssDigest(algorithm)
		if name = digest; mask != name {
			return method{}, fmt.Errorf("it is signed with RSASSA-PSS and two digests, which is not supported: %s",
				askForRequest)
		}
	}
	if m, ok := methods[name]; ok {
		m.pss = pss
		return m, nil
	}
	if known := unsupported[name]; known != "" {
		name = known
	}
	return method{}, fmt.Errorf("it is signed with %s, which is not supported: %s", name, askForRequest)
}

// pssDigest returns the digest that the parameters of RSASSA-PSS (RFC 4055, 3.1) name, for the text and for its mask.
func pssDigest(parameters cryptobyte.String) (digest, mask string) {
	var fields cryptobyte.String
	parameters.ReadASN1(&fields, casn1.SEQUENCE)
	digest, _ = pssField(&fields, 0)
	_, generator := pssField(&fields, 1)
	mask, _ = pssAlgorithm(generator)
	return digest, mask
}

// pssField reads an algorithm of the parameters, with what it is given.
func pssField(fields *cryptobyte.String, number casn1.Tag) (name string, given cryptobyte.String) {
	var explicit cryptobyte.String
	var there bool
	if !fields.ReadOptionalASN1(&explicit, &there, number.Constructed().ContextSpecific()) {
		explicit = nil
	}
	return pssAlgorithm(explicit)
}

// pssAlgorithm reads an AlgorithmIdentifier: SHA-1 where there is none.
func pssAlgorithm(text cryptobyte.String) (name string, given cryptobyte.String) {
	var id asn1.ObjectIdentifier
	if !text.ReadASN1(&given, casn1.SEQUENCE) || !given.ReadASN1ObjectIdentifier(&id) {
		return "1.3.14.3.2.26", nil
	}
	return id.String(), given
}

// verify checks a signature. A digest that is broken, and a key that is weak, are for a rule to judge.
func (m method) verify(public crypto.PublicKey, signed, signature []byte) error {
	sum := signed
	if m.digest != 0 {
		h := m.digest.New()
		h.Write(signed)
		sum = h.Sum(nil)
	}
	fits := false
	switch k := public.(type) {
	case *rsa.PublicKey:
		return m.verifyRSA(k, sum, signature)
	case *ecdsa.PublicKey:
		fits = m.digest != 0 && ecdsa.VerifyASN1(k, sum, signature)
	case ed25519.PublicKey:
		fits = m.digest == 0 && ed25519.Verify(k, signed, signature)
	case *dsa.PublicKey:
		var two struct{ R, S *big.Int }
		if _, err := asn1.Unmarshal(signature, &two); err == nil {
			fits = dsa.Verify(k, sum[:min(len(sum), (k.Q.BitLen()+7)/8)], two.R, two.S)
		}
	default:
		return fmt.Errorf("its key is of a kind that is not supported: %s", askForRequest)
	}
	if !fits {
		return errUnfit
	}
	return nil
}

// verifyRSA checks a signature of RSA over a digest. Keys that the Go library refuses to check
// with are said to be such.
func (m method) verifyRSA(k *rsa.PublicKey, sum, signature []byte) error {
	switch {
	case k.N.BitLen() < 1024:
		return fmt.Errorf("its RSA key has %d bits, which is not supported: %s", k.N.BitLen(), askForRequest)
	case k.E > 1<<31-1: // what Go takes for a key, and checks nothing with
		return fmt.Errorf("its key is %s, which is not supported: %s", greatExponent(big.NewInt(int64(k.E))),
			askForRequest)
	case m.digest == 0:
		return errUnfit
	case m.pss && rsa.VerifyPSS(k, m.digest, sum, signature, nil) != nil,
		!m.pss && rsa.VerifyPKCS1v15(k, m.digest, sum, signature) != nil:
		return errUnfit
	}
	return nil
}

var keyKinds = map[string]string{
	"1.2.840.113549.1.1.10": "RSASSA-PSS", "1.2.840.113549.1.1.7": "RSAES-OAEP", "1.3.101.110": "X25519",
	"1.3.101.111": "X448", "1.3.101.113": "Ed448",
	"2.16.840.1.101.3.4.3.17": "ML-DSA-44", "2.16.840.1.101.3.4.3.18": "ML-DSA-65",
	"2.16.840.1.101.3.4.3.19": "ML-DSA-87", "1.2.840.10046.2.1": "Diffie-Hellman",
	"1.2.643.7.1.1.1.1": "GOST R 34.10-2012", "1.2.643.7.1.1.1.2": "GOST R 34.10-2012", "1.2.840.10040.4.1": "DSA",
}

var curves = map[string]string{
	"1.3.132.0.10": "secp256k1", "1.2.840.10045.3.1.1": "P-192", "1.3.132.0.33": "P-224",
	"1.2.840.10045.3.1.7": "P-256", "1.3.132.0.34": "P-384", "1.3.132.0.35": "P-521",
	"1.3.36.3.3.2.8.1.1.7": "brainpoolP256r1", "1.3.36.3.3.2.8.1.1.11": "brainpoolP384r1",
	"1.3.36.3.3.2.8.1.1.13": "brainpoolP512r1", "1.2.156.10197.1.301": "SM2",
}

// kindOfPoint says what an elliptic key is that Go does not read (RFC 5480, 2.1.1 and 2.2: a curve is named or written
// out, and a point that begins with 2 or 3 is compressed).
func kindOfPoint(parameters cryptobyte.String, point []byte) string {
	var curve asn1.ObjectIdentifier
	if !parameters.ReadASN1ObjectIdentifier(&curve) {
		return "of a curve that is written out as parameters"
	}
	name, ok := curves[curve.String()]
	if !ok {
		name = curve.String()
	}
	if len(point) > 0 && (point[0] == 2 || point[0] == 3) {
		return name + " as a compressed point (openssl ec -conv_form uncompressed writes it as needed)"
	}
	return "of the curve " + name
}

// kindOfKey says what a SubjectPublicKeyInfo holds that Go does not read.
func kindOfKey(info cryptobyte.String) string {
	var fields, algorithm cryptobyte.String
	var id asn1.ObjectIdentifier
	var bits asn1.BitString
	if !info.ReadASN1(&fields, casn1.SEQUENCE) ||
		!fields.ReadASN1(&algorithm, casn1.SEQUENCE) ||
		!algorithm.ReadASN1ObjectIdentifier(&id) ||
		!fields.ReadASN1BitString(&bits) {
		return "damaged"
	}
	switch id.String() {
	case "1.2.840.113549.1.1.1":
		return kindOfRSA(bits.Bytes)
	case "1.2.840.10045.2.1":
		return kindOfPoint(algorithm, bits.Bytes)
	}
	if name := keyKinds[id.String()]; name != "" {
		return name
	}
	return "of the kind " + id.String()
}

// kindOfRSA says of an RSA key that Go does not parse what is odd about it: most often an exponent over 31 bits.
func kindOfRSA(der []byte) string {
	var key struct{ N, E *big.Int }
	if _, err := asn1.Unmarshal(der, &key); err == nil && key.E.BitLen() > 31 {
		return greatExponent(key.E)
	}
	return "RSA in a form that cannot be read"
}

func greatExponent(e *big.Int) string {
	return fmt.Sprintf("RSA with a public exponent over 2^%d", min(32, e.BitLen()-1))
}
