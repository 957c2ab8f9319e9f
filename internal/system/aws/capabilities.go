// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"errors"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
)

// Capabilities says what IAM can do. It makes no request.
func (s *System) Capabilities() access.Capabilities {
	return access.Capabilities{
		Name:         "aws",
		Place:        s.place(),
		Origin:       access.Origin{Correct: "correct the ledger or the login", KeptIn: s.store.where(systemKey)},
		Kinds:        slices.Clone(kinds),
		KnowsLastUse: true, LogsUse: true,
		CheckGrant:      s.options.Words.CheckGrant,
		CheckCredential: s.checkCredential,
		CheckWhole:      s.options.Words.CheckWhole,
		Reach:           s.options.Words.Reach,
		CutByHand:       s.cutByHand,
		CutActs:         cutActs,
		Words:           s.words,
		CannotEnd:       s.cannotEnd,
	}
}

// checkCredential refuses at plan what is not offered, and whom IAM could not trust.
func (s *System) checkCredential(c *access.Credential) error {
	if !slices.Contains(kinds, c.Kind()) {
		return errors.New(refused(c.Kind()))
	}
	return policy.CheckTrust(c, s.accountNumber(), policy.PartitionOf(s.options.Region))
}

func (s *System) place() string {
	if account := s.accountNumber(); account != "" {
		return "account " + account + ", with the ledger " + s.options.Ledger
	}
	return s.options.Ledger
}

// lastMoment is the last second of a year that RFC 3339 can write.
var lastMoment = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

func (s *System) cannotEnd(o access.Object, end time.Time) string {
	switch {
	case end.IsZero():
		return "it has no end"
	case end.After(lastMoment):
		return "IAM cannot read a moment after " + lastMoment.Format(time.RFC3339)
	}
	if g, ok := o.(*access.Grant); ok {
		return s.options.Words.CannotEnd(g)
	}
	return ""
}
