// SPDX-License-Identifier: MPL-2.0

package access

import (
	"testing"
	"time"
)

// New access under another name continues the old one for a year, to the second.
func TestWhatWasRemovedIsRememberedForAYear(t *testing.T) {
	f := Former{RemovedAt: time.Date(2026, 2, 28, 12, 0, 0, 0, time.UTC)}
	year := time.Date(2027, 2, 28, 12, 0, 0, 0, time.UTC)
	if f.Forgotten(year.Add(-time.Second)) {
		t.Error("it is forgotten a second before a year has passed")
	}
	if !f.Forgotten(year) {
		t.Error("it is remembered for more than a year")
	}
}

// What is remembered of a credential is what it proves itself with and from where, and no name of anybody.
func TestAFormerHasNothingButWhatTellsAccessFromOther(t *testing.T) {
	c := &Credential{
		IdentityID: IdentityID{"acme", "prod", "etl"},
		Terms: Terms{
			Owner:   "jane.doe@example.com",
			Review:  &Review{By: "john.roe@example.com"},
			Waivers: map[string]Waiver{"x/y": {}},
		},
		Secret: &SecretRequest{Recipient: "age1"}, Rotation: &Rotation{}, RevokeIssuedBefore: At(time.Unix(1, 0)),
	}
	f, ok := FormerOf(c, History{}, time.Time{}, time.Time{})
	kept, is := f.Object.(*Credential)
	if !ok ||
		!is ||
		kept == c ||
		kept.Secret.Recipient != "age1" ||
		kept.IdentityID != c.IdentityID {
		t.Fatalf("kept %+v of %+v", f.Object, c)
	}
	if kept.Owner != "" ||
		kept.Review != nil ||
		kept.Waivers != nil ||
		kept.Rotation != nil ||
		!kept.RevokeIssuedBefore.IsZero() {
		t.Errorf("it also remembers %+v", kept)
	}
	if c.Owner == "" || c.Rotation == nil {
		t.Error("the credential itself lost something")
	}
}
