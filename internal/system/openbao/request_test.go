// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// requestOf is a request of a key, as openssl makes it.
func requestOf(t *testing.T, key crypto.Signer, signed x509.SignatureAlgorithm) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{SignatureAlgorithm: signed}, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// der is one element of ASN.1, of less than 256 bytes.
func der(tag byte, parts ...[]byte) []byte {
	all := bytes.Join(parts, nil)
	if len(all) < 128 {
		return append([]byte{tag, byte(len(all))}, all...)
	}
	return append([]byte{tag, 0x81, byte(len(all))}, all...)
}

// odd is a request whose subject and attributes are as they are given, properly signed.
func (st *stage) odd(t *testing.T, subject, attributes []byte) string {
	t.Helper()
	info, err := x509.MarshalPKIXPublicKey(st.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	signed := der(0x30, []byte{2, 1, 0}, subject, info, attributes)
	sum := sha256.Sum256(signed)
	signature, err := ecdsa.SignASN1(rand.Reader, st.key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	whole, err := asn1.Marshal(struct {
		Info      asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}{
		asn1.RawValue{FullBytes: signed},
		pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}},
		asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: whole}))
}

// subjectOf is a subject with one common name of a string type.
func subjectOf(tag byte, text string) []byte {
	return der(0x30, der(0x31, der(0x30, []byte{6, 3, 0x55, 4, 3}, der(tag, []byte(text)))))
}

// nameOf is a subject with one attribute.
func nameOf(id []byte, text string) []byte {
	return der(0x30, der(0x31, der(0x30, id, der(0x0c, []byte(text)))))
}

func rsaOf(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func ecOf(t *testing.T, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// requests are what partners' devices make, by how.
func (st *stage) requests(t *testing.T) map[string]string {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	extensionRequest := []byte{6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 14}
	challenge := []byte{6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 7}
	asks := func(extensions ...[]byte) []byte {
		return der(0x30, extensionRequest, der(0x31, der(0x30, extensions...)))
	}
	isCA := der(0x30, []byte{6, 3, 0x55, 0x1d, 19, 1, 1, 0xff}, der(4, der(0x30, []byte{1, 1, 0xff})))
	otherName := der(0x30, []byte{6, 3, 0x55, 0x1d, 17}, der(4, der(0x30, der(0x82, []byte("admin.example.com")))))
	badName := der(0x30, []byte{6, 3, 0x55, 0x1d, 17}, der(4, der(0x30, der(0x82, []byte("depot\xe4_1")))))
	address := der(0x30, []byte{6, 3, 0x55, 0x1d, 17}, der(4, der(0x30, der(0x87, []byte("203.0.113.7")))))
	plain := subjectOf(0x0c, "depot")
	none := []byte{0xa0, 0}
	empty := []byte{0x30, 0}
	return map[string]string{
		"RSA 1024":      requestOf(t, rsaOf(t, 1024), x509.SHA256WithRSA),
		"RSA 1536":      requestOf(t, rsaOf(t, 1536), x509.SHA256WithRSA),
		"RSA 2048":      requestOf(t, rsaOf(t, 2048), x509.SHA256WithRSA),
		"RSA 2050":      requestOf(t, rsaOf(t, 2050), x509.SHA256WithRSA),
		"RSA 2432":      requestOf(t, rsaOf(t, 2432), x509.SHA256WithRSA),
		"RSA 3072, PSS": requestOf(t, rsaOf(t, 3072), x509.SHA256WithRSAPSS),
		"RSA 4096":      requestOf(t, rsaOf(t, 4096), x509.SHA512WithRSA),
		"P-224":         requestOf(t, ecOf(t, elliptic.P224()), x509.ECDSAWithSHA256), "P-256": st.csr,
		"P-384":                   requestOf(t, ecOf(t, elliptic.P384()), x509.ECDSAWithSHA384),
		"P-521":                   requestOf(t, ecOf(t, elliptic.P521()), x509.ECDSAWithSHA512),
		"Ed25519":                 requestOf(t, ed, x509.PureEd25519),
		"RSA signed with SHA-1":   requestOf(t, rsaOf(t, 2048), x509.SHA1WithRSA),
		"P-256 signed with SHA-1": requestOf(t, st.key, x509.ECDSAWithSHA1),
		"no subject":              st.odd(t, empty, none), "no attributes": st.odd(t, plain, nil),
		"an underscore in a PrintableString": st.odd(t, subjectOf(0x13, "acme_depot"), none),
		"Latin-1 in UTF-8":                   st.odd(t, subjectOf(0x0c, "G\xe4ste"), none),
		"Latin-1 in T61":                     st.odd(t, subjectOf(0x14, "G\xe4ste"), none),
		"a UniversalString":                  st.odd(t, subjectOf(0x1c, "\x00\x00\x00d"), none),
		"a BMPString":                        st.odd(t, subjectOf(0x1e, "\x00d\x00e"), none),
		"an odd BMPString":                   st.odd(t, subjectOf(0x1e, "\x00d\x00"), none),
		"another's name":                     st.odd(t, subjectOf(0x0c, "globex.prod.etl"), none),
		"an asterisk":                        st.odd(t, subjectOf(0x0c, "*"), none),
		"a long name":                        st.odd(t, subjectOf(0x0c, strings.Repeat("d", 100)), none),
		"attributes that are nonsense":       st.odd(t, plain, []byte{0xa0, 3, 0x30, 1, 0xff}),
		"an empty extension request":         st.odd(t, plain, der(0xa0, asks())),
		"an extension request of nothing":    st.odd(t, plain, der(0xa0, der(0x30, extensionRequest, der(0x31)))),
		"a challenge password": st.odd(t, plain,
			der(0xa0, der(0x30, challenge, der(0x31, der(0x0c, []byte("secret")))))),
		"a challenge twice": st.odd(t, plain,
			der(0xa0, der(0x30, challenge, der(0x31, der(0x0c, []byte("a")))),
				der(0x30, challenge, der(0x31, der(0x0c, []byte("b")))))),
		"two extension requests":   st.odd(t, plain, der(0xa0, asks(otherName), asks(isCA))),
		"the same extension twice": st.odd(t, plain, der(0xa0, asks(otherName, otherName))),
		"a user's id": st.odd(t,
			nameOf([]byte{6, 10, 9, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1}, "7"), none),
		"a domain": st.odd(t,
			nameOf([]byte{6, 10, 9, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25}, "acme"), none),
		"a device's number": st.odd(t, nameOf([]byte{6, 3, 0x55, 4, 5}, "4711"), none),
		"an address of mail": st.odd(t,
			nameOf([]byte{6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1}, "jane@acme.test"), none),
		"asks to be an authority": st.odd(t, plain, der(0xa0, asks(isCA))),
		"asks for another's name": st.odd(t, plain, der(0xa0, asks(otherName))),
		"a name that is none":     st.odd(t, plain, der(0xa0, asks(badName))),
		"an address as text":      st.odd(t, plain, der(0xa0, asks(address))),
	}
}

// Of a request that the plan takes OpenBao signs the key and nothing else: the certificate is the identity's, whatever
// the request asks for. What OpenBao does not sign the plan refuses.
func TestOnlyTheKeyOfAnOddRequestIsSignedByOpenBao(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0") // partners' old keys have to be made before they can be refused
	st := startStageAlone(t)
	st.put(t, identityOf("odd"))
	before := st.put(t, st.credentialOf("odd", access.Certificate))
	for how, csr := range st.requests(t) {
		c := st.credentialOf("odd", access.Certificate, func(c *access.Credential) { c.Certificate.CSR = csr })
		refused := checkCredential(c)
		if told := "with an empty subject and no names"; (how == "the same extension twice" ||
			how == "an address as text" ||
			how == "a user's id" ||
			how == "a device's number") && (refused == nil || !strings.Contains(refused.Error(), told)) {
			t.Errorf("%s: the plan says %v, want what to ask for", how, refused)
		}
		if refused != nil { // OpenBao itself would not sign it
			asks := map[string]any{
				"csr":         csr,
				"common_name": c.IdentityID.CommonName(),
				"uri_sans":    "partner:" + c.IdentityID.String(),
			}
			if status, _ := st.bao.Call(t, st.bao.RootToken, "POST", "partner-pki/sign/"+roleOf(c.IdentityID),
				asks); status != http.StatusBadRequest {
				t.Errorf("%s: the plan says %v, and OpenBao %d", how, refused, status)
			}
			continue
		}
		r, err := st.open().Put(t.Context(), st.change(c, known(before), issuing(access.IssueReplace)))
		if err != nil {
			t.Errorf("%s: the plan takes it, and signing: %v", how, err)
			continue
		}
		block, _ := pem.Decode([]byte(r.Issued.Text))
		signed, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if signed.IsCA ||
			len(signed.DNSNames) > 0 ||
			signed.Subject.String() != "CN="+c.IdentityID.CommonName() ||
			len(signed.URIs) != 1 ||
			signed.URIs[0].String() != "partner:"+c.IdentityID.String() {
			t.Errorf("%s: signed for %s, %v, %v, an authority: %v", how, signed.Subject, signed.DNSNames, signed.URIs,
				signed.IsCA)
		}
	}
}
