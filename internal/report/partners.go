// SPDX-License-Identifier: MPL-2.0

package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/inventory"
	"github.com/partner-access/terraform-provider-partner/internal/journal"
)

// nobody is what stands for the partner of what no partner is known of.
const nobody = "No partner known"

// partner is what one partner holds.
type partner struct {
	// Name is "" where no partner is known.
	Name string
	Party
	Items    []*inventory.Item
	Holdings []*holding
	// Subcontractors are the identities of others that hang on its own.
	Subcontractors []*holding
}

// Title returns the partner's name for people, with what it is.
func (p *partner) Title() string {
	if p.Name == "" {
		return nobody
	}
	if p.Kind != "" {
		return p.Name + " (" + p.Kind + ")"
	}
	return p.Name
}

// Networks returns those from which alone its credentials are let in; any says that one of them is
// let in from everywhere.
func (p *partner) Networks() (networks []string, any bool) {
	for _, i := range p.Items {
		if i.Type == access.TypeCredential && i.ID != "" {
			any = any || len(i.Networks) == 0
			networks = append(networks, i.Networks...)
		}
	}
	slices.Sort(networks)
	return slices.Compact(networks), any
}

// CanAct returns how many of its identities can act now.
func (p *partner) CanAct() (n int) {
	for _, h := range p.Holdings {
		if h.Standing == CanAct || h.Standing == Undeclared {
			n++
		}
	}
	return n
}

// Over reports whether its agreement has ended.
func (p *partner) Over(r *Report) bool {
	return p.Agreement != nil && !p.Agreement.EndsAt.IsZero() && !p.Agreement.EndsAt.After(r.now())
}

// partners returns all who hold something or have a contract, by name; what has no partner comes last, since it needs
// to be looked at for itself. A partner with a contract that holds nothing is there too: an auditor asks for both
// directions. A name in the register without a contract and without a kind is shown only if it holds something.
func (r *Report) partners() []*partner {
	byName := map[string]*partner{}
	get := func(name string) *partner {
		if byName[name] == nil {
			byName[name] = &partner{Name: name, Party: r.Parties[name]}
		}
		return byName[name]
	}
	for name, party := range r.Parties {
		if party.Agreement != nil || party.Kind != "" {
			get(name)
		}
	}
	held := r.holdings()
	for _, h := range held {
		p := get(h.Partner)
		p.Holdings = append(p.Holdings, h)
		p.Items = append(p.Items, h.Items()...)
	}
	for _, p := range byName {
		p.complete()
	}
	r.rehearsals(byName)
	addSubcontractors(byName, held)
	var all []*partner
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		if name != "" {
			all = append(all, byName[name])
		}
	}
	if unknown := byName[""]; unknown != nil {
		all = append(all, unknown)
	}
	return all
}

// addSubcontractors shows what another partner holds below a partner's identity there as well.
func addSubcontractors(byName map[string]*partner, held []*holding) {
	for _, h := range held {
		if h.Identity == nil || h.Identity.Parent == "" {
			continue
		}
		if above, _, _ := strings.Cut(h.Identity.Parent, "/"); above != h.Partner && byName[above] != nil {
			byName[above].Subcontractors = append(byName[above].Subcontractors, h)
		}
	}
}

// complete takes from a partner's identities what the register does not say. The register goes first, and of several
// identities the first one that says it.
func (p *partner) complete() {
	for _, i := range p.Items {
		p.Contact = cmp.Or(p.Contact, i.Contact)
		if p.Agreement == nil {
			p.Agreement = i.Agreement
		}
	}
}

// rehearsals takes from the journal how fast partners were cut when that was rehearsed. A rehearsal that was asked for
// at most an hour before the moment that the system remembers, or after it, is the one to tell of.
func (r *Report) rehearsals(byName map[string]*partner) {
	// The system remembers the end of a rehearsal, and the journal when it was asked for.
	const longest = time.Hour
	for _, c := range r.all() {
		if c.Verb != journal.Rehearse || c.Outcome != string(journal.Done) || c.ID == "" {
			continue
		}
		if p := byName[c.ID]; p != nil && !c.Asked.Add(longest).Before(p.RehearsedAt) {
			p.RehearsedAt, p.Seconds = c.Asked, c.Seconds
		}
	}
}
