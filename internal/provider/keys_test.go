// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"

	"filippo.io/age"
	"golang.org/x/crypto/ssh"
)

// What the partner of these tests gave us, and the keys that it kept.
var (
	_, partnerCSR                   = newCSR()
	partnerSSHKey                   = newSSHKey()
	partnerAgeKey, partnerRecipient = newRecipient()
)

func newCSR() (*ecdsa.PrivateKey, string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		panic(err)
	}
	return key, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

func newSSHKey() string {
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		panic(err)
	}
	return string(bytes.TrimSpace(ssh.MarshalAuthorizedKey(key)))
}

func newRecipient() (*age.X25519Identity, string) {
	key, err := age.GenerateX25519Identity()
	if err != nil {
		panic(err)
	}
	return key, key.Recipient().String()
}

// forgedCSR is a request whose signature was made by another key than the one in it.
func forgedCSR() string {
	_, other := newCSR()
	mine, _ := pem.Decode([]byte(partnerCSR))
	theirs, _ := pem.Decode([]byte(other))
	request, err := x509.ParseCertificateRequest(mine.Bytes)
	if err != nil {
		panic(err)
	}
	donor, err := x509.ParseCertificateRequest(theirs.Bytes)
	if err != nil {
		panic(err)
	}
	der, err := asn1.Marshal(struct {
		Info      asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}{
		asn1.RawValue{FullBytes: request.RawTBSCertificateRequest},
		pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}},
		asn1.BitString{Bytes: donor.Signature, BitLength: 8 * len(donor.Signature)},
	})
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}
