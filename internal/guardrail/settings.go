// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
	"github.com/partner-access/terraform-provider-partner/internal/signed"
)

// What a configuration may say about rules, and what it may not. A mistake here is an error of the provider block, and
// shown before any rule runs. What the floor makes of settings stands in floor.go.

const day = 24 * time.Hour

// What no configuration can raise.
const (
	// ceilingLifetime is two years, ceilingGrant one, leap days included.
	ceilingLifetime = 731 * day
	ceilingGrant    = 366 * day
	// ceilingSecret is how long a secret that was issued once may live.
	ceilingSecret = 180 * day
	// ceilingWaiver is how far ahead a waiver may end.
	ceilingWaiver = 90 * day
)

// Settings are what the provider block says about the rules. Lengths of time are durations, never days of a calendar. A
// portfolio holds one copy for a whole walk; Under returns another one and changes none.
type Settings struct {
	// Environment is the provider's, Environments are the others that its objects may be of.
	Environment  string
	Environments []string
	// OwnerDomains are the domains that owners' addresses are of, with their subdomains; empty: any.
	OwnerDomains []string
	// ActiveOwners are the addresses that a directory knows; empty: any.
	ActiveOwners []string
	// Shared are the patterns on which partners may meet.
	Shared []access.Pattern
	// Levels are the levels of rules, by slug, where they differ from the catalogue's.
	Levels map[string]Level
	// MaxLifetime is how long each type of object may live from its creation or renewal.
	MaxLifetime map[access.Type]time.Duration
	// WarnBefore is how long before an end expiry/soon speaks, ReviewEvery how long a review counts, and DormantAfter
	// after how long without use access is dormant.
	WarnBefore, ReviewEvery, DormantAfter time.Duration
	// MinFixedSegments is how many literal segments stand before the first wildcard of a resource, MaxGrants how many
	// grants one identity may have.
	MinFixedSegments, MaxGrants int
	// Partners is the register of partners by name; nil: there is none.
	Partners map[string]Partner
	// MaxWaiver is how far ahead a waiver may end, MaxIssued how long what is issued once may live; zero: what every
	// configuration may. Unwaivable are rules that no waiver hides. Only a floor says these.
	MaxWaiver, MaxIssued time.Duration
	Unwaivable           []string
	// Deciders are whose signatures count, and RequireSigned is what nobody decides without one: of access.SignedKinds.
	// Only a floor says these.
	Deciders      []access.Decider
	RequireSigned []string
	// Sheets are the worksheets that people signed, and System is the id of the access system: only what is
	// signed for this one counts.
	Sheets []signed.Sheet
	System string
	// Written are the names of the settings that the configuration writes, as in SettingError.
	Written map[string]bool
	// Floor is what these settings are under; nil: nothing.
	Floor *access.Floor
	// Rehearsed is when the offboarding of each partner was last rehearsed; nil: rehearsals are not kept.
	Rehearsed map[string]time.Time
}

// Partner is what the register knows of a partner.
type Partner struct {
	Kind      string
	Domains   []string
	Contact   string
	Agreement *access.Agreement
	// AWSAccounts are its accounts of AWS: no other is trusted as its.
	AWSAccounts []string
}

// SettingError is what is wrong with one setting.
type SettingError struct {
	// Setting is its name, with the key of a map: levels, max_lifetime.grant.
	Setting string
	Problem string
}

// Error returns the setting and its problem.
func (e SettingError) Error() string { return e.Setting + ": " + e.Problem }

// Defaults returns the settings of an empty guardrails block.
func Defaults() Settings {
	return Settings{
		MaxLifetime: map[access.Type]time.Duration{
			access.TypeIdentity: 366 * day, access.TypeCredential: 366 * day, access.TypeGrant: 184 * day,
		},
		WarnBefore: 30 * day, ReviewEvery: 90 * day, DormantAfter: 45 * day,
		MinFixedSegments: 2, MaxGrants: 20,
	}
}

// Level returns the level at which a rule is in force. A fixed rule is never lower than in the catalogue, whatever the
// settings say: Validate has refused that, and this holds also if nobody called it.
func (s Settings) Level(r Rule) Level {
	level, set := s.Levels[r.Slug]
	if !set || (r.Fixed && level < r.Level) {
		return r.Level
	}
	return level
}

// waiverLimit returns how far ahead a waiver may end.
func (s Settings) waiverLimit() time.Duration {
	if s.MaxWaiver > 0 {
		return min(s.MaxWaiver, ceilingWaiver)
	}
	return ceilingWaiver
}

// waivable reports whether a waiver hides what a rule finds.
func (s Settings) waivable(r Rule) bool { return !r.Fixed && !slices.Contains(s.Unwaivable, r.Slug) }

// Validate says what is wrong with the settings, in the order of their names. It returns all faults at once, so that
// one plan shows them, and nil if there are none.
func (s Settings) Validate() []SettingError {
	var errs settingErrors
	s.validateLevels(errs.add)
	s.validateLifetimes(errs.add)
	s.validateNumbers(errs.add)
	s.validateOwners(errs.add)
	order.Sort(errs, func(a, b SettingError) int { return cmp.Compare(a.Setting, b.Setting) })
	return errs
}

// validateNumbers refuses lengths and numbers of zero or less. None of them means "none" or "no limit".
func (s Settings) validateNumbers(add func(setting, format string, values ...any)) {
	for _, length := range []struct {
		setting string
		value   time.Duration
	}{{"warn_before", s.WarnBefore}, {"review_every", s.ReviewEvery}, {"dormant_after", s.DormantAfter}} {
		if length.value <= 0 {
			add(length.setting, "%s is not a length of time over zero: write a duration such as 720h, or leave it out",
				length.value)
		}
	}
	for _, number := range []struct {
		setting string
		value   int
	}{{"min_fixed_segments", s.MinFixedSegments}, {"max_grants", s.MaxGrants}} {
		if number.value < 1 {
			add(number.setting, "%d is less than 1: write 1 or more, or leave it out", number.value)
		}
	}
}

// validateOwners refuses lists of owners that are empty: a directory that could not be read must not make
// everybody a departed owner.
func (s Settings) validateOwners(add func(setting, format string, values ...any)) {
	if s.OwnerDomains != nil && len(s.OwnerDomains) == 0 {
		add("owner_domains", "it is empty, so that nobody could own anything: name a domain, or leave it out")
	}
	for _, d := range s.OwnerDomains {
		if !access.ValidDomain(d) {
			add("owner_domains", "%q is not a domain: write it as in example.com, without @ and wildcards", d)
		}
	}
	if s.ActiveOwners != nil && len(s.ActiveOwners) == 0 {
		add("active_owners", "it is empty, so that every owner counts as departed: is the directory readable? Leave "+
			"it out if there is none")
	}
}

// validateLevels refuses levels of rules that do not exist, since a mistyped slug would switch off nothing and say
// nothing, and levels below the catalogue's for fixed rules.
func (s Settings) validateLevels(add func(setting, format string, values ...any)) {
	for _, slug := range slices.Sorted(maps.Keys(s.Levels)) {
		rule, known := Lookup(slug)
		switch {
		case !known:
			add("levels", "%q is no rule. The rules, nearest first: %s", slug,
				strings.Join(nearest(slug, slugs()), ", "))
		case rule.Fixed && s.Levels[slug] < rule.Level:
			add("levels", "%s is fixed at %s and cannot be lowered to %s: it is what the provider is for. The rules "+
				"that can be: %s",
				slug, rule.Level, s.Levels[slug], strings.Join(lowerable(), ", "))
		case s.Levels[slug] < Off || s.Levels[slug] > Deny:
			add("levels", "%s is set to no level: write off, warn or deny", slug)
		}
	}
}

// validateLifetimes refuses lives over the ceiling of their type, and a type without any: no entry would be no life at
// all, and not a life without limit.
func (s Settings) validateLifetimes(add func(setting, format string, values ...any)) {
	for _, t := range []access.Type{access.TypeCredential, access.TypeGrant, access.TypeIdentity} {
		length, set := s.MaxLifetime[t]
		if most := hardLifetime(t); set && length > most {
			add("max_lifetime."+string(t), "%s is over %s, which no configuration can raise: write %s or less",
				access.Hours(length), access.Hours(most), access.Hours(most))
		} else if !set || length <= 0 {
			add("max_lifetime."+string(t),
				"%s is not a length of time over zero: write a duration such as 2160h, or leave it out",
				access.Hours(length))
		}
	}
}

// hardLifetime returns the longest life of a type of object that any configuration can give.
func hardLifetime(t access.Type) time.Duration {
	if t == access.TypeGrant {
		return ceilingGrant
	}
	return ceilingLifetime
}

// nearest returns the words, those that are written most like s first.
func nearest(s string, words []string) []string {
	sorted := slices.Clone(words)
	order.Sort(sorted, func(a, b string) int { return cmp.Compare(distance(s, a), distance(s, b)) })
	return sorted
}

// lowerable returns the slugs of all rules whose level a configuration may lower, for the text of an error.
func lowerable() []string {
	var free []string
	for _, slug := range slugs() {
		if r, _ := Lookup(slug); !r.Fixed {
			free = append(free, slug)
		}
	}
	return free
}

// distance returns how many letters have to be changed, added or taken away to make b of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
