// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"fmt"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// estate is a plan of n resources, a fifth of them identities, in the order of their references. Partners share
// nothing; each has ten identities. What was applied before is unchanged, and the system holds it.
func estate(n int) *scenario {
	var parts []part
	requests := []string{"p256", "rsa3072"}
	for i := range n / 5 {
		id := fmt.Sprintf("partner-%d/prod/etl-%d", i/10, i%10)
		root := access.Pattern(fmt.Sprintf("orders/partner-%d/etl-%d", i/10, i%10))
		for _, o := range []access.Object{
			identity(id, ceiling(root+"/*", "common/docs/*")),
			credential(id),
			credential(id, csr(requests[i%2]), from("203.0.113.0/24"), rotates("720h", "48h")),
			grant(id, "daily", resource(root+"/daily/*")),
			grant(id, "docs", resource("common/docs/*")),
		} {
			parts = append(parts, holds(o), plans(o, unchanged()))
		}
	}
	s := build(append(parts, shared("common/*"))...)
	s.settings.OwnerDomains = []string{"example.com"}
	s.settings.Levels = map[string]Level{"separation/shared-key": Off}
	return s
}

func (s *scenario) each(p *Portfolio) {
	for _, subject := range s.subjects {
		p.Put(subject)
		p.Evaluate(subject.Object.Ref(), subject.Nonce, Plan, today)
	}
}

// Arrival and evaluation of one resource, with the whole catalogue.
func BenchmarkPlan(b *testing.B) {
	for _, n := range []int{2_500, 3_000, 10_000} {
		b.Run(fmt.Sprintf("resources=%d", n), func(b *testing.B) {
			s := estate(n)
			for b.Loop() {
				b.StopTimer()
				p := s.portfolio()
				b.StartTimer()
				s.each(p)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/resource")
		})
	}
}

// Shapes that would grow with the square of their size where anything is compared with everything.
func BenchmarkOneIdentityWithManyGrants(b *testing.B) {
	for _, n := range []int{2_500, 10_000} {
		b.Run(fmt.Sprintf("grants=%d", n), func(b *testing.B) {
			s := lopsided(n)
			for b.Loop() {
				s.each(s.portfolio())
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/resource")
		})
	}
}

func lopsided(n int) *scenario {
	parts := []part{plans(identity(etl, ceiling("orders/acme/*")))}
	for i := range n {
		name := fmt.Sprintf("g-%d", i)
		parts = append(parts, plans(grant(etl, name, resource(access.Pattern("orders/acme/"+name+"/*")))))
	}
	return build(parts...)
}

func BenchmarkLive(b *testing.B) {
	s := estate(3_000)
	for b.Loop() {
		s.portfolio()
	}
}

// The cost of a plan grows as its size does: 10,000 resources cost about four times as much as 2,500 (with the square
// of the size it would be sixteen times). Other work on the machine can only make a round slower, so it is the fastest
// rounds that are compared, and there are more of them while they disagree.
func TestTheCostGrowsWithTheSize(t *testing.T) {
	if testing.Short() {
		t.Skip("measures time")
	}
	for name, shape := range map[string]func(int) *scenario{"an estate": estate, "one identity": lopsided} {
		few, many := shape(2_500), shape(10_000)
		small, large := time.Hour, time.Hour
		const rounds, most = 20, 10.0 // linear is 4, and quadratic 16
		for range rounds {
			small, large = min(small, evaluationOf(few)), min(large, evaluationOf(many))
			if float64(large) <= 4*float64(small) {
				break
			}
		}
		times := float64(large) / float64(small)
		t.Logf("%s: 2,500 in %s, 10,000 in %s (%.1f times), %s each", name, small, large, times, large/10_000)
		if times > most {
			t.Errorf("%s: 10,000 resources cost %.1f times as much as 2,500", name, times)
		}
	}
}

// evaluationOf is how long it takes to evaluate all rules on all subjects, once.
func evaluationOf(s *scenario) time.Duration {
	p := s.portfolio()
	start := time.Now()
	s.each(p)
	return time.Since(start)
}

// What a plan removes is looked for among all that it creates: a partner that is moved to other names removes
// and creates thousands.
func BenchmarkARemovalBesideAThousandNew(b *testing.B) {
	made := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	of := func(kind string, n int) *access.Grant {
		return &access.Grant{
			IdentityID: access.IdentityID{Partner: "acme", Environment: "prod", Name: fmt.Sprint(kind, n)}, Name: "g",
			Actions:  []string{"read"},
			Resource: access.Pattern(fmt.Sprintf("orders/%s/%d/*", kind, n)),
			Terms:    access.Terms{Owner: "jane.doe@example.com", ExpiresAt: access.At(made.AddDate(0, 1, 0))},
		}
	}
	p := NewPortfolio(Settings{}, access.Capabilities{})
	var live []*access.Record
	for n := range 1000 {
		live = append(live, &access.Record{
			Object:  of("old", n),
			EndsAt:  made.AddDate(0, 1, 0),
			History: access.History{UID: "1", Stack: "ours", CreatedAt: made},
		})
	}
	p.Live(live, "ours")
	for n := range 1000 {
		p.Put(Subject{Object: of("new", n), Nonce: fmt.Sprint(n), EndsAt: made.AddDate(0, 1, 0)})
	}
	for n := 0; b.Loop(); n++ {
		p.Leave(live[n%len(live)].Object.Ref(), made)
	}
}
