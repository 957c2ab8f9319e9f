// SPDX-License-Identifier: MPL-2.0

package client

import (
	"testing"
	"time"
)

func TestOnlyOpenBaoItselfRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		want   bool
	}{
		"a login that is not accepted":       {400, `{"errors":["invalid role or secret ID"]}`, true},
		"a session that has ended":           {403, `{"errors":["permission denied"]}`, true},
		"a page that a firewall answers":     {403, page, false},
		"a page that a balancer answers":     {400, page, false},
		"a server without a leader":          {503, `{"errors":["no leader"]}`, false},
		"a path that is there, but is empty": {404, `{"errors":[]}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, err := clientOf(t, answer(c.status, c.body),
				func(o *Options) { o.Patience = 500 * time.Millisecond }).Visitor(nil)
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = v.LogIn(t.Context(), "auth/partner-approle/login",
				map[string]string{"role_id": "x", "secret_id": "y"})
			if Refused(err) != c.want {
				t.Errorf("a login: refused %v, want %v: %v", Refused(err), c.want, err)
			}
			if err := v.Get(t.Context(), "s.token", "x/y"); Refused(err) != c.want {
				t.Errorf("a session: refused %v, want %v: %v", Refused(err), c.want, err)
			}
		})
	}
}
