// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// kitCluster is a real OpenBao whose partners are in a namespace, set in the provider's configuration.
type kitCluster struct {
	*cluster
	partners []string
	shell    string // of the person on call; "": sh
}

func newKitCluster(t *testing.T, partners ...string) *kitCluster {
	t.Helper()
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	bao := realtool.StartBao(t)
	recipient, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	k := &kitCluster{cluster: &cluster{cli: newCLI(t), bao: bao, recipient: recipient}, partners: partners}
	k.must("POST", "sys/namespaces/partners", map[string]any{})
	for path, body := range map[string]map[string]any{
		"sys/auth/partner-approle": {"type": "approle", "config": map[string]any{"max_lease_ttl": "17568h"}},
		"sys/mounts/orders":        {"type": "kv"},
	} {
		k.must("POST", "partners/"+path, body)
	}
	for _, policy := range []string{"plan", "apply", "cut"} {
		text, err := os.ReadFile("../../examples/openbao/policies/" + policy + ".hcl")
		if err != nil {
			t.Fatal(err)
		}
		k.must("POST", "partners/sys/policies/acl/partner-"+policy, map[string]any{"policy": string(text)})
	}
	k.as(k.tokenIn("partner-plan", "partner-apply"))
	return k
}

// tokenIn is a token of the namespace.
func (k *kitCluster) tokenIn(policies ...string) string {
	k.t.Helper()
	answer := k.must("POST", "partners/auth/token/create",
		map[string]any{"policies": policies, "no_default_policy": true, "ttl": "1h"})
	token, _ := answer["auth"].(map[string]any)["client_token"].(string)
	return token
}

// configure writes the configuration; edits are of all identities.
func (k *kitCluster) configure(edits args, more string) {
	k.t.Helper()
	text := `
provider "partner" {
  environment = "prod"
  stack       = "partners"
  openbao     = { namespace = "partners" }
  journal     = { path = "journal.jsonl" }
  guardrails  = { levels = { "offboarding/rehearsal-overdue" = "off", "separation/shared-key" = "off" } }
}
`
	for _, p := range k.partners {
		label := func(block string) string { return strings.ReplaceAll(block, `"orders" {`, `"`+p+`" {`) }
		edited := args{"partner": `"` + p + `"`}
		for name, value := range edits {
			edited[name] = value
		}
		of := args{
			"identity_id":   "partner_identity." + p + ".id",
			"secret":        fmt.Sprintf("{ recipient = %q }", k.recipient.Recipient()),
			"allowed_cidrs": `["127.0.0.0/24"]`,
		}
		text += label(identity(edited)) + label(credential("secret", of)) +
			label(grant(args{"identity_id": of["identity_id"], "resource": `"orders/` + p + `/*"`})) +
			fmt.Sprintf("output %q {\n value = partner_credential.%s.sealed_secret\n sensitive = true\n}\n",
				p+"-sealed", p)
	}
	k.write(text + more)
}

// kits are the data sources that print the steps.
func (k *kitCluster) kits() (text string) {
	for _, p := range k.partners {
		text += fmt.Sprintf("data \"partner_offboarding\" %q { partner = %q }\noutput %q { value = "+
			"data.partner_offboarding.%s.steps }\n", p, p, p+"-steps", p)
	}
	return text
}

// unsealed is the secret of a partner, who has the key that all tests seal to.
func (k *kitCluster) unsealed(partner string) string {
	k.t.Helper()
	var sealed string
	k.output(partner+"-sealed", &sealed)
	opened, err := age.Decrypt(armor.NewReader(strings.NewReader(sealed)), k.recipient)
	if err != nil {
		k.t.Fatal(err)
	}
	secret, err := io.ReadAll(opened)
	if err != nil {
		k.t.Fatal(err)
	}
	return strings.TrimSpace(string(secret))
}

// logIn is a session of a partner, "" where it is refused.
func (k *kitCluster) logIn(partner, secret string) string {
	k.t.Helper()
	return k.login("partners/auth/partner-approle/login", nil,
		map[string]any{"role_id": "partner/" + partner + "/prod/orders-etl", "secret_id": secret})
}

// sh runs a printed step as the person on call: whose shell may point elsewhere.
func (k *kitCluster) sh(token, step string, more ...string) (string, error) {
	k.t.Helper()
	cmd := exec.Command(cmp.Or(k.shell, "sh"), "-c", step)
	cmd.Env = append([]string{"BAO_TOKEN=" + token, "BAO_CACERT=" + k.bao.CAFile, "HOME=" + k.t.TempDir(),
		"PATH=" + filepath.Dir(realtool.Find(k.t, "bao")) + ":" + os.Getenv("PATH")}, more...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// The steps named neither address nor namespace: run elsewhere they made a disabled entity there, said that all went
// well, and the partner went on. Four partners are cut one after another by the printed text alone, in a shell that
// points elsewhere; all stay out, a fifth works throughout, and a pipeline changes nothing about it.
func TestFourPartnersAreCutInTheirNamespaceByThePrintedText(t *testing.T) {
	t.Parallel()
	long := "p-3-" + strings.Repeat("-", 58) + "x" // as long as a name may be
	k := newKitCluster(t, "p0", "p1", "p2", long, "p4")
	k.configure(nil, "")
	k.cli.must("apply", "-auto-approve")
	k.configure(nil, k.kits())
	k.cli.must("apply", "-auto-approve")
	sessions := map[string]string{}
	secrets := map[string]string{}
	for _, p := range k.partners {
		secrets[p] = k.unsealed(p)
		sessions[p] = k.logIn(p, secrets[p])
	}
	cut := map[string]bool{}
	judge := func(when string) {
		t.Helper()
		for _, p := range k.partners {
			if got := k.logIn(p, secrets[p]) != ""; got == cut[p] {
				t.Errorf("%s: %s logs in: %v", when, p, got)
			}
			status, _ := k.bao.Call(t, sessions[p], "GET", "partners/orders/"+p+"/1", nil)
			if may := status != 403; may == cut[p] {
				t.Errorf("%s: the open session of %s may read: %v", when, p, may)
			}
		}
	}
	judge("before")
	onCall := k.tokenIn("partner-cut")
	for _, p := range []string{"p2", "p0", long, "p1"} {
		var steps []string
		k.output(p+"-steps", &steps)
		for _, k.shell = range []string{"sh", "bash"} { // whoever is not sure runs them again, or another one does
			for _, step := range steps {
				if out, err := k.sh(onCall, step, "BAO_ADDR=https://127.0.0.1:1",
					"BAO_NAMESPACE=elsewhere"); err != nil {
					t.Fatalf("%s: %s: %v: %s", k.shell, step, err, out)
				}
			}
		}
		cut[p] = true
		judge("after " + p)
	}
	if entities := k.must("LIST", "identity/entity/name", nil)["data"]; entities != nil {
		t.Errorf("in the root namespace there is %v", entities)
	}
	k.configure(args{"purpose": `"Nightly order feed of the warehouse"`}, k.kits())
	k.cli.must("apply", "-auto-approve")
	judge("after the pipeline")
	k.cli.must("apply", "-auto-approve", "-replace=partner_identity.p0", "-replace=partner_credential.p0",
		"-replace=partner_grant.p0")
	secrets["p0"] = k.unsealed("p0")
	judge("after -replace")
	k.cli.must("destroy", "-auto-approve")
}

// A partner that was cut, and whose block waits for a change, is destroyed: a destroy plans everything first.
func TestADestroyOfWhatIsHeldGoesThrough(t *testing.T) {
	thorough(t)
	t.Parallel()
	for name, pending := range map[string]args{
		"a rename":        {"name": `"orders-feed"`},
		"an earlier end":  {"expires_at": `"2027-01-31T00:00:00Z"`},
		"another partner": {"partner": `"globex"`},
		"another owner":   {"owner": `"joe@example.com"`},
		"another purpose": {"purpose": `"Nightly order feed of the warehouse"`},
		"a suspension":    {"suspended": "true"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCLI(t)
			config := func(i args) string {
				end := args{"expires_at": `"2027-01-31T00:00:00Z"`}
				return "provider \"partner\" { environment = \"prod\" }\n" + identity(i) +
					credential("federated", end) + grant(end)
			}
			c.write(config(nil))
			c.must("apply", "-auto-approve")
			if out, err := exec.Command("sh", filepath.Join(c.folder, ".partner", "prod", "publish", "cut.sh"),
				"acme/prod/orders-etl").CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			c.write(config(pending))
			c.must("destroy", "-auto-approve")
			c.write(config(pending))
			c.must("apply", "-auto-approve")
			if status := c.attribute("partner_identity.orders",
				"status"); (status == "held") != (name != "another partner") {
				t.Errorf("made anew it is %s", status)
			}
		})
	}
}
