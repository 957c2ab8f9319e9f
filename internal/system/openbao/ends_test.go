// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Every handle is dropped before the end comes: OpenBao is alone then.
func TestAccessEndsAtItsSecondWithNobodyThere(t *testing.T) {
	for where, start := range map[string]func(*testing.T) *stage{"on a server alone": startStageAlone,
		"on a standby": startStandbyStage} {
		t.Run(where, func(t *testing.T) { endsAtItsSecond(t, start(t)) })
	}
}

func endsAtItsSecond(t *testing.T, st *stage) {
	for name, c := range map[string]struct {
		kind access.Kind
		// grant, credential: which of them ends soon. session: a token of before is asked with, and not a new login.
		grant, credential, session bool
	}{
		"a grant":                         {kind: access.Federated, grant: true, session: true},
		"a federated login":               {kind: access.Federated, credential: true},
		"a federated token":               {kind: access.Federated, credential: true, session: true},
		"a certificate login":             {kind: access.Certificate, credential: true},
		"a certificate token, not beyond": {kind: access.Certificate, credential: true, session: true},
		"a secret id":                     {kind: access.Secret, credential: true},
		"a secret token, not beyond":      {kind: access.Secret, credential: true, session: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			of := slug(name)
			st.put(t, identityOf(of))
			end := in(8 * time.Second)
			g, credential := grantOf(of), st.credentialOf(of, c.kind)
			if c.grant {
				g.ExpiresAt = end
			}
			if c.credential {
				credential.ExpiresAt = end
			}
			st.put(t, g)
			p := st.holder(credential, st.put(t, credential))
			token := ""
			if c.session {
				within(t, "it logs in", func() bool { token = st.login(t, p); return token != "" })
			}
			allowed := func() bool {
				if c.session {
					return st.reads(t, token, of)
				}
				return st.login(t, p) != ""
			}
			within(t, "it is allowed", allowed) // a standby learns of what was written a moment later
			refused, last := st.firstRefusal(t, allowed, end.Add(5*time.Second))
			earliest := end.Time
			if c.kind != access.Federated || (c.credential && c.session) { // lives count in whole seconds
				earliest = earliest.Add(-time.Second)
			}
			if c.kind == access.Secret && !c.session {
				earliest = earliest.Add(-time.Second)
				if last.After(end.Time) {
					t.Errorf("a login succeeded %s after the end", last.Sub(end.Time))
				}
			}
			if refused.Before(earliest) || refused.After(end.Add(2*time.Second)) {
				t.Errorf("the first refusal came %s after the end", refused.Sub(end.Time))
			}
			t.Logf("refused %s after the end", refused.Sub(end.Time).Round(time.Millisecond))
		})
	}
}

// firstRefusal asks until it is refused, and returns when the refusal was answered, and when the last question was
// asked that was answered with yes.
func (st *stage) firstRefusal(t testing.TB, allowed func() bool, limit time.Time) (refused, last time.Time) {
	t.Helper()
	for time.Now().Before(limit) {
		asked := time.Now()
		if !allowed() {
			return time.Now(), last
		}
		last = asked
		time.Sleep(30 * time.Millisecond)
	}
	t.Fatal("it is never refused")
	return refused, last
}

func TestASecretIDNeverEndsAfterItsCredential(t *testing.T) {
	st := startStage(t)
	st.put(t, identityOf("etl"))
	c := st.credentialOf("etl", access.Secret, func(c *access.Credential) { c.ExpiresAt = in(90 * time.Second) })
	r := st.put(t, c)
	for range 8 {
		r = st.put(t, c, known(r), issuing(access.IssueReplace))
		keys, _ := st.admin(t, "LIST", "auth/partner-approle/role/acme.prod.etl/secret-id", nil)["keys"].([]any)
		if len(keys) != 1 {
			t.Fatalf("there are the secret ids %v", keys)
		}
		one := st.admin(t, "POST", "auth/partner-approle/role/acme.prod.etl/secret-id-accessor/lookup",
			map[string]any{"secret_id_accessor": keys[0]})
		text, _ := one["expiration_time"].(string)
		ends, err := time.Parse(time.RFC3339Nano, text)
		if err != nil ||
			ends.After(c.ExpiresAt.Time) ||
			ends.Before(c.ExpiresAt.Add(-3*time.Second)) {
			t.Errorf("it ends at %s (%v), and should by %s", text, err, c.ExpiresAt)
		}
	}
}
