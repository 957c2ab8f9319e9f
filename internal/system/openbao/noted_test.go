// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// What a removal finds is compared with what was left, for the journal. Less access is never refused: where an engine
// fails just then, it is removed all the same.
func TestARemovalThatCannotCompareGoesThrough(t *testing.T) {
	st := startStage(t)
	engines := regexp.MustCompile(`^/v1/(auth/)?partner-`)
	blind := func(o *client.Options) {
		inner, struck := o.Transport, atomic.Bool{}
		o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPost && strings.Contains(r.URL.Path, "/sys/policies/") {
				struck.Store(true) // from here on it sweeps, and reads what is left
			}
			if !struck.Load() && engines.MatchString(r.URL.Path) {
				return &http.Response{
					StatusCode: http.StatusForbidden, Header: http.Header{}, Request: r,
					Body: io.NopCloser(strings.NewReader(`{"errors":["permission denied"]}`)),
				}, nil
			}
			return inner.RoundTrip(r)
		})
	}
	for _, kind := range []access.Kind{access.Secret, access.Certificate, access.Federated} {
		all := st.complete(t, "blind-"+strings.ReplaceAll(string(kind), "_", "-"), kind)
		r := all.credentials[kind]
		if _, err := st.open(blind).Delete(t.Context(), r.Object.Ref(), r.UID); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if p := all.holders[kind]; st.login(t, p) != "" {
			t.Errorf("%s: it still logs in", kind)
		}
	}
}

// What is remembered of an identity decides what releases it. Somebody made it unreadable, and no plan told it.
func TestWhatIsRememberedAndCannotBeReadIsTold(t *testing.T) {
	st := startStage(t)
	all := st.complete(t, "forgetful", access.Secret)
	id := idOf("forgetful")
	name := "sys/policies/acl/partner/" + id.String() + "/remembered"
	if r := st.get(t, id.Ref()); len(r.Drift) > 0 {
		t.Fatalf("before: %q", r.Drift)
	}
	st.admin(t, "PUT", name, map[string]any{"policy": "# What is remembered of nobody\n"})
	if said := strings.Join(st.get(t, id.Ref()).Drift, " "); !strings.Contains(said, id.String()+"/remembered") {
		t.Errorf("it is told as %q", said)
	}
	st.drop(t, all.identity) // and it stops no removal
}
