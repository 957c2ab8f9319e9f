package guardrail

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// purposeLetters is how many characters a purpose has at least.
const purposeLetters = 12

func purposeRules() []Rule {
	on := []access.Type{access.TypeIdentity, access.TypeGrant}
	return []Rule{{
		Slug: "purpose/missing", Title: "The access has no purpose",
		Level: Deny, Fixed: true, On: on, Reads: []string{"purpose"}, Silences: []string{"purpose/vague"},
		Why:      "Without a purpose nobody can say when the access is no longer needed.",
		Remedy:   "Say in purpose what the partner does with it, such as \"Nightly order feed into ACME's ERP\".",
		Controls: []Control{NHI1, CIS55, PCI827, ISO518},
		own:      purposeMissing,
	}, {
		Slug: "purpose/vague", Title: "The purpose says nothing",
		Level: Deny, On: on, Reads: []string{"purpose"},
		Why:      "A purpose that would fit any access does not let a reviewer decide whether this one is still needed.",
		Remedy:   "Say in purpose what the partner does with it, such as \"Nightly order feed into ACME's ERP\".",
		Controls: []Control{NHI1, CIS55, PCI724, ISO518},
		own:      purposeVague,
	}}
}

func (s *Subject) purpose() string {
	switch o := s.Object.(type) {
	case *access.Identity:
		return o.Purpose
	case *access.Grant:
		return o.Purpose
	}
	return ""
}

func purposeMissing(_ *Context, s *Subject) []problem {
	if strings.TrimSpace(s.purpose()) != "" {
		return nil
	}
	return one("purpose", say("%s has a blank purpose", s), "")
}

// emptyWords say nothing about a purpose, alone or together.
var emptyWords = strings.Fields(`test tests testing temp temporary tmp access accesses integration integrations n a na none null tbd tba todo
	purpose use usage used using general misc miscellaneous other various stuff things thing needed need needs required requirement
	partner partners vendor vendors supplier customer client external third party identity account accounts service user grant
	permission permissions credential credentials api key login connection setup project work business asdf foo bar xxx placeholder
	the an and or of for to with by in on from is as it this that our their`)

func purposeVague(_ *Context, s *Subject) []problem {
	purpose := strings.TrimSpace(s.purpose())
	if n := utf8.RuneCountInString(purpose); n < purposeLetters {
		return one("purpose", say("%s has the purpose %s of %d characters; %d is the least", s, shown(purpose), n, purposeLetters), "")
	}
	apart := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	partner := strings.FieldsFunc(s.partner(), apart)
	for _, word := range strings.FieldsFunc(strings.ToLower(purpose), apart) {
		if !slices.Contains(emptyWords, word) && !slices.Contains(partner, word) && strings.Trim(word, "0123456789") != "" {
			return nil
		}
	}
	return one("purpose", say("%s has the purpose %s, of which every word would fit any access of the partner", s, shown(purpose)), "")
}
