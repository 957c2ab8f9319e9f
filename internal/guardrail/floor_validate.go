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

// ValidateFloor says what is wrong with a floor, in the order of its arguments.
func ValidateFloor(f *access.Floor) []SettingError {
	var errs settingErrors
	if _, ok := access.ParseAddress(f.SetBy); !ok {
		errs.add("set_by", "%s is not one e-mail address: name whoever answers for the floor, as in "+
			"security@example.com", shown(f.SetBy))
	}
	errs.checkLevels(f)
	errs.checkCeilings(f)
	errs.checkSigned(f)
	errs.checkEmpty(f)
	under, _ := Defaults().Under(f)
	for t, most := range f.MaxLifetime {
		under.MaxLifetime[t] = most.Duration
	}
	errs = append(errs, under.Validate()...)
	order.Sort(errs, func(a, b SettingError) int { return cmp.Compare(a.Setting, b.Setting) })
	return errs
}

// checkLevels looks at what a floor says of rules.
func (all *settingErrors) checkLevels(f *access.Floor) {
	known := func(setting, slug string) {
		if _, ok := Lookup(slug); !ok {
			all.add(setting, "%q is no rule. The rules, nearest first: %s", slug,
				strings.Join(nearest(slug, slugs()), ", "))
		}
	}
	for _, slug := range slices.Sorted(maps.Keys(f.Levels)) {
		known("levels", slug)
		if _, err := ParseLevel(f.Levels[slug]); err != nil {
			all.add("levels", "%s: %s", slug, err)
		}
	}
	for _, slug := range f.Unwaivable {
		known("unwaivable", slug)
	}
}

// checkCeilings refuses a limit over what no configuration can raise: it would limit nothing.
func (all *settingErrors) checkCeilings(f *access.Floor) {
	for _, l := range []struct {
		setting string
		value   access.Span
		most    time.Duration
	}{{"max_waiver", f.MaxWaiver, ceilingWaiver}, {"max_issued", f.MaxIssued, ceilingSecret}} {
		if l.value.Duration > l.most {
			all.add(l.setting, "%s is over %s, which no configuration can raise: write %s or less", l.value,
				access.Hours(l.most), access.Hours(l.most))
		}
	}
}

// checkSigned looks at who decides, and at what they are to sign.
func (all *settingErrors) checkSigned(f *access.Floor) {
	for _, fault := range access.CheckDeciders(f.Deciders) {
		all.add("deciders", "%s of %s: %s", fault.Argument, shown(f.Deciders[fault.Decider].Address), fault.Problem)
	}
	for _, kind := range f.RequireSigned {
		if !slices.Contains(access.SignedKinds(), kind) {
			all.add("require_signed", "%q is nothing that can be signed: write %s", kind,
				strings.Join(access.SignedKinds(), ", "))
		}
	}
	if len(f.RequireSigned) > 0 && len(f.Deciders) == 0 {
		all.add("require_signed", "there are no deciders, so that nobody could decide anything: name them in deciders")
	}
}

// checkEmpty refuses lists that allow nothing. Left out, they would allow everything, so an empty
// one is likely a mistake.
func (all *settingErrors) checkEmpty(f *access.Floor) {
	if f.Environments != nil && len(f.Environments) == 0 {
		all.add("environments", "it is empty, so that no configuration could be used: name an environment, or "+
			"leave it out")
	}
	for _, name := range slices.Sorted(maps.Keys(f.Partners)) {
		if accounts := f.Partners[name].AWSAccounts; accounts != nil && len(accounts) == 0 {
			all.add("partners", "aws_accounts of %s is empty: name an account, or leave it out", name)
		}
	}
}

// settingErrors collects what is wrong with settings.
type settingErrors []SettingError

func (all *settingErrors) add(setting, format string, values ...any) {
	*all = append(*all, SettingError{setting, fmt.Sprintf(format, values...)})
}
