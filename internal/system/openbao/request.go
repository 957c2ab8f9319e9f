// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/material"
)

// minRSABits is the smallest RSA key that OpenBao's PKI engine signs (internal/builtin/logical/pki/cert_util.go: "RSA
// keys < 2048 bits are unsafe and not supported").
const minRSABits = 2048

// unsigned are the attributes that OpenBao signs in no subject, unless a role allows them: serialNumber and uid
// (RFC 4519, 2.31 and 2.39).
var unsigned = []string{"2.5.4.5", "0.9.2342.19200300.100.1.1"}

// isUnsigned reports whether OpenBao refuses a request because of an attribute in its subject.
func isUnsigned(n pkix.AttributeTypeAndValue) bool { return slices.Contains(unsigned, n.Type.String()) }

// readableRequest returns a request as OpenBao reads it, in PEM and nothing around it, or why OpenBao would not sign
// it. The plan asks this, so that no apply fails on it (see TestThePlanKnowsWhatOpenBaoSigns).
//
// OpenBao reads the request's names and attributes although its roles take none of them, with Go's crypto/x509 as here.
func readableRequest(text string) (string, error) {
	request, err := material.ParseRequest(text)
	if err != nil {
		return "", err
	}
	canonical := request.PEM()
	block, _ := pem.Decode([]byte(canonical))
	asked, err := x509.ParseCertificateRequest(block.Bytes)
	if err == nil && slices.ContainsFunc(asked.Subject.Names, isUnsigned) {
		err = errors.New("its subject has a serial number or a user id")
	}
	if err != nil {
		return "", fmt.Errorf("%w: OpenBao cannot take the request's names or attributes (%w), although the provider "+
			"uses none of them: ask the partner for a request of the same key with an empty subject and no names",
			access.ErrUnsupported, err)
	}
	if key, ok := asked.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < minRSABits {
		return "", fmt.Errorf("%w: OpenBao signs no RSA key of fewer than %d bits, and the request's has %d",
			access.ErrUnsupported, minRSABits, key.N.BitLen())
	}
	if err := asked.CheckSignature(); err != nil { // it fits, as was seen above
		return "", fmt.Errorf("%w: OpenBao does not know the request's signature algorithm (%w): ask the partner for "+
			"a request of the same key, signed with SHA-256 and, for an RSA key, with PKCS #1 v1.5 padding, as "+
			"openssl req -new -sha256 does", access.ErrUnsupported, err)
	}
	return canonical, nil
}
