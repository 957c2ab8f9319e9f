// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/systemtest"
)

// Random lives on a real server, whose units are four seconds: after every step S3 is asked with every key that the
// partner ever held. For more of them: PARTNER_LIVES=300.
func randomLives(t *testing.T) {
	t.Parallel() // with what waits as it does: beside hard work it would miss its ends
	cloud := versitygw(t)
	lives := 20
	if more, err := strconv.Atoi(os.Getenv("PARTNER_LIVES")); err == nil {
		lives = more
	}
	systemtest.Lives(t, lives, 20, uint64(time.Now().UnixNano()),
		func(t *testing.T, _ *systemtest.Clock) systemtest.Harness {
			l := startLab(t, cloud, access.Secret)
			for _, name := range []string{"daily", "weekly"} {
				l.s3(t, l.admin, "PUT", l.bucket("shop")+"/orders/acme/"+name+"/archive/1.csv", "text")
			}
			h := l.harness()
			h.Unit = 4 * time.Second
			return h
		})
}
