// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// In an incident somebody disables an auth method: the guide names it as the cut of an issuer as a whole. With
// bootstrap = true the next apply made it anew, with its roles, and all who had come from there came in again.
func TestAnAuthMethodThatWasDisabledByHandStaysSo(t *testing.T) {
	for _, kind := range []access.Kind{access.Secret, access.Certificate, access.Federated} {
		t.Run(string(kind), func(t *testing.T) {
			st := startStage(t)
			ctx := t.Context()
			all := st.complete(t, "cut", kind)
			secret := all.credentials[kind].Object.(*access.Credential)
			mount := st.open().mountOf(secret)
			st.session(t, all.holders[kind])
			st.admin(t, "DELETE", "sys/auth/"+mount, nil)

			if r, err := st.open().Put(ctx, st.change(secret, known(all.credentials[kind]))); err != nil {
				t.Errorf("what stands and does not change: %v", err)
			} else if len(st.get(t, r.Object.Ref()).Drift) == 0 {
				t.Error("nothing is told of it")
			}
			st.put(t, identityOf("other"))
			st.put(t, grantOf("other"))
			_, err := st.open().Put(ctx, st.change(st.credentialOf("other", kind)))
			if !errors.Is(err, access.ErrUnsupported) ||
				!strings.Contains(err.Error(), "somebody disabled it") ||
				!strings.Contains(err.Error(), "bao auth enable -path="+mount) {
				t.Errorf("a new credential: %v", err)
			}
			if lacks, err := st.open().Lacks(ctx, st.credentialOf("other", kind)); err != nil || len(lacks) != 1 {
				t.Errorf("the plan says %q, %v", lacks, err)
			}
			if st.there(t, "sys/auth/"+mount) {
				t.Fatal("it is there again")
			}

			shorter := *secret
			shorter.ExpiresAt = in(30 * time.Minute)
			st.put(t, &shorter, known(all.credentials[kind]))
			suspended := identityOf("cut")
			suspended.Suspended = true
			st.put(t, suspended, known(all.identity))
			st.drop(t, all.identity)
			if left := st.traces(t, idOf("cut")); len(left) > 0 {
				t.Errorf("after destroy there is\n%s", strings.Join(left, "\n"))
			}
			if st.there(t, "sys/auth/"+mount) {
				t.Fatal("it is there again, after less access was asked for")
			}

			if kind == access.Federated { // whose issuer is not there
				return
			}
			c := st.credentialOf("other", kind) // nobody is left who was cut with it
			st.session(t, st.holder(c, st.put(t, c)))
		})
	}
}
