// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// What was issued to last until the very end of its credential was due an overlap before that, then again at half of
// what was left, and again: the partner got a new one with each nightly plan, and the third one revoked the first,
// which was to work until the end.
func TestWhatLastsUntilTheEndIsNotRotatedBeforeIt(t *testing.T) {
	st := startStage(t)
	for _, kind := range []access.Kind{access.Certificate, access.Secret} {
		name := "last-" + slug(string(kind))
		st.put(t, identityOf(name))
		c := st.credentialOf(name, kind, func(c *access.Credential) {
			c.ExpiresAt = in(30 * time.Minute)
			c.Rotation = &access.Rotation{Every: span(t, "40m"), Overlap: span(t, "10m")}
		})
		r := st.put(t, c)
		if !r.Issued.Until.Equal(r.EndsAt) && r.Issued.Until.Before(r.EndsAt.Add(-time.Minute)) {
			t.Fatalf("%s lasts until %s, and its credential until %s: this proves nothing", kind, r.Issued.Until,
				r.EndsAt)
		}
		if last := r.EndsAt.Add(-time.Minute); r.Due(last) {
			t.Errorf("%s is issued until %s, and due at %s", kind, r.Issued.Until, r.Issued.RotatesAt)
		}
	}
}
