// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// signers returns the serials of the authorities that signed items.
func signers(items []ledger.Item) (serials []string) {
	for _, i := range items {
		if i.Authority != "" && !slices.Contains(serials, i.Authority) {
			serials = append(serials, i.Authority)
		}
	}
	slices.Sort(serials)
	return serials
}

// trusted returns the certificates of the authorities that signed what was issued for a credential; where nothing was, of the one
// that signs now. So a certificate goes on when the authority is rotated, until it ends or is rotated itself.
func (pki *certificates) trusted(ctx context.Context, items []ledger.Item, now string) (string, error) {
	need := signers(items)
	if len(need) == 0 || len(need) == 1 && need[0] == authoritySerial(now) {
		return now, nil
	}
	var all []string
	for _, serial := range need {
		text := now
		if serial != authoritySerial(now) {
			var err error
			if text, err = pki.authorityOf(ctx, serial); err != nil {
				return "", err
			}
		}
		if text != "" {
			all = append(all, text)
		}
	}
	if len(all) == 0 {
		return now, nil
	}
	return strings.Join(all, "\n"), nil
}

// with returns a bundle of authorities and the one that signs now.
func with(bundle, now string) string {
	if now == "" || strings.Contains(bundle, now) {
		return bundle
	}
	return strings.TrimSpace(bundle + "\n" + now)
}

// authorities returns the engine's, by their serials, as the ids that it knows them by.
func (pki *certificates) authorities(ctx context.Context) (map[string]string, error) {
	return pki.authoritiesAt(ctx, pki.options.Mounts.PKI)
}

// signersOf returns the serials of the authorities that signed what partners hold, and of those of which nobody knows it.
func signersOf(l ledger.Ledger) map[string]bool {
	serials := map[string]bool{unread: true}
	for _, e := range l {
		for _, serial := range signers(e.Issued) {
			serials[serial] = true
		}
	}
	return serials
}

// authorityOf returns the certificate of an authority of the engine, "" where it is not there any more. Each is read once.
func (pki *certificates) authorityOf(ctx context.Context, serial string) (string, error) {
	pki.signing.Lock()
	defer pki.signing.Unlock()
	if text, known := pki.signers[serial]; known {
		return text, nil
	}
	ids, err := pki.authorities(ctx)
	if err != nil {
		return "", err
	}
	var ca struct {
		Certificate string `json:"certificate"`
	}
	if id := ids[serial]; id != "" {
		if err := pki.client.Get(ctx, pki.options.Mounts.PKI+"/issuer/"+id+"/json", &ca); client.Gone(err) != nil {
			return "", err
		}
	}
	pki.signers[serial] = strings.TrimSpace(ca.Certificate)
	return pki.signers[serial], nil
}

// authoritySerial returns the serial of an authority, as OpenBao writes serials; "" where there is none.
func authoritySerial(text string) string {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return ""
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return ""
	}
	return serialText(c.SerialNumber)
}

// orphans says which of the certificates that were issued were signed by an authority that the engine has no more.
func (pki *certificates) orphans(ctx context.Context, items []ledger.Item, now string) (drift []string, err error) {
	for _, serial := range signers(items) {
		if serial == authoritySerial(now) {
			continue
		}
		text, err := pki.authorityOf(ctx, serial)
		if err != nil {
			return nil, err
		}
		if text == "" {
			drift = append(drift, fmt.Sprintf("The authority %s is gone from %s: what it signed lets in no longer than until the next apply. To issue "+
				"anew, change rotation.trigger.", serial, pki.options.Mounts.PKI))
		}
	}
	return drift, nil
}
