// Package report renders what partners hold in one system, and what changed in a period, for an auditor: as a page, as
// text, as a table, as a calendar, and for machines. The same report always gives the same bytes.
package report

import (
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/inventory"
	"github.com/partner-access/terraform-provider-partner/internal/journal"
)

// Report is what an auditor is shown.
type Report struct {
	Title string
	// Inventory is everything at one moment; that moment is the report's. It is never nil.
	Inventory *inventory.Inventory
	// Agreements are the contracts, by partner.
	Agreements map[string]access.Agreement
	// Kinds are what the partners are to the company, such as an integrator, where the register says so.
	Kinds map[string]string
	// From and To bound the period, To excluded; zero leaves that side open.
	From, To time.Time
	// Lines are the journal's; those outside the period are left out of it.
	Lines []journal.Line
	// Gaps says, a sentence each, where the journal cannot be relied on.
	Gaps     []string
	Findings []Finding
}

// Finding is a rule that something breaks, and what to do about it.
type Finding struct {
	Rule, Level, Type, ID, Problem, Fix string
	// Controls are those of the standards that the rule serves.
	Controls []string
}

// now is the report's moment. It is in UTC since so many days on are not everywhere so many hours.
func (r *Report) now() time.Time { return r.Inventory.At.UTC() }

// itemOf is what a finding is about, nil where it is not in the inventory.
func (r *Report) itemOf(f Finding) *inventory.Item {
	for i := range r.Inventory.Items {
		item := &r.Inventory.Items[i]
		if f.ID != "" && string(item.Type) == f.Type && (item.ID == f.ID || item.NativeID == f.ID) {
			return item
		}
	}
	return nil
}
