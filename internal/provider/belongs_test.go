// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"errors"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// placed is a system that says only where it is.
type placed struct{ access.System }

func (placed) Capabilities() access.Capabilities {
	return access.Capabilities{Place: "the store", Origin: access.Origin{Correct: "correct the ledger"}}
}

// A state that did not say where it belongs was refused as one that belongs "to the access system none".
func TestARefusedStateIsToldWhatItKnowsAndWhatIsThere(t *testing.T) {
	t.Parallel()
	w := &whereabouts{system: placed{}}
	for name, c := range map[string]struct {
		known string
		there located
		want  string
	}{
		"another system": {"A", located{id: "B"}, "the state belongs to the access system A, but the one in the store is B"},
		"no system":      {"A", located{none: true}, "the state belongs to the access system A, but there is none in the store"},
		"one that has lost its id, and the object": {"A", located{},
			"the state belongs to the access system A, but the one in the store has no id, and does not hold what the state means"},
		"a state that names none": {"", located{id: "B"},
			"the state does not say to which access system it belongs, but the one in the store, B, " +
				"does not hold what the state means"},
		"a state that names none, where there is none": {"", located{none: true},
			"the state does not say to which access system it belongs, but there is none in the store"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := w.belongs(c.known, c.there, lacksIt); err == nil || err.Error() != c.want {
				t.Errorf("it says %q, not %q", err, c.want)
			}
		})
	}
}

// On AWS, a refused state was told to correct a directory or an address, and not the ledger. One that names no system
// was told that this is the wrong one, which nobody knows, and to point Terraform at one that nobody can name.
func TestARefusedStateIsToldWhatToCorrect(t *testing.T) {
	t.Parallel()
	const wrong, perhaps = "this is the wrong place", "or this is the wrong place"
	w := &whereabouts{system: placed{}}
	for name, c := range map[string]struct {
		known   string
		there   located
		has, no []string
	}{
		"another system":          {"A", located{id: "B"}, []string{wrong}, []string{perhaps, "partner_inventory"}},
		"no system":               {"A", located{none: true}, []string{wrong}, []string{perhaps}},
		"a state that names none": {"", located{id: "B"}, []string{perhaps, "partner_inventory"}, []string{"is not gone"}},
		"a state that names none, where there is none": {"", located{none: true}, []string{wrong}, []string{perhaps}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var elsewhere *elsewhereError
			if !errors.As(w.belongs(c.known, c.there, lacksIt), &elsewhere) {
				t.Fatal("it is taken for the state's own system")
			}
			says := explainElsewhere(elsewhere)
			for _, part := range append(c.has, "correct the ledger", "terraform state rm", "Nothing was revoked or changed") {
				if !strings.Contains(says, part) {
					t.Errorf("it does not say %q:\n%s", part, says)
				}
			}
			for _, part := range append(c.no, "namespace") {
				if strings.Contains(says, part) {
					t.Errorf("it says %q:\n%s", part, says)
				}
			}
		})
	}
}
