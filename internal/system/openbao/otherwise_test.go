// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// What somebody sets on a role beside what is declared refuses the partner, or narrows what a session may do: it is
// said, and taken back by the next change.
func TestWhatIsSetOnARoleBesideTheDeclarationIsSaidAndTakenBack(t *testing.T) {
	st := startStage(t)
	all := st.complete(t, "etl", access.Certificate, access.Secret)
	role := roleOf(idOf("etl"))
	for _, c := range []struct {
		kind      access.Kind
		path      string
		set       map[string]any
		says      string
		logsInYet bool
	}{
		{access.Certificate, "auth/partner-cert/certs/" + role, map[string]any{"allowed_names": "nobody"},
			"allowed_names of auth/", false},
		{access.Certificate, "auth/partner-cert/certs/" + role, map[string]any{"allowed_dns_sans": "example.com"},
			"allowed_dns_sans of auth/", false},
		{access.Certificate, "auth/partner-cert/certs/" + role, map[string]any{"allowed_email_sans": "a@example.com"},
			"allowed_email_sans of auth/", false},
		{access.Certificate, "auth/partner-cert/certs/" + role, map[string]any{"allowed_organizational_units": "x"},
			"allowed_organizational_units of auth/", false},
		{access.Certificate, "auth/partner-cert/certs/" + role, map[string]any{"required_extensions": "1.2.3:x"},
			"required_extensions of auth/", false},
		{access.Certificate, "auth/partner-cert/certs/" + role, map[string]any{"token_type": "batch"},
			"token_type of auth/", true},
		{access.Certificate, "auth/partner-cert/certs/" + role,
			map[string]any{"ocsp_enabled": true, "ocsp_fail_open": true}, "ocsp_enabled of auth/", true},
		{access.Secret, "auth/partner-approle/role/" + role, map[string]any{"token_strictly_bind_ip": true},
			"token_strictly_bind_ip of auth/", true},
		{access.Secret, "auth/partner-approle/role/" + role + "/role-id", map[string]any{"role_id": "other"},
			"which the partner was told", false},
	} {
		st.admin(t, "POST", c.path, c.set)
		// who asks by OCSP waits for long
		if c.set["ocsp_enabled"] == nil && (st.login(t, all.holders[c.kind]) != "") != c.logsInYet {
			t.Errorf("%v: logs in is not %v", c.set, c.logsInYet)
		}
		r := st.get(t, all.credentials[c.kind].Object.Ref())
		if drift := strings.Join(r.Drift, " "); !strings.Contains(drift, c.says) {
			t.Errorf("%v: drift: %q", c.set, drift)
		}
		st.put(t, r.Object, known(r))
		if drift := st.get(t, r.Object.Ref()).Drift; len(drift) > 0 || st.login(t, all.holders[c.kind]) == "" {
			t.Errorf("%v: after an apply the drift is %q, or nobody logs in", c.set, drift)
		}
	}
}

// authority makes the engine of somebody who made it otherwise than the guide says.
func (st *stage) authority(t testing.TB, life string, issuer map[string]any) {
	t.Helper()
	st.admin(t, "POST", "sys/mounts/partner-pki",
		map[string]any{"type": "pki", "config": map[string]any{"max_lease_ttl": "87840h"}})
	st.admin(t, "POST", "partner-pki/root/generate/internal",
		map[string]any{"common_name": "P", "key_type": "ec", "key_bits": 256, "ttl": life, "issuer_name": "partner"})
	if issuer != nil {
		st.admin(t, "PATCH", "partner-pki/issuer/partner", issuer)
	}
}

// What an authority signs is worth nothing once it has ended itself, and the engine signs beyond that if its issuer
// is told to. So the end that is told is the earlier one, whatever the issuer does about it; where there is none,
// plan and apply say why.
func TestWhatAnAuthoritySignsEndsWithIt(t *testing.T) {
	for _, behaviour := range []string{"err", "truncate", "permit"} {
		t.Run(behaviour, func(t *testing.T) {
			st := startStage(t)
			st.authority(t, "6s", map[string]any{"leaf_not_after_behavior": behaviour})
			r := st.complete(t, "etl", access.Certificate).credentials[access.Certificate]
			if time.Until(r.EndsAt) > 6*time.Second ||
				time.Until(r.Asked()) < 50*time.Minute ||
				!r.EndsAt.Equal(r.Issued.Until) {
				t.Errorf("it ends on %s, and was asked for %s", r.EndsAt, r.Asked())
			}
			p := st.holder(r.Object.(*access.Credential), r)
			st.session(t, p)
			refused, _ := st.firstRefusal(t, func() bool { return st.login(t, p) != "" }, r.EndsAt.Add(3*time.Second))
			if refused.Before(r.EndsAt.Add(-time.Second)) || refused.After(r.EndsAt.Add(2*time.Second)) {
				t.Errorf("it is refused at %s, and was said to end on %s", refused, r.EndsAt)
			}
			st.signsNothing(t, r, "ended on")
		})
	}
}

// signsNothing says whether plan, refresh and apply know that the authority signs nothing, and why.
func (st *stage) signsNothing(t testing.TB, there *access.Record, why string) {
	t.Helper()
	if drift := strings.Join(st.get(t, there.Object.Ref()).Drift, " "); !strings.Contains(drift, why) {
		t.Errorf("drift does not say %q: %q", why, drift)
	}
	fresh := st.credentialOf("new", access.Certificate)
	st.put(t, identityOf("new"))
	for _, bootstrap := range []bool{true, false} {
		o := st.options()
		o.Bootstrap = bootstrap
		if lacks, err := Open(o).Lacks(t.Context(), fresh); err != nil ||
			len(lacks) != 1 ||
			!strings.Contains(lacks[0], why) {
			t.Errorf("bootstrap %v: a plan lacks %q, %v", bootstrap, lacks, err)
		}
		_, err := Open(o).Put(t.Context(), st.change(fresh))
		if !errors.Is(err, access.ErrUnsupported) ||
			!strings.Contains(err.Error(), why) ||
			!strings.Contains(err.Error(), "Nothing was signed") {
			t.Errorf("bootstrap %v: an apply: %v", bootstrap, err)
		}
	}
}

// Less is never refused, also where nothing can be issued in the place of what is revoked: what was stolen, or would
// last too long, ends in that apply, which says what is missing.
func TestAStolenCertificateEndsAlsoWhereNothingSigns(t *testing.T) {
	for name, breaks := range map[string][][2]string{
		"may not sign": {{"PATCH", "partner-pki/issuer/partner"}},
		"no issuer":    {{"DELETE", "partner-pki/root"}},
		"no engine":    {{"DELETE", "partner-pki/root"}, {"DELETE", "sys/mounts/partner-pki"}},
		"another engine": {{"DELETE", "partner-pki/root"}, {"DELETE", "sys/mounts/partner-pki"},
			{"POST", "sys/mounts/partner-pki"}},
	} {
		t.Run(name, func(t *testing.T) {
			st := startStage(t)
			all := st.complete(t, "etl", access.Certificate)
			r := all.credentials[access.Certificate]
			p := all.holders[access.Certificate]
			token := st.session(t, p)
			for _, b := range breaks {
				st.admin(t, b[0], b[1], map[string]any{"type": "kv", "usage": "read-only"})
			}
			o := st.options()
			o.Bootstrap = false
			if _, err := Open(o).Put(t.Context(),
				st.change(r.Object, known(r), issuing(access.IssueReplace))); err == nil || st.login(t, p) == "" {
				t.Errorf("what only replaces takes away, and gives nothing: %v", err)
			}
			stolen := st.credentialOf("etl", access.Certificate,
				func(c *access.Credential) { c.RevokeIssuedBefore = in(2 * time.Second) })
			after, err := Open(o).Put(t.Context(), st.change(stolen, known(r), issuing(access.IssueReplace)))
			if err != nil {
				t.Fatal(err)
			}
			if st.login(t, p) != "" || st.reads(t, token, "etl") {
				t.Error("the stolen certificate logs in, or its session goes on")
			}
			shorter := st.credentialOf("etl", access.Certificate,
				func(c *access.Credential) { c.Terms = terms(30 * time.Minute) })
			if r, err := Open(o).Put(t.Context(), st.change(shorter, known(after))); err != nil || len(r.Drift) == 0 {
				t.Errorf("what is shorter is refused, or says nothing: %v", err)
			}
			narrower := *shorter
			narrower.AllowedCIDRs = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
			if _, err := Open(o).Put(t.Context(), st.change(&narrower, known(after))); err != nil {
				t.Errorf("narrower networks: %v", err)
			}
			if after.Issued != nil ||
				!strings.Contains(strings.Join(after.Drift, " "), "nothing could be issued in its place") {
				t.Errorf("issued %+v, drift %q", after.Issued, after.Drift)
			}
		})
	}
}

// Who takes from the authority that it may sign, or revokes it, is found at plan; what it signed before goes on,
// or does not, as is said.
func TestAnAuthorityThatMayNotSignIsFoundAtPlan(t *testing.T) {
	st := startStage(t)
	r := st.complete(t, "etl", access.Certificate).credentials[access.Certificate]
	p := st.holder(r.Object.(*access.Credential), r)
	st.admin(t, "PATCH", "partner-pki/issuer/partner", map[string]any{"usage": "read-only"})
	st.signsNothing(t, r, "may not sign (its usage is read-only)")
	st.session(t, p)
	st.admin(t, "POST", "partner-pki/issuer/partner/revoke", nil)
	drift := strings.Join(st.get(t, r.Object.Ref()).Drift, " ")
	if !strings.Contains(drift, "is revoked in partner-pki, but its certificates still let in") ||
		st.login(t, p) == "" {
		t.Errorf("drift: %q", drift)
	}
	st.signsNothing(t, r, "was revoked")
	st.put(t, r.Object, known(r))
	drift = strings.Join(st.get(t, r.Object.Ref()).Drift, " ")
	if !strings.Contains(drift, "in partner-pki by hand: the certificate lets nobody in") || st.login(t, p) != "" {
		t.Errorf("after a change, drift: %q", drift)
	}
}

// The auth method may hold lists that are not ours, and somebody may have ours fetched from elsewhere.
func TestListsOfOthersAreSaid(t *testing.T) {
	st := startStage(t)
	r := st.complete(t, "etl", access.Certificate).credentials[access.Certificate]
	p := st.holder(r.Object.(*access.Credential), r)
	theirs, err := revocationList([]string{r.Issued.Serial}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	st.admin(t, "POST", "auth/partner-cert/crls/theirs", map[string]any{"crl": theirs})
	says := func(want string) {
		t.Helper()
		if drift := strings.Join(st.get(t, r.Object.Ref()).Drift, " "); !strings.Contains(drift, want) {
			t.Errorf("drift: %q", drift)
		}
	}
	says(" -namespace=root auth/partner-cert/crls/theirs")
	if st.login(t, p) != "" {
		t.Error("it logs in")
	}
	st.admin(t, "DELETE", "auth/partner-cert/crls/theirs", nil)
	st.session(t, p)

	again := st.put(t, r.Object, known(r), issuing(access.IssueReplace))
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		block, _ := pem.Decode([]byte(theirs)) // what is revoked, until it is not
		_, _ = w.Write(block.Bytes)
	}))
	t.Cleanup(elsewhere.Close)
	st.admin(t, "POST", "auth/partner-cert/crls/partner", map[string]any{"url": elsewhere.URL})
	says("come from " + elsewhere.URL)
	st.put(t, r.Object, known(r))
	if drift := st.get(t, r.Object.Ref()).Drift; len(drift) > 0 || st.login(t, p) != "" {
		t.Errorf("after an apply, drift: %q, or the stolen one logs in", drift)
	}
	st.session(t, st.holder(r.Object.(*access.Credential), again))
}

// A session of the kind that has no accessor is of its entity all the same: what takes access away ends it.
func TestBatchSessionsEndAsOthersDo(t *testing.T) {
	st := startStage(t)
	all := st.complete(t, "etl", kinds...)
	for _, mount := range []string{"partner-approle", "partner-cert", usualJWT(issuerURL)} {
		st.admin(t, "POST", "sys/auth/"+mount+"/tune", map[string]any{"token_type": "batch"})
	}
	var tokens []string
	for _, kind := range kinds {
		token := st.session(t, all.holders[kind])
		if !strings.HasPrefix(token, "b.") || !st.reads(t, token, "etl") {
			t.Errorf("%s: its session is no batch token, or reads nothing", kind)
		}
		tokens = append(tokens, token)
	}
	st.drop(t, all.credentials[access.Secret])
	for n, token := range tokens {
		if st.reads(t, token, "etl") {
			t.Errorf("the session by %s goes on", kinds[n])
		}
	}
	tokens = []string{st.session(t, all.holders[access.Certificate])}
	st.put(t, identityOf("etl", suspended), known(all.identity))
	if st.reads(t, tokens[0], "etl") {
		t.Error("a session goes on while suspended")
	}
}
