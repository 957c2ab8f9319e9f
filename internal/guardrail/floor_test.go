// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

func span(text string) access.Span {
	s, err := access.ParseSpan(text)
	if err != nil {
		panic(err)
	}
	return s
}

// strict is a floor that says something of every setting.
func strict() *access.Floor {
	return &access.Floor{
		SetBy: "ciso@example.com", Levels: map[string]string{"scope/privileged": "deny", "activity/dormant": "deny"},
		Unwaivable:  []string{"expiry/too-long"},
		MaxLifetime: map[access.Type]access.Span{access.TypeGrant: span("720h")}, MaxWaiver: span("240h"),
		MaxIssued:   span("168h"),
		ReviewEvery: span("1440h"), DormantAfter: span("480h"), WarnBefore: span("960h"), MinFixedSegments: 3,
		MaxGrants:    5,
		OwnerDomains: []string{"example.com"}, Environments: []string{"prod", "stage"},
		Shared: []access.Pattern{"orders/*"},
		Partners: map[string]access.FloorPartner{"acme": {Domains: []string{"acme.test"},
			Agreement: &access.Agreement{Reference: "C-1", EndsAt: access.At(in(100))}}},
	}
}

// written returns settings as a configuration of prod that writes some of them.
func written(change func(*Settings), names ...string) Settings {
	s := Defaults()
	s.Environment, s.Written = "prod", map[string]bool{}
	for _, name := range names {
		s.Written[name] = true
	}
	change(&s)
	return s
}

func TestALooserConfigurationIsToldAndGivesWay(t *testing.T) {
	for _, c := range []struct {
		setting, says string
		change        func(*Settings)
		got           func(Settings) any
		want          any
	}{
		{
			"levels.scope/privileged", "off is below deny, which is the floor",
			func(s *Settings) { s.Levels = map[string]Level{"scope/privileged": Off} },
			func(s Settings) any { return s.Levels["scope/privileged"] }, Deny,
		},
		{
			"max_lifetime.grant", "721h is more than 720h",
			func(s *Settings) { s.MaxLifetime[access.TypeGrant] = 721 * time.Hour },
			func(s Settings) any { return s.MaxLifetime[access.TypeGrant] }, 720 * time.Hour,
		},
		{"review_every", "2160h is more than 1440h", func(*Settings) {}, func(s Settings) any { return s.ReviewEvery },
			1440 * time.Hour},
		{"dormant_after", "1080h is more than 480h", func(*Settings) {}, func(s Settings) any { return s.DormantAfter },
			480 * time.Hour},
		{"warn_before", "720h is less than 960h", func(*Settings) {}, func(s Settings) any { return s.WarnBefore },
			960 * time.Hour},
		{"min_fixed_segments", "2 is less than 3", func(*Settings) {},
			func(s Settings) any { return s.MinFixedSegments }, 3},
		{"max_grants", "20 is more than 5", func(*Settings) {}, func(s Settings) any { return s.MaxGrants }, 5},
		{
			"owner_domains", `"example.org" is not within example.com`,
			func(s *Settings) { s.OwnerDomains = []string{"example.org"} },
			func(s Settings) any { return s.OwnerDomains }, []string{"example.com"},
		},
		{
			"owner_domains", `"com" is not within`,
			func(s *Settings) { s.OwnerDomains = []string{"com", "eu.Example.com"} },
			func(s Settings) any { return s.OwnerDomains }, []string{"eu.Example.com"},
		},
		{"environment", `"dev" is none of prod, stage`, func(s *Settings) { s.Environment = "dev" },
			func(s Settings) any { return len(s.Environments) }, 0},
		{
			"environments", `"dev" is not within`, func(s *Settings) { s.Environments = []string{"dev", "stage"} },
			func(s Settings) any { return s.Environments }, []string{"stage"},
		},
		{
			"shared", "* is not within", func(s *Settings) { s.Shared = []access.Pattern{"*", "orders/eu/*"} },
			func(s Settings) any { return s.Shared }, []access.Pattern{"orders/eu/*"},
		},
		{
			"partners.globex", "not in the floor's register, which has acme",
			func(s *Settings) { s.Partners = map[string]Partner{"globex": {}} },
			func(s Settings) any { return len(s.Partners) }, 0,
		},
		{
			"partners.acme.agreement", "after", func(s *Settings) {
				s.Partners = map[string]Partner{"acme": {Domains: []string{"acme.example"},
					Agreement: &access.Agreement{EndsAt: access.At(in(200))}}}
			},
			func(s Settings) any { return s.Partners["acme"].Agreement.Reference }, "C-1",
		},
	} {
		got, looser := written(c.change, c.setting).Under(strict())
		if len(looser) != 1 ||
			looser[0].Setting != c.setting ||
			!strings.Contains(looser[0].Problem, c.says) ||
			!strings.HasSuffix(looser[0].Problem, ", set by ciso@example.com") {
			t.Errorf("%s: %v, want ...%s...", c.setting, looser, c.says)
		}
		if !reflect.DeepEqual(c.got(got), c.want) {
			t.Errorf("%s is %v under the floor, want %v", c.setting, c.got(got), c.want)
		}
	}
}

// What a floor sets holds also where a configuration switches off the rule that looks at it; unless
// the floor itself lets it.
func TestWhatKeepsAFloorIsNotSwitchedOff(t *testing.T) {
	for slug, floor := range map[string]access.Floor{
		"expiry/too-long":           {MaxLifetime: strict().MaxLifetime},
		"credential/no-rotation":    {MaxIssued: span("168h")},
		"review/overdue":            {ReviewEvery: span("1440h")},
		"activity/dormant":          {DormantAfter: span("480h")},
		"expiry/soon":               {WarnBefore: span("960h")},
		"scope/wildcard-resource":   {MinFixedSegments: 3},
		"scope/accumulation":        {MaxGrants: 5},
		"owner/external":            {OwnerDomains: []string{"example.com"}},
		"owner/not-an-address":      {OwnerDomains: []string{"example.com"}},
		"review/by-partner":         {OwnerDomains: []string{"example.com"}},
		"scope/foreign-partner":     {Shared: []access.Pattern{}},
		"expiry/outlives-agreement": {Partners: strict().Partners},
	} {
		rule := must(slug)
		off := written(func(s *Settings) { s.Levels = map[string]Level{slug: Off} })
		if floor.SetBy = "ciso@example.com"; len(ValidateFloor(&floor)) > 0 {
			t.Fatal(ValidateFloor(&floor))
		}
		under, looser := off.Under(&floor)
		if under.Level(rule) != rule.Level ||
			len(looser) != 1 ||
			looser[0].Setting != "levels."+slug ||
			!strings.Contains(looser[0].Problem, "of the floor is kept, set by ciso@") {
			t.Errorf("%s: %s, %v", slug, under.Level(rule), looser)
		}
		floor.Levels = map[string]string{slug: "warn"}
		off.Levels[slug] = Warn
		if under, looser = off.Under(&floor); under.Level(rule) != Warn || len(looser) > 0 {
			t.Errorf("%s, as the floor lets it: %s, %v", slug, under.Level(rule), looser)
		}
	}
}

func TestATighterConfigurationStands(t *testing.T) {
	tight := written(func(s *Settings) {
		s.Levels = map[string]Level{"activity/dormant": Deny, "expiry/soon": Deny}
		s.MaxLifetime[access.TypeGrant], s.ReviewEvery, s.MaxGrants, s.MinFixedSegments, s.WarnBefore = 24*time.Hour,
			time.Hour, 1, 9, 9999*time.Hour
		s.DormantAfter = time.Hour
		s.OwnerDomains = []string{"eu.example.com"}
		s.Environments = []string{"stage"}
		s.Partners = map[string]Partner{}
	}, "max_lifetime.grant", "review_every", "max_grants", "min_fixed_segments", "warn_before", "dormant_after")
	got, looser := tight.Under(strict())
	if len(looser) > 0 {
		t.Error(looser)
	}
	if got.ReviewEvery != time.Hour ||
		got.MaxGrants != 1 ||
		got.MinFixedSegments != 9 ||
		got.MaxLifetime[access.TypeGrant] != 24*time.Hour ||
		got.Levels["expiry/soon"] != Deny || len(got.Partners) != 0 || got.OwnerDomains[0] != "eu.example.com" {
		t.Errorf("%+v", got)
	}
}

func TestADefaultGivesWayWithoutAWord(t *testing.T) {
	got, looser := written(func(*Settings) {}).Under(strict())
	if len(looser) > 0 ||
		got.MaxGrants != 5 ||
		got.Level(must("activity/dormant")) != Deny ||
		!slices.Equal(got.OwnerDomains, []string{"example.com"}) ||
		got.Partners["acme"].Agreement == nil {
		t.Errorf("%v, %+v", looser, got)
	}
	same, looser := Defaults().Under(nil)
	if len(looser) > 0 || !reflect.DeepEqual(same, Defaults()) {
		t.Error("without a floor something changes")
	}
	if again, looser := got.Under(strict()); len(looser) > 0 || !reflect.DeepEqual(again, got) {
		t.Error("a floor twice is another one than once")
	}
}

func must(slug string) Rule {
	r, _ := Lookup(slug)
	return r
}

// Empty is not unset: nothing may be shared, and no partner is known.
func TestAnEmptyListLetsNothingThrough(t *testing.T) {
	floor := &access.Floor{
		SetBy:    "ciso@example.com",
		Shared:   []access.Pattern{},
		Partners: map[string]access.FloorPartner{},
	}
	got, looser := written(func(s *Settings) { s.Shared = []access.Pattern{"orders/*"} }).Under(floor)
	if len(got.Shared) > 0 ||
		got.Partners == nil ||
		len(looser) != 1 ||
		looser[0].Setting != "shared" {
		t.Errorf("%v %v, %v", got.Shared, got.Partners, looser)
	}
}

func TestAFloorThatCannotBe(t *testing.T) {
	if errs := ValidateFloor(strict()); len(errs) > 0 {
		t.Error(errs)
	}
	for setting, change := range map[string]func(*access.Floor){
		"set_by":             func(f *access.Floor) { f.SetBy = "the CISO" },
		"levels":             func(f *access.Floor) { f.Levels["expiry/to-long"] = "deny" },
		"unwaivable":         func(f *access.Floor) { f.Unwaivable = []string{"nothing"} },
		"max_waiver":         func(f *access.Floor) { f.MaxWaiver = span("2161h") },
		"max_issued":         func(f *access.Floor) { f.MaxIssued = span("9000h") },
		"max_lifetime.grant": func(f *access.Floor) { f.MaxLifetime[access.TypeGrant] = span("8785h") },
		"owner_domains":      func(f *access.Floor) { f.OwnerDomains = []string{} },
		"require_signed":     func(f *access.Floor) { f.RequireSigned = []string{access.SignedReview} },
		"deciders": func(f *access.Floor) {
			f.Deciders = []access.Decider{{Address: "jane@example.com", Until: access.At(in(9))}}
		},
		"environments": func(f *access.Floor) { f.Environments = []string{} },
		"partners":     func(f *access.Floor) { f.Partners["acme"] = access.FloorPartner{AWSAccounts: []string{}} },
	} {
		f := strict()
		change(f)
		if errs := ValidateFloor(f); len(errs) != 1 || errs[0].Setting != setting {
			t.Errorf("%s: %v", setting, errs)
		}
	}
}

// Where the floor is lost, or the configuration looser than it, what gives is refused, and what is less goes through.
func TestWhatIsLessGivesNothing(t *testing.T) {
	waived := func(days int) access.Object {
		return with(grant(etl, "daily"), waives("scope/overlap", "ciso@example.com", in(days)))
	}
	ended := func() access.Object {
		return with(grant(etl, "daily"), decides(access.DecisionEnd, grant(etl, "daily"), time.Time{}, endsNow))
	}
	looked := func() access.Object { return with(grant(etl, "daily"), review(in(-1), "ciso@example.com")) }
	for name, c := range map[string]struct {
		before, after access.Object
		gives         bool
	}{
		"a waiver taken away":   {waived(30), grant(etl, "daily"), false},
		"a waiver for shorter":  {waived(30), waived(20), false},
		"a waiver for longer":   {waived(20), waived(30), true},
		"ended by a review":     {grant(etl, "daily"), ended(), false},
		"ended after a review":  {looked(), ended(), false},
		"an end taken back":     {ended(), grant(etl, "daily"), true},
		"a review":              {grant(etl, "daily"), looked(), true},
		"ended under new terms": {grant(etl, "daily"), with(ended(), owner("x@example.com")), true},
		"an earlier end":        {grant(etl, "daily"), with(grant(etl, "daily"), until(in(3))), false},
		"suspended":             {identity(etl), identity(etl, suspended), false},
		"nothing":               {grant(etl, "daily"), grant(etl, "daily"), false},
	} {
		if gives := (&Subject{Object: c.after, Before: c.before}).Gives(Plan); gives != c.gives {
			t.Errorf("%s: gives is %v", name, gives)
		}
	}
}

// loosest is what somebody writes who wants to be rid of the rules.
func loosest() Settings {
	s := Defaults()
	s.Environment = "prod"
	s.Environments = []string{"dev", "stage"}
	s.Levels = map[string]Level{}
	for _, slug := range lowerable() {
		s.Levels[slug] = Off
	}
	for t := range s.MaxLifetime {
		s.MaxLifetime[t] = hardLifetime(t)
	}
	s.WarnBefore = time.Second
	s.ReviewEvery = 99999 * time.Hour
	s.DormantAfter = 99999 * time.Hour
	s.MinFixedSegments = 1
	s.MaxGrants = 1000
	s.Shared = []access.Pattern{"*"}
	return s
}

func (d dice) floor() *access.Floor {
	f := &access.Floor{SetBy: "ciso@example.com", Levels: map[string]string{}}
	for _, slug := range lowerable() {
		if d.maybe() {
			f.Levels[slug] = pick(d, "warn", "deny", "deny")
		}
		if d.IntN(4) == 0 {
			f.Unwaivable = append(f.Unwaivable, slug)
		}
	}
	if d.maybe() {
		f.MaxLifetime = map[access.Type]access.Span{
			access.TypeGrant:      span("240h"),
			access.TypeIdentity:   span("2000h"),
			access.TypeCredential: span("480h"),
		}
		f.MaxWaiver, f.MaxIssued, f.ReviewEvery = span("240h"), span("300h"), span("720h")
	}
	if d.maybe() {
		f.MinFixedSegments = 3
		f.MaxGrants = 2
		f.OwnerDomains = []string{"example.com"}
	}
	if d.maybe() {
		f.Shared = pick(d, []access.Pattern{}, []access.Pattern{"orders/globex/*"})
		f.Partners = map[string]access.FloorPartner{"acme": {Domains: []string{"acme.test"}}}
	}
	return f
}

// What a floor forbids, it forbids to every configuration: whatever somebody writes, he gets nothing that he would not
// get by switching off whatever the floor lets him.
func TestNoConfigurationGetsWhatTheFloorForbids(t *testing.T) {
	plans := 1000
	if testing.Short() {
		plans = 100
	}
	d := dice{rand.New(rand.NewPCG(3, 4))}
	forbidden, byFloor := 0, 0
	denied := func(s Settings, c access.Capabilities, subjects []Subject) (rules map[string]bool) {
		p := NewPortfolio(s, c)
		p.Live(nil, "ours")
		rules = map[string]bool{}
		for _, subject := range subjects {
			p.Put(subject)
			for _, f := range p.Evaluate(subject.Object.Ref(), "", Apply, today) {
				if f.Level == Deny && f.Rule.Slug != unusedWaiver { // unused is what another rule does not say
					rules[f.Subject.ID+" "+f.Rule.Slug] = true
				}
			}
		}
		return rules
	}
	for plan := range plans {
		floor, settings := d.floor(), d.settings()
		settings.ActiveOwners = nil
		if d.maybe() {
			settings.Shared = []access.Pattern{d.pattern()}
		}
		if d.maybe() {
			settings.MaxLifetime = maps.Clone(loosest().MaxLifetime)
		}
		loose := loosest()
		loose.Rehearsed = settings.Rehearsed
		least, _ := loose.Under(floor)
		under, _ := settings.Under(floor)
		for i := range 4 {
			subjects := []Subject{}
			for range 1 + i {
				o := d.object()
				if !slices.ContainsFunc(subjects, func(s Subject) bool { return s.Object.Ref() == o.Ref() }) {
					subjects = append(subjects, Subject{Object: o, EndsAt: o.Common().ExpiresAt.Time})
				}
			}
			answers := access.Capabilities{
				Name:      "embedded",
				Kinds:     access.Kinds(),
				Reach:     func(access.Pattern, []string) access.Reach { return access.Reach{} },
				CannotEnd: func(access.Object, time.Time) string { return "" },
			}
			free := denied(loose, answers, subjects)
			got := denied(under, answers, subjects)
			for what := range denied(least, answers, subjects) {
				forbidden++
				if !free[what] {
					byFloor++
				}
				if !got[what] && !silencedBy(got, what) {
					t.Fatalf("plan %d: the floor forbids %s, and a configuration gets it:\n%+v\n%+v\nsays %v", plan,
						what, floor, settings, slices.Sorted(maps.Keys(got)))
				}
			}
		}
	}
	if byFloor < plans {
		t.Errorf("in %d plans the floor forbids %d things, %d of them alone: that proves little", plans, forbidden,
			byFloor)
	}
}

// silencedBy reports whether another refusal of the same subject says it better.
func silencedBy(got map[string]bool, what string) bool {
	id, slug, _ := strings.Cut(what, " ")
	for other := range got {
		if of, by, _ := strings.Cut(other, " "); of == id && slices.Contains(must(by).Silences, slug) {
			return true
		}
	}
	return false
}
