// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"slices"
	"strings"
	"unicode"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// purposeLetters is how many characters a purpose has at least. Those of Chinese, Japanese and Korean say
// more and count as two.
const purposeLetters = 12

// purposeRules returns the rules about why access exists. Credentials have no purpose of their own.
func purposeRules() []Rule {
	on := []access.Type{access.TypeIdentity, access.TypeGrant}
	return []Rule{{
		Slug: "purpose/missing", Title: "The access has no purpose",
		Level: Deny, Fixed: true, On: on, Reads: []string{"purpose"}, Silences: []string{"purpose/vague"},
		Why:    "Without a purpose nobody can say when the access is no longer needed.",
		Remedy: "Say in purpose what the partner does with it, such as \"Nightly order feed into ACME's ERP\".",
		Precedent: Precedent{
			"CIS Control 5.5: the inventory of service accounts holds at least the department that owns each, its " +
				"review date and its purpose.",
			"https://www.cisecurity.org/controls/account-management",
		},
		Controls: []Control{NHI1, CIS55, PCI827, ISO518},
		own:      purposeMissing,
	}, {
		Slug: "purpose/vague", Title: "The purpose says nothing",
		Level: Deny, On: on, Reads: []string{"purpose"},
		Why:    "A purpose that would fit any access does not let a reviewer decide whether this one is still needed.",
		Remedy: "Say in purpose what the partner does with it, such as \"Nightly order feed into ACME's ERP\".",
		Precedent: Precedent{
			"The European data protection authorities (Opinion 03/2013) hold that purposes such as \"IT-security " +
				"purposes\" or \"future research\" are usually too vague to be specific.",
			"https://ec.europa.eu/justice/article-29/documentation/opinion-recommendation/files/2013/wp203_en.pdf",
		},
		Controls: []Control{NHI1, CIS55, PCI724, ISO518},
		own:      purposeVague,
	}}
}

// purpose returns the purpose of an identity or a grant; "" for a credential.
func (s *Subject) purpose() string {
	switch o := s.Object.(type) {
	case *access.Identity:
		return o.Purpose
	case *access.Grant:
		return o.Purpose
	}
	return ""
}

// purposeMissing finds a purpose of nothing but spaces.
func purposeMissing(_ *Context, s *Subject) []problem {
	if strings.TrimSpace(s.purpose()) != "" {
		return nil
	}
	return one("purpose", say("%s has a blank purpose", s), "")
}

// emptyWords say nothing about a purpose, alone or together.
var emptyWords = strings.Fields(`
	test tests testing temp temporary tmp access accesses integration integrations n a na none null tbd tba todo
	purpose use usage used using general misc miscellaneous other various stuff things thing needed need needs
	required requirement partner partners vendor vendors supplier customer client external third party identity
	account accounts service user grant permission permissions credential credentials api key login connection setup
	project work business asdf foo bar xxx placeholder the an and or of for to with by in on from is as it this that
	our their
`)

// purposeVague finds a purpose that is too short, or of words that would fit any access: one word that is neither empty
// (emptyWords), nor the partner's name, nor a number is enough to pass.
func purposeVague(_ *Context, s *Subject) []problem {
	purpose := strings.TrimSpace(s.purpose())
	if n, wide := letters(purpose); n+wide < purposeLetters {
		least := say("%d is the least", purposeLetters)
		if wide > 0 {
			least += say(", where %d of them count as two", wide)
		}
		return one("purpose", say("%s has the purpose %s of %s; %s", s, shown(purpose), counted(n, "character"), least),
			"")
	}
	apart := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	partner := strings.FieldsFunc(s.partner(), apart)
	for _, word := range strings.FieldsFunc(strings.ToLower(purpose), apart) {
		if !slices.Contains(emptyWords, word) &&
			!slices.Contains(partner, word) &&
			strings.Trim(word, "0123456789") != "" {
			return nil
		}
	}
	return one("purpose", say("%s has the purpose %s, of which every word would fit any access of the partner", s,
		shown(purpose)), "")
}

// letters returns how many characters a text has, and how many of them are of Chinese, Japanese or Korean.
func letters(text string) (all, wide int) {
	for _, r := range text {
		all++
		if unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul) {
			wide++
		}
	}
	return all, wide
}
