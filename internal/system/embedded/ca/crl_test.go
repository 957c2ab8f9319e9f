// SPDX-License-Identifier: MPL-2.0

package ca

import (
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

func TestRevocationListIsSortedAndSaysEachCertificateOnce(t *testing.T) {
	text, err := authority(t).CRL([]Revoked{
		{Serial: "0f", At: now}, {Serial: "02", At: now, Hold: true},
		{Serial: "f", At: now.Add(-time.Hour), Hold: true}, {Serial: "0F", At: now.Add(-time.Minute)},
	}, 5, now, now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	list, err := x509.ParseRevocationList(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	entries := list.RevokedCertificateEntries
	if len(entries) != 2 ||
		list.Number.Int64() != 5 ||
		!list.ThisUpdate.Equal(now.Add(-access.Late)) ||
		!list.NextUpdate.Equal(now.Add(time.Hour)) {
		t.Fatalf("%+v", list)
	}
	if entries[0].SerialNumber.Int64() != 2 || entries[0].ReasonCode != certificateHold {
		t.Errorf("first %+v", entries[0])
	}
	if entries[1].SerialNumber.Int64() != 15 ||
		entries[1].ReasonCode != 0 ||
		!entries[1].RevocationTime.Equal(now.Add(-time.Minute)) {
		t.Errorf("a revocation did not win over a hold: %+v", entries[1])
	}
}

func TestRevocationListRefusesWhatIsNoSerial(t *testing.T) {
	a := authority(t)
	for _, serial := range []string{"", "0", "-1", "xyz", "0x1f"} {
		if _, err := a.CRL([]Revoked{{Serial: serial, At: now}}, 1, now, now.Add(time.Hour)); err == nil {
			t.Errorf("%q was listed", serial)
		}
	}
	if _, err := a.CRL(nil, 1, now, now.Add(-2*time.Hour)); err == nil {
		t.Error("a list that ends before it begins was signed")
	}
}
