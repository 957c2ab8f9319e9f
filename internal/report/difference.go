// SPDX-License-Identifier: MPL-2.0

package report

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/journal"
)

// How two states of an object differ, by the journal's own form of what was given (journal.Given). It serves two
// questions: what a reader is shown (Differences), and whether the change opened anything (wider). The second one is
// asked of meaning: another spelling of the same networks or patterns opens nothing.

// fields are what an object gives, by the names of the configuration, in the order in which a reader asks for them.
var fields = []struct {
	name string
	text func(*journal.Given) string
}{
	{"actions", func(g *journal.Given) string { return strings.Join(g.Actions, ", ") }},
	{"resource", func(g *journal.Given) string { return g.Resource }},
	{"ceiling", func(g *journal.Given) string { return strings.Join(g.Ceiling, ", ") }},
	{"ends", func(g *journal.Given) string { return moment(g.EndsAt) }},
	{"expires_at", declaredEnd},
	{"trust", func(g *journal.Given) string { return trust(g.Trust) }},
	{"allowed_cidrs", func(g *journal.Given) string { return strings.Join(g.AllowedCIDRs, ", ") }},
	{"rotation", func(g *journal.Given) string {
		if g.Rotation == nil {
			return ""
		}
		return "every " + g.Rotation.Every
	}},
	{"parent_id", func(g *journal.Given) string { return g.ParentID }},
	{"subcontractors", func(g *journal.Given) string { return levels(g.Subcontractors) }},
	{"agreement", func(g *journal.Given) string {
		if g.Agreement == nil {
			return ""
		}
		return g.Agreement.Reference + " until " + date(g.Agreement.EndsAt)
	}},
	{"suspended", func(g *journal.Given) string { return yes(g.Suspended) }},
	{"held", func(g *journal.Given) string { return yes(g.Held) }},
	{"hold_released", func(g *journal.Given) string { return g.HoldReleased }},
	{"revoke_issued_before", func(g *journal.Given) string { return moment(g.RevokeIssuedBefore) }},
	{"owner", func(g *journal.Given) string { return g.Owner }},
	{"purpose", func(g *journal.Given) string { return g.Purpose }},
	{"contact", func(g *journal.Given) string { return g.Contact }},
	{"expected_use", func(g *journal.Given) string { return g.ExpectedUse }},
	{"waivers", func(g *journal.Given) string { return waivers(g.Waivers) }},
}

// declaredEnd returns the end that was declared, if another one counts.
func declaredEnd(g *journal.Given) string {
	if g.ExpiresAt.Equal(g.EndsAt) {
		return ""
	}
	return moment(g.ExpiresAt)
}

// yes returns "yes", or nothing: a no is not worth a line.
func yes(is bool) string {
	if is {
		return "yes"
	}
	return ""
}

// levels returns how many levels of subcontractors are allowed; "" for none.
func levels(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// trust returns in a text whom a credential trusts or what it was issued for, to compare one moment with another.
func trust(t *journal.Trust) string {
	switch {
	case t == nil:
		return ""
	case t.Key != "":
		return t.Key
	}
	return t.Subject + " of " + t.Issuer + " for " + strings.Join(t.Audiences, ", ")
}

// waivers returns waivers as one text in a fixed order, to compare one moment with another.
func waivers(all map[string]journal.Waiver) string {
	var texts []string
	for rule, w := range all {
		texts = append(texts, rule+" until "+date(w.Until)+" by "+w.Approver)
	}
	slices.Sort(texts)
	return strings.Join(texts, "; ")
}

// Differences say what the change changed, before and after; of what came or went, what it gave.
func (c *change) Differences() []string {
	before, after := c.Before, c.After
	if before == nil && after == nil {
		return nil
	}
	all := floored(before, after)
	for _, f := range fields {
		switch {
		case before == nil:
			if text := f.text(after); text != "" {
				all = append(all, f.name+": "+text)
			}
		case after == nil:
			if text := f.text(before); text != "" {
				all = append(all, f.name+": "+text)
			}
		default:
			if was, is := f.text(before), f.text(after); was != is {
				all = append(all, fmt.Sprintf("%s: %s → %s", f.name, orNone(was), orNone(is)))
			}
		}
	}
	return all
}

// floored says what a change of the floor changed, setting by setting. A setting stands in the journal as one text,
// "name: value". Settings come in the order of what was before, and new ones after them.
func floored(before, after *journal.Given) (all []string) {
	said := func(g *journal.Given) (names []string, texts map[string]string) {
		texts = map[string]string{}
		if g != nil {
			for _, line := range g.Floor {
				name, text, _ := strings.Cut(line, ": ")
				names, texts[name] = append(names, name), text
			}
		}
		return names, texts
	}
	names, was := said(before)
	more, is := said(after)
	for _, name := range more {
		if _, both := was[name]; !both {
			names = append(names, name)
		}
	}
	for _, name := range names {
		if was[name] != is[name] {
			all = append(all, fmt.Sprintf("floor %s: %s → %s", name, cmp.Or(was[name], "not set"),
				cmp.Or(is[name], "not set")))
		}
	}
	return all
}

// orNone returns the text, or "none", so that both sides of an arrow say something.
func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

// wider reports whether is opens what was did not, apart from its end. A later end is not meant here: that is a renewal
// (direction).
func wider(was, is *journal.Given) bool {
	if was == nil || is == nil {
		return false
	}
	for _, action := range is.Actions {
		if !slices.Contains(was.Actions, action) {
			return true
		}
	}
	return outside(is.Resource, was.Resource) ||
		beyond(was.Ceiling, is.Ceiling) ||
		is.Subcontractors > was.Subcontractors ||
		admits(was.AllowedCIDRs, is.AllowedCIDRs) || federates(was.Trust, is.Trust)
}

// outside reports whether a pattern reaches what another does not.
func outside(is, was string) bool {
	return is != was && !access.Pattern(was).Contains(access.Pattern(is))
}

// beyond reports whether a ceiling holds what the old one did not. Without a ceiling there is no limit. So a ceiling
// that is dropped is wider, and one that is added is not.
func beyond(was, is []string) bool {
	if len(was) == 0 {
		return false
	}
	if len(is) == 0 {
		return true
	}
	outer := make([]access.Pattern, 0, len(was))
	for _, pattern := range was {
		outer = append(outer, access.Pattern(pattern))
	}
	return slices.ContainsFunc(is, func(pattern string) bool {
		_, outside := access.Outside(outer, access.Pattern(pattern))
		return outside
	})
}

// admits reports whether addresses are let in that were not. What cannot be read may let in anybody.
func admits(was, is []string) bool {
	outer, err := networks(was)
	if err != nil {
		return true
	}
	inner, err := networks(is)
	return err != nil || !access.NetworkCovers(outer, inner)
}

// networks parses networks as a journal has them.
func networks(texts []string) ([]netip.Prefix, error) {
	all := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		p, err := access.ParseNetwork(text)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// federates reports whether somebody else is trusted. Another key of the partner is a rotation.
func federates(was, is *journal.Trust) bool {
	if was == nil || is == nil || is.Issuer == "" {
		return false
	}
	return trust(was) != trust(is)
}

// date returns the day of a moment in UTC; "" for none.
func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}
