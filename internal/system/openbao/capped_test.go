// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// The mounts of somebody who did not read the guide cap what is issued: what is told is what a login then shows.
func TestASecretThatTheMountCapsEndsWhenItIsSaid(t *testing.T) {
	st := startStage(t)
	st.admin(t, "POST", "sys/auth/partner-approle",
		map[string]any{"type": "approle", "config": map[string]any{"default_lease_ttl": "5s", "max_lease_ttl": "6s"}})
	all := st.complete(t, "etl", access.Secret)
	r := all.credentials[access.Secret]
	if !r.EndsAt.Equal(r.Issued.Until) ||
		time.Until(r.EndsAt) > 7*time.Second ||
		time.Until(r.Asked()) < 50*time.Minute {
		t.Errorf("it ends on %s, was asked for %s, and what was issued ends on %s", r.EndsAt, r.Asked(), r.Issued.Until)
	}
	if read := st.get(t, r.Object.Ref()); !read.EndsAt.Equal(r.EndsAt) || !read.Asked().Equal(r.Asked()) {
		t.Errorf("read: ends on %s, asked for %s", read.EndsAt, read.Asked())
	}
	st.session(t, all.holders[access.Secret])
	refused, _ := st.firstRefusal(t, func() bool { return st.login(t, all.holders[access.Secret]) != "" },
		r.EndsAt.Add(3*time.Second))
	if refused.Before(r.EndsAt.Add(-time.Second)) || refused.After(r.EndsAt.Add(2*time.Second)) {
		t.Errorf("it is refused at %s, and was said to end on %s", refused, r.EndsAt)
	}
	rotating := st.credentialOf("rotates", access.Secret, func(c *access.Credential) {
		c.Rotation = &access.Rotation{Every: span(t, "20m"), Overlap: span(t, "2s")}
	})
	st.put(t, identityOf("rotates"))
	i := st.put(t, rotating).Issued
	if i.RotatesAt.IsZero() || i.RotatesAt.After(i.Until.Add(-2*time.Second)) {
		t.Errorf("it ends on %s, and is due on %s: the partner would be without access", i.Until, i.RotatesAt)
	}
}

// What the errors tell to run makes mounts on which everything lives as long as it is declared.
func TestTheCommandsOfAMissingMountCapNothing(t *testing.T) {
	for _, kind := range []access.Kind{access.Certificate, access.Secret, access.Federated} {
		s := assemble(&server{found: &site{}, options: Options{Mounts: defaultMounts()}})
		c := &access.Credential{IdentityID: idOf("etl")}
		switch kind {
		case access.Certificate:
			c.Certificate = &access.CertificateRequest{}
		case access.Secret:
			c.Secret = &access.SecretRequest{}
		default:
			c.Federated = &access.FederatedTrust{Issuer: issuerURL}
		}
		_, _, err := s.aliasOf(t.Context(), c, false)
		if want := fmt.Sprintf("-max-lease-ttl=%dh", 2*366*24); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
