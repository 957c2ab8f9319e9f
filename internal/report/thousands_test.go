// SPDX-License-Identifier: MPL-2.0

package report

import (
	"fmt"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/inventory"
	"github.com/partner-access/terraform-provider-partner/internal/journal"
)

// Each partner read the whole journal, and each row all identities: the page took 40 s. It takes one or two.
func TestAReportOfThousandsIsWrittenInSeconds(t *testing.T) {
	if testing.Short() {
		t.Skip("measures time")
	}
	const partners, identities, changes, limit = 300, 10, 20000, 15 * time.Second
	r := &Report{
		Title:     "Many",
		Inventory: &inventory.Inventory{System: "openbao", At: now},
		Parties:   map[string]Party{},
		From:      day(-59),
		To:        day(1),
	}
	for n := range partners {
		name := fmt.Sprintf("p%03d", n)
		r.Parties[name] = Party{Kind: "vendor"}
		for k := range identities {
			id := fmt.Sprintf("%s/prod/feed-%d", name, k)
			r.Inventory.Items = append(r.Inventory.Items,
				inventory.Item{Type: access.TypeIdentity, ID: id, Partner: name, EndsAt: day(20), Status: "active"})
		}
	}
	for n := range changes {
		id := fmt.Sprintf("p%03d/prod/feed-%d/grant-%d", n%partners, n%identities, n)
		r.Lines = append(r.Lines, journal.Line{
			Time:   day(-5),
			Verb:   journal.Create,
			Phase:  journal.Done,
			Change: fmt.Sprint(n),
			Type:   "grant",
			ID:     id,
		})
	}
	begun := time.Now()
	if _, err := r.HTML(); err != nil {
		t.Fatal(err)
	}
	_ = r.Calendar()
	if took := time.Since(begun); took > limit {
		t.Errorf("the page and the calendar of %d identities and %d changes take %s, at most %s", partners*identities,
			changes, took, limit)
	}
}
