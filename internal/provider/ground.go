// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
)

// The settings that the rules stand on. A configuration writes its own; the system may keep a floor (partner_floor)
// that no configuration can loosen. The tighter of each counts, from here on for everybody: no rule knows of a floor.
//
// If nobody knows what the floor says, that is refused where access grows, and not in Configure: an error there would
// stop removals as well. See TestWhereTheFloorIsNotKnownOnlyLessGoesThrough and TestAFloorThatVanishedIsAnError.

// ground is the settings of one walk: the configuration's own, and what the system's floor makes of them. The floor is
// read once in a walk, so what a change of it does to a plan counts from the next one on.
type ground struct {
	on access.System
	// written is what the configuration writes, with the defaults. It never changes.
	written guardrail.Settings

	mu     sync.Mutex // guards what follows
	looked bool
	footing
}

// footing is what was found of the floor. Before that was looked for, it has the configuration's own settings.
type footing struct {
	// settings are those in force: the tighter of written and the floor.
	settings guardrail.Settings
	// floor is the one in force; nil if there is none, or if lost says why it is not known.
	floor *access.FloorRecord
	lost  *access.FloorError
	// unread: the login may not look whether there is one, and nothing says that there is: a note that did
	// may have been removed.
	unread bool
	// looser is what the configuration writes looser than the floor.
	looser []guardrail.SettingError

	// refused says that a plan has refused something because of the floor: once says it for all.
	refused bool
}

// newGround returns the ground of a system on which nothing was looked at yet.
func newGround(system access.System, written guardrail.Settings) *ground {
	return &ground{on: system, written: written, footing: footing{settings: written}}
}

// stand reads the floor, once in a walk, and returns what was found. A floor that is lost or may not be read is no
// error here, since less access goes on under it; an error says that the system could not be asked, and the next call
// tries again.
//
// A floor that a newer version wrote is not read as a weaker one: what this version does not know of it makes it lost.
// See TestAFloorThatThisVersionCannotKeepToIsAnError.
func (g *ground) stand(ctx context.Context) (footing, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.looked {
		return g.footing, nil
	}
	floored, able := access.As[access.Floored](g.on)
	if !able {
		g.looked = true
		return g.footing, nil
	}
	r, err := floored.Floor(ctx)
	switch {
	case errors.As(err, &g.lost):
	case errors.Is(err, access.ErrNotPermitted):
		g.unread = true
	case err != nil:
		return g.footing, err
	case r.InForce():
		g.floor = r
		g.settings, g.looser = g.written.Under(&r.Floor)
		if unknown := guardrail.ValidateFloor(&r.Floor); len(unknown) > 0 {
			g.lost = &access.FloorError{
				Where:   g.on.Capabilities().Place,
				Problem: fmt.Sprintf("cannot be applied: %s: %s", access.ErrNewerFloor, unknown[0]),
				Was:     r.Mark(),
			}
		}
	}
	g.looked = true
	return g.footing, nil
}

// inForce returns the settings under the floor. If the system cannot be asked, they are the configuration's own: what
// is planned meets that as well, and has the words for it.
func (g *ground) inForce(ctx context.Context) guardrail.Settings {
	f, _ := g.stand(ctx)
	return f.settings
}

// known returns the settings as they are known so far, without asking.
func (g *ground) known() guardrail.Settings {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.settings
}

// first reports whether a flag of the footing was not set, and sets it.
func (g *ground) first(flag *bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	was := *flag
	*flag = true
	return !was
}

// refuseUnderFloor refuses what gives more access than there is, if the configuration is looser than the floor, or if
// nobody knows what the floor says. What gives less goes through. In a plan one error says it for all; an apply makes
// none of them, so each is refused.
func (s *session) refuseUnderFloor(ctx context.Context, subject guardrail.Subject, phase guardrail.Phase,
	diags *diag.Diagnostics) {
	f, err := s.stand(ctx)
	if err != nil || s.collects {
		return // the reading before this one has met it
	}
	summary, detail := s.belowFloor(f)
	if summary == "" || !subject.Gives(phase) {
		return
	}
	if s.first(&s.refused) || phase == guardrail.Apply {
		diags.AddError(summary, detail)
	}
}

// belowFloor says why nothing that gives more may be planned; an empty summary if it may. It tells a floor that is lost
// from one that may not be read, and both from a configuration that is looser.
func (s *session) belowFloor(f footing) (summary, detail string) {
	const goes = "Meanwhile, changes that remove, suspend, shorten or narrow access still go through."
	if f.lost != nil {
		return "Cannot tell what the floor says", fmt.Sprintf("%s. The floor still counts, so nothing that gives "+
			"more access is allowed. Find out who could write there. Restore the floor, or apply its partner_floor "+
			"again in the stack that set it. %s", sentence(f.lost), goes)
	}
	if f.unread {
		return "Cannot tell whether there is a floor", "This login may not read the floor of this access system, " +
			"so nothing that gives more access is allowed. Let it read the floor: the guide to the floor says which " +
			"right that is. " + goes
	}
	if len(f.looser) == 0 {
		return "", ""
	}
	var lines []string
	for _, e := range f.looser {
		lines = append(lines, "  "+settingOf(e.Setting)+": "+e.Problem+".")
	}
	return "The provider's configuration is looser than the floor",
		fmt.Sprintf("In the provider block:\n\n%s\n\nThe floor is in %s (generation %d, set %s by the stack %q), and "+
			"no configuration can loosen it. Write a tighter value, or leave the argument out. %s",
			strings.Join(lines, "\n"),
			s.system.Capabilities().Place, f.floor.Generation, access.At(f.floor.SetAt), f.floor.Stack, goes)
}

// settingOf returns a setting as the provider block writes it: "partners.acme.agreement" is partners["acme"].agreement,
// and "max_grants" is guardrails.max_grants.
func settingOf(setting string) string {
	name, rest, _ := strings.Cut(setting, ".")
	switch name {
	case "environment":
		return setting
	case "partners":
		partner, argument, inner := strings.Cut(rest, ".")
		if inner {
			argument = "." + argument
		}
		return fmt.Sprintf("partners[%q]%s", partner, argument)
	case "levels":
		return fmt.Sprintf("guardrails.levels[%q]", rest)
	}
	return "guardrails." + setting
}

// floorInAWord says in a report which floor there is. A report is no plan: that a floor cannot be read is a fact to
// tell, and stops nothing.
func (g *ground) floorInAWord(ctx context.Context) string {
	f, err := g.stand(ctx)
	switch {
	case err != nil || f.unread:
		return "a floor that could not be read"
	case f.lost != nil:
		return "a floor that cannot be told: " + f.lost.Error()
	case f.floor == nil:
		return "no floor"
	}
	return fmt.Sprintf("floor %d set by %s on %s (%s)", f.floor.Generation, f.floor.Floor.SetBy,
		access.At(f.floor.SetAt), strings.Join(f.floor.Floor.Lines(), "; "))
}
