// SPDX-License-Identifier: MPL-2.0

package ca

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// certificateHold is the reason of a revocation that may be taken back (RFC 5280, 5.3.1). All others have none: the
// reason "unspecified" should be absent.
const certificateHold = 6

// Revoked is a revoked X.509 certificate, by its serial as [Issued] writes it. With Hold it is only suspended.
type Revoked struct {
	Serial string
	At     time.Time
	Hold   bool
}

// CRL returns the signed revocation list (RFC 5280, 5) in PEM. The number must grow from list to list. It begins a
// little before now, as certificates do. Verifiers may refuse every certificate once nextUpdate has passed.
func (a *Authority) CRL(revoked []Revoked, number int64, now, nextUpdate time.Time) ([]byte, error) {
	return a.list(revoked, number, now.Add(-access.Late), nextUpdate, nil)
}

// distributionPoint names the lists of one identity. Nothing is fetched from there.
func distributionPoint(id access.IdentityID) string { return "partner:" + id.String() }

// Cut returns a list like CRL's for the certificates of one identity alone, whose distribution point they name. It
// begins a second later than a list that was signed at the same moment. Of two lists that are for a certificate OpenSSL
// and BoringSSL take the one that begins later (x509_vfy.c, get_crl_sk): so behind the list for all in one file it is
// the one that counts, and as many as one likes can be added there.
func (a *Authority) Cut(id access.IdentityID, revoked []Revoked, number int64, now, nextUpdate time.Time) ([]byte,
	error) {
	value, err := only(distributionPoint(id))
	if err != nil {
		return nil, fmt.Errorf("sign the revocation list: %w", err)
	}
	begin := now.Add(-access.Late).Truncate(time.Second).Add(time.Second)
	return a.list(revoked, number, begin, nextUpdate, []pkix.Extension{{Id: onlyFor, Critical: true, Value: value}})
}

// onlyFor is the extension that says which certificates a list is for (RFC 5280, 5.2.5).
var onlyFor = asn1.ObjectIdentifier{2, 5, 29, 28}

// only returns its value for those that name one distribution point.
func only(point string) ([]byte, error) {
	name := asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 6, Bytes: []byte(point)}
	return asn1.Marshal(issuingDistributionPoint{Point: pointName{FullName: []asn1.RawValue{name}}})
}

type (
	issuingDistributionPoint struct {
		Point pointName `asn1:"tag:0"`
	}
	pointName struct {
		FullName []asn1.RawValue `asn1:"tag:0"`
	}
)

// ListFor returns the list that counts for a certificate at a moment, as OpenSSL chooses it; nil where there is none.
func ListFor(lists []*x509.RevocationList, c *x509.Certificate, now time.Time) (found *x509.RevocationList) {
	for _, l := range lists {
		mine := true
		for _, e := range l.Extensions {
			if e.Id.Equal(onlyFor) {
				mine = slices.ContainsFunc(c.CRLDistributionPoints, func(point string) bool {
					value, err := only(point)
					return err == nil && bytes.Equal(value, e.Value)
				})
			}
		}
		if mine &&
			!now.Before(l.ThisUpdate) &&
			!now.After(l.NextUpdate) &&
			(found == nil || l.ThisUpdate.After(found.ThisUpdate)) {
			found = l
		}
	}
	return found
}

// AreCuts reports whether a text is lists in PEM, each of which is for one identity alone.
func AreCuts(text []byte) bool {
	for len(text) > 0 {
		block, rest := pem.Decode(text)
		if block == nil {
			return false
		}
		l, err := x509.ParseRevocationList(block.Bytes)
		if err != nil ||
			!slices.ContainsFunc(l.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(onlyFor) }) {
			return false
		}
		text = rest
	}
	return true
}

// list signs a revocation list (RFC 5280, 5) and returns it in PEM. Its moments are in UTC, to the second.
func (a *Authority) list(revoked []Revoked, number int64, begin, nextUpdate time.Time,
	extensions []pkix.Extension) ([]byte, error) {
	entries, err := revocations(revoked)
	if err != nil {
		return nil, fmt.Errorf("sign the revocation list: %w", err)
	}
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number:                    big.NewInt(number),
		ThisUpdate:                begin.UTC().Truncate(time.Second),
		NextUpdate:                nextUpdate.UTC().Truncate(time.Second),
		RevokedCertificateEntries: entries,
		ExtraExtensions:           extensions,
	}, a.certificate, a.x509)
	if err != nil {
		return nil, fmt.Errorf("sign the revocation list: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}), nil
}

// IsSerial reports whether a text is the serial of an X.509 certificate.
func IsSerial(text string) bool {
	serial, ok := new(big.Int).SetString(text, 16)
	return ok && serial.Sign() > 0
}

// revocations returns the entries of a list, sorted by serial. Of several about one certificate the first revocation
// counts, and a revocation counts more than a hold.
func revocations(revoked []Revoked) ([]x509.RevocationListEntry, error) {
	sorted := slices.Clone(revoked)
	order.Sort(sorted, func(a, b Revoked) int {
		if a.Hold != b.Hold {
			if a.Hold {
				return 1
			}
			return -1
		}
		return a.At.Compare(b.At)
	})
	var entries []x509.RevocationListEntry
	seen := map[string]bool{}
	for _, r := range sorted {
		if !IsSerial(r.Serial) {
			return nil, fmt.Errorf("%q is not a serial", r.Serial)
		}
		serial, _ := new(big.Int).SetString(r.Serial, 16)
		if seen[serial.Text(16)] {
			continue
		}
		seen[serial.Text(16)] = true
		entry := x509.RevocationListEntry{SerialNumber: serial, RevocationTime: r.At.UTC().Truncate(time.Second)}
		if r.Hold {
			entry.ReasonCode = certificateHold
		}
		entries = append(entries, entry)
	}
	order.Sort(entries, func(a, b x509.RevocationListEntry) int { return a.SerialNumber.Cmp(b.SerialNumber) })
	return entries, nil
}
