package ca

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"time"
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

// backdate is how long before now a list begins, for gateways whose clocks are late: to them a list that begins later is
// not valid yet, and they refuse everybody.
const backdate = time.Minute

// CRL is the signed revocation list (RFC 5280, 5) in PEM. The number must grow from list to list. It begins a little before
// now, as certificates do. Verifiers may refuse every certificate once nextUpdate has passed.
func (a *Authority) CRL(revoked []Revoked, number int64, now, nextUpdate time.Time) ([]byte, error) {
	entries, err := revocations(revoked)
	if err != nil {
		return nil, fmt.Errorf("sign the revocation list: %w", err)
	}
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number:                    big.NewInt(number),
		ThisUpdate:                now.Add(-backdate).UTC().Truncate(time.Second),
		NextUpdate:                nextUpdate.UTC().Truncate(time.Second),
		RevokedCertificateEntries: entries,
	}, a.certificate, a.x509)
	if err != nil {
		return nil, fmt.Errorf("sign the revocation list: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}), nil
}

// revocations are the entries of a list, sorted by serial. Of several about one certificate the first revocation
// counts, and a revocation counts more than a hold.
func revocations(revoked []Revoked) ([]x509.RevocationListEntry, error) {
	sorted := slices.Clone(revoked)
	slices.SortStableFunc(sorted, func(a, b Revoked) int {
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
		serial, ok := new(big.Int).SetString(r.Serial, 16)
		if !ok || serial.Sign() <= 0 {
			return nil, fmt.Errorf("%q is no serial", r.Serial)
		}
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
	slices.SortFunc(entries, func(a, b x509.RevocationListEntry) int { return a.SerialNumber.Cmp(b.SerialNumber) })
	return entries, nil
}
