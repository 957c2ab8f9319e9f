// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

var names = []string{"acme/prod/a", "acme/prod/b", "globex/prod/a", "globex/dev/b", "sub/prod/a"}

// The property that keeps people from cheating, and offboarding possible: whatever the settings, whatever the system
// holds and whatever was allowed before, a plan that only takes access away is never refused.
func TestLessIsNeverRefused(t *testing.T) {
	plans := 10_000
	if testing.Short() {
		plans = 500
	}
	d := dice{rand.New(rand.NewPCG(1, 2))}
	warnings := 0
	defer func() {
		if warnings < 10*plans {
			t.Errorf("%d warnings in %d plans: the plans break too few rules to prove anything", warnings, plans)
		}
	}()
	for plan := range plans {
		p := NewPortfolio(d.settings(), d.capabilities())
		var live []*access.Record
		subjects := map[access.Ref]Subject{}
		for range 2 + d.IntN(7) {
			o := d.object()
			h := access.History{
				UID:          "1",
				Stack:        pick(d, "ours", "theirs"),
				CreatedAt:    in(-d.IntN(1000)),
				ReviewUsedAt: in(-d.IntN(100)),
			}
			live = append(live, &access.Record{Object: o, History: h, EndsAt: o.Common().ExpiresAt.Time})
			if d.IntN(4) > 0 {
				subjects[o.Ref()] = Subject{
					Object: d.less(o), Before: o, History: h, EndsAt: o.Common().ExpiresAt.Time,
					LastUsedAt: in(-d.IntN(200)),
					Held:       d.IntN(4) == 0, Drift: pick(d, nil, []string{"a policy"}),
				}
			}
		}
		p.Live(live, "ours")
		refs := slices.SortedFunc(maps.Keys(subjects),
			func(a, b access.Ref) int { return strings.Compare(a.String(), b.String()) })
		d.Shuffle(len(refs), func(i, j int) { refs[i], refs[j] = refs[j], refs[i] })
		for _, ref := range refs {
			s := subjects[ref]
			p.Put(s)
			for _, f := range p.Evaluate(ref, "", Phase(d.IntN(2)), today) {
				if f.Level == Deny {
					t.Fatalf("plan %d refuses less access:\nbefore %+v\nafter  %+v\n%s\n%s", plan, s.Before, s.Object,
						f.Summary(), f.Detail())
				}
				warnings++
			}
		}
	}
}

// crowded is a plan full of conflicts between its resources, with literal ids, so that any may arrive first.
func crowded(t *testing.T) []Subject {
	t.Helper()
	s := build(
		plans(identity("acme/prod/main", ceiling("orders/acme/*"), offers(1), contact("joe@acme.test"))),
		plans(identity("mid/prod/etl", under("acme/prod/main"), offers(1), contact("joe@acme.test")),
			was(identity("mid/prod/etl"))),
		plans(with(identity("sub/prod/etl", under("mid/prod/etl"), ceiling("orders/*")), until(on("2027-06-30")))),
		plans(with(grant("sub/prod/etl", "daily", resource("orders/x/*")), owner("jane@example.com"))),
		plans(grant("sub/prod/etl", "weekly", resource("orders/+/y"))),
		plans(with(grant("sub/prod/etl", "monthly"), owner("joe@acme.test"), review(in(-1), "joe@acme.test"),
			waives("scope/overlap", "joe@acme.test", in(30)))),
		plans(with(grant("acme/prod/main", "daily", resource("orders/acme/*")), until(on("2027-06-01")))),
		plans(with(grant("acme/prod/main", "weekly", resource("orders/acme/x")), owner("joe@acme.test"))),
		plans(grant("acme/prod/main", "weekly", resource("orders/acme/x")), block("twice")),
		plans(grant("acme/prod/main", "monthly", resource("invoices/acme/*")),
			was(with(grant("acme/prod/main", "monthly", resource("invoices/acme/*")), until(in(10))))),
		plans(credential("acme/prod/main", csr("p256"))),
		plans(credential("acme/prod/main", secret(recipient), rotates("720h", "24h"))),
		plans(credential("acme/prod/main")),
		plans(credential("sub/prod/etl", sshCert("p256"))),
		plans(credential("sub/prod/etl", secret(recipient)), was(credential("sub/prod/etl", secret(otherRecipient)))),
		plans(identity("globex/prod/etl", ceiling("orders/acme/x", "invoices/*"))),
		plans(credential("globex/prod/etl", csr("p256-other")), was(credential("globex/prod/etl", csr("p256")))),
		plans(credential("globex/prod/etl", secret(otherRecipient))),
		plans(identity("ring/prod/a", under("ring/prod/b"), offers(3))),
		plans(identity("ring/prod/b", under("ring/prod/c"), offers(3))),
		plans(identity("ring/prod/c", under("ring/prod/a"), offers(3))),
	)
	return s.subjects
}

// said is what the findings say, whichever subject says it.
func said(findings []Finding, only Level) []string {
	var all []string
	for _, f := range findings {
		if f.Level >= only {
			all = append(all, fmt.Sprintf("%s %s\n%s", f.Level, f.Summary(), f.Detail()))
		}
	}
	slices.Sort(all)
	return all
}

func TestTheOrderOfArrivalChangesNothing(t *testing.T) {
	subjects := crowded(t)
	for _, world := range []struct {
		name string
		only Level
		live []part
	}{
		{"an empty system", Warn, nil},
		{"another stack's access", Warn,
			[]part{foreign(grant("acme/prod/main", "theirs", resource("orders/acme/z"))),
				foreign(identity("initech/prod/a", ceiling("invoices/*")))}},
		// What is ours and has not arrived is only warned of, and twice when it does: the refusals are the same.
		{"what was applied before", Deny, []part{
			holds(identity("acme/prod/main")), holds(identity("mid/prod/etl")),
			holds(credential("globex/prod/etl", csr("p256"))),
			holds(with(grant("acme/prod/main", "monthly", resource("invoices/acme/*")), until(in(10)))),
		}},
	} {
		t.Run(world.name, func(t *testing.T) {
			var want []string
			for round := range 200 {
				s := build(world.live...)
				s.subjects = slices.Clone(subjects)
				r := rand.New(rand.NewPCG(uint64(round), 7))
				if round > 0 {
					r.Shuffle(len(s.subjects), func(i, j int) {
						s.subjects[i], s.subjects[j] = s.subjects[j], s.subjects[i]
					})
				}
				got := said(s.findings(), world.only)
				if round == 0 {
					want = got
				}
				if !slices.Equal(got, want) {
					t.Fatalf("round %d says\n%s\n\nand round 0\n%s", round, without(got, want), without(want, got))
				}
			}
			for _, slug := range []string{
				"expiry/outlives-parent", "expiry/outlives-identity", "expiry/rolling", "scope/exceeds-parent",
				"scope/foreign-partner", "scope/overlap",
				"separation/shared-key", "separation/duplicate", "delegation/depth", "delegation/cycle",
				"owner/external", "scope/outside-ceiling",
			} {
				if !slices.ContainsFunc(want, func(s string) bool { return strings.Contains(s, slug) }) {
					t.Errorf("the plan has no %s", slug)
				}
			}
		})
	}
}

func without(of, in []string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(of), func(s string) bool { return slices.Contains(in, s) }),
		"\n")
}

// Terraform plans ten resources at a time. Whatever the interleaving, each conflict is found, and by one of the two.
func TestPlanningConcurrentlyFindsTheSame(t *testing.T) {
	subjects := crowded(t)
	s := build()
	s.subjects = subjects
	want := said(s.findings(), Warn)
	for range 20 {
		p := build().portfolio()
		var mu sync.Mutex
		var wg sync.WaitGroup
		var all []Finding
		for _, subject := range subjects {
			wg.Go(func() {
				p.Put(subject)
				p.Find(subject.Object.Ref())
				found := p.Evaluate(subject.Object.Ref(), subject.Nonce, Plan, today)
				mu.Lock()
				defer mu.Unlock()
				all = append(all, found...)
			})
		}
		wg.Wait()
		if got := said(all, Warn); !slices.Equal(got, want) {
			t.Fatalf("says\n%s\n\nand not\n%s", without(got, want), without(want, got))
		}
	}
}

func TestALaterClockRemovesNothing(t *testing.T) {
	lasting := []string{"expiry/expired", "review/overdue", "activity/dormant", "waiver/expired"}
	rapid.Check(t, func(t *rapid.T) {
		d := dice{rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 3))}
		settings := d.settings()
		settings.Levels = nil
		o := d.object()
		s := Subject{
			Object:     o,
			Before:     o,
			History:    access.History{CreatedAt: in(-d.IntN(1000)), ReviewedAt: in(-d.IntN(100))},
			LastUsedAt: in(-d.IntN(200)),
		}
		heard := map[string]bool{}
		for days := 0; days < 900; days += 15 {
			p := NewPortfolio(settings, access.Capabilities{KnowsLastUse: true})
			p.Put(s)
			now := map[string]bool{}
			for _, f := range p.Evaluate(o.Ref(), "", Plan, in(days)) {
				now[f.Rule.Slug] = true
			}
			for _, slug := range lasting {
				if heard[slug] && !now[slug] {
					t.Fatalf("%s is gone after %d days", slug, days)
				}
				heard[slug] = heard[slug] || now[slug]
			}
			if heard["expiry/soon"] && !now["expiry/soon"] && !now["expiry/expired"] {
				t.Fatalf("expiry/soon is gone after %d days, before the end", days)
			}
			heard["expiry/soon"] = heard["expiry/soon"] || now["expiry/soon"]
		}
	})
}

func TestNoWaiverHidesAFixedRule(t *testing.T) {
	for slug, policies := range cases() {
		if r, _ := Lookup(slug); !r.Fixed {
			continue
		}
		for _, p := range policies {
			if p.want == silent {
				continue
			}
			s := build(p.parts...)
			for i := range s.subjects {
				s.subjects[i].Object = with(s.subjects[i].Object, waives(slug, "ciso@example.com", in(30)))
			}
			set(func(s *Settings) { s.Levels = map[string]Level{slug: Off} })(s)
			if !slices.ContainsFunc(s.findings(), func(f Finding) bool { return f.Rule.Slug == slug }) {
				t.Errorf("%s/%s: hidden", slug, p.name)
			}
		}
	}
}

func TestEveryRuleThatIsNotFixedCanBeWaived(t *testing.T) {
	for slug, policies := range cases() {
		if r, _ := Lookup(slug); r.Fixed || r.Slug == unusedWaiver {
			continue
		}
		for _, p := range policies {
			s := build(p.parts...)
			for i := range s.subjects {
				s.subjects[i].Object = with(s.subjects[i].Object, waives(slug, "ciso@example.com", in(30)))
			}
			for _, f := range s.findings() {
				if f.Rule.Slug == slug && !strings.Contains(f.Problem, "no configuration") {
					t.Errorf("%s/%s: not waived: %s", slug, p.name, f.Problem)
				}
			}
		}
	}
}

// The networks are compared with an enumeration of all blocks of a space.
func TestNetworksCoverWhatAnEnumerationCovers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v6 := rapid.Bool().Draw(t, "v6")
		var networks []netip.Prefix
		covered := make([]bool, 1<<16) // blocks of a /16, or, under one /24, of a /40
		for range rapid.IntRange(1, 12).Draw(t, "networks") {
			bits := rapid.IntRange(0, 16).Draw(t, "bits")
			block := rapid.IntRange(0, 1<<16-1).Draw(t, "block") >> (16 - bits) << (16 - bits)
			address := netip.AddrFrom4([4]byte{byte(block >> 8), byte(block)})
			if v6 {
				address = netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, byte(block >> 8), byte(block)})
				networks = append(networks, netip.PrefixFrom(address, bits+24))
			} else {
				networks = append(networks, netip.PrefixFrom(address, bits))
			}
			for i := range 1 << (16 - bits) {
				covered[block+i] = true
			}
		}
		blocks := 0
		for _, c := range covered {
			if c {
				blocks++
			}
		}
		s := &Subject{Object: &access.Credential{AllowedCIDRs: networks}}
		if found := len(openNetwork(nil, s)) > 0; found != (blocks > 256) {
			t.Fatalf("%v covers %d blocks of 256, found %v", networks, blocks, found)
		}
	})
}

func TestTheTrieFindsWhatOverlaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		patterns := rapid.Custom(func(t *rapid.T) access.Pattern {
			segments := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "+"}), 1, 4).Draw(t, "segments")
			if rapid.Bool().Draw(t, "open") {
				segments[len(segments)-1] = "*"
			}
			return access.Pattern(strings.Join(segments, "/"))
		})
		var index trie
		var all []*entry
		for i, p := range rapid.SliceOfN(patterns, 1, 30).Draw(t, "patterns") {
			g := &access.Grant{IdentityID: identityID(names[i%len(names)]), Resource: p}
			e := &entry{Subject: Subject{Object: g}, holder: g.IdentityID}
			index.add(p, e)
			if i%5 == 4 {
				index.drop(p, e)
				continue
			}
			all = append(all, e)
		}
		q := patterns.Draw(t, "asked")
		but := rapid.SampledFrom([]string{"", "acme"}).Draw(t, "but")
		found := map[*entry]bool{}
		index.overlapping(q, but, found)
		for _, e := range all {
			want := e.grant().Resource.Overlaps(q) && e.holder.Partner != but
			if found[e] != want {
				t.Fatalf("%s and %s but %q: found %v, want %v", e.grant().Resource, q, but, found[e], want)
			}
			if !want || but != "" {
				continue
			}
			both := e.grant().Resource.Meet(q)
			for _, path := range paths {
				if both.Matches(path) != (e.grant().Resource.Matches(path) && q.Matches(path)) {
					t.Fatalf("%s and %s meet in %s, but not on %s", e.grant().Resource, q, both, path)
				}
			}
		}
	})
}

// paths are all paths of up to five segments of a small alphabet.
var paths = func() []string {
	all, last := []string{}, []string{""}
	for range 5 {
		var next []string
		for _, p := range last {
			for _, s := range []string{"a", "b", "c", "x"} {
				next = append(next, strings.TrimPrefix(p+"/"+s, "/"))
			}
		}
		all, last = append(all, next...), next
	}
	return all
}()
