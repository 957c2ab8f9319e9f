// SPDX-License-Identifier: MPL-2.0

package report

import (
	"encoding/json"
	"testing"
)

// Two systems hold objects of the same ids: each is an item of its own, with a UUID of its own.
func TestOSCALTellsTwoSystemsApart(t *testing.T) {
	r := sample()
	if err := r.Include(another(t)); err != nil {
		t.Fatal(err)
	}
	text, err := r.OSCAL()
	if err != nil {
		t.Fatal(err)
	}
	checkOSCAL(t, text)
	var d struct {
		Results struct {
			Results []struct {
				Local struct {
					Items []struct{ UUID string } `json:"inventory-items"`
				} `json:"local-definitions"`
			}
		} `json:"assessment-results"`
	}
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, i := range d.Results.Results[0].Local.Items {
		if seen[i.UUID] {
			t.Fatalf("two items are %s", i.UUID)
		}
		seen[i.UUID] = true
	}
	if len(seen) != len(r.Inventory.Items) {
		t.Errorf("%d items of %d", len(seen), len(r.Inventory.Items))
	}
}
