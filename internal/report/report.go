// SPDX-License-Identifier: MPL-2.0

// Package report renders what partners hold, and what changed in a period, for an auditor: as a page, as text, as a
// table, as a calendar, and for machines. The same report always gives the same bytes.
package report

import (
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/inventory"
	"github.com/partner-access/terraform-provider-partner/internal/journal"
)

// Report is what an auditor is shown. Its exported fields are filled in first, then other reports are taken in
// (Include), then it is narrowed (Narrow), and then it is rendered; rendering changes nothing. It is not safe for
// concurrent use.
type Report struct {
	// Title is the heading of every form, as whoever asks for the report writes it.
	Title string
	// Source says which system the inventory is of, and what was looked at there.
	Source Source
	// Inventory is everything at one moment; that moment is the report's. It is never nil.
	Inventory *inventory.Inventory
	// Judged are the ids of the objects that the rules were applied to.
	Judged []string
	// Partner and Owner say that only their access is shown; "" shows all.
	Partner, Owner string
	// Parties are what the company knows of its partners, by name.
	Parties map[string]Party
	// From and To bound the period, To excluded; zero leaves that side open.
	From, To time.Time
	// Lines are the journal's; those outside the period are left out of it.
	Lines []journal.Line
	// Gaps says, a sentence each, where the journal cannot be relied on.
	Gaps     []string
	Findings []Finding
	// Rules are the rules that findings may be of, with the controls that they serve.
	Rules []Rule

	// included are the sources of reports that were included, changed are their changes, formerly is
	// what was removed there.
	included []Source
	changed  []*change
	formerly []formerObject
}

// Source is one system that a report looked at.
type Source struct {
	// System is the kind of system; ID is its own id, and Place where it is.
	System, ID, Place string
	// Floor says which floor it has, or that it has none; "" where nobody said.
	Floor string
	// Environment is the provider's.
	Environment string
	At          time.Time
	// From and To bound the period that is known of it, Since is the first line of its journal;
	// zero if nothing is known.
	From, To, Since time.Time
	// Stacks are the configurations whose objects it holds, Objects is how many objects these are.
	Stacks  []string
	Objects int
	// Judged is how many of them the rules were applied to.
	Judged int
	// Unchecked are the flags that nobody looked for.
	Unchecked []inventory.Flag
	// OwnersUnknown: nobody said which owners are there.
	OwnersUnknown bool
	// UseUnknown is how many credentials may have been used without the system seeing it.
	UseUnknown int
	// SHA256 is the digest of the report that was included; "" is this report's own system.
	SHA256 string
}

// Party is what the company knows of a partner.
type Party struct {
	// Kind is what it is to the company, such as an integrator, and Contact whom to call; "" if the
	// register does not say.
	Kind, Contact string
	// Agreement is the contract, nil if none is known.
	Agreement *access.Agreement
	// Steps cut the partner by hand.
	Steps []string
	// RehearsedAt is when that was last rehearsed; zero if no rehearsal is known. Seconds is how long it took;
	// zero if that is not known.
	RehearsedAt time.Time
	Seconds     float64
}

// Finding is a rule that something breaks, and what to do about it.
type Finding struct {
	Rule, Level, Type, ID, Problem, Fix string
	// Controls are those of the standards that the rule serves.
	Controls []string
	// Source is the system that it is about; "" is the report's own.
	Source string
}

// Rule is a rule that was applied.
type Rule struct {
	Slug, Title string
	Controls    []string
}

// now returns the report's moment. It is in UTC since so many days on are not everywhere so many hours.
func (r *Report) now() time.Time { return r.Inventory.At.UTC() }

// itemOf returns what a finding is about, nil where it is not in the inventory. A finding names an object by type, id
// and system, since one id may be of several types and in several systems. Of what nobody declared, the id is its
// native one.
func (r *Report) itemOf(f Finding) *inventory.Item {
	for i := range r.Inventory.Items {
		item := &r.Inventory.Items[i]
		if f.ID != "" &&
			string(item.Type) == f.Type &&
			item.System == f.Source &&
			(item.ID == f.ID || item.NativeID == f.ID) {
			return item
		}
	}
	return nil
}
