package report

import (
	"maps"
	"slices"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/inventory"
)

// nobody is what stands for the partner of what no partner is known of.
const nobody = "No partner known"

// partner is what one partner holds.
type partner struct {
	// Name is "" where no partner is known.
	Name string
	// Kind is what it is to the company, "" where the register does not say.
	Kind      string
	Agreement *access.Agreement
	Items     []*inventory.Item
}

// Title is the partner's name for people, with what it is.
func (p *partner) Title() string {
	if p.Name == "" {
		return nobody
	}
	if p.Kind != "" {
		return p.Name + " (" + p.Kind + ")"
	}
	return p.Name
}

// partners are all who hold something or have a contract, by name; what has no partner comes last, since it needs to be
// looked at for itself. Who has a contract and holds nothing is there too: an auditor asks for both directions.
func (r *Report) partners() []*partner {
	byName := map[string]*partner{}
	for name, agreement := range r.Agreements {
		byName[name] = &partner{Name: name, Agreement: &agreement}
	}
	for i := range r.Inventory.Items {
		item := &r.Inventory.Items[i]
		if byName[item.Partner] == nil {
			byName[item.Partner] = &partner{Name: item.Partner}
		}
		byName[item.Partner].Items = append(byName[item.Partner].Items, item)
	}
	var all []*partner
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		if name != "" {
			byName[name].Kind = r.Kinds[name]
			all = append(all, byName[name])
		}
	}
	if unknown := byName[""]; unknown != nil {
		all = append(all, unknown)
	}
	return all
}
