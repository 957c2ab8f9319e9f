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
	s.settings.OwnerDomains, s.settings.Levels = []string{"example.com"}, map[string]Level{"separation/shared-key": Off}
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

// The cost of a plan grows as its size does. Wall-clock time on a shared machine is rough: the limits are wide.
func TestTheCostGrowsWithTheSize(t *testing.T) {
	if testing.Short() {
		t.Skip("measures time")
	}
	for name, shape := range map[string]func(int) *scenario{"an estate": estate, "one identity": lopsided} {
		cost := func(n int) time.Duration {
			s, best := shape(n), time.Hour
			for range 3 {
				p := s.portfolio()
				start := time.Now()
				s.each(p)
				best = min(best, time.Since(start))
			}
			return best
		}
		small, large := cost(2_500), cost(10_000)
		t.Logf("%s: 2,500 in %s, 10,000 in %s (%.1f times), %s each", name, small, large, float64(large)/float64(small), large/10_000)
		if large > 8*small {
			t.Errorf("%s: 10,000 resources cost %s, 2,500 %s: it grows with the square", name, large, small)
		}
	}
}
