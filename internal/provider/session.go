// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
	"github.com/partner-access/terraform-provider-partner/internal/journal"
)

// What all calls of one walk share. A session is made when the provider is configured, and ends with the process. It is
// put together from parts that know nothing of each other: what was seen (walk), where the system is (whereabouts),
// what the settings are (ground), the inventory, adoptions, clocks, and what others change meanwhile. Each guards its
// own fields.

// session is one configured provider in one walk of Terraform: its system, its rules, and what it learned so far. Any
// number of calls use it side by side.
type session struct {
	// system is the access system, behind the journal (Configure) and behind what keeps an inventory out of the middle
	// of a change (unhurried).
	system access.System
	*ground
	// environment is the provider's: the default of its identities.
	environment string
	// stack owns what this configuration makes. No other stack's objects are changed.
	stack string
	// collects says that findings are recorded instead of refused, and nothing is changed: for tests of modules.
	collects bool
	// portfolio is all access that the plan leaves in place: what has arrived in the plan, else what the system holds.
	portfolio *guardrail.Portfolio
	*walk
	*whereabouts
	*stocktaking
	*adoptions
	*clocks
	*meanwhile

	// loading is held while the portfolio is loaded, so that calls which come together wait for one listing. It is not
	// called mu: that would hide those of the parts, each of which guards its own.
	loading sync.Mutex
	loaded  bool
	// journal is read for reports, worksheets and what was told. Changes are written by the system, which journaled
	// wraps; the session writes nothing to it.
	journal *journal.Journal
	// told is what the journal says was issued, and answered.
	told tellings
	// rehearsing is held while a partner is rehearsed: each rehearsal begins by removing what an earlier one left.
	rehearsing sync.Mutex
	// offboarding has the way out said once: under twelve refusals, it stood twelve times.
	offboarding sync.Once
	// traffic counts the calls that are in progress.
	traffic *traffic
	// seeking has the refs of objects that wait for what they hang on: they are planned here, so two that hang on each
	// other do not wait for each other.
	seeking sync.Map
}

// newSession returns the session of a system under the settings that a configuration writes. It makes no request.
//
// All parts get the system behind unhurried, so that no change of theirs is in the middle of an inventory.
func newSession(system access.System, settings guardrail.Settings, stack string) *session {
	changes := &unhurried{System: system}
	system = changes
	where := &whereabouts{system: system}
	under := newGround(system, settings)
	return &session{
		system: system, ground: under, environment: settings.Environment, stack: stack,
		portfolio: guardrail.NewPortfolio(settings, system.Capabilities()), traffic: newTraffic(),
		walk: newWalk(), whereabouts: where,
		stocktaking: &stocktaking{whereabouts: where, under: under, changes: changes},
		adoptions: &adoptions{
			system:   system,
			adopting: map[adoptedAs]*access.Adoption{},
			claimed:  map[string]access.IdentityID{},
		},
		clocks:    &clocks{system: system},
		meanwhile: &meanwhile{},
	}
}

// load brings what the system holds into the portfolio, once in a walk: one listing serves every resource. It asks for
// the floor, what was rehearsed, what was removed, what stands in the system, and which system it is. Whoever calls
// while it is loaded waits. After an error nothing counts as loaded, and the next call tries again.
//
// The order matters: the portfolio takes the settings under the floor, and how grants are judged, before the records
// that are judged by them. What Live was called with stays for the walk; others' changes come in by meet and again.
func (s *session) load(ctx context.Context) error {
	s.loading.Lock()
	defer s.loading.Unlock()
	if s.loaded {
		return nil
	}
	records, err := s.listAll(ctx)
	if err != nil {
		return err
	}
	// the floor: the rules are ranked by the settings under it
	footing, err := s.stand(ctx)
	if err != nil {
		return err
	}
	s.portfolio.Govern(footing.settings)
	if rehearser, able := access.As[access.Rehearser](s.system); able {
		rehearsed, err := rehearser.Rehearsed(ctx)
		if err != nil {
			return err
		}
		s.portfolio.Rehearsed(rehearsed)
	}
	// what was removed within a year
	if err := s.recall(ctx); err != nil {
		return err
	}
	// what grants reach, by any look at the system so far
	if err := s.scout(ctx, time.Time{}); err != nil {
		return err
	}
	// which system it is, as signatures name it
	there := s.locate(ctx)
	if there.err != nil {
		return there.err
	}
	s.portfolio.Within(there.id)
	// last, since all of the above says how records are judged
	s.portfolio.Live(records, s.stack)
	s.lists(records, s.stack)
	s.loaded = true
	return nil
}

// recall brings into the portfolio what the system remembers of removed access, from which other access may go on under
// a new name. A system that remembers nothing is no error.
func (s *session) recall(ctx context.Context) error {
	rememberer, able := access.As[access.Rememberer](s.system)
	if !able {
		return nil
	}
	formers, ended, err := rememberer.Formers(ctx)
	if err == nil {
		s.portfolio.Formers(formers, ended)
	}
	return err
}

// leave notes that this plan removes an object, and refuses what has arrived before and would go on from it under
// another name. What arrives later is judged by itself. So removal and creation meet in either order; see
// TestAComputedNameRenewsNothing.
func (s *session) leave(ctx context.Context, ref access.Ref, diags *diag.Diagnostics) {
	now, err := s.system.Now(ctx)
	if err != nil {
		return // what is planned meets it as well, and has the words for it
	}
	refused := s.portfolio.Leave(ref, now)
	for i, f := range refused {
		s.record(f.Subject, append(s.recorded(f.Subject), f))
		// the error is shown at the resource that leaves, which has no such attribute
		refused[i].Attribute = ""
	}
	if !s.collects {
		s.raise(diags, refused)
	}
}

// scout lets the rules judge grants by what stood in the system at a moment, or later: a path means what is mounted
// there. A system whose paths mean the same whatever stands there is no scout.
func (s *session) scout(ctx context.Context, since time.Time) error {
	scout, able := access.As[access.Scout](s.system)
	if !able {
		return nil
	}
	reaching, err := scout.Reaching(ctx, since)
	if err == nil {
		s.portfolio.Reaching(reaching)
	}
	return err
}

// fresh is how old a look at the system may be by which an apply judges: one look serves a hundred grants, and a run of
// two minutes does not go by what was there at its beginning.
const fresh = time.Second

// scoutAgain looks again at what stands in the system in the middle of an apply: other resources of the same run may
// have made, moved or removed it. A grant that opens nothing yet is looked for once more, without any delay, since the
// run may have made its mount this very second. See TestAMountThatChangesBetweenPlanAndApplyIsJudgedAgain and
// TestAGrantOnAMountOfTheSameRun.
func (s *session) scoutAgain(ctx context.Context, g *access.Grant) error {
	now := access.WallClock()
	if err := s.scout(ctx, now.Add(-fresh)); err != nil || s.portfolio.Reach(g).Nothing == "" {
		return err
	}
	return s.scout(ctx, now)
}

// refusesChanges refuses a change if findings are only collected: nothing would have refused what they are about.
func (s *session) refusesChanges(diags *diag.Diagnostics) bool {
	if s.collects {
		diags.AddError("Nothing can be changed while findings are collected",
			"guardrails.enforcement = \"collect\" is for tests: it records findings instead of refusing them, so it "+
				"can plan but not apply. Write command = plan in the test, or remove enforcement.")
	}
	return s.collects
}

// grantKey returns what two grants have in common that grant the same: the identity, and the name that is made of
// resource and actions.
func grantKey(g *access.Grant) string {
	return g.IdentityID.String() + " " + access.GrantName(g.Resource, g.Actions)
}

// finished remembers that this apply has created or changed an object, and wakes who waits for it: it is now what was
// planned.
func (s *session) finished(ref access.Ref) {
	s.does(ref)
	s.traffic.happened()
}

// removed remembers that this apply has removed objects, and wakes who waits: they are in nobody's way any more.
func (s *session) removed(refs ...access.Ref) {
	for _, ref := range refs {
		s.portfolio.Left(ref)
	}
	s.traffic.happened()
}

// end returns when an object ends, and whether that is known. It is not if an argument that decides it is unknown, or
// if the identity or the parent above it has not arrived yet.
//
// Waivers, the agreement and the ends of all above are in it. What is above comes from the portfolio with its own end,
// so one step up is enough.
func (s *session) end(o access.Object, unknown map[string]bool) (time.Time, bool) {
	identity, isIdentity := o.(*access.Identity)
	if !isIdentity {
		above, _, ok := s.portfolio.Find(o.Holder().Ref())
		if !ok || above.EndsAt.IsZero() || hasAny(unknown, "expires_at", "waivers", "identity_id") {
			return time.Time{}, false
		}
		return access.End(o, above.EndsAt), true
	}
	if hasAny(unknown, "expires_at", "waivers", "agreement", "parent_id") {
		return time.Time{}, false
	}
	var parentEnd time.Time
	if identity.ParentID != (access.IdentityID{}) {
		above, _, ok := s.portfolio.Find(identity.ParentID.Ref())
		if !ok || above.EndsAt.IsZero() {
			return time.Time{}, false
		}
		parentEnd = above.EndsAt
	}
	return access.End(identity, parentEnd,
		access.AgreementEnds(identity, s.known().Partners[identity.ID.Partner].Agreement)...), true
}

// isFixed reports whether the end of what the system issues for an object cannot be moved: a certificate, and on
// OpenBao a secret id.
func (s *session) isFixed(o access.Object) bool {
	c, ok := o.(*access.Credential)
	return ok && slices.Contains(s.system.Capabilities().Fixed, c.Kind())
}

// isCapped reports whether what is issued for an object decides when it ends: the system may end it before it is asked
// to, and no rotation follows.
func (s *session) isCapped(o access.Object) bool {
	c, ok := o.(*access.Credential)
	return ok && c.Rotation == nil && slices.Contains(s.system.Capabilities().Capped, c.Kind())
}

// hasAny reports whether one of these arguments is unknown.
func hasAny(unknown map[string]bool, names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return unknown[name] })
}

// observed is a record with what the provider makes of it at one moment: now is the system's time, and warnBefore how
// long before its end access counts as expiring.
type observed struct {
	*access.Record
	now        time.Time
	warnBefore time.Duration
}

// observe returns a record as of now. If the clock cannot be read, it returns the record with the error, since the
// change is made.
func (s *session) observe(ctx context.Context, r *access.Record) (observed, error) {
	now, err := s.system.Now(ctx)
	return observed{r, now, s.inForce(ctx).WarnBefore}, err
}

// asked owns Configure for all data sources. The session is nil if the provider is not configured, as when Terraform
// only validates.
type asked struct{ *session }

func (a *asked) Configure(_ context.Context, req datasource.ConfigureRequest, _ *datasource.ConfigureResponse) {
	if s, ok := req.ProviderData.(*session); ok {
		a.session = s
	}
}

// configured owns Configure for all resources. The session is nil if the provider is not configured.
type configured struct{ *session }

// Configure takes the session. It is called for every call of every resource; the framework makes the resource anew
// each time, so nothing but the session outlives a call.
func (c *configured) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	if req.ProviderData == nil {
		return
	}
	s, ok := req.ProviderData.(*session)
	if !ok {
		resp.Diagnostics.Append(diag.NewErrorDiagnostic("Provider was not configured",
			"This is a defect of the provider: please report it."))
		return
	}
	c.session = s
}
