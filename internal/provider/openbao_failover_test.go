// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// The leader of three dies while Terraform applies two hundred resources through a standby: the apply ends well or says
// what failed, the next one completes, and nothing is there twice.
func TestTheLeaderDiesWhileTwoHundredResourcesAreApplied(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	realtool.Find(t, "bao")
	const identities = 50
	cluster := realtool.StartBaoCluster(t)
	if status, answer := cluster.Leader(t).Call(t, cluster.RootToken, "POST", "sys/mounts/orders",
		map[string]any{"type": "kv"}); status != http.StatusNoContent {
		t.Fatalf("mount orders: %d %v", status, answer)
	}
	standby := cluster.Standbys(t)[0]
	c := newCLI(t)
	c.env = append(c.env, "BAO_ADDR="+standby.Address, "BAO_CACERT="+standby.CAFile, "BAO_TOKEN="+cluster.RootToken)
	c.write(failoverConfiguration(t, identities))
	listed := func(path string) int {
		status, answer := standby.Call(t, cluster.RootToken, "LIST", path, nil)
		data, _ := answer["data"].(map[string]any)
		keys, _ := data["keys"].([]any)
		if status != http.StatusOK {
			return 0
		}
		return len(keys)
	}
	entities := func() int { return listed("identity/entity/name/") }

	type outcome struct {
		said string
		err  error
	}
	applied := make(chan outcome, 1)
	go func() {
		said, err := c.try("apply", "-auto-approve", "-no-color", "-parallelism=10")
		applied <- outcome{said, err}
	}()
	for deadline := time.Now().Add(2 * time.Minute); entities() < identities/4; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the apply does not get going")
		}
	}
	select {
	case o := <-applied:
		t.Fatalf("it ended before the leader died: %v\n%s", o.err, o.said)
	default:
	}
	cluster.Kill(cluster.Leader(t))
	first := <-applied
	if first.err != nil && (!strings.Contains(first.said, "partner_") || !strings.Contains(first.said, "Error: ")) {
		t.Errorf("the apply failed and does not say what: %v\n%s", first.err, first.said)
	}
	t.Logf("the apply in which the leader died: %v", first.err)
	c.must("apply", "-auto-approve", "-parallelism=10")
	if out, err := c.try("plan", "-detailed-exitcode", "-no-color"); err != nil {
		t.Errorf("the plan after it is not empty: %v\n%s", err, out)
	}
	if n := strings.Count(c.must("state", "list"), "\n"); n != 4*identities {
		t.Errorf("the state has %d resources, want %d", n, 4*identities)
	}
	if n := entities(); n != identities {
		t.Errorf("there are %d entities, want %d", n, identities)
	}
	if n := listed("identity/entity-alias/id"); n != identities {
		t.Errorf("there are %d aliases, want %d", n, identities)
	}
	for n := range identities {
		if secrets := listed(fmt.Sprintf("auth/partner-approle/role/acme.prod.feed-%d/secret-id", n)); secrets != 1 {
			t.Errorf("feed-%d has %d secret ids", n, secrets)
		}
	}
	c.must("destroy", "-auto-approve", "-parallelism=10")
	if n := entities() + listed("identity/entity-alias/id") + listed("auth/partner-approle/role"); n != 0 {
		t.Errorf("after the destroy there are %d things left", n)
	}
}

// failoverConfiguration is so many identities, each with a secret and two grants.
func failoverConfiguration(t *testing.T, identities int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("provider \"partner\" {\n  environment = \"prod\"\n  stack = \"partners\"\n  openbao = { bootstrap " +
		"= true }\n  journal = { path = \"journal.jsonl\" }\n}\n")
	terms := fmt.Sprintf("owner = \"jane.doe@example.com\"\n  expires_at = %q",
		access.At(time.Now().Add(60*24*time.Hour)))
	for n := range identities {
		key, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, `
resource "partner_identity" "i%[1]d" {
  partner = "acme"
  name    = "feed-%[1]d"
  purpose = "Nightly order feed into ACME's ERP"
  %[2]s
}
resource "partner_credential" "i%[1]d" {
  identity_id   = partner_identity.i%[1]d.id
  secret        = { recipient = %[3]q }
  rotation      = { every = "720h", overlap = "48h" }
  allowed_cidrs = ["127.0.0.0/24"]
  %[2]s
}
resource "partner_grant" "in%[1]d" {
  identity_id = partner_identity.i%[1]d.id
  resource    = "orders/acme/feed-%[1]d/in/*"
  actions     = ["read"]
  purpose     = "Read the daily order files"
  %[2]s
}
resource "partner_grant" "out%[1]d" {
  identity_id = partner_identity.i%[1]d.id
  resource    = "orders/acme/feed-%[1]d/out/*"
  actions     = ["create"]
  purpose     = "Deliver the daily answers"
  %[2]s
}
`, n, terms, key.Recipient())
	}
	return b.String()
}
