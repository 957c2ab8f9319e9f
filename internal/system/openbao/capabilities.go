// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/policy"
)

// Capabilities says what OpenBao can do. It makes no request, so it refuses every reach as unseen: Reaching looks.
func (s *System) Capabilities() access.Capabilities {
	return access.Capabilities{
		Name:   "openbao",
		Place:  s.whereabouts(),
		Origin: access.Origin{Correct: "correct the address or the namespace", KeptIn: "the policy partner/system"},
		Kinds:  slices.Clone(kinds),
		// What was issued keeps the life that it was given, and the mount may have given it a shorter one.
		Fixed:   []access.Kind{access.Certificate, access.Secret},
		Capped:  []access.Kind{access.Certificate, access.Secret},
		LogsUse: true, KnowsLastUse: true,
		CheckGrant: checkGrant, CheckCredential: checkCredential,
		Reach:     unseen,
		CutByHand: s.words.cutPartner,
		CutActs:   cutActs,
		Words:     s.words.words,
		CannotEnd: cannotEnd,
	}
}

// checkGrant refuses at plan an action that is no capability of OpenBao. "*" is every action.
func checkGrant(g *access.Grant) error {
	for _, action := range g.Actions {
		if action != "*" && !slices.Contains(policy.Actions(), action) {
			return fmt.Errorf("OpenBao has no action %q: write one of %s", action, strings.Join(policy.Actions(), ", "))
		}
	}
	return nil
}

// checkCredential refuses at plan a kind that is not offered, and a request that OpenBao would refuse to sign.
func checkCredential(c *access.Credential) error {
	if err := offeredKind(c.Kind()); err != nil {
		return err
	}
	if c.Certificate == nil {
		return access.RefuseAccount("OpenBao", c)
	}
	_, err := readableRequest(c.Certificate.CSR)
	return err
}

// lastMoment is the last second that RFC 3339 can write, whose years have four digits.
var lastMoment = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// cannotEnd says why OpenBao could not end an object at a moment; "" if it can. All of its objects end alike, so the
// first argument does not count.
func cannotEnd(_ access.Object, end time.Time) string {
	switch {
	case end.IsZero():
		return "it has no end"
	case end.After(lastMoment):
		return "OpenBao cannot read a moment after " + lastMoment.Format(time.RFC3339)
	}
	return ""
}
