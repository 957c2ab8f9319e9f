// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
	"github.com/partner-access/terraform-provider-partner/internal/system/systemtest"
)

// Two hundred random lives on a real server, whose units are four seconds. After every step the partner logs in
// with all that he ever held, and asks; and sessions of before give nothing that is not granted now. For more of
// them: PARTNER_LIVES=1000.
func TestTwoHundredRandomLives(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	realtool.Find(t, "bao") // and not in parallel: what nothing works beside meets its ends
	lives := 200
	if more, err := strconv.Atoi(os.Getenv("PARTNER_LIVES")); err == nil {
		lives = more
	}
	systemtest.Lives(t, lives, 50, uint64(time.Now().UnixNano()),
		func(t *testing.T, _ *systemtest.Clock) systemtest.Harness {
			l := startLab(t)
			h := harnessOf(l)
			h.Unit = 4 * time.Second
			h.Session = func(t testing.TB, p systemtest.Probe) func(action, path string) bool {
				token := l.login(t, p)
				return func(action, path string) bool { return token != "" && l.may(t, token, action, path) }
			}
			return h
		})
}
