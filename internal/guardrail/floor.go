// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// What the floor makes of a configuration's settings, once in a walk: rules see only the result and know of no floor.
// Tighter is a matter of each setting: for some the smaller value, for some the greater one, for lists what both hold,
// and for the domains of a partner what either holds, since these are whose addresses cannot own its access.

// floored is settings on their way under a floor. looser collects what the configuration wrote and does not get.
type floored struct {
	Settings
	floor  *access.Floor
	looser []SettingError
}

// Under returns the settings as a floor leaves them: of each the tighter one. What the configuration itself writes
// looser is said as well, with what the floor says and who set it; a default gives way without a word. Nil leaves all
// as it is. The settings are usable even if some are looser: the caller refuses what gives access and lets removals go
// on by them.
func (s Settings) Under(f *access.Floor) (Settings, []SettingError) {
	if f == nil {
		return s, nil
	}
	u := &floored{Settings: s, floor: f}
	u.Floor = f
	u.levels()
	u.lifetimes()
	for _, l := range []struct {
		setting string
		value   *time.Duration
		floor   access.Span
		least   bool
	}{
		{"review_every", &u.ReviewEvery, f.ReviewEvery, false},
		{"dormant_after", &u.DormantAfter, f.DormantAfter, false},
		{"warn_before", &u.WarnBefore, f.WarnBefore, true},
	} {
		u.length(l.setting, l.value, l.floor.Duration, l.least)
	}
	u.count("min_fixed_segments", &u.MinFixedSegments, f.MinFixedSegments, true)
	u.count("max_grants", &u.MaxGrants, f.MaxGrants, false)
	u.MaxWaiver = f.MaxWaiver.Duration
	u.MaxIssued = f.MaxIssued.Duration
	u.Unwaivable = f.Unwaivable
	u.Deciders, u.RequireSigned = f.Deciders, f.RequireSigned
	u.domains()
	u.environments()
	u.shares()
	u.register()
	order.Sort(u.looser, func(a, b SettingError) int { return cmp.Compare(a.Setting, b.Setting) })
	return u.Settings, u.looser
}

// loosens notes a setting that is looser than the floor lets it be.
func (u *floored) loosens(setting, format string, values ...any) {
	u.looser = append(u.looser, SettingError{setting, fmt.Sprintf(format, values...) + ", set by " + u.floor.SetBy})
}

// keepers are the rules by which each setting of a floor is kept: switched off, it would say nothing.
var keepers = []struct {
	setting string
	says    func(f *access.Floor) bool
	rules   []string
}{
	{"max_lifetime", func(f *access.Floor) bool { return len(f.MaxLifetime) > 0 }, []string{"expiry/too-long"}},
	{"max_issued", func(f *access.Floor) bool { return f.MaxIssued.Duration > 0 }, []string{"credential/no-rotation"}},
	{"review_every", func(f *access.Floor) bool { return f.ReviewEvery.Duration > 0 }, []string{"review/overdue"}},
	{"dormant_after", func(f *access.Floor) bool { return f.DormantAfter.Duration > 0 }, []string{"activity/dormant"}},
	{"warn_before", func(f *access.Floor) bool { return f.WarnBefore.Duration > 0 }, []string{"expiry/soon"}},
	{"min_fixed_segments", func(f *access.Floor) bool { return f.MinFixedSegments > 0 },
		[]string{"scope/wildcard-resource"}},
	{"max_grants", func(f *access.Floor) bool { return f.MaxGrants > 0 }, []string{"scope/accumulation"}},
	{"owner_domains", func(f *access.Floor) bool { return f.OwnerDomains != nil },
		[]string{"owner/external", "owner/not-an-address", "review/by-partner"}},
	{"shared", func(f *access.Floor) bool { return f.Shared != nil }, []string{"scope/foreign-partner"}},
	{"partners", func(f *access.Floor) bool { return f.Partners != nil },
		[]string{"expiry/outlives-agreement", "owner/external", "review/by-partner"}},
}

// least is the level below which nobody sets a rule, and what says so.
type least struct {
	Level
	why string
}

// leastLevels returns the lowest levels by a floor: those that it names, and else the catalogue's of
// what keeps its settings.
func leastLevels(f *access.Floor) map[string]least {
	levels := map[string]least{}
	for _, k := range keepers {
		for _, slug := range k.rules {
			if r, _ := Lookup(slug); k.says(f) && levels[slug] == (least{}) {
				levels[slug] = least{r.Level, say("by which %s of the floor is kept", k.setting)}
			}
		}
	}
	for slug, text := range f.Levels {
		_, known := Lookup(slug)
		// who reads the floor has refused it else: see ValidateFloor
		if level, err := ParseLevel(text); known && err == nil {
			levels[slug] = least{level, "which is the floor"}
		}
	}
	return levels
}

// levels raises levels to the lowest that the floor lets be. A fixed rule keeps the catalogue's (Settings.Level).
func (u *floored) levels() {
	levels, by := maps.Clone(u.Levels), leastLevels(u.floor)
	if levels == nil {
		levels = map[string]Level{}
	}
	for _, slug := range slices.Sorted(maps.Keys(by)) {
		r, _ := Lookup(slug)
		if written, ok := u.Levels[slug]; ok && written < by[slug].Level {
			u.loosens("levels."+slug, "%s is below %s, %s", written, by[slug].Level, by[slug].why)
		}
		levels[slug] = max(u.Level(r), by[slug].Level)
	}
	u.Levels = levels
}

// lifetimes takes the shorter life of each type. The map is a copy, since settings share theirs with the
// configuration's.
func (u *floored) lifetimes() {
	lifetimes := maps.Clone(u.MaxLifetime)
	for t, most := range u.floor.MaxLifetime {
		length := lifetimes[t]
		u.length("max_lifetime."+string(t), &length, most.Duration, false)
		lifetimes[t] = length
	}
	u.MaxLifetime = lifetimes
}

// length puts a length of time under the floor's; least says that the floor is a minimum, so that the greater one is
// the tighter.
func (u *floored) length(setting string, value *time.Duration, floor time.Duration, least bool) {
	was := *value
	if tighter(value, floor, least) && u.Written[setting] {
		u.loosens(setting, "%s", beyondFloor(access.Hours(was), access.Hours(floor), least))
	}
}

// count does the same as length, for numbers.
func (u *floored) count(setting string, value *int, floor int, least bool) {
	was := *value
	if tighter(value, floor, least) && u.Written[setting] {
		u.loosens(setting, "%s", beyondFloor(fmt.Sprint(was), fmt.Sprint(floor), least))
	}
}

// tighter sets a value to the floor where that is tighter, and reports whether it is; a floor of zero is none. With
// least, the floor is a minimum, else a maximum.
func tighter[N ~int | ~int64](value *N, floor N, least bool) bool {
	if floor == 0 || *value == floor || (*value > floor) == least {
		return false
	}
	*value = floor
	return true
}

// beyondFloor says how a value lies beyond the floor's, in the words of a minimum or a maximum.
func beyondFloor(value, floor string, least bool) string {
	if least {
		return fmt.Sprintf("%s is less than %s, which is the least by the floor", value, floor)
	}
	return fmt.Sprintf("%s is more than %s, which is the most by the floor", value, floor)
}

// domains leaves the owners' domains that are within the floor's, also as subdomains. If the configuration names none
// of these, the floor's own hold: an empty list would let anybody own access.
func (u *floored) domains() {
	if u.floor.OwnerDomains == nil {
		return
	}
	u.OwnerDomains = u.chosen("owner_domains", u.OwnerDomains, u.floor.OwnerDomains, func(d string) bool {
		return within(strings.ToLower(d), u.floor.OwnerDomains)
	})
}

// environments notes a provider whose own environment is not among the floor's, and leaves of the further ones those
// that are. Here an empty list is safe, since it names no further one.
func (u *floored) environments() {
	if u.floor.Environments == nil {
		return
	}
	ours := func(e string) bool { return slices.Contains(u.floor.Environments, e) }
	if !ours(u.Environment) {
		u.loosens("environment", "%q is none of %s, which are all of the floor", u.Environment,
			listed(u.floor.Environments))
	}
	u.Environments = u.within("environments", u.Environments, u.floor.Environments, ours)
}

// shares leaves the patterns of which every path is in what the floor shares. If the floor's list is empty, partners
// meet nowhere.
func (u *floored) shares() {
	if u.floor.Shared == nil {
		return
	}
	u.Shared = slices.DeleteFunc(slices.Clone(u.Shared), func(p access.Pattern) bool {
		if len(u.floor.Shared) > 0 {
			if _, outside := access.Outside(u.floor.Shared, p); !outside {
				return false
			}
		}
		u.loosens("shared", "%s is not within %s, which is all that may be shared by the floor", p,
			listed(u.floor.Shared))
		return true
	})
}

// within returns the values that the floor lets through, and notes the others.
func (u *floored) within(setting string, values, floor []string, ours func(string) bool) []string {
	return slices.DeleteFunc(slices.Clone(values), func(v string) bool {
		if !ours(v) {
			u.loosens(setting, "%q is not within %s, which are all of the floor", v, listed(floor))
		}
		return !ours(v)
	})
}

// chosen returns the values that the floor lets through, or, where none is left, the floor's: none would be any.
func (u *floored) chosen(setting string, values, floor []string, ours func(string) bool) []string {
	if within := u.within(setting, values, floor, ours); len(within) > 0 {
		return within
	}
	return floor
}

func listed[S ~string](values []S) string {
	if len(values) == 0 {
		return "none"
	}
	var all []string
	for _, v := range values {
		all = append(all, string(v))
	}
	return strings.Join(all, ", ")
}

// register puts the floor's register under the configuration's: a partner has to be in both. A configuration without a
// register gets the floor's, and one that leaves a partner out is the narrower one.
func (u *floored) register() {
	if u.floor.Partners == nil {
		return
	}
	register := map[string]Partner{}
	for _, name := range slices.Sorted(maps.Keys(u.Partners)) {
		if _, known := u.floor.Partners[name]; !known {
			u.loosens("partners."+name, "it is not in the floor's register, which has %s",
				listed(slices.Sorted(maps.Keys(u.floor.Partners))))
		}
	}
	for name, f := range u.floor.Partners {
		p, written := u.Partners[name]
		if u.Partners != nil && !written {
			continue // the configuration's register is the narrower one
		}
		register[name] = u.party(name, p, f)
	}
	u.Partners = register
}

// party returns a partner of both registers: the domains of both, the earlier end, the accounts that both have. More
// domains are tighter, since an address in one of them cannot own the partner's access.
func (u *floored) party(name string, p Partner, f access.FloorPartner) Partner {
	p.Domains = slices.Compact(slices.Sorted(slices.Values(slices.Concat(p.Domains, f.Domains))))
	switch {
	case f.Agreement == nil:
	case p.Agreement == nil:
		p.Agreement = f.Agreement
	case p.Agreement.EndsAt.After(f.Agreement.EndsAt.Time):
		u.loosens("partners."+name+".agreement", "it ends at %s, after %s, which is the end by the floor",
			p.Agreement.EndsAt, f.Agreement.EndsAt)
		p.Agreement = f.Agreement
	}
	if f.AWSAccounts == nil {
		return p
	}
	p.AWSAccounts = u.chosen("partners."+name+".aws_accounts", p.AWSAccounts, f.AWSAccounts,
		func(a string) bool { return slices.Contains(f.AWSAccounts, a) })
	return p
}

// Where a setting comes from.
const (
	fromDefault       = "default"
	fromConfiguration = "configuration"
	fromFloor         = "floor"
)

// Origins says where each setting in force comes from, given those that the configuration wrote: default, configuration
// or floor. Levels are among them where they are not the catalogue's.
func (s Settings) Origins(written Settings) map[string]string {
	origins := map[string]string{}
	of := func(setting string, moved, wrote bool) {
		switch {
		case moved:
			origins[setting] = fromFloor
		case wrote:
			origins[setting] = fromConfiguration
		default:
			origins[setting] = fromDefault
		}
	}
	of("review_every", s.ReviewEvery != written.ReviewEvery, written.Written["review_every"])
	of("dormant_after", s.DormantAfter != written.DormantAfter, written.Written["dormant_after"])
	of("warn_before", s.WarnBefore != written.WarnBefore, written.Written["warn_before"])
	of("min_fixed_segments", s.MinFixedSegments != written.MinFixedSegments, written.Written["min_fixed_segments"])
	of("max_grants", s.MaxGrants != written.MaxGrants, written.Written["max_grants"])
	of("owner_domains", !slices.Equal(s.OwnerDomains, written.OwnerDomains), written.OwnerDomains != nil)
	of("active_owners", false, written.ActiveOwners != nil)
	of("environments", !slices.Equal(s.Environments, written.Environments), written.Environments != nil)
	of("shared", !slices.Equal(s.Shared, written.Shared), written.Shared != nil)
	of("partners", s.Floor != nil && s.Floor.Partners != nil, written.Partners != nil)
	of("max_waiver", s.MaxWaiver != 0, false)
	of("max_issued", s.MaxIssued != 0, false)
	of("unwaivable", len(s.Unwaivable) > 0, false)
	for t, length := range s.MaxLifetime {
		of("max_lifetime."+string(t), length != written.MaxLifetime[t], written.Written["max_lifetime."+string(t)])
	}
	for _, r := range table() {
		if level := s.Level(r); level != r.Level {
			_, wrote := written.Levels[r.Slug]
			of("levels."+r.Slug, level != written.Level(r), wrote)
		}
	}
	return origins
}
