// SPDX-License-Identifier: MPL-2.0

//go:build live

package aws

import (
	"cmp"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
	"github.com/partner-access/terraform-provider-partner/internal/system/systemtest"
)

// TestContractOnAWS runs the contract in a real account: see scripts/aws-live. Its cases run one after the other, since
// they share the names of the account, and wait for IAM to spread what was written.
func TestContractOnAWS(t *testing.T) {
	at := os.Getenv("PARTNER_AWS_LIVE_ENDPOINT") // another server that speaks as AWS does
	most, err := strconv.ParseInt(cmp.Or(os.Getenv("PARTNER_AWS_LIVE_REQUESTS"), "100000"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	spread, err := time.ParseDuration(cmp.Or(os.Getenv("PARTNER_AWS_LIVE_SPREAD"), "15s"))
	if err != nil {
		t.Fatal(err)
	}
	v := &live{
		region: os.Getenv("AWS_REGION"), account: os.Getenv("PARTNER_AWS_LIVE_ACCOUNT"),
		endpoints: Endpoints{IAM: at, STS: at, S3: at},
		most:      most, carrier: http.DefaultTransport,
	}
	systemtest.Run(t, func(t *testing.T, _ *systemtest.Clock) systemtest.Harness {
		s := startLive(t, v, func(*Options) {})
		l := &lab{
			t:     t,
			cloud: &realtool.Cloud{Access: v.account, IAM: at, STS: at, S3: v.s3()},
			kinds: []access.Kind{access.Secret},
			admin: s.at,
			lent:  v,
		}
		l.fill(t)
		h := l.harness()
		h.Unit = max(3*time.Second, 4*spread)
		h.Allows = func(t testing.TB, p systemtest.Probe) bool {
			time.Sleep(spread) // nothing says when IAM has spread what was written
			return l.allows(t, p)
		}
		return h
	}, access.Federated, access.Certificate, access.SSHCertificate)
	t.Logf("%d requests", v.asked.Load())
}
