// SPDX-License-Identifier: MPL-2.0

//go:build unix

package provider_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/journal"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// tokenUse are blocks that take a token and hand it to a program, which keeps it in a file outside the folder.
func tokenUse(trigger, then string, replaced args) string {
	usual := args{"identity_id": "partner_identity.orders.id"}
	for k, v := range replaced {
		usual[k] = v
	}
	text := "ephemeral \"partner_token\" \"run\" {\n"
	for k, v := range usual {
		text += fmt.Sprintf("  %s = %s\n", k, v)
	}
	return text + fmt.Sprintf(`}
resource "terraform_data" "use" {
  input = %q
  triggers_replace = [%q]
  depends_on = [partner_grant.orders]
  provisioner "local-exec" {
    command     = %q
    environment = { PARTNER_TOKEN = ephemeral.partner_token.run.token, ENDS = ephemeral.partner_token.run.expires_at }
  }
}
`, trigger, trigger, then)
}

// tokenGate asks the published policy about a token that it verified with the published keys.
const tokenGate = `package gate

env := opa.runtime().env

verified := io.jwt.decode_verify(env.PARTNER_TOKEN, {"cert": data.keys, "iss": "urn:partner:prod", "aud": "partner"})

asked := {"credential": {"claims": verified[2]}, "action": "read", "path": "orders/acme/daily/1.csv"}

answer := a if {
	verified[0]
	a := data.partner.allow with input as asked
}
`

// gate is a script that prints true where the token of the environment opens an order file.
func (c *cli) gate(outside string) (script string) {
	c.t.Helper()
	opa := realtool.Find(c.t, "opa")
	policy := filepath.Join(outside, "gate.rego")
	script = filepath.Join(outside, "gate.sh")
	publish := filepath.Join(c.folder, ".partner", "prod", "publish")
	text := fmt.Sprintf(`#!/bin/sh -e
%[1]s eval --format=raw --data %[2]q --data %[4]q/data.json --data %[4]q/hold.json --data %[4]q/policy.rego --data "$(dirname "$0")/keys.json" data.gate.answer
`, opa, policy, "", filepath.Join(publish, "policy"))
	text = strings.Replace(text, "\n",
		fmt.Sprintf("\nprintf '{\"keys\":%%s}' \"$(sed 's/\"/\\\\\"/g' %q | tr -d '\\n' | sed 's/^/\"/; s/$/\"/')\" "+
			">\"$(dirname \"$0\")/keys.json\"\n", filepath.Join(publish, "jwks.json")), 1)
	for name, content := range map[string]string{policy: tokenGate, script: text} {
		if err := os.WriteFile(name, []byte(content), 0o700); err != nil {
			c.t.Fatal(err)
		}
	}
	return script
}

// kept is what a program kept of its run.
func keptBy(t *testing.T, outside, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(outside, name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// soon is one end for all configurations of a test: one that moved on would need a review.
var soon = sync.OnceValue(func() string { return stamp(time.Now().Add(60 * day)) })

func soonBlocks(replaced args) string {
	return identity(args{"expires_at": soon(), "suspended": replaced["suspended"]}) + grant(args{"expires_at": soon()})
}

// The token works in the apply that also creates its identity, is refused afterwards, and is written nowhere.
func TestATokenWorksInItsRunAndNowhereElse(t *testing.T) {
	if testing.Short() {
		t.Skip("the real CLI and a real OPA")
	}
	newerCLI(t, "1.10.0", "1.11.0")
	t.Parallel()
	c := newCLI(t)
	outside := t.TempDir()
	script := c.gate(outside)
	c.env = append(c.env, "TF_LOG=TRACE", "TF_LOG_PATH="+filepath.Join(c.folder, "trace.log"))
	use := fmt.Sprintf("printf %%s \"$PARTNER_TOKEN\" >%[1]s/token; printf %%s \"$ENDS\" >%[1]s/ends; %[2]s "+
		">%[1]s/answer", outside, script)
	config := func(trigger string) {
		c.write("provider \"partner\" { environment = \"prod\" }\n" + soonBlocks(nil) + tokenUse(trigger, use, nil))
	}
	var tokens []string
	printed := ""
	for _, trigger := range []string{"created with its identity", "of an identity that was there"} {
		config(trigger)
		printed += c.must("plan", "-no-color", "-out=plan.bin")
		printed += c.must("show", "-json", "plan.bin")
		printed += c.must("apply", "-no-color", "plan.bin")
		printed += c.must("show", "-json")
		token := keptBy(t, outside, "token")
		if tokens = append(tokens, token); strings.Count(token, ".") != 2 || keptBy(t, outside, "answer") != "true" {
			t.Fatalf("%s: a token of %d bytes opens: %s", trigger, len(token), keptBy(t, outside, "answer"))
		}
		ends, err := time.Parse(time.RFC3339, keptBy(t, outside, "ends"))
		if left := time.Until(ends); err != nil || left > 5*time.Minute || left < 3*time.Minute {
			t.Errorf("%s: it ends in %v (%v)", trigger, left, err)
		}
		cmd := c.command()
		cmd.Path, cmd.Args, cmd.Env = script, []string{script}, append(os.Environ(), "PARTNER_TOKEN="+token)
		if out, err := cmd.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "false" {
			t.Errorf("%s: after the run it opens: %s %v", trigger, out, err)
		}
	}
	if tokens[0] == tokens[1] {
		t.Error("one token for two runs")
	}
	if out, err := c.try("plan", "-no-color", "-detailed-exitcode"); err != nil {
		t.Errorf("a plan after it is not empty: %v\n%s", err, out)
	}
	nowhere(t, c, printed, tokens...)
	journaledTokens(t, filepath.Join(c.folder, ".partner", "prod", "journal.jsonl"))
	c.must("destroy", "-no-color", "-auto-approve")
}

// journaledTokens claims that every token that was given out, and its end, are lines.
func journaledTokens(t *testing.T, path string) {
	t.Helper()
	given, ended := 0, map[string]bool{}
	for _, l := range journalLines(t, path) {
		switch {
		case l.Phase == journal.Done && l.Verb == journal.Token:
			given++
			if l.ID != "acme/prod/orders-etl" ||
				l.Serial == "" ||
				l.EndsAt.Before(l.Time) ||
				l.EndsAt.Sub(l.Time) > 6*time.Minute {
				t.Errorf("a token that was given out is told as %+v", l)
			}
		case l.Phase == journal.Done && l.Verb == journal.Revoke && l.Type == "token":
			ended[l.Serial] = true
		}
	}
	if given < 2 || len(ended) != given {
		t.Errorf("the journal tells of %d tokens, and of the end of %d", given, len(ended))
	}
}

// nowhere fails for every file of the run that has a token in it, or the part of one that is secret.
func nowhere(t *testing.T, c *cli, printed string, tokens ...string) {
	t.Helper()
	files := c.files()
	files["what was printed"] = []byte(printed)
	if len(files["trace.log"]) < 100_000 {
		t.Errorf("the log has only %d bytes: was everything logged?", len(files["trace.log"]))
	}
	for name, text := range files {
		for _, token := range tokens {
			signature := token[strings.LastIndexByte(token, '.')+1:]
			for how, form := range forms([]byte(token)) {
				if bytes.Contains(text, []byte(form)) {
					t.Errorf("%s holds a token, %s", name, how)
				}
			}
			if bytes.Contains(text, []byte(signature)) {
				t.Errorf("%s holds a token's secret part", name)
			}
		}
	}
}

// Nobody gets around a cut by asking for a token, and each refusal says why.
func TestWhoHasNoAccessGetsNoToken(t *testing.T) {
	if testing.Short() {
		t.Skip("the real CLI")
	}
	newerCLI(t, "1.10.0", "1.11.0")
	t.Parallel()
	c := newCLI(t)
	write := func(blocks ...string) {
		c.write("provider \"partner\" { environment = \"prod\" }\n" + strings.Join(blocks, ""))
	}
	refused := func(when string, wants ...string) {
		t.Helper()
		out, err := c.try("apply", "-no-color", "-auto-approve")
		text := strings.Join(strings.Fields(strings.ReplaceAll(out, "│", " ")), " ")
		if err == nil {
			t.Errorf("%s: it went through", when)
		}
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in\n%s", when, want, out)
			}
		}
	}
	literal := func(id string) string {
		return fmt.Sprintf("ephemeral \"partner_token\" \"run\" { identity_id = %q }\n", id)
	}
	write(soonBlocks(nil))
	c.must("apply", "-no-color", "-auto-approve")
	write(soonBlocks(nil), literal("acme/prod/nobody"))
	refused("unknown", "No token for acme/prod/nobody", "The system has no identity", "No token was issued")
	write(soonBlocks(nil), tokenUse("x", "true", args{"ttl": `"16m"`}))
	refused("too long", "16m is not between 1m and 15m")
	write(soonBlocks(nil), tokenUse("x", "true", args{"ttl": `"59s"`}))
	refused("too short", "59s is not between 1m and 15m")
	if err := os.MkdirAll(filepath.Join(c.folder, ".partner", "prod", "hold", "acme"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(soonBlocks(nil), tokenUse("x", "true", nil))
	refused("held", "No token for acme/prod/orders-etl", "on hold")
	if err := os.RemoveAll(filepath.Join(c.folder, ".partner", "prod", "hold")); err != nil {
		t.Fatal(err)
	}
	write(soonBlocks(args{"suspended": "true"}), tokenUse("x", "true", nil))
	refused("suspended by the same apply", "No token for acme/prod/orders-etl", "it is suspended")
	refused("suspended before", "No token for acme/prod/orders-etl", "it is suspended")
	if _, there := c.state()["terraform_data.use"]; there {
		t.Error("the program ran without a token")
	}
}

// With the shipped policies alone, on a real OpenBao.
func TestATokenWorksInItsRunOnOpenBao(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	newerCLI(t, "1.10.0", "1.11.0")
	t.Parallel()
	c := newCluster(t)
	for _, folder := range []string{"acme"} {
		if err := os.RemoveAll(filepath.Join(c.folder, folder)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"outputs.tf", "variables.tf", "terraform.tfvars.json"} {
		if err := os.Remove(filepath.Join(c.folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	outside := t.TempDir()
	c.env = append(c.env, "TF_LOG=TRACE", "TF_LOG_PATH="+filepath.Join(c.folder, "trace.log"))
	use := fmt.Sprintf("printf %%s \"$PARTNER_TOKEN\" >%[1]s/token; curl -s -o /dev/null -w '%%%%{http_code}' "+
		"--cacert \"$BAO_CACERT\" -H \"X-Vault-Token: $PARTNER_TOKEN\" \"$BAO_ADDR/v1/orders/acme/daily/1.csv\" "+
		">%[1]s/answer", outside)
	c.must("POST", "orders/acme/daily/1.csv", map[string]any{"a": "b"})
	config := func(trigger string) {
		c.write("provider \"partner\" {\n  environment = \"prod\"\n  stack = \"partners\"\n  openbao = {}\n  journal " +
			"= { path = \"journal.jsonl\" }\n}\n" +
			soonBlocks(nil) + tokenUse(trigger, use, nil))
	}
	config("created")
	printed := c.cli.must("apply", "-no-color", "-auto-approve")
	check := func(when string) string {
		t.Helper()
		token := keptBy(t, outside, "token")
		if token == "" || keptBy(t, outside, "answer") != "200" {
			t.Fatalf("%s: a token of %d bytes is answered by %s", when, len(token), keptBy(t, outside, "answer"))
		}
		if status, _ := c.bao.Call(t, token, "GET", "orders/acme/daily/1.csv", nil); status != http.StatusForbidden {
			t.Errorf("%s: after the run it is answered by %d", when, status)
		}
		for _, path := range []string{"auth/token/roles", "identity/entity-alias/id"} {
			if data, _ := c.must("LIST", path, nil)["data"].(map[string]any); len(data) > 0 {
				text, _ := json.Marshal(data)
				t.Errorf("%s: there is %s: %s", when, path, text)
			}
		}
		return token
	}
	tokens := []string{check("created")}
	config("again")
	c.as(c.plan)
	out, err := c.try("plan", "-no-color", "-out=plan.bin")
	if !strings.Contains(out, "No token for acme/prod/orders-etl") {
		t.Errorf("a plan that may give out no token does not say so:\n%s", out)
	}
	// OpenTofu takes no ephemeral value that is not known.
	if refused := strings.Contains(out, "not wholly known"); refused != onOpenTofu(t) || (err != nil) != refused {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := c.try("apply", "-no-color", "-auto-approve"); err == nil {
		t.Errorf("an apply that may give out no token went through:\n%s", out)
	}
	c.as(c.apply)
	printed += out + c.cli.must("apply", "-no-color", "-auto-approve") + c.cli.must("show", "-json")
	tokens = append(tokens, check("again"))
	nowhere(t, c.cli, printed, tokens...)
	journaledTokens(t, filepath.Join(c.folder, "journal.jsonl"))
	c.cli.must("destroy", "-no-color", "-auto-approve")
	if left := c.left(); len(left) > 0 {
		t.Errorf("there is %q", left)
	}
}
