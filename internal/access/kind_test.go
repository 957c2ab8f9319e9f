// SPDX-License-Identifier: MPL-2.0

package access

import (
	"slices"
	"testing"
)

// A kind that is added gets a row, and no row takes another kind's credential for its own.
func TestEachKindHasARowOfItsOwn(t *testing.T) {
	if want := []Kind{Federated, Certificate, SSHCertificate, Secret}; !slices.Equal(Kinds(), want) {
		t.Errorf("the kinds are %q, want %q", Kinds(), want)
	}
	for _, row := range traits {
		var c Credential
		row.begin(&c)
		for _, other := range traits {
			if is := other.is(&c); is != (other == row) {
				t.Errorf("the row of %s takes a credential of %s for its own: %v", other.kind, row.kind, is)
			}
		}
		if c.Kind() != row.kind || row.widens(&c, &c) || OtherRequest(&c, &c) != "" {
			t.Errorf("%s: a new one is of kind %q, or differs from itself", row.kind, c.Kind())
		}
		if row.kind.Issues() != (row.differs != nil) {
			t.Errorf("%s: something is issued (%v), and nothing says when it no longer serves", row.kind,
				row.kind.Issues())
		}
		if !slices.Contains(Attributes(TypeCredential), string(row.kind)) ||
			!Widened(&Credential{}, &c, string(row.kind)) {
			t.Errorf("%s: its argument does not count as a change", row.kind)
		}
	}
	var none Credential
	if none.Kind() != "" ||
		none.KeyFingerprint()+none.Proof()+none.Key() != "" ||
		!none.Kind().Issues() {
		t.Error("a credential of no kind says something")
	}
}
