// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// An OpenBao that others set up: its list of what is revoked is built once a day or never, its authority was rotated,
// the auth method of an issuer is bound to another one or to none. What the plan, the handover and the inventory say
// is what a login shows.
func TestAnOpenBaoThatIsSetUpOtherwiseIsToldAsItIs(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	t.Parallel()
	c := newCluster(t)
	c.file("told.tf", `
output "handover" {
  value     = provider::partner::handover(partner_identity.globex, [partner_credential.globex], [partner_grant.globex])
  sensitive = true
}
data "partner_inventory" "drifted" { depends_on = [partner_credential.globex, module.acme] }
output "drifted" { value = [for i in data.partner_inventory.drifted.items : i.id if contains(i.flags, "drifted")] }
`)
	main, err := os.ReadFile(filepath.Join(c.folder, "main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	const rotation = `rotation      = { every = "720h", overlap = "168h" }`
	if strings.Count(string(main), rotation) != 1 {
		t.Fatal("the example's certificate has no such rotation")
	}
	apply := func() { t.Helper(); c.cli.must("apply", "-auto-approve", "-input=false") }
	apply()

	// stolen ends what was issued before now, as the plan is asked to, and looks who logs in then.
	stolen := func(when string) {
		t.Helper()
		c.cli.must("plan", "-detailed-exitcode", "-input=false")
		before := c.globexShows()
		if c.globexWith(before) == "" {
			t.Errorf("%s: the plan says nothing, and the certificate does not log in", when)
		}
		now := time.Now() // a moment has whole seconds: what was issued in this one was not issued before it
		for issued := now; !now.Truncate(time.Second).After(issued); now = time.Now() {
			time.Sleep(10 * time.Millisecond)
		}
		c.file("main.tf", strings.Replace(string(main), rotation,
			rotation+fmt.Sprintf("\n  revoke_issued_before = %q", access.At(now.Truncate(time.Second))), 1))
		apply()
		after := c.globexShows()
		if c.globexWith(before) != "" {
			t.Errorf("%s: the apply is done, and the stolen certificate logs in", when)
		}
		if c.globexWith(after) == "" {
			t.Errorf("%s: the new certificate does not log in", when)
		}
		leaf, err := x509.ParseCertificate(after.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		var handover string
		c.output("handover", &handover)
		if ends := access.At(leaf.NotAfter).String(); !strings.Contains(handover, ends) {
			t.Errorf("%s: the certificate ends on %s, and the handover is\n%s", when, ends, handover)
		}
		c.cli.must("plan", "-detailed-exitcode", "-input=false")
	}
	c.must("POST", "partner-pki/config/crl", map[string]any{"auto_rebuild": true})
	stolen("rebuilt automatically")
	c.must("POST", "partner-pki/config/crl", map[string]any{"auto_rebuild": false, "disable": true})
	stolen("off")
	made := c.must("POST", "partner-pki/root/rotate/internal", map[string]any{
		"common_name": "second", "issuer_name": "second", "key_type": "ec", "key_bits": 256, "ttl": "87840h",
	})["data"].(map[string]any)
	c.must("POST", "partner-pki/root/replace", map[string]any{"default": made["issuer_id"]})
	stolen("after the authority was rotated")

	drifted := func() (ids []string) { t.Helper(); c.output("drifted", &ids); return ids }
	config := c.must("GET", "auth/partner-jwt-acme/config", nil)["data"].(map[string]any)
	other := c.startIssuer()
	for name, bound := range map[string]map[string]any{
		"bound to another issuer": {"oidc_discovery_url": other, "bound_issuer": other},
		"bound to none":           {"oidc_discovery_url": c.issuer, "bound_issuer": ""},
	} {
		c.must("POST", "auth/partner-jwt-acme/config", bound)
		said := unframed(c.cli.must("plan", "-input=false"))
		if !strings.Contains(said, "auth/partner-jwt-acme/config") {
			t.Errorf("%s: the plan does not say it:\n%s", name, said)
		}
		if works := c.acme("prod") != ""; works != (bound["oidc_discovery_url"] == c.issuer) {
			t.Errorf("%s: the partner's own token logs in: %v", name, works)
		}
		c.cli.must("apply", "-refresh-only", "-auto-approve", "-input=false")
		if ids := drifted(); !slices.ContainsFunc(ids,
			func(id string) bool { return strings.HasPrefix(id, "acme/prod/") }) {
			t.Errorf("%s: the inventory has as drifted %q", name, ids)
		}
		c.must("POST", "auth/partner-jwt-acme/config",
			map[string]any{"oidc_discovery_url": config["oidc_discovery_url"], "bound_issuer": config["bound_issuer"]})
		apply()
		if ids := drifted(); len(ids) > 0 || c.acme("prod") == "" {
			t.Errorf("%s: after it was set back, the inventory has as drifted %q", name, ids)
		}
	}
}

// globexWith is a session of Globex with a certificate; "" where it is refused.
func (c *cluster) globexWith(show *tls.Certificate) string {
	c.t.Helper()
	var logins map[string]map[string]string
	c.output("logins", &logins)
	return c.login(logins["globex"]["path"], show, map[string]any{"name": logins["globex"]["name"]})
}
