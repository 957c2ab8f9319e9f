// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/signed"
)

// fillingTime is how long after a worksheet was made its decisions may say that they were made. A signature of SSH
// contains no time, and anybody can write a later moment into a review.
const fillingTime = 31 * day

// sheetSigner returns who signed the worksheet that the subject's review is a row of, or why it is none.
// What a configuration says of a row is believed in nothing: the provider has the whole worksheet, and the
// row is read from there.
func (c *Context) sheetSigner(s *Subject, mark signed.Mark) (*access.Decider, string) {
	if len(c.Settings.Deciders) == 0 {
		return nil, "no floor names deciders, so that nobody can say whose it is"
	}
	at := slices.IndexFunc(c.Settings.Sheets, func(sheet signed.Sheet) bool {
		its, err := sheet.Mark()
		return err == nil && its == mark
	})
	if at < 0 {
		return nil, "the worksheet that it names is not among worksheets of the provider block, which has to have it " +
			"whole, with its signature"
	}
	sheet, r := &c.Settings.Sheets[at], s.terms().Review
	d, err := sheet.Signer(c.Settings.Deciders, r.At.Time, c.Now)
	if err != nil {
		return nil, say("the signature of %s does not count: %s", sheet.File, err)
	}
	return d, c.inSheet(s, sheet)
}

// inSheet says where the subject's review differs from what its row in a worksheet says; "" where it does not.
func (c *Context) inSheet(s *Subject, sheet *signed.Sheet) string {
	r := s.terms().Review
	row, there := sheet.Rows[s.Object.Ref().ID]
	if !there || !access.DigestNames(row.Access, s.Object.Ref()) {
		return say("%s decides nothing on it", sheet.File)
	}
	for _, f := range []struct{ what, review, row string }{
		{"the decision", string(r.Decision), string(row.Decision)}, {"until", spelled(r.Until), spelled(row.Until)},
		{"the reason", r.Reason, row.Reason}, {"access", r.Access, row.Access},
	} {
		if f.review != f.row {
			return say("%s is %s in the review, and %s in %s", f.what, shown(f.review), shown(f.row), sheet.File)
		}
	}
	edition, made, ok := access.ParseStamp(row.Edition)
	switch {
	case !ok:
		return say("%s has no edition beside it: sign only what partner_review_worksheet of this version has made, "+
			"with that column", sheet.File)
	case edition != c.edition(s) && (!s.fresh() || c.reviewCarries(s)):
		// what is made anew and needs no review gets nothing by it
		return say("%s decided on another edition of it: it was extended, reviewed, ended otherwise or made anew since",
			sheet.File)
	case r.At.Before(made), r.At.After(made.Add(fillingTime)):
		return say("it is of %s, and the worksheet was made on %s: a decision is made then, or within %s",
			date(r.At.Time), date(made), length(fillingTime))
	}
	return ""
}

// spelled returns a moment so that two that are the same are the same text, in whatever zone they were written; "" for
// none.
func spelled(m access.Moment) string {
	if m.IsZero() {
		return ""
	}
	return m.UTC().Format(time.RFC3339Nano)
}
