// SPDX-License-Identifier: MPL-2.0

//go:build unix

package provider_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// replacing is a secret that is replaced in one of the ways that Terraform has.
type replacing struct {
	*judged
	provider string
	works    func(key []byte) bool
	// overlaps: what was replaced works for the overlap where the new one is made first.
	overlaps bool
}

const replacedKey = "partner_credential.orders-secret"

func (r *replacing) write(first bool, leak string) {
	secret := r.credential("orders", "secret", fmt.Sprintf("{ recipient = %q }", partnerRecipient),
		args{"allowed_cidrs": `["127.0.0.0/24"]`})
	lifecycle := fmt.Sprintf("  lifecycle {\n    create_before_destroy = %t\n    replace_triggered_by  = "+
		"[terraform_data.leak]\n  }\n}\n", first)
	r.judged.write(r.provider + fmt.Sprintf("resource \"terraform_data\" \"leak\" { input = %q }\n", leak) +
		r.identity("orders", nil) +
		strings.TrimSuffix(strings.TrimSpace(secret), "}") + lifecycle +
		r.grant("orders", "daily", "orders/acme/daily/*", `["read"]`, nil))
}

// forgetJournal removes the journal, as a run on another machine has none.
func (r *replacing) forgetJournal() {
	r.t.Helper()
	for name := range r.files() {
		if strings.Contains(name, "journal.jsonl") {
			if err := os.Remove(filepath.Join(r.folder, name)); err != nil {
				r.t.Fatal(err)
			}
		}
	}
}

func (r *replacing) apply(more ...string) string {
	r.t.Helper()
	return r.must(append([]string{"apply", "-no-color", "-input=false", "-auto-approve"}, more...)...)
}

// A leaked key was replaced with create_before_destroy, and the new object had the same secret: "1 added, 1
// destroyed", and the key lived on. However a credential is replaced, it is issued anew and told in that apply, and
// what was replaced ends.
func (r *replacing) judge() {
	r.t.Helper()
	leak := 0
	for _, first := range []bool{true, false} {
		for way, replace := range map[string]func() string{
			"-replace":             func() string { return r.apply("-replace=" + replacedKey) },
			"replace_triggered_by": func() string { r.write(first, "the key"); return r.apply() },
			"taint":                func() string { r.must("taint", replacedKey); return r.apply() },
			"taint, not refreshed": func() string { r.must("taint", replacedKey); return r.apply("-refresh=false") },
			"a saved plan": func() string {
				r.must("plan", "-out=saved", "-replace="+replacedKey)
				return r.must("apply", "-no-color", "saved")
			},
		} {
			how := fmt.Sprintf("%s, create_before_destroy = %t", way, first)
			leak++
			r.write(first, fmt.Sprint(leak))
			r.apply()
			before := r.attribute(replacedKey, "fingerprint")
			old := opened(r.t, r.attribute(replacedKey, "sealed_secret"))
			if !r.works(old) {
				r.t.Fatalf("%s: the key does not work at first", how)
			}
			out := replace()
			fresh := opened(r.t, r.attribute(replacedKey, "sealed_secret"))
			if r.attribute(replacedKey, "fingerprint") == before ||
				string(fresh) == string(old) ||
				!r.works(fresh) {
				r.t.Errorf("%s: nothing was issued anew that works:\n%s", how, out)
			}
			if works := r.works(old); works != (first && r.overlaps) {
				r.t.Errorf("%s: the old key works: %t", how, works)
			}
			if out, err := r.try("plan", "-no-color", "-input=false", "-detailed-exitcode"); err != nil {
				r.t.Errorf("%s: the next plan is not empty: %v\n%s", how, err, out)
			}
		}
	}
	// Where the journal does not know what was issued, the deletion of the old one issues anew, and the
	// next refresh tells it.
	r.write(true, "nothing")
	r.apply()
	before := r.attribute(replacedKey, "fingerprint")
	old := opened(r.t, r.attribute(replacedKey, "sealed_secret"))
	r.forgetJournal()
	if out := r.apply("-replace=" + replacedKey); !strings.Contains(strings.Join(strings.Fields(out), " "),
		"Run terraform apply -refresh-only") {
		r.t.Errorf("without a journal the apply does not say when the new key is told:\n%s", out)
	}
	r.apply("-refresh-only")
	if r.attribute(replacedKey, "fingerprint") == before ||
		!r.works(opened(r.t, r.attribute(replacedKey, "sealed_secret"))) ||
		r.works(old) != r.overlaps {
		r.t.Error("without a journal: nothing was issued anew that works, or the old key does not end")
	}

	r.must("taint", replacedKey)
	plan := r.must("plan", "-no-color")
	if flat := strings.Join(strings.Fields(plan), " "); !strings.Contains(flat, "is replaced without overlap") {
		r.t.Errorf("the plan does not say what becomes of the old key:\n%s", plan)
	}
	old = opened(r.t, r.attribute(replacedKey, "sealed_secret"))
	r.destroy()
	if r.works(old) {
		r.t.Error("the key works after the destroy")
	}
}

func TestAReplacedCredentialIsIssuedAnew(t *testing.T) {
	t.Parallel()
	j := newJudged(t)
	r := &replacing{j, "provider \"partner\" { environment = \"prod\" }\n", nil, true}
	r.works = func(key []byte) bool { // until the overlap at the latest, but for what was issued last
		_, published := r.policyData()
		entry, ok := published["secrets"].(object)[hashOf(key)].(object)
		if !ok {
			return false
		}
		ends, err := time.Parse(time.RFC3339Nano, fmt.Sprint(entry["ends_at"]))
		newest := r.attribute(replacedKey, "fingerprint") == hashOf(key)
		if err != nil || (!newest && ends.After(time.Now().Add(48*time.Hour))) {
			t.Errorf("what was replaced ends on %v (%v)", ends, err)
		}
		return err == nil && ends.After(time.Now())
	}
	r.judge()
}

func TestAReplacedCredentialIsIssuedAnewOnOpenBao(t *testing.T) {
	t.Parallel()
	j := newJudged(t)
	c := &cluster{cli: j.cli, bao: realtool.StartBao(t)}
	c.as(c.bao.RootToken)
	c.must("POST", "sys/mounts/orders", map[string]any{"type": "kv"})
	r := &replacing{j, "provider \"partner\" {\n  environment = \"prod\"\n  stack       = \"partners\"\n  openbao = " +
		"{ bootstrap = true }\n  journal = { path = \"journal.jsonl\" }\n}\n", nil, false}
	var role any
	r.works = func(key []byte) bool {
		if login, ok := r.state()[replacedKey]["login"].(map[string]any); ok {
			role = login["role_id"]
		}
		return c.login("auth/partner-approle/login", nil,
			map[string]any{"role_id": role, "secret_id": string(key)}) != ""
	}
	r.judge()
}

// What is forgotten and declared again keeps what the partner holds, and a state that was lost issues nothing anew.
func TestALostStateIssuesNothingAnew(t *testing.T) {
	t.Parallel()
	j := newJudged(t)
	r := &replacing{j, "provider \"partner\" { environment = \"prod\" }\n", nil, true}
	r.write(true, "nothing")
	r.apply()
	before := r.attribute(replacedKey, "fingerprint")
	if err := os.Remove(filepath.Join(j.folder, "terraform.tfstate")); err != nil {
		t.Fatal(err)
	}
	r.apply()
	if after := r.attribute(replacedKey, "fingerprint"); after != before {
		t.Errorf("a lost state: the fingerprint was %s, and is %s", before, after)
	}
	ends := func() string {
		_, published := r.policyData()
		entry, _ := published["secrets"].(object)[before].(object)
		return fmt.Sprint(entry["ends_at"])
	}
	was := ends()
	j.must("state", "rm", replacedKey)
	r.apply()
	if is := ends(); is != was || is == "<nil>" {
		t.Errorf("forgotten alone: what the partner holds ended on %s, and ends on %s", was, is)
	}
}
