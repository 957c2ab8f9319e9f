// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"errors"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// Capabilities returns what IAM can do. It makes no request, so what follows from the account is missing until that is
// known (Enter).
func (s *System) Capabilities() access.Capabilities {
	return access.Capabilities{
		Name:         "aws",
		Place:        s.place(),
		Origin:       access.Origin{Correct: "correct the ledger or the login", KeptIn: s.store.Where(store.SystemKey)},
		Kinds:        slices.Clone(kinds),
		KnowsLastUse: true, LogsUse: true,
		CheckGrant:      s.at.options.Words.CheckGrant,
		CheckCredential: s.checkCredential,
		CheckWhole:      s.checkWhole,
		Reach:           s.reach,
		Does:            s.at.options.Words.Does,
		CutByHand:       s.wording.cutByHand,
		CutActs:         cutActs,
		Words:           s.wording.words,
		CannotEnd:       s.cannotEnd,
	}
}

// checkCredential refuses at plan what is not offered, and whom IAM could not trust: an apply would find out halfway.
func (s *System) checkCredential(c *access.Credential) error {
	if !slices.Contains(kinds, c.Kind()) {
		return errors.New(refused(c.Kind()))
	}
	return policy.CheckTrust(c, s.at.accountNumber(), policy.PartitionOf(s.at.Site.Region))
}

// checkWhole refuses at plan what does not fit together. The user that an identity has adopted, or is to adopt by this
// plan, has the room of a key.
func (s *System) checkWhole(credentials []*access.Credential, granted []access.Granted) error {
	var end time.Time
	adopted := false
	for _, g := range granted {
		end, adopted = access.Latest(end, g.EndsAt), adopted || s.adopts(g.IdentityID)
	}
	if adopted {
		credentials = append(slices.Clip(credentials), formerKey(granted[0].IdentityID, end))
	}
	return s.at.options.Words.CheckWhole(credentials, granted)
}

// reach returns what actions on a pattern reach. The ledger and its floor are none of what partners may reach: whoever
// writes there declares access.
func (s *System) reach(p access.Pattern, words []string) access.Reach {
	r := s.at.options.Words.Reach(p, words)
	place := "arn:" + policy.PartitionOf(s.at.Site.Region).Name + ":s3:::" + s.store.Name + "/" + s.store.Prefix
	for _, own := range []string{place, place + store.FloorSuffix} {
		if p.Overlaps(access.Pattern(own + "/*")) {
			r.System = "it reaches the ledger " + s.at.options.Ledger + ", which says what partners may do"
		}
	}
	return r
}

// place says where the system is, with the account once that is known.
func (s *System) place() string {
	if account := s.at.accountNumber(); account != "" {
		return "account " + account + ", with the ledger " + s.at.options.Ledger
	}
	return s.at.options.Ledger
}

// lastMoment is the last second of a year that RFC 3339 can write.
var lastMoment = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// cannotEnd says why IAM could not end an object by itself at that moment; "" if it can.
func (s *System) cannotEnd(o access.Object, end time.Time) string {
	switch {
	case end.IsZero():
		return "it has no end"
	case end.After(lastMoment):
		return "IAM cannot read a moment after " + lastMoment.Format(time.RFC3339)
	}
	if g, ok := o.(*access.Grant); ok {
		return s.at.options.Words.CannotEnd(g)
	}
	return ""
}
