// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// counted is how many sessions of acme's identities are live, asked by the administrator.
func (st *stage) counted(t *testing.T, names ...string) int {
	t.Helper()
	var of []access.IdentityID
	for _, name := range names {
		of = append(of, idOf(name))
	}
	n, err := st.open().Sessions(t.Context(), of, nil)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestEachSessionOfAPartnerIsCounted(t *testing.T) {
	st := startStage(t)
	etl := st.complete(t, "etl", kinds...)
	other := st.complete(t, "other", access.Secret)
	if n := st.counted(t, "etl", "other", "nobody"); n != 0 {
		t.Errorf("nobody has logged in, and there are %d sessions", n)
	}
	var tokens []string
	for range 5 {
		for _, kind := range kinds {
			tokens = append(tokens, st.session(t, etl.holders[kind]))
		}
	}
	st.session(t, other.holders[access.Secret])
	for want, names := range map[int][]string{len(tokens): {"etl"}, 1: {"other"}, len(tokens) + 1: {"etl", "other"}} {
		if n := st.counted(t, names...); n != want {
			t.Errorf("%v has %d sessions, want %d", names, n, want)
		}
	}
	for _, token := range tokens[:3] {
		st.must("POST", "auth/token/revoke", map[string]any{"token": token})
	}
	if n := st.counted(t, "etl"); n != len(tokens)-3 {
		t.Errorf("%d sessions after three were revoked, want %d", n, len(tokens)-3)
	}
	st.put(t, identityOf("etl", suspended), known(etl.identity))
	if n := st.counted(t, "etl"); n != 0 {
		t.Errorf("%d sessions of what is suspended, want none: each is refused", n)
	}
}

func TestASessionOfWhatWasMadeByHandIsCounted(t *testing.T) {
	st := startStage(t)
	st.must("POST", "sys/auth/userpass", map[string]any{"type": "userpass"})
	st.must("POST", "auth/userpass/users/acme-support", map[string]any{"password": "correct-horse"})
	token := st.post(t, nil, "auth/userpass/login/acme-support", map[string]any{"password": "correct-horse"})
	about := st.must("POST", "auth/token/lookup", map[string]any{"token": token})["data"].(map[string]any)
	stray := fmt.Sprint("identity/entity/id/", about["entity_id"])
	n, err := st.open().Sessions(t.Context(), nil, []string{stray, "auth/userpass/users/acme-support"})
	if err != nil || n != 1 {
		t.Errorf("%d sessions, %v", n, err)
	}
}

// Neither the policy of plans nor less fails the count: it says what is missing, and with that it counts.
func TestTheRightToCountSessionsIsNamed(t *testing.T) {
	st := startStage(t)
	etl := st.complete(t, "etl", access.Secret)
	st.session(t, etl.holders[access.Secret])
	const entity = `path "identity/entity/name/partner/*" { capabilities = ["read"] }` + "\n"
	const list = `path "auth/token/accessors/" { capabilities = ["list", "sudo"] }` + "\n"
	const lookup = `path "auth/token/lookup-accessor" { capabilities = ["update"] }` + "\n"
	for name, c := range map[string]struct{ policy, want string }{
		"plan": {entity, "list and sudo on auth/token/accessors/"},
		"nosudo": {entity + strings.Replace(list, `, "sudo"`, "", 1) + lookup,
			"list and sudo on auth/token/accessors/"},
		"half":   {entity + list, "update on auth/token/lookup-accessor"},
		"enough": {entity + list + lookup, ""},
	} {
		st.must("POST", "sys/policies/acl/count-"+name, map[string]any{"policy": c.policy})
		auth := st.must("POST", "auth/token/create",
			map[string]any{"policies": []string{"count-" + name}, "ttl": "5m"})["auth"].(map[string]any)
		s := st.open(func(o *client.Options) { o.Login = client.Token(auth["client_token"].(string)) })
		n, err := s.Sessions(t.Context(), []access.IdentityID{idOf("etl")}, nil)
		switch {
		case c.want == "" && (err != nil || n != 1):
			t.Errorf("%s: %d sessions, %v", name, n, err)
		case c.want != "" && (!errors.Is(err, access.ErrNotPermitted) || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %d sessions, %v", name, n, err)
		}
	}
}

// A token that ends between the listing and the look is none, and no error.
func TestASessionThatEndsWhileItIsCountedIsNone(t *testing.T) {
	st := startStage(t)
	etl := st.complete(t, "etl", access.Secret)
	token := st.session(t, etl.holders[access.Secret])
	about := st.must("POST", "auth/token/lookup", map[string]any{"token": token})["data"].(map[string]any)
	accessor := about["accessor"].(string)
	st.must("POST", "auth/token/revoke", map[string]any{"token": token})
	owners, err := st.open().owners(t.Context(), []string{accessor})
	if err != nil || owners[0] != "" {
		t.Errorf("%q, %v", owners, err)
	}
}

// A cluster with more tokens than may be looked at says so, and asks for none of them.
func TestTooManyTokensAreNotLookedAt(t *testing.T) {
	st := startStage(t)
	st.complete(t, "etl")
	const batch = 100
	err := sideBySide(mostSessions/batch+1, func(int) error {
		for range batch {
			st.must("POST", "auth/token/create", map[string]any{"policies": []string{"default"}, "ttl": "1h"})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c := st.away(t, 0)
	before, begun := c.Requests(), time.Now()
	_, err = Open(Options{Client: c, Session: time.Minute}).Sessions(t.Context(), []access.IdentityID{idOf("etl")}, nil)
	if err == nil ||
		!strings.Contains(err.Error(), "looks at no more than 2000") ||
		c.Requests()-before > 3 {
		t.Errorf("%d requests in %s: %v", c.Requests()-before, time.Since(begun), err)
	}
}
