// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Two configurations are applied at once: each has identities of its own of one partner, and grants on an identity that
// the first one owns. Nothing of either is lost, and neither gets hold of what is the other's.
func TestTwoStacksAtOnceLoseAndStealNothing(t *testing.T) {
	st := startStage(t)
	shared := st.complete(t, "shared", access.Secret)
	type made struct {
		stack  string
		object access.Object
	}
	var mu sync.Mutex
	all := map[access.Ref]made{{Type: access.TypeGrant, ID: shared.grant.Object.Ref().ID}: {"partners",
		shared.grant.Object}}
	var wg sync.WaitGroup
	for _, stack := range []string{"partners", "suppliers"} {
		s := st.open()
		put := func(o access.Object) {
			_, err := s.Put(context.Background(), st.change(o, func(c *access.Change) { c.Stack = stack }))
			if err != nil {
				t.Errorf("%s: %s: %v", stack, o.Ref(), err)
			}
			mu.Lock()
			defer mu.Unlock()
			all[o.Ref()] = made{stack, o}
		}
		for worker := range 5 {
			wg.Go(func() {
				for n := worker; n < 20; n += 5 {
					name := fmt.Sprintf("%s-%02d-own", stack, n)
					put(identityOf(name))
					put(st.credentialOf(name, kinds[n%len(kinds)]))
					put(grantOf(name))
					put(grantOf("shared", func(g *access.Grant) {
						g.Name, g.Resource = name, access.Pattern("orders/shared/"+name+"/*")
					}))
				}
			})
		}
	}
	wg.Wait()
	for ref, m := range all {
		r := st.get(t, ref)
		if r.Stack != m.stack || len(r.Drift) > 0 {
			t.Errorf("%s belongs to the stack %s, want %s, and drifts %q", ref, r.Stack, m.stack, r.Drift)
		}
		other := map[string]string{"partners": "suppliers", "suppliers": "partners"}[m.stack]
		_, err := st.open().Put(t.Context(), st.change(m.object, func(c *access.Change) { c.Stack = other }))
		if !errors.Is(err, access.ErrOtherStack) {
			t.Errorf("%s lets %s create %s: %v", m.stack, other, ref, err)
		}
	}
	token := st.session(t, shared.holders[access.Secret])
	for _, stack := range []string{"partners", "suppliers"} {
		for n := range 20 {
			if path := fmt.Sprintf("orders/shared/%s-%02d-own/1", stack, n); !st.may(t, token, "read", path) {
				t.Errorf("%s cannot be read", path)
			}
		}
	}
}
