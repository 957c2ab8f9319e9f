// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
)

// hanging answers nothing until its caller gives up, as behind a firewall that drops packets.
type hanging struct{}

func (hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// Our own limit of a request was taken for an interruption: "before anything was changed" was said of a key that may
// have been deleted, and the errors after it referred to one that did not say why.
func TestATimeoutOnAWSIsNoInterruption(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := client.New(client.Site{
			Region:      "eu-central-1",
			Credentials: aws.AnonymousCredentials{},
			Transport:   hanging{},
			Patience:    15 * time.Second,
			Concurrency: 1,
		})
		revoke := func(name string) string {
			var diags diag.Diagnostics
			err := c.Query(t.Context(), "DeleteAccessKey", nil, nil, true)
			failed(&diags, "revoke", access.Ref{Type: access.TypeCredential, ID: name},
				fmt.Errorf("destroy %s: %w", name, err))
			return diags[0].Detail()
		}
		const left, again = "The access may still work.", "run the same command again"
		if first := revoke("a"); !strings.Contains(first, "ask iam.amazonaws.com: no answer in time.") ||
			!strings.Contains(first, again) ||
			!strings.HasSuffix(first, left) {
			t.Errorf("the first says %q", first)
		}
		if next := revoke("b"); !strings.HasPrefix(next, "For the same reason as credential a: ") ||
			strings.Contains(next, again) ||
			!strings.HasSuffix(next, left) {
			t.Errorf("the next says %q", next)
		}
	})
}

func TestAnInterruptionSaysThatNothingWasChanged(t *testing.T) {
	for err, want := range map[error]string{
		context.Canceled:         "It was interrupted before anything was changed.",
		context.DeadlineExceeded: "Create x: context deadline exceeded.", // nobody but ourselves sets a limit
	} {
		var diags diag.Diagnostics
		failed(&diags, "create", access.Ref{Type: access.TypeGrant, ID: "x"}, fmt.Errorf("create x: %w", err))
		if said := diags[0].Detail(); said != want {
			t.Errorf("%v is told as %q", err, said)
		}
	}
}

// aside is a system that cannot be asked for its id at first.
type aside struct {
	access.System
	asked int
}

func (a *aside) ID(context.Context) (string, error) {
	if a.asked++; a.asked == 1 {
		return "", access.ErrUnavailable
	}
	return "there", nil
}

// One look that failed made all later changes of the walk fail with its error, though the system was back.
func TestASystemThatIsBackIsFound(t *testing.T) {
	w := &whereabouts{system: &aside{}}
	for n, want := range []string{"", "there", "there"} {
		if there := w.locate(t.Context()); there.id != want || (there.err != nil) != (want == "") {
			t.Errorf("look %d finds %q, %v", n+1, there.id, there.err)
		}
	}
	if asked := w.system.(*aside).asked; asked != 2 {
		t.Errorf("it was asked %d times", asked)
	}
}
