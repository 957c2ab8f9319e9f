// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"slices"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// What others make meanwhile meets what this apply makes, and what they take away does so no more. A listing that began
// before this apply removed something brings nothing back.
func TestWhatOthersChangeMeanwhileIsTakenIn(t *testing.T) {
	same := func(c *access.Credential) { c.Federated.Subject = "svc" }
	mine := credential(etl, same)
	theirs := credential("globex/prod/feed", same)
	s := build(atApply(), plans(mine), foreign(theirs))
	record := s.live[len(s.live)-1]
	s.live = nil
	p := s.portfolio()
	shared := func() bool {
		return slices.ContainsFunc(s.run(p),
			func(f Finding) bool { return f.Rule.Slug == "separation/shared-key" && f.Level == Deny })
	}
	if shared() {
		t.Fatal("nobody else has the key yet")
	}
	p.Meanwhile([]*access.Record{record})
	if !shared() {
		t.Error("another configuration gave the key to another partner, and it is not met")
	}
	p.Meanwhile(nil)
	if shared() {
		t.Error("what others took away is still met")
	}
	p.Meanwhile([]*access.Record{record})
	p.Left(record.Object.Ref())
	p.Meanwhile([]*access.Record{record})
	if shared() {
		t.Error("an older listing brings back what this apply has removed")
	}
	again := *record
	again.UID = "another"
	if p.Meanwhile([]*access.Record{&again}); !shared() {
		t.Error("what others made in its place is not met")
	}
}

// A release of several identities in one apply is judged by what was cut when it began.
func TestAReleaseGoesOnThoughTheFirstOfItIsDone(t *testing.T) {
	cut := &access.Record{
		Object:  credential("acme/prod/other"),
		History: access.History{UID: "2", Stack: "ours"},
		Held:    true,
	}
	s := build(atApply(), plans(identity(etl, func(i *access.Identity) { i.HoldReleased = "INC-7" }),
		was(identity(etl))))
	s.live = []*access.Record{cut}
	p := s.portfolio()
	refused := func() bool {
		return slices.ContainsFunc(s.run(p),
			func(f Finding) bool { return f.Rule.Slug == "incident/reopened" && f.Level == Deny })
	}
	if refused() {
		t.Fatal("it is refused though something is cut")
	}
	released := *cut
	released.Held = false
	if p.Meanwhile([]*access.Record{&released}); refused() {
		t.Error("it is refused once the first of it was given back")
	}
}

// Something is mounted in the middle of an apply where another configuration's grant opened nothing before. What that
// grant reaches now is taken out with it, and met until then by what goes on from it.
func TestWhatOpensSomethingOnlyNowLeavesWhole(t *testing.T) {
	theirs := &access.Record{
		Object:  grant("acme/prod/other", "kv/data/x"),
		History: access.History{UID: "9", Stack: "theirs"},
	}
	mounted := false
	reaching := func(access.Pattern, []string) access.Reach {
		if !mounted {
			return access.Reach{Nothing: "nothing is mounted there"}
		}
		return access.Reach{Targets: []access.Target{{Kind: "secret", Path: "store/x"}}}
	}
	p := NewPortfolio(Defaults(), access.Capabilities{Reach: reaching})
	p.Live([]*access.Record{theirs}, "ours")
	mounted = true
	p.Reaching(reaching)
	again := &Subject{Object: grant(etl, "other/data/x")}
	again.reaches = reachesOf(&p.capabilities, again)
	if found := p.held.of(again); len(found) != 1 {
		t.Errorf("%d are found by what they reach now, of 1", len(found))
	}
	p.Meanwhile(nil)
	if found := p.held.of(again); len(found) != 0 {
		t.Errorf("%d are found that are gone", len(found))
	}
}
