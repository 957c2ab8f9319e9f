// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// A gateway in maintenance answers 200 and JSON of its own to what is read. A grant was "not found" then, so that it
// left the state and its destroy was done; nothing was held, and nothing there at all.
func TestWhatAGatewayAnswersIsNotWhatIsThere(t *testing.T) {
	st := startStage(t)
	all := st.complete(t, "etl", access.Secret)
	for _, f := range []fault{{status: 200, body: `{}`}, {status: 200, body: `{"data":{}}`}, {status: 204}} {
		open := func() *System {
			return st.open(func(o *client.Options) {
				o.Patience, o.FirstWait = 300*time.Millisecond, 2*time.Millisecond
				inner := o.Transport
				o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
					entrance := strings.HasPrefix(r.URL.Path, "/v1/sys/") && !strings.Contains(r.URL.Path, "policies")
					if entrance || r.Method == http.MethodPost || r.Method == http.MethodDelete {
						return inner.RoundTrip(r)
					}
					return f.carry(r, inner)
				})
			})
		}
		for _, r := range []*access.Record{all.grant, all.credentials[access.Secret]} {
			_, read := open().Get(t.Context(), r.Object.Ref())
			_, foretold := open().WouldHold(t.Context(), r.Object)
			_, listed := open().List(t.Context())
			_, destroyed := open().Delete(t.Context(), r.Object.Ref(), r.UID)
			for act, err := range map[string]error{
				"read": read, "foretell": foretold, "list": listed, "destroy": destroyed,
			} {
				if !errors.Is(err, access.ErrUnavailable) || errors.Is(err, access.ErrNotFound) {
					t.Errorf("%s %s, where a gateway answers %d %s: %v", act, r.Object.Ref(), f.status, f.body, err)
				}
			}
		}
	}
	if !st.reads(t, st.session(t, all.holders[access.Secret]), "etl") {
		t.Error("what was said not to be there was taken away")
	}
}
