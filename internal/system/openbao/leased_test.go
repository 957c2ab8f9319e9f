// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// What a partner got from an engine that leases lived on after a destroy, until his session would have ended. Where the
// login may find his tokens, it goes at once, and what others got by the same role stays.
func TestWhatWasLeasedToAPartnerGoesWithItsPrivilegedGrant(t *testing.T) {
	st := startStage(t)
	const engine = "web-pki"
	st.admin(t, "POST", "sys/mounts/"+engine,
		map[string]any{"type": "pki", "config": map[string]any{"max_lease_ttl": "720h"}})
	st.admin(t, "POST", engine+"/root/generate/internal",
		map[string]any{"common_name": "Web", "ttl": "700h", "key_type": "ec"})
	for role, leases := range map[string]bool{"leased": true, "stored": false} {
		st.admin(t, "POST", engine+"/roles/"+role,
			map[string]any{
				"allow_any_name": true,
				"generate_lease": leases,
				"ttl":            "600h",
				"max_ttl":        "600h",
				"key_type":       "ec",
				"key_bits":       256,
			})
	}
	issue := func(token, role string) (serial string) {
		t.Helper()
		status, answer := st.bao.Call(t, token, "POST", engine+"/issue/"+role,
			map[string]any{"common_name": "a.example.com"})
		if status != http.StatusOK {
			t.Fatalf("%s: %d %v", role, status, answer)
		}
		return answer["data"].(map[string]any)["serial_number"].(string)
	}
	revoked := func(serial string) bool {
		t.Helper()
		at := fmt.Sprint(st.admin(t, "GET", engine+"/cert/"+serial, nil)["revocation_time"])
		return at != "0"
	}
	st.must("POST", "sys/policies/acl/find-tokens",
		map[string]any{"policy": `path "auth/token/accessors/" { capabilities = ["list", "sudo"] }
path "auth/token/lookup-accessor" { capabilities = ["update"] }
path "auth/token/revoke-accessor" { capabilities = ["update"] }
path "*" { capabilities = ["create", "read", "update", "delete", "list"] }`})
	st.must("POST", "sys/policies/acl/find-none",
		map[string]any{"policy": `path "*" { capabilities = ["create", "read", "update", "delete", "list"] }`})
	as := func(policy string) *System {
		auth := st.must("POST", "auth/token/create",
			map[string]any{"policies": []string{policy}, "ttl": "10m"})["auth"].(map[string]any)
		return st.open(func(o *client.Options) { o.Login = client.Token(auth["client_token"].(string)) })
	}
	others := issue(st.bao.RootToken, "leased")
	for _, what := range []string{"grant", "credential", "identity"} {
		for _, policy := range []string{"find-tokens", "find-none"} {
			name := "web-" + what + "-" + strings.TrimPrefix(policy, "find-")
			all := st.complete(t, name, access.Secret)
			var grants []*access.Record
			for _, role := range []string{"leased", "stored"} {
				grants = append(grants, st.put(t, grantOf(name, func(g *access.Grant) {
					g.Name, g.Resource, g.Actions = role, access.Pattern(engine+"/issue/"+role), []string{"update"}
				})))
			}
			token := st.session(t, all.holders[access.Secret])
			leased := issue(token, "leased")
			stored := issue(token, "stored")
			gone := map[string]*access.Record{
				"grant":      grants[0],
				"credential": all.credentials[access.Secret],
				"identity":   all.identity,
			}[what]
			s := as(policy)
			if _, err := s.Delete(t.Context(), gone.Object.Ref(), gone.UID); err != nil {
				t.Fatal(err)
			}
			if is, want := revoked(leased), policy == "find-tokens"; is != want {
				t.Errorf("%s, %s: what was leased is revoked: %v", what, policy, is)
			}
			if revoked(stored) || revoked(others) {
				t.Errorf("%s, %s: somebody else's may have been revoked", what, policy)
			}
			if status, _ := st.bao.Call(t, token, "POST", engine+"/issue/leased",
				map[string]any{"common_name": "a.example.com"}); status == http.StatusOK {
				t.Errorf("%s, %s: the partner goes on to issue", what, policy)
			}
			text := strings.Join(s.Minted(t.Context(), grants[0].Object.(*access.Grant), time.Now().Add(-time.Hour)),
				" ")
			if strings.Contains(text, "sessions were revoked") != (policy == "find-tokens") ||
				!strings.Contains(text, stored) {
				t.Errorf("%s, %s: it says: %s", what, policy, text)
			}
			if strings.Contains(text, leased) == (policy == "find-tokens") {
				t.Errorf("%s, %s: of what is revoked it says: %s", what, policy, text)
			}
			for _, serial := range []string{leased, stored} { // a warning names ten
				st.admin(t, "POST", engine+"/revoke", map[string]any{"serial_number": serial})
			}
		}
	}
}
