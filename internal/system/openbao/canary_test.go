// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// What is secret is the provider's own token and every secret id. It is looked for in all that is
// said, stored and logged.
func TestNoSecretIsSaidStoredOrLogged(t *testing.T) {
	st := startStage(t)
	var said []string
	say := func(r *access.Record, err error) *access.Record {
		text, failed := json.Marshal(r)
		if failed != nil {
			t.Fatal(failed)
		}
		said = append(said, string(text), fmt.Sprintf("%+v %v %#v", r, err, err))
		return r
	}
	s := st.open()
	put := func(o access.Object, edits ...func(*access.Change)) *access.Record {
		return say(s.Put(t.Context(), st.change(o, edits...)))
	}
	put(identityOf("etl"))
	put(grantOf("etl"))
	c := st.credentialOf("etl", access.Secret, func(c *access.Credential) {
		c.Rotation = &access.Rotation{Every: span(t, "20m"), Overlap: span(t, "5m")}
	})
	r := put(c)
	if st.login(t, st.holder(c, r)) == "" {
		t.Fatal("the secret does not work")
	}
	put(c, known(r), issuing(access.IssueOverlap))
	put(c, known(r), issuing(access.IssueReplace))

	// What fails may say more than what succeeds.
	put(c, known(r), issuing(access.IssueReplace), func(c *access.Change) {
		c.Seal = func(secret []byte) (string, error) { _, _ = st.seal(secret); return "", errors.New("the key is odd") }
	})
	put(c, func(c *access.Change) { c.Stack = "others" })
	for _, path := range []string{"custom-secret-id", "secret-id/lookup", "secret-id-accessor/destroy",
		"sys/policies/acl", "identity/entity"} {
		for _, carriedOut := range []bool{false, true} {
			dead := st.open(dyingWhen(carriedOut, func(_, asked string) bool { return strings.Contains(asked, path) }))
			say(dead.Put(t.Context(), st.change(c, known(r), issuing(access.IssueReplace))))
		}
	}
	// The role is taken away, so that OpenBao refuses what has the secret in it, with a text of its own.
	st.admin(t, "POST", "auth/partner-approle/role/acme.prod.etl",
		map[string]any{"bind_secret_id": true, "secret_id_bound_cidrs": []string{"10.0.0.0/8"}})
	put(c, known(r), issuing(access.IssueReplace))
	say(s.Get(t.Context(), c.Ref()))
	stored := fmt.Sprint(st.everything(t))
	all, err := s.List(t.Context())
	for _, r := range all {
		say(r, err)
	}
	_, err = s.Delete(t.Context(), idOf("etl").Ref(), "another")
	say(nil, err)
	_, err = s.Delete(t.Context(), idOf("etl").Ref(), st.get(t, idOf("etl").Ref()).UID)
	say(nil, err)
	if err != nil {
		t.Error(err)
	}
	said = append(said, fmt.Sprintf("%v %+v", s.client, s.client))

	logged, err := os.ReadFile(st.bao.AuditLog)
	if err != nil {
		t.Fatal(err)
	}
	if len(st.secrets) < 8 {
		t.Fatalf("there were only %d secrets", len(st.secrets))
	}
	hashed := 0
	for n, secret := range append([]string{st.bao.RootToken}, st.secrets...) {
		for where, text := range map[string]string{
			"said":   strings.Join(said, "\n"),
			"stored": stored,
			"logged": string(logged),
		} {
			for _, spelled := range []string{
				secret, base64.StdEncoding.EncodeToString([]byte(secret)),
				base64.RawURLEncoding.EncodeToString([]byte(secret)), hex.EncodeToString([]byte(secret)),
			} {
				if strings.Contains(text, spelled) {
					t.Errorf("secret %d is %s", n, where)
				}
			}
		}
		hash, _ := st.admin(t, "POST", "sys/audit-hash/auditfile", map[string]any{"input": secret})["hash"].(string)
		if hash != "" && strings.Contains(string(logged), hash) {
			hashed++
		}
	}
	if hashed < 5 {
		t.Errorf("only %d of the secrets are in the log as hashes: it is not what was asked", hashed)
	}
}
