// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// reached is a real OpenBao on which partner access has mounts of its own names, with engines of others beside it.
type reached struct {
	*cluster
	end string
}

func newReached(t *testing.T) *reached {
	t.Helper()
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	t.Parallel()
	r := &reached{&cluster{cli: newCLI(t), bao: realtool.StartBao(t)},
		access.At(time.Now().Add(100 * 24 * time.Hour)).String()}
	r.as(r.bao.RootToken)
	r.env = append(r.env, "PATH="+filepath.Dir(realtool.Find(t, "bao"))+":"+os.Getenv("PATH"))
	for path, body := range map[string]object{
		"orders": {"type": "kv"}, "later": {"type": "kv"}, "secret": {"type": "kv", "options": object{"version": "2"}},
		"infra/pki": {"type": "pki"},
		"transit":   {"type": "transit"}, "partner-pki": {"type": "pki"},
	} {
		r.must("POST", "sys/mounts/"+path, body)
	}
	r.must("POST", "sys/namespaces/team-a", nil)
	return r
}

// declares an identity with one grant of each name, on a resource and with actions: "orders/acme/*: read list".
func (r *reached) declares(settings string, grants map[string]string) {
	terms := fmt.Sprintf("owner = \"jane.doe@example.com\"\n  expires_at = %q\n  purpose = \"Read the daily "+
		"order files\"\n", r.end)
	var text strings.Builder
	fmt.Fprintf(&text, `provider "partner" {
  environment = "prod"
  stack       = "partners"
  openbao     = { bootstrap = true, mounts = { pki = "our/own/ca", approle = "logins" } }
  journal     = { path = "journal.jsonl" }
  guardrails  = { owner_domains = ["example.com"], %s }
}
resource "partner_identity" "feed" {
  partner = "acme"
  name    = "feed"
  %s}
`, settings, terms)
	for _, name := range slices.Sorted(maps.Keys(grants)) {
		resource, rest, _ := strings.Cut(grants[name], ": ")
		actions, more, _ := strings.Cut(rest, "; ")
		words, err := json.Marshal(strings.Fields(actions))
		if err != nil {
			r.t.Fatal(err)
		}
		fmt.Fprintf(&text, "resource \"partner_grant\" %q {\n  identity_id = partner_identity.feed.id\n  resource = "+
			"%q\n  actions = %s\n  %s%s\n}\n", name, resource, words, terms, more)
	}
	r.write(text.String())
}

// says runs the CLI, and returns the rules that speak of each grant, and the texts.
func (r *reached) says(severity string, args ...string) (rules map[string][]string, texts string, err error) {
	r.t.Helper()
	out, err := r.try(append([]string{args[0], "-json"}, args[1:]...)...)
	rules = map[string][]string{}
	for line := range strings.SplitSeq(out, "\n") {
		var event struct{ Diagnostic diagnostic }
		if json.Unmarshal([]byte(line), &event) != nil || event.Diagnostic.Severity != severity {
			continue
		}
		name := strings.TrimPrefix(event.Diagnostic.Address, "partner_grant.")
		rules[name] = append(rules[name], event.Diagnostic.rule())
		texts += event.Diagnostic.Summary + "\n" + event.Diagnostic.Detail + "\n"
	}
	return rules, texts, err
}

func TestNoGrantReachesPastItsDataOnOpenBao(t *testing.T) {
	r := newReached(t)
	refused := map[string]struct{ grant, rule string }{
		"verbatim":  {"our/own/ca/issuer/default/sign-verbatim: update", "scope/system-path"},
		"usual":     {"partner-pki/issuer/default/sign-verbatim: update", "scope/system-path"},
		"issue":     {"our/own/ca/issue/shop: update", "scope/system-path"},
		"policies":  {"sys/policies/acl/+: create update", "scope/system-path"},
		"identity":  {"identity/entity: create update", "scope/system-path"},
		"child":     {"team-a/auth/token/create: update", "scope/system-path"},
		"roots":     {"infra/pki/root/*: update", "scope/system-path"},
		"issuers":   {"infra/pki/issuer/+/issue: update", "scope/system-path"},
		"backup":    {"transit/backup/acme: read", "scope/system-path"},
		"spanning":  {"infra/*: read", "scope/system-path"},
		"keys":      {"transit/keys/acme: create", "scope/system-path"},
		"shop":      {"infra/pki/issue/shop: update", "scope/privileged"},
		"export":    {"transit/export/encryption-key/acme: read", "scope/privileged"},
		"unmounted": {"nowhere/acme/*: read", "scope/no-mount"},
		"kv2":       {"secret/acme/prod/*: read", "scope/no-mount"},
		"broad":     {"secret/data/*: create", "scope/wildcard-resource"},
	}
	all := map[string]string{
		"orders": "orders/acme/*: read list",
		"values": "secret/data/acme/*: read",
		"names":  "secret/metadata/acme/*: list",
	}
	for name, of := range refused {
		all[name] = of.grant
	}
	r.declares("max_grants = 50", all)
	rules, texts, err := r.says("error", "plan")
	if err == nil {
		t.Error("the plan is accepted")
	}
	for name := range all {
		want := refused[name].rule
		if (want == "" && len(rules[name]) > 0) || (want != "" && !slices.Contains(rules[name], want)) {
			t.Errorf("%s (%s) is refused by %v, want %q", name, all[name], rules[name], want)
		}
	}
	if !strings.Contains(texts, "For the values, write secret/data/acme/prod/*") {
		t.Errorf("it is not said what to write on a KV store of version 2:\n%s", texts)
	}
}

// What was data when it was planned, and an authority when it is applied, is judged by what it is.
func TestAMountThatChangesBetweenPlanAndApplyIsJudgedAgain(t *testing.T) {
	r := newReached(t)
	r.declares("", map[string]string{"later": "later/acme/+: update read"})
	r.cli.must("plan", "-out=saved")
	r.must("DELETE", "sys/mounts/later", nil)
	r.must("POST", "sys/mounts/later", object{"type": "pki"})
	rules, _, err := r.says("error", "apply", "saved")
	if err == nil || !slices.Contains(rules["later"], "scope/system-path") {
		t.Errorf("%v: %v", err, rules)
	}
	policy := r.must("GET", "sys/policies/acl/partner/acme/prod/feed", nil)
	if strings.Contains(fmt.Sprint(policy), "later/acme") {
		t.Errorf("it was granted: %v", policy)
	}
}

// A mount that the same run makes: a warning at plan, and an apply that sees it. Without it the apply refuses.
func TestAGrantOnAMountOfTheSameRun(t *testing.T) {
	r := newReached(t)
	const lowered = `levels = { "scope/no-mount" = "warn" }`
	r.declares(lowered, map[string]string{"new": "fresh/acme/*: read"})
	if rules, _, err := r.says("warning", "plan"); err != nil || !slices.Contains(rules["new"], "scope/no-mount") {
		t.Errorf("%v: %v", err, rules)
	}
	if rules, _, err := r.says("error", "apply", "-auto-approve"); err == nil ||
		!slices.Contains(rules["new"], "scope/no-mount") {
		t.Errorf("nothing is mounted, and the apply: %v: %v", err, rules)
	}
	// What is mounted and has nothing at that path stays so: lowered, it is a warning at both.
	r.declares(lowered, map[string]string{"kv2": "secret/acme/prod/*: read"})
	for _, command := range [][]string{{"plan"}, {"apply", "-auto-approve"}} {
		if rules, texts, err := r.says("warning", command...); err != nil ||
			!slices.Contains(rules["kv2"], "scope/no-mount") {
			t.Errorf("%v: %v: %v\n%s", command, err, rules, texts)
		}
	}
	r.declares(lowered, map[string]string{"new": "fresh/acme/*: read; depends_on = [terraform_data.mount]"})
	r.file("mount.tf", `resource "terraform_data" "mount" {
  provisioner "local-exec" { command = "bao secrets enable -path=fresh kv" }
}`)
	r.cli.must("apply", "-auto-approve")
}

// What is applied already and is refused by now only warns: it must not stand in the way of offboarding.
func TestWhatIsRefusedSinceCanBeReducedAndDestroyed(t *testing.T) {
	r := newReached(t)
	r.declares("", map[string]string{"later": "later/acme/*: read list"})
	r.cli.must("apply", "-auto-approve")
	r.must("DELETE", "sys/mounts/later", nil)
	r.must("POST", "sys/mounts/later", object{"type": "pki"})
	if rules, _, err := r.says("warning", "plan"); err != nil || !slices.Contains(rules["later"], "scope/system-path") {
		t.Errorf("%v: %v", err, rules)
	}
	r.declares("", map[string]string{"later": "later/acme/*: read"})
	r.cli.must("apply", "-auto-approve")
	r.declares("", map[string]string{"later": "later/acme/*: read list"})
	if _, texts, err := r.says("error", "plan"); err == nil {
		t.Errorf("it was widened again: %s", texts)
	}
	r.must("DELETE", "sys/mounts/later", nil)
	r.cli.must("destroy", "-auto-approve")
}

// What a partner signed outlives its grant: whoever offboards it is told what that may be, and how to revoke it.
func TestADestroyNamesWhatAPrivilegedGrantMayHaveSigned(t *testing.T) {
	r := newReached(t)
	r.must("POST", "infra/pki/root/generate/internal",
		object{"common_name": "infra", "key_type": "ec", "key_bits": 256})
	r.must("POST", "infra/pki/roles/shop", object{"allow_any_name": true, "key_type": "ec", "key_bits": 256})
	r.end = access.At(time.Now().Add(20 * 24 * time.Hour)).String()
	r.declares("", map[string]string{
		"sign":   "infra/pki/issue/shop: update",
		"export": "transit/export/encryption-key/acme: read",
		"data":   "orders/acme/*: read",
	})
	r.cli.must("apply", "-auto-approve")
	token := r.token("partner/acme/prod/feed")
	status, answer := r.bao.Call(t, token, "POST", "infra/pki/issue/shop",
		object{"common_name": "shop.acme.test", "ttl": "24h"})
	data, _ := answer["data"].(map[string]any)
	serial, _ := data["serial_number"].(string)
	if serial == "" {
		t.Fatalf("the partner signs nothing: %d %v", status, answer)
	}
	_, texts, err := r.says("warning", "destroy", "-auto-approve", "-refresh=false")
	for _, want := range []string{serial, "shop.acme.test",
		"bao write -address=" + r.bao.Address + " -namespace=root infra/pki/revoke serial_number=SERIAL",
		"no lease of transit/export", "audit log"} {
		if err != nil || !strings.Contains(texts, want) {
			t.Errorf("%v: %q is not in what is said:\n%s", err, want, texts)
		}
	}
	if strings.Contains(texts, "orders/acme") {
		t.Errorf("data is warned of as well:\n%s", texts)
	}
}
