// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Whoever asks years later on what somebody decided is told: the digest is that of the worksheet, which names what it was.
func TestALineNamesTheAccessThatWasDecidedOn(t *testing.T) {
	g := &access.Grant{IdentityID: access.IdentityID{Partner: "acme", Environment: "prod", Name: "orders"}, Name: "daily", Resource: "orders/acme/*", Actions: []string{"read"}}
	at := access.At(time.Date(2027, 2, 1, 9, 0, 0, 0, time.UTC))
	g.Review = &access.Review{At: at, By: "jane@example.com", Reason: "The feed runs on", Decision: access.DecisionKeep, Access: access.Digest(g), Until: at}
	text, err := json.Marshal(declared(g, at.Time).Review)
	if err != nil || !strings.Contains(string(text), `"decision":"keep","access":"`+access.Digest(g)+`"`) {
		t.Errorf("%s (%v)", text, err)
	}
	g.Review.Decision, g.Review.Access = "", ""
	if text, err = json.Marshal(declared(g, at.Time).Review); err != nil || strings.Contains(string(text), "access") {
		t.Errorf("a review of a block names a decision: %s (%v)", text, err)
	}
}
