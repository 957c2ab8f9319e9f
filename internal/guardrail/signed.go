// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/signed"
)

// Whether a signature counts. Four questions decide: is the key one of the floor's deciders', is it over exactly the
// line that this decision would have (lined), is it by whom the configuration names, and may they decide on this access
// (mayDecide)? A signature that does not count is refused also where none is required, so that nobody who reads a
// journal or a report has to ask whether "signed" was ever checked. Worksheets, of which one signature covers many
// rows, are in sheet.go.

const signNow = "Have one of the floor's deciders sign it, and write what ssh-keygen prints as the signature."

// unsignedReview is the slug of the rule about reviews that nobody signed.
const unsignedReview = "review/unsigned"

// toldInLines is what every line that is signed names.
var toldInLines = slices.Concat(decided, whose, []string{"owner", "expires_at"})

// signedRules returns the rules about decisions that have to be signed, by the floor's require_signed: reviews, waivers
// and releases. The line that is signed names what it decides on (lined), so that no signature counts for anything
// else.
func signedRules() []Rule {
	return []Rule{{
		Slug: unsignedReview, Title: "The review is not signed by a decider",
		Level: Deny, Fixed: true, On: everything, Reads: []string{"review", "expires_at"}, Needs: toldInLines,
		Why: "Whoever can edit the configuration can write that somebody looked; only somebody who has the key " +
			"can sign it.",
		Remedy: signNow,
		Precedent: Precedent{
			"In 2021 two malicious commits came into PHP's source under the names of two of its maintainers: anybody " +
				"can write an author's name into a commit.",
			"https://news-web.php.net/php.internals/113838",
		},
		Controls: []Control{PCI724, AC5, IAM08, ISO518},
		own:      reviewUnsigned,
	}, {
		Slug: "review/not-entitled", Title: "The signer of the review may not decide on this access",
		Level: Deny, Fixed: true, On: everything, Reads: []string{"review", "owner"}, Needs: toldInLines,
		Why: "A signature says who decided, not that they may: nobody decides on what they own themselves, or on " +
			"access they were not named for.",
		Remedy: "Have it decided by somebody whom the floor names for this partner and this owner.",
		Precedent: Precedent{
			"NIST SP 800-53 (AC-5) has the duties of individuals separated, and access authorized so that it " +
				"supports that.",
			"https://csrc.nist.gov/pubs/sp/800/53/r5/upd1/final",
		},
		Controls: []Control{AC5, PCI724, IAM08, ISO518},
		own:      reviewNotEntitled,
	}, {
		Slug: "waiver/unsigned", Title: "Nobody who may allow the waiver has signed it",
		Level: Deny, Fixed: true, On: everything, Reads: append([]string{"waivers"}, decided...), Needs: toldInLines,
		Why: "A waiver sets a rule aside. Whoever can edit the configuration can write that somebody allowed it; " +
			"only somebody who has the key can sign it.",
		Remedy: signNow,
		Precedent: Precedent{
			"In 2023 Storm-0558 read mail of companies with tokens that it had signed itself: the key was one for " +
				"consumers, and nobody checked what it may sign for.",
			"https://www.microsoft.com/en-us/security/blog/2023/07/14/analysis-of-storm-0558-techniques-for-unauthorized-email-access/",
		},
		Controls: []Control{AC5, PRAA05, ISO518},
		own:      waivers(waiverUnsigned),
	}, {
		Slug: "incident/unsigned", Title: "Nobody who may release the hold has signed that",
		Level: Deny, Fixed: true, On: identities,
		Reads: []string{"hold_released", "hold_released_by", "hold_released_signature"}, Needs: toldInLines,
		Why: "Whoever cut it did so for a reason. Somebody who can be asked must say that the reason is gone, not " +
			"a line in a configuration.",
		Remedy: signNow,
		Precedent: Precedent{
			"NIST SP 800-61 (revision 3) has the end of an incident's recovery declared by criteria, and documented.",
			"https://csrc.nist.gov/pubs/sp/800/61/r3/final",
		},
		Controls: []Control{IR4, AC5, AC23},
		own:      releaseUnsigned,
	}}
}

// asks reports whether a kind of decision has to be signed.
func (c *Context) asks(kind string) bool { return slices.Contains(c.Settings.RequireSigned, kind) }

// edition returns which one of its id the subject is.
func (c *Context) edition(s *Subject) string {
	if s.Before == nil || s.Gone || s.History.UID == "" {
		return access.NewEdition(s.Object, c.Settings.System, c.view.lastOf(s.Object.Ref()))
	}
	return access.Edition(s.Before, s.History)
}

// lined returns what the line of a single decision on the subject says of it.
func (c *Context) lined(s *Subject) signed.Subject {
	return signed.Subject{Ref: s.Object.Ref(), Edition: c.edition(s), Access: access.Digest(s.Object)}
}

// mayDecide says why a decider may not decide on the subject; "" where they may. Owners are the one that it has and the
// one that it gets, so that nobody passes by handing it over in the same plan.
func (c *Context) mayDecide(d *access.Decider, s *Subject) string {
	owners := []string{s.terms().Owner}
	if s.Before != nil && !s.Gone {
		owners = append(owners, s.Before.Common().Owner)
	}
	for _, o := range owners {
		switch {
		case access.SameAddress(o, d.Address) && !d.DecidesOwn:
			return "who owns it"
		case !d.Covers(s.partner(), o):
			return say("who is no decider for the partner %s and the owner %s", s.partner(), shown(o))
		}
	}
	above, _ := c.view.chain(entryOf(s)) // to the top, for nothing judges it again when one of those arrives
	return cmp.Or(c.outsiderTo(d.Address, s), c.outsiderBelow(d.Address, above).why, c.unfit(d.Address, s))
}

// verified says why a signature of a line does not count, and whose it is where it does.
func (c *Context) verified(line, signature string, moments ...time.Time) (*access.Decider, string) {
	if len(c.Settings.Deciders) == 0 {
		return nil, "no floor names deciders, so that nobody can say whose it is"
	}
	d, err := signed.CheckLine(line, signature, c.Settings.Deciders, append(moments, c.Now)...)
	if errors.Is(err, signed.ErrOther) {
		return nil, "it is over another line than this decision's: the access, its end or its history has changed " +
			"since, or the decision was edited"
	}
	if err != nil {
		return nil, err.Error()
	}
	return d, ""
}

// revokedSince says that the key of a signature that was applied is revoked or nobody's now; "" where
// it is still a decider's.
func (c *Context) revokedSince(signature string) string {
	mark, err := signed.MarkOf(signature)
	if err != nil || len(c.Settings.Deciders) == 0 {
		return ""
	}
	switch d, key := signed.Whose(mark.Key, c.Settings.Deciders); {
	case d == nil:
		return say("the key %s, which is no decider's any more", mark.Key)
	case key.Revoked:
		return say("the key %s of %s, which is revoked since", mark.Key, d.Address)
	}
	return ""
}

// onlyNarrows reports whether the plan does what a row of a worksheet decided, to narrow the access, and nothing else.
func (s *Subject) onlyNarrows() bool {
	r := s.terms().Review
	if r == nil ||
		r.Access == "" ||
		r.Decision != access.DecisionNarrow ||
		s.created() {
		return false
	}
	return access.Digest(s.Object) != access.Digest(s.Before) &&
		!slices.ContainsFunc(access.Attributes(s.Object.Ref().Type), func(a string) bool {
			return a != "review" && (s.Unknown[a] || s.widens(a))
		})
}

// counts reports whether a review says that somebody looked: where reviews have to be signed, what narrowed
// without a signature does not.
func (c *Context) counts(r *access.Review) bool {
	return r == nil ||
		r.Signature != "" ||
		r.Decision != access.DecisionNarrow ||
		!c.asks(access.SignedReview)
}

// reviewStands reports whether the subject's review was applied before, and so judged then.
func (s *Subject) reviewStands() bool { return s.applied() && !s.Gone }

// reviewCarries reports whether the plan needs the review of what it creates, because it goes on from
// access that was there.
func (c *Context) reviewCarries(s *Subject) bool {
	return slices.ContainsFunc(c.pasts(s), func(p *past) bool { return c.renews(s, p).needed })
}

// reviewLine returns the line of a single review. A review that names no date decides until the end that the block
// declares, and the line says that.
func (c *Context) reviewLine(s *Subject) string {
	r := s.terms().Review
	until := r.Until.Time
	if until.IsZero() {
		until = s.terms().ExpiresAt.Time
	}
	return signed.ReviewLine(c.lined(s), r, until)
}

// reviewSigner returns who signed the subject's review, or why nobody did.
func (c *Context) reviewSigner(s *Subject) (*access.Decider, string) {
	r := s.terms().Review
	mark, err := signed.MarkOf(r.Signature)
	if err != nil {
		return nil, err.Error()
	}
	var d *access.Decider
	var why string
	if mark.Sheet {
		d, why = c.sheetSigner(s, mark)
	} else {
		d, why = c.verified(c.reviewLine(s), r.Signature, r.At.Time)
	}
	if why == "" && !access.SameAddress(d.Address, r.By) {
		why = say("%s signed it, and by is %s", d.Address, shown(r.By))
	}
	return d, why
}

// reviewUnsigned finds a change that needs a signed review and has none, one that is not signed, and one whose
// signature does not count. A review that was applied before was judged then, and is only told if its key was revoked
// since.
func reviewUnsigned(c *Context, s *Subject) []problem {
	switch r := s.terms().Review; {
	case r == nil || s.reviewStands():
		return c.noNewReview(s, r)
	case r.Signature == "":
		return c.bareReview(s, r)
	default:
		return c.forgedReview(s, r)
	}
}

// noNewReview says what lacks a review of this change that is signed; before is the one that was applied earlier,
// nil where there is none.
func (c *Context) noNewReview(s *Subject, before *access.Review) []problem {
	const missing = "no review of its own that is signed stands for it"
	p := problem{cause: entered, fix: "Add a review = { at, by, reason } to this block: the plan then prints the " +
		"line to sign. Or have it decided on in a worksheet that is signed."}
	switch {
	case !c.asks(access.SignedReview):
		return c.signedBefore("review.signature", before, s)
	case s.extends():
		p.attribute, p.text = "expires_at", say("%s: %s, and %s", s, s.moves(), missing)
	case c.reviewCarries(s): // also what the review of a new identity would carry, which nobody has to sign
		p.attribute, p.text = "review",
			say("%s goes on from access that was there before it, until %s, and %s", s, date(s.end()), missing)
	default:
		return c.signedBefore("review.signature", before, s)
	}
	return []problem{p}
}

// bareReview says that a review has no signature, where it has to have one: not where it only ends access, nor of what
// is created and goes on from nothing.
func (c *Context) bareReview(s *Subject, r *access.Review) []problem {
	ends := r.EndNow && !s.extends()
	carriesNothing := s.fresh() && !c.reviewCarries(s)
	if !c.asks(access.SignedReview) || ends || carriesNothing {
		return nil
	}
	cause, counts := entered, ""
	if s.onlyNarrows() {
		cause = standing
		counts = ": it narrows the access, and extends or widens nothing afterwards"
	}
	return []problem{{attribute: "review", cause: cause,
		text: say("%s: the review of %s by %s is not signed%s", s, date(r.At.Time), shown(r.By), counts),
		fix:  signNow + " " + signHere, paste: command(c.reviewLine(s))}}
}

// forgedReview says why the signature of a review does not count; nothing where it does.
func (c *Context) forgedReview(s *Subject, r *access.Review) []problem {
	_, why := c.reviewSigner(s)
	if why == "" {
		return nil
	}
	p := problem{
		attribute: "review.signature",
		cause:     entered,
		text: say("%s: the signature of the review of %s by %s does not count: %s", s, date(r.At.Time),
			shown(r.By), why),
	}
	if s.fresh() && !c.reviewCarries(s) {
		p.fix = "Remove the review: what is created needs none."
	} else if mark, err := signed.MarkOf(r.Signature); err != nil || !mark.Sheet {
		p.fix, p.paste = signNow+" "+signHere, command(c.reviewLine(s))
	} else {
		p.fix = "Have it decided on in a new worksheet, and that signed."
	}
	return []problem{p}
}

// signHere says what to do with the command below it.
const signHere = "They run what stands below in a shell, with their own key in the place of KEY."

// command returns the shell command that signs a line, as the diagnostic prints it.
func command(line string) string { return "  " + signed.Command(line) + "\n" }

// signedBefore tells of a review that was applied, and whose key is revoked now.
func (c *Context) signedBefore(attribute string, r *access.Review, s *Subject) []problem {
	if r == nil || r.Signature == "" {
		return nil
	}
	why := c.revokedSince(r.Signature)
	if why == "" {
		return nil
	}
	return []problem{{attribute: attribute, cause: standing,
		text: say("%s: the review of %s by %s was signed with %s", s, date(r.At.Time), shown(r.By), why),
		fix:  "Look at it again, and have that review signed with a key that counts."}}
}

// reviewNotEntitled finds a review that is signed well, by somebody who may not decide on this access. A signature that
// does not count is reviewUnsigned's.
func reviewNotEntitled(c *Context, s *Subject) []problem {
	r := s.terms().Review
	if r == nil || r.Signature == "" || s.reviewStands() {
		return nil
	}
	d, why := c.reviewSigner(s)
	if why != "" {
		return nil
	}
	if why = c.mayDecide(d, s); why == "" {
		return nil
	}
	return []problem{{
		attribute: "review.by",
		cause:     entered,
		text:      say("%s: the review of %s is signed by %s, %s", s, date(r.At.Time), d.Address, why),
	}}
}
