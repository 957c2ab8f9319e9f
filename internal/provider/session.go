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

// session is one configured provider in one walk of Terraform: its system, its rules, and what it learned so far. What
// it is made of knows nothing of the rest.
type session struct {
	system access.System
	*ground
	environment string
	stack       string
	collects    bool // findings are recorded instead of refused, and nothing is changed
	portfolio   *guardrail.Portfolio
	*walk
	*whereabouts
	*stocktaking
	*adoptions
	*clocks
	*meanwhile

	// loading is held while the portfolio is loaded. It is not called mu: that would hide those of the parts, each
	// of which guards its own.
	loading sync.Mutex
	loaded  bool
	journal *journal.Journal
	told    tellings // by the journal
	// rehearsing is held while a partner is rehearsed.
	rehearsing  sync.Mutex
	offboarding sync.Once // how to offboard is said once
	traffic     *traffic
	seeking     sync.Map // by their refs: who waits for what it hangs on, and so is planned here
}

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

// load brings what the system holds into the portfolio, once: one listing serves every resource.
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
	if err := s.recall(ctx); err != nil {
		return err
	}
	if err := s.scout(ctx, time.Time{}); err != nil {
		return err
	}
	there := s.locate(ctx)
	if there.err != nil {
		return there.err
	}
	s.portfolio.Within(there.id)
	s.portfolio.Live(records, s.stack)
	s.lists(records, s.stack)
	s.loaded = true
	return nil
}

// recall brings into the portfolio what the system remembers of removed access.
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

// leave notes that this plan removes an object, and refuses what would go on from it under another name.
func (s *session) leave(ctx context.Context, ref access.Ref, diags *diag.Diagnostics) {
	now, err := s.system.Now(ctx)
	if err != nil {
		return // what is planned meets it as well, and has the words for it
	}
	refused := s.portfolio.Leave(ref, now)
	for i, f := range refused {
		s.record(f.Subject, append(s.recorded(f.Subject), f))
		refused[i].Attribute = "" // it is of another resource than the one that is shown
	}
	if !s.collects {
		s.raise(diags, refused)
	}
}

// scout lets the rules judge grants by what stood in the system at a moment, or later.
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

// fresh is how old the look at a system may be by which an apply judges grants: one look serves a hundred of them.
const fresh = time.Second

// scoutAgain looks again at what stands in the system in the middle of an apply: other resources of the same run may
// have made, moved or removed it. Nothing is only believed at this moment.
func (s *session) scoutAgain(ctx context.Context, g *access.Grant) error {
	now := access.WallClock()
	if err := s.scout(ctx, now.Add(-fresh)); err != nil || s.portfolio.Reach(g).Nothing == "" {
		return err
	}
	return s.scout(ctx, now)
}

// refusesChanges says, where findings are collected, that nothing is changed.
func (s *session) refusesChanges(diags *diag.Diagnostics) bool {
	if s.collects {
		diags.AddError("Nothing can be changed while findings are collected",
			"guardrails.enforcement = \"collect\" is for tests: it records findings instead of refusing them, so it "+
				"can plan but not apply. Write command = plan in the test, or remove enforcement.")
	}
	return s.collects
}

func grantKey(g *access.Grant) string {
	return g.IdentityID.String() + " " + access.GrantName(g.Resource, g.Actions)
}

// finished remembers that this apply has created or changed an object: it is now what was planned.
func (s *session) finished(ref access.Ref) {
	s.does(ref)
	s.traffic.happened()
}

// removed remembers that this apply has removed objects: they are in nobody's way any more.
func (s *session) removed(refs ...access.Ref) {
	for _, ref := range refs {
		s.portfolio.Left(ref)
	}
	s.traffic.happened()
}

// end returns when an object ends, and whether that is known: the identity and the parent above it
// may not have arrived yet.
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

// isFixed reports whether the end of what the system issues for an object cannot be moved.
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

func hasAny(unknown map[string]bool, names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return unknown[name] })
}

// observed is a record with what the provider makes of it at one moment.
type observed struct {
	*access.Record
	now        time.Time
	warnBefore time.Duration
}

func (s *session) observe(ctx context.Context, r *access.Record) (observed, error) {
	now, err := s.system.Now(ctx)
	return observed{r, now, s.inForce(ctx).WarnBefore}, err
}

// asked owns Configure for all data sources.
type asked struct{ *session }

func (a *asked) Configure(_ context.Context, req datasource.ConfigureRequest, _ *datasource.ConfigureResponse) {
	if s, ok := req.ProviderData.(*session); ok {
		a.session = s
	}
}

// configured owns Configure for all resources.
type configured struct{ *session }

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
