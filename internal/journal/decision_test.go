// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/signed"
	"github.com/partner-access/terraform-provider-partner/internal/signed/signedtest"
)

// Whoever asks years later on what somebody decided is told: the digest is that of the worksheet,
// which names what it was.
func TestALineNamesTheAccessThatWasDecidedOn(t *testing.T) {
	g := &access.Grant{
		IdentityID: access.IdentityID{Partner: "acme", Environment: "prod", Name: "orders"},
		Name:       "daily",
		Resource:   "orders/acme/*",
		Actions:    []string{"read"},
	}
	at := access.At(time.Date(2027, 2, 1, 9, 0, 0, 0, time.UTC))
	g.Review = &access.Review{
		At:       at,
		By:       "jane@example.com",
		Reason:   "The feed runs on",
		Decision: access.DecisionKeep,
		Access:   access.Digest(g),
		Until:    at,
	}
	text, err := json.Marshal(declared(g, at.Time).Review)
	if err != nil || !strings.Contains(string(text), `"decision":"keep","access":"`+access.Digest(g)+`"`) {
		t.Errorf("%s (%v)", text, err)
	}
	g.Review.Decision, g.Review.Access = "", ""
	if text, err = json.Marshal(declared(g, at.Time).Review); err != nil || strings.Contains(string(text), "access") {
		t.Errorf("a review of a block names a decision: %s (%v)", text, err)
	}
}

// Whoever asks years later who decided is told by which key, and what was signed.
func TestALineNamesTheKeyThatSigned(t *testing.T) {
	key := signedtest.New("jane")
	at := access.At(time.Date(2027, 2, 1, 9, 0, 0, 0, time.UTC))
	sheet := signed.Mark{Digest: strings.Repeat("ab", 32), Key: "SHA256:sheet", Sheet: true}
	i := &access.Identity{
		ID:                    access.IdentityID{Partner: "acme", Environment: "prod", Name: "orders"},
		HoldReleased:          "INC-7",
		HoldReleasedBy:        "ciso@example.com",
		HoldReleasedSignature: key.Sign("lift"),
	}
	i.Review = &access.Review{At: at, By: "jane@example.com", Reason: "Needed", Signature: sheet.String()}
	i.Waivers = map[string]access.Waiver{"owner/external": {
		Reason:    "Moves in",
		Approver:  "ciso@example.com",
		Until:     at,
		Signature: key.Sign("waive"),
	}, "owner/departed": {}}
	g := declared(i, at.Time)
	if s := g.Review.Signed; s == nil || *s != (Signed{Key: "SHA256:sheet", Digest: sheet.Digest, Worksheet: true}) {
		t.Errorf("of a worksheet: %+v", s)
	}
	for what, s := range map[string]*Signed{"waiver": g.Waivers["owner/external"].Signed, "lift": g.HoldSigned} {
		if s == nil ||
			s.Key != ssh.FingerprintSHA256(key.PublicKey()) ||
			len(s.Digest) != 64 ||
			s.Worksheet {
			t.Errorf("%s: %+v", what, s)
		}
	}
	if s := g.Waivers["owner/departed"].Signed; s != nil || g.HoldReleasedBy != "ciso@example.com" {
		t.Errorf("what nobody signed: %+v, lifted by %s", s, g.HoldReleasedBy)
	}
}
