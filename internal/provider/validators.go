// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	_ "time/tzdata" // machines that run pipelines often have no time zones
	"unicode"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/material"
	"github.com/partner-access/terraform-provider-partner/internal/seal"
)

// What an argument can mean. Each validator is a parser of the language (package access, material or seal) and a name
// for what it reads, so that plan and apply take the same. Validators say what an argument cannot mean; what it should
// not mean, the rules say.

// reads is a validator that refuses what a parser cannot read. It never sees a private key: the server refuses those
// before (server_guard.go), since an error with a path makes the CLI print the value. what completes "must be ...".
type reads struct {
	what  string
	parse func(string) error
}

func (v reads) Description(context.Context) string { return "must be " + v.what }

func (v reads) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

// ValidateString says where the text is and what is wrong with it. Null and unknown are not looked at: Required says
// the one, and a reader the other, once the value is known.
func (v reads) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if err := v.parse(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Not "+v.what,
			fmt.Sprintf("%s: %s.", said(req.Path), strings.TrimRight(err.Error(), ".")))
	}
}

// said returns a path as people write it: what is in a set has no place there, only its value, which would be printed.
func said(at path.Path) string { return inSet.ReplaceAllString(at.String(), "") }

var inSet = regexp.MustCompile(`\[Value\(.*\)\]$`)

// parses makes a validator of one of the language's parsers.
func parses[T any](what string, parse func(string) (T, error)) validator.String {
	return reads{what, func(s string) error { _, err := parse(s); return err }}
}

func moment() validator.String { return parses("an RFC 3339 moment", access.ParseMoment) }

// span takes a duration that means something: a second at least. 0 is said to be meaningless, since some tools write it
// for "not set".
func span() validator.String {
	return parses("a duration", func(s string) (access.Span, error) {
		d, err := access.ParseSpan(s)
		switch {
		case err == nil && d.Duration == 0:
			err = errors.New("a duration of zero has no meaning here: leave out the argument, or write one such as " +
				"720h")
		case err == nil && d.Duration < time.Second:
			err = fmt.Errorf("%q is shorter than a second: write a duration such as 720h", s)
		}
		return d, err
	})
}

// longestPublication is how long a gateway that hears nothing may go on by what it has: a year.
const longestPublication = 366 * 24 * time.Hour

// parsePublicationLife reads how long a publication is valid. One that is for ever switches nothing off; and 292 years,
// the longest time.Duration, are more than OPA can count.
func parsePublicationLife(s string) (access.Span, error) {
	d, err := access.ParseSpan(s)
	if most := access.Hours(longestPublication); err == nil && d.Duration > longestPublication {
		err = fmt.Errorf("%s is over %s: a gateway that gets no newer publication must not admit for longer than "+
			"that what was revoked since. Write a shorter one, such as 4320h", s, most)
	}
	return d, err
}

func timeZone() validator.String { return parses("a time zone", parseZone) }

// parseZone reads the name of a time zone in the IANA database. "Local" is a name to Go, and would mean this machine's.
func parseZone(s string) (*time.Location, error) {
	zone, err := time.LoadLocation(s)
	if err != nil || s == "" || s == "Local" {
		return nil, fmt.Errorf("%q is not a time zone: write UTC, or a name of the IANA database such as Europe/Berlin",
			s)
	}
	return zone, nil
}

// overlap takes a duration, also zero: no overlap.
func overlap() validator.String { return parses("a duration", access.ParseSpan) }

func pattern() validator.String { return parses("a pattern of resources", access.ParsePattern) }

func network() validator.String { return parses("a network", access.ParseNetwork) }

func identityID() validator.String { return parses("an identity's id", access.ParseIdentityID) }

func recipient() validator.String {
	return parses("an age or SSH recipient", seal.Parse)
}

func signingRequest() validator.String {
	return parses("a certificate signing request", material.ParseRequest)
}

func sshKey() validator.String {
	return parses("an SSH public key", material.ParseSSHKey)
}

func issuer() validator.String { return parses("an issuer", material.ParseIssuer) }

// issuerAddress takes the issuers that a credential can name, and no rule refuses for what they are not: as the key of
// a map, one that is no issuer is never found, and nobody hears of it.
func issuerAddress() validator.String {
	return reads{"an issuer", func(s string) error {
		if !strings.Contains(s, "://") {
			return fmt.Errorf("%q is not an issuer: write its address as credentials do, such as "+
				"https://login.example.com", s)
		}
		_, err := material.ParseIssuer(s)
		return err
	}}
}

func subject() validator.String { return parses("a subject", material.ParseSubject) }

func audience() validator.String { return parses("an audience", material.ParseAudience) }

// twelveDigits matches the number of an AWS account. It is a text: as a number, leading zeros would be lost.
var twelveDigits = regexp.MustCompile(`^[0-9]{12}$`)

// accountNumber takes the number of an AWS account.
func accountNumber() validator.String {
	return reads{"the number of an AWS account", func(s string) error {
		if twelveDigits.MatchString(s) {
			return nil
		}
		return fmt.Errorf("%q is not the number of an AWS account: write its twelve digits, as a text", s)
	}}
}

// awsPrincipal takes a principal of AWS, and leaves wildcards to a rule, which says why they are refused.
func awsPrincipal() validator.String {
	return reads{"a principal of AWS", func(s string) error {
		if strings.ContainsAny(s, "*?") {
			return nil
		}
		_, err := access.ParseAWSPrincipal(s)
		return err
	}}
}

func externalID() validator.String {
	return reads{"an external id", access.CheckExternalID}
}

// part takes what can be a segment of an id: 1 to 63 characters of a-z, 0-9 and -. what names it in the error.
func part(what string) validator.String {
	return reads{what, func(s string) error { return access.CheckPart(s, what) }}
}

// noShadow refuses the names that rehearsals give: a real partner of such a name would be removed with the next one.
func noShadow() validator.String {
	return reads{"a partner's name", func(s string) error {
		if access.IsShadow(s) {
			return fmt.Errorf("%q is reserved: the shadow partners of partner_rehearsal have such names. Give the "+
				"partner another name", s)
		}
		return nil
	}}
}

// action takes the word of an action. If the text is one but for its case or white space, the error shows that.
func action() validator.String {
	return reads{"an action", func(s string) error {
		if access.ValidAction(s) {
			return nil
		}
		such := "read"
		if lower := strings.ToLower(strings.TrimSpace(s)); access.ValidAction(lower) {
			such = lower
		}
		return fmt.Errorf("%q is not an action: write at most 32 characters of a-z, 0-9 and -, such as %s", s, such)
	}}
}

// anyText takes every text that is short enough; rules judge what it says, and the server has
// looked for what nobody sees.
func anyText() validator.String {
	return reads{"a text", func(s string) error { return within(s, 1024) }}
}

// someText takes every text in which there is something to read: a letter or a digit, in any script.
func someText() validator.String { return unlessEmpty("a text", readable) }

// readable returns an error for a text in which nothing can be read, or that is too long.
func readable(s string) error {
	if !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }) {
		return errors.New("the text has neither a letter nor a digit: write something, or leave out the argument")
	}
	return within(s, 1024)
}

// filePath refuses a path that no shell will read: in Terraform a ~ is the name of a folder.
func filePath() validator.String {
	return unlessEmpty("a path", func(s string) error {
		if s == "~" || strings.HasPrefix(s, "~/") {
			return fmt.Errorf("here, nothing expands ~: write pathexpand(%q)", s)
		}
		return within(s, 1024)
	})
}

// domain refuses what is no domain: an address is never in it, and whoever wrote it believes that it is.
func domain() validator.String {
	return reads{"a domain", func(s string) error {
		if !access.ValidDomain(s) {
			return errors.New("that is not a domain: write it as in example.com, without @ and wildcards. Subdomains " +
				"count as well")
		}
		return nil
	}}
}

// unlessEmpty takes a text that is not empty, and that a check takes. An empty one is mostly a variable that was not
// set.
func unlessEmpty(what string, check func(string) error) validator.String {
	return reads{what, func(s string) error {
		if s == "" {
			return errors.New("the text is empty: write something, or leave out the argument")
		}
		return check(s)
	}}
}

// longText takes a text that is long by nature, up to 64 KiB: certificates, signed tokens, signatures.
func longText() validator.String { return textWithin(64 << 10) }

// fileText takes a table that people filled in, up to 8 MiB: some ten thousand rows of it.
func fileText() validator.String { return textWithin(8 << 20) }

func textWithin(limit int) validator.String {
	return unlessEmpty("a text", func(s string) error { return within(s, limit) })
}

// within returns an error for a text that is longer than a limit, in bytes.
func within(s string, limit int) error {
	if len(s) > limit {
		return fmt.Errorf("a text of %d bytes is too long: write at most %d", len(s), limit)
	}
	return nil
}

// emptiness is a validator of sets that refuses an empty one, because it could mean two things, such as no limit and no
// access. why says which, and what to write.
type emptiness struct{ why string }

func notEmpty(why string) validator.Set { return emptiness{why} }

func (v emptiness) Description(context.Context) string { return "must not be empty" }

func (v emptiness) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

// ValidateSet takes null, what is unknown, and any set that has an element.
func (v emptiness) ValidateSet(_ context.Context, req validator.SetRequest, resp *validator.SetResponse) {
	if !req.ConfigValue.IsNull() &&
		!req.ConfigValue.IsUnknown() &&
		len(req.ConfigValue.Elements()) == 0 {
		resp.Diagnostics.AddAttributeError(req.Path, "An empty set is ambiguous", v.why)
	}
}
