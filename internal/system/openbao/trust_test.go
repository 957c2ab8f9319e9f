// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

const otherIssuer = "https://login.acme.test/other-tenant"

// bind changes by hand which issuer the auth method is bound to; its keys stay.
func (st *stage) bind(t testing.TB, issuer string) {
	t.Helper()
	path := "auth/" + usualJWT(issuerURL) + "/config"
	config := st.admin(t, "GET", path, nil)
	st.admin(t, "POST", path, map[string]any{
		"jwt_validation_pubkeys": config["jwt_validation_pubkeys"], "jwt_supported_algs": config["jwt_supported_algs"],
		"bound_issuer": issuer,
	})
}

// loginFrom is a login with a token that says to be of an issuer, signed with the keys that the auth method trusts.
func (st *stage) loginFrom(t testing.TB, issuer string, c *access.Credential) string {
	t.Helper()
	claims := *c.Federated
	claims.Issuer = issuer
	return st.post(t, nil, "auth/"+usualJWT(issuerURL)+"/cel/login",
		map[string]any{"role": roleOf(c.IdentityID), "jwt": st.lab.token(t, &claims)})
}

// Tenants of one service share its keys. Whatever the auth method is bound to, a token of another issuer is refused,
// the plan says what is wrong, and what is declared can still be shortened.
func TestATokenOfAnotherIssuerNeverLogsInWhateverTheMountIsBoundTo(t *testing.T) {
	st := startStage(t)
	st.complete(t, "etl", access.Federated)
	c := st.credentialOf("etl", access.Federated)
	if st.loginFrom(t, issuerURL, c) == "" || st.loginFrom(t, otherIssuer, c) != "" {
		t.Fatal("as it was set up, the wrong one logs in")
	}
	for _, bound := range []string{otherIssuer, ""} {
		st.bind(t, bound)
		if st.loginFrom(t, otherIssuer, c) != "" {
			t.Errorf("bound to %q, another issuer's token logs in", bound)
		}
		if works := st.loginFrom(t, issuerURL, c) != ""; works != (bound == "") {
			t.Errorf("bound to %q, the partner's own token logs in: %v", bound, works)
		}
		r := st.get(t, c.Ref())
		want := "bao write auth/" + usualJWT(issuerURL) + "/config oidc_discovery_url=" + issuerURL
		if len(r.Drift) != 1 ||
			!strings.Contains(r.Drift[0], want) ||
			(!strings.Contains(r.Drift[0], "bound to no issuer") && !strings.Contains(r.Drift[0], otherIssuer)) {
			t.Errorf("bound to %q, drift is %q", bound, r.Drift)
		}
		shorter := st.credentialOf("etl", access.Federated,
			func(c *access.Credential) { c.Terms = terms(30 * time.Minute) })
		if again := st.put(t, shorter, known(r)); len(again.Drift) != 1 {
			t.Errorf("bound to %q, a change says the drift %q", bound, again.Drift)
		}
		st.put(t, identityOf("new"))
		_, err := st.open().Put(t.Context(), st.change(st.credentialOf("new", access.Federated)))
		if !errors.Is(err, access.ErrUnsupported) || !strings.Contains(err.Error(), want) {
			t.Errorf("bound to %q, a new credential: %v", bound, err)
		}
	}
	for _, same := range []string{issuerURL + "/", "HTTPS://Login.ACME.test:443"} {
		st.bind(t, same)
		r := st.get(t, c.Ref())
		st.put(t, r.Object, known(r)) // the program takes the spelling of the tokens that come
		if drift := st.get(t, c.Ref()).Drift; len(drift) != 1 ||
			!strings.Contains(drift[0], "If tokens name it as declared, nobody can log in") ||
			st.loginFrom(t, same, c) == "" || st.loginFrom(t, issuerURL, c) != "" ||
			st.loginFrom(t, otherIssuer, c) != "" {
			t.Errorf("bound to %q, which is the same issuer in another spelling: drift %q", same, drift)
		}
	}
}

// A role of before the program asked for the issuer, or one that somebody took the question out of.
func TestARoleThatDoesNotAskForTheIssuerIsDriftAndIsRepaired(t *testing.T) {
	st := startStage(t)
	all := st.complete(t, "etl", access.Federated)
	c := st.credentialOf("etl", access.Federated)
	path := "auth/" + usualJWT(issuerURL) + "/cel/role/" + roleOf(c.IdentityID)
	role := st.admin(t, "GET", path, nil)
	program := role["cel_program"].(map[string]any)
	program["expression"] = strings.Replace(program["expression"].(string), `!right_issuer ? "another issuer" : `, "",
		1)
	st.admin(t, "POST", path, map[string]any{"cel_program": program, "bound_audiences": role["bound_audiences"]})
	st.bind(t, "")
	if st.loginFrom(t, otherIssuer, c) == "" {
		t.Fatal("the attack does not work without the question")
	}
	if drift := strings.Join(st.get(t, c.Ref()).Drift, " "); !strings.Contains(drift, "cel_program of") {
		t.Errorf("drift: %q", drift)
	}
	st.put(t, c, known(all.credentials[access.Federated]))
	if st.loginFrom(t, otherIssuer, c) != "" || st.loginFrom(t, issuerURL, c) == "" {
		t.Error("an apply does not repair it")
	}
}

// Whoever may configure the auth method may give it keys of his own, and sign with the issuer's name.
func TestOtherKeysOfTheIssuersMountAreDrift(t *testing.T) {
	st := startStage(t)
	all := st.complete(t, "etl", access.Federated)
	ref := all.credentials[access.Federated].Object.Ref()
	path := "auth/" + usualJWT(issuerURL) + "/config"
	st.admin(t, "POST", path, map[string]any{"jwt_validation_pubkeys": []string{publicPEM(t, st.key)},
		"bound_issuer": issuerURL})
	if drift := strings.Join(st.get(t, ref).Drift, " "); !strings.Contains(drift, "keys by which auth/") {
		t.Errorf("drift: %q", drift)
	}
	st.put(t, all.credentials[access.Federated].Object, known(all.credentials[access.Federated]))
	if drift := st.get(t, ref).Drift; len(drift) > 0 {
		t.Errorf("after an apply: %q", drift)
	}
	elsewhere := startDiscovery(t)
	st.admin(t, "POST", path, map[string]any{
		"oidc_discovery_url": elsewhere.URL,
		"oidc_discovery_ca_pem": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE",
			Bytes: elsewhere.Certificate().Raw})),
		"bound_issuer": issuerURL,
	})
	if drift := strings.Join(st.get(t, ref).Drift, " "); !strings.Contains(drift,
		"takes its keys from "+elsewhere.URL) {
		t.Errorf("drift: %q", drift)
	}
}

// startDiscovery is an issuer that can be reached.
func startDiscovery(t testing.TB) *httptest.Server {
	t.Helper()
	var s *httptest.Server
	s = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		text := `{"keys":[]}`
		if strings.HasSuffix(r.URL.Path, "/openid-configuration") {
			text = `{"issuer":"` + s.URL + `","jwks_uri":"` + s.URL +
				`/keys","id_token_signing_alg_values_supported":["ES256"]}`
		}
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(s.Close)
	return s
}

// A bootstrap whose issuer is away leaves an auth method without a configuration. It is configured by the next one, or
// is an error with the command; it never counts as there.
func TestAnIssuersMountThatWasNeverConfiguredIsNotThere(t *testing.T) {
	st := startStage(t)
	st.put(t, identityOf("etl"))
	away := func(c *access.Credential) { c.Federated.Issuer = "https://127.0.0.1:1" }
	mount := usualJWT("https://127.0.0.1:1")
	c := st.credentialOf("etl", access.Federated, away)
	for range 2 {
		if _, err := st.open().Put(t.Context(), st.change(c)); err == nil {
			t.Fatal("it is applied, though nobody can log in")
		}
	}
	if !st.there(t, "sys/auth/"+mount) || st.there(t, "auth/"+mount+"/cel/role/"+roleOf(c.IdentityID)) {
		t.Error("the mount is not left behind, or has a role")
	}
	_, err := st.unprepared().Put(t.Context(), st.change(c))
	if !errors.Is(err, access.ErrUnsupported) ||
		!strings.Contains(err.Error(), "not configured") ||
		!strings.Contains(err.Error(), "bao write auth/"+mount+"/config") {
		t.Errorf("without bootstrap: %v", err)
	}
	// What is there already, and lost its auth method's configuration: somebody made the mount anew.
	r := st.put(t, st.credentialOf("etl", access.Federated))
	st.remount(t, issuerURL)
	if drift := strings.Join(st.get(t, r.Object.Ref()).Drift, " "); !strings.Contains(drift,
		"is not configured: nobody can log in") {
		t.Errorf("drift: %q", drift)
	}
	if again := st.put(t, r.Object, known(r)); !strings.Contains(strings.Join(again.Drift, " "), "not configured") {
		t.Errorf("an apply that could not configure it says %q", again.Drift)
	}
}

func (st *stage) remount(t testing.TB, issuer string) {
	t.Helper()
	path := "sys/auth/" + usualJWT(issuer)
	st.admin(t, "DELETE", path, nil)
	st.admin(t, "POST", path, map[string]any{"type": "jwt"})
}

// A login that may not read the configuration says so, and goes on.
func TestAConfigurationThatMayNotBeReadIsSaid(t *testing.T) {
	mount := "partner-jwt-acme"
	for want, x := range map[string]trust{
		"cannot tell whether": {unread: true}, "nothing is mounted": {gone: true}, "not configured": {},
		"bound to no issuer":                        {Keys: []string{"key"}},
		"takes tokens of the issuer https://b.test": {Keys: []string{"key"}, Issuer: "https://b.test"},
	} {
		if got := x.fault(mount, "https://a.test"); !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
	kubernetes := map[string]any{"provider": "kubernetes"} // it takes its keys from the cluster that it runs in
	for _, x := range []trust{{JWKS: "https://keys.test"}, {Provider: kubernetes}} {
		x.Issuer = "https://a.test/"
		if got := x.fault(mount, "https://a.test"); got != "" {
			t.Error(got)
		}
	}
	bare := trust{Discovery: "https://a.test"}
	if more := (trust{Discovery: "https://a.test",
		Provider: map[string]any{"provider": "azure"}}); more.keys() != bare.keys() ||
		(trust{Provider: kubernetes}).keys() == (trust{}).keys() {
		t.Error("a provider that gives no keys changes their digest, or one that does leaves it")
	}
	for a, b := range map[string]string{
		"https://a.test/x":    "https://a.test/X",
		"https://a.test":      "http://a.test",
		"https://a.test:8443": "https://a.test",
		"https://a.test/?x":   "https://a.test",
	} {
		if sameIssuer(a, b) {
			t.Errorf("%s and %s are one", a, b)
		}
	}
	for a, b := range map[string]string{
		"https://a.test/x": "HTTPS://A.test:443/x/",
		"http://a.test:80": "http://a.test",
		"https://a.test:/": "https://a.test/",
		"https://[::1]:":   "https://[::1]:443/",
	} {
		if !sameIssuer(a, b) {
			t.Errorf("%s and %s are two", a, b)
		}
	}
}

// signing is an issuer that can be reached, and signs as ours does. It answers as long as open says so.
func (st *stage) signing(t testing.TB, open *atomic.Bool) *httptest.Server {
	t.Helper()
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{
		Key:       st.issuer.Public(),
		KeyID:     "1",
		Algorithm: "ES256",
		Use:       "sig",
	}}})
	if err != nil {
		t.Fatal(err)
	}
	var s *httptest.Server
	s = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case !open.Load():
			w.WriteHeader(http.StatusServiceUnavailable)
		case strings.HasSuffix(r.URL.Path, "/openid-configuration"):
			_, _ = w.Write([]byte(`{"issuer":"` + s.URL + `","jwks_uri":"` + s.URL +
				`/keys","id_token_signing_alg_values_supported":["ES256"]}`))
		default:
			_, _ = w.Write(keys)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// OpenBao takes an issuer by one spelling, and may be told how it has to sign. What this provider configures lets in,
// and what somebody else does to it is said: another way to sign, another spelling, an issuer that is away.
func TestHowAnIssuerSignsAndIsSpelled(t *testing.T) {
	st := startStage(t)
	var open atomic.Bool
	open.Store(true)
	issuer := st.signing(t, &open).URL
	ours := func(c *access.Credential) { c.Federated.Issuer = issuer }
	st.put(t, identityOf("etl"))
	r := st.put(t, st.credentialOf("etl", access.Federated, ours))
	p := st.holder(r.Object.(*access.Credential), r)
	st.session(t, p)
	path := "auth/" + usualJWT(issuer) + "/config"
	for _, c := range []struct {
		config map[string]any
		away   bool
		says   string
	}{
		{map[string]any{"bound_issuer": issuer, "jwt_supported_algs": "RS256"}, false, "or how tokens may be signed"},
		{map[string]any{"bound_issuer": issuer + "/"}, false, "the spelling differs, so nobody can log in"},
		{map[string]any{"bound_issuer": issuer, "skip_jwks_validation": true}, true, "its status is invalid"},
	} {
		open.Store(!c.away)
		c.config["oidc_discovery_url"] = issuer
		st.admin(t, "POST", path, c.config)
		drift := strings.Join(st.get(t, r.Object.Ref()).Drift, " ")
		if in := st.login(t, p) != ""; in || !strings.Contains(drift, c.says) {
			t.Errorf("%v: it logs in: %v, drift %q", c.config, in, drift)
		}
	}
	open.Store(true)
	if drift := st.get(t, r.Object.Ref()).Drift; len(drift) > 0 || st.login(t, p) == "" {
		t.Errorf("as it was again, drift: %q", drift)
	}
}
