// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// A nightly configuration that did not repeat mounts.jwt called governed roles ungoverned, and printed the command that
// ends all who come from their issuer.
func TestASecondConfigurationKnowsTheIssuersOfTheFirst(t *testing.T) {
	st := startStageAlone(t)
	st.admin(t, "DELETE", "sys/auth/"+usualJWT(issuerURL), nil)
	trusts := func(mount, description string) {
		st.admin(t, "POST", "sys/auth/"+mount, map[string]any{"type": "jwt", "description": description})
		st.admin(t, "POST", "auth/"+mount+"/config", map[string]any{
			"bound_issuer": issuerURL + "/", "jwt_supported_algs": []string{"ES256"},
			"jwt_validation_pubkeys": []string{publicPEM(t, st.issuer)},
		})
	}
	trusts("ci", "Logins of our own pipelines")
	if _, err := st.open().lookOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, mount := range []string{"partner-jwt-acme", "corporate"} {
		trusts(mount, mountDescription)
		first := st.options()
		first.Mounts.JWT = map[string]string{issuerURL: mount}
		one := Open(first)
		for _, o := range []access.Object{identityOf("etl"), grantOf("etl"), st.credentialOf("etl", access.Federated)} {
			if _, err := one.Put(t.Context(), st.change(o)); err != nil {
				t.Fatal(err)
			}
		}
		second := st.open()
		records, strays, err := second.Survey(t.Context(), nil)
		if err != nil || len(strays) > 0 || len(records) != 3 {
			t.Errorf("%s: %d records, strays %+v: %v", mount, len(records), strays, err)
		}
		for _, r := range records {
			// it is spelled otherwise
			if drift := strings.Join(r.Drift, " "); drift != "" &&
				!strings.HasPrefix(drift, "The issuer is "+issuerURL+"/ at ") {
				t.Errorf("%s: %s drifts: %q", mount, r.Object.Ref(), r.Drift)
			}
		}
		if got := second.jwtMount(issuerURL); got != mount {
			t.Errorf("%s: the second takes auth/%s", mount, got)
		}
		for _, r := range records {
			if r.Object.Ref() == idOf("etl").Ref() {
				if _, err := second.Delete(t.Context(), r.Object.Ref(), r.UID); err != nil {
					t.Errorf("%s: %v", mount, err)
				}
			}
		}
		if left := st.traces(t, idOf("etl")); len(left) > 0 {
			t.Errorf("%s: the second leaves %q", mount, left)
		}
		st.admin(t, "DELETE", "sys/auth/"+mount, nil)
	}
	if got := st.open(); got.jwtMount(issuerURL) != usualJWT(issuerURL) {
		t.Errorf("the mount of our own pipelines is taken for the partners': auth/%s", got.jwtMount(issuerURL))
	}
}

// Where two are bound to one issuer nobody knows which it is, and neither is taken; nor is another where
// the usual one is there.
func TestAnIssuerWithTwoMountsIsNotGuessed(t *testing.T) {
	st := startStageAlone(t)
	bound := func(mount, issuer string) {
		st.admin(t, "POST", "sys/auth/"+mount, map[string]any{"type": "jwt"})
		st.admin(t, "POST", "auth/"+mount+"/config",
			map[string]any{"bound_issuer": issuer, "jwt_validation_pubkeys": []string{publicPEM(t, st.issuer)}})
	}
	const other = "https://login.globex.test"
	bound("partner-jwt-one", other)
	bound("partner-jwt-two", other)
	bound("partner-jwt-acme", issuerURL)
	s := st.open()
	if _, err := s.lookOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, issuer := range []string{other, issuerURL} {
		if got := s.jwtMount(issuer); got != usualJWT(issuer) {
			t.Errorf("%s: auth/%s", issuer, got)
		}
	}
}
