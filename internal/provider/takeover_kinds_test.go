// SPDX-License-Identifier: MPL-2.0

//go:build unix

package provider_test

import (
	"crypto/tls"
	"fmt"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// firstMade are the blocks of two workloads: the one's certificate and trust are made before what they replace is
// removed, the other's certificate stays.
func firstMade(j *judged, w, stays *workload, trust string) string {
	first := func(block string) string {
		return strings.TrimSuffix(strings.TrimSpace(block), "}") +
			"  lifecycle {\n    create_before_destroy = true\n  }\n}\n"
	}
	return j.identity(w.name, nil) +
		first(j.credential(w.name, "certificate", fmt.Sprintf("{ csr = %q }", w.csr),
			args{"allowed_cidrs": `["127.0.0.0/8"]`})) +
		first(j.credential(w.name, "federated", trust, nil)) +
		j.grant(w.name, "daily", "orders/acme/daily/*", `["read"]`, nil) +
		stays.blocks(j, nil, args{"allowed_cidrs": `["127.0.0.0/8"]`})
}

// replacement is what a replacement of everything is judged by.
type replacement struct {
	*judged
	w, stays  *workload
	admits    func(*tls.Certificate) bool
	trusted   func() bool
	published func() // waits until gateways know
}

// judge replaces both, and looks at who is let in: the new one and the trusted workload at once, the old one no more,
// and whoever had nothing to do with it as before.
func (r *replacement) judge(t *testing.T) {
	t.Helper()
	federated := "partner_credential." + r.w.name + "-federated"
	old := r.w.presents(r.judged)
	bystander := r.stays.presents(r.judged)
	serial := r.attribute(r.w.address(), "serial")
	other := r.attribute(r.stays.address(), "serial")
	if r.published(); !r.admits(old) || !r.admits(bystander) || !r.trusted() {
		t.Fatal("they are not let in at first")
	}
	stop := throughout(r.trusted)
	out := r.must("apply", "-no-color", "-input=false", "-auto-approve", "-replace="+r.w.address(),
		"-replace="+federated)
	// each revocation on OpenBao replaced the entity that all log in as
	if refused, asked := stop(); refused > 0 || asked == 0 {
		t.Errorf("the workload that is trusted was refused %d of %d times while it was replaced", refused, asked)
	}
	r.published()
	if r.attribute(r.w.address(), "serial") == serial || !r.admits(r.w.presents(r.judged)) {
		t.Errorf("no new certificate that is let in:\n%s", out)
	}
	if !r.trusted() {
		t.Error("the workload that is trusted is refused after its replacement")
	}
	if r.attribute(r.stays.address(), "serial") != other || !r.admits(bystander) {
		t.Error("the other identity's certificate went as well")
	}
	if r.admits(old) { // it may have leaked: the deletion of the old object ends it
		t.Error("the old certificate is let in after its replacement")
	}
	if out, err := r.try("plan", "-no-color", "-input=false", "-detailed-exitcode"); err != nil {
		t.Errorf("the next plan is not empty: %v\n%s", err, out)
	}
	last := r.w.presents(r.judged)
	r.destroy()
	r.published()
	if r.admits(old) || r.admits(last) || r.trusted() {
		t.Error("something lets in after the destroy")
	}
}

func TestACertificateAndATrustAreReplacedWithoutAnOutage(t *testing.T) {
	t.Parallel()
	j := newJudged(t)
	w := newWorkload(t, "orders", newKey(t), nil)
	stays := newWorkload(t, "stays", newKey(t), nil)
	j.apply(firstMade(j, w, stays,
		`{ issuer = "https://login.acme.test", subject = "svc-orders", audiences = ["orders.example.com"] }`))
	gate := newGate(j)
	r := &replacement{j, w, stays, func(c *tls.Certificate) bool { listed, _ := gate.admits(c); return listed }, nil,
		gate.reload}
	r.trusted = func() bool {
		text, _ := j.policyData()
		return strings.Contains(string(text), "svc-orders")
	}
	r.judge(t)
}

func TestACertificateAndATrustAreReplacedOnOpenBao(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	t.Parallel()
	j := newJudged(t)
	c := &cluster{cli: j.cli, bao: realtool.StartBao(t), issuerKey: newKey(t)}
	c.issuer = c.startIssuer()
	c.as(c.bao.RootToken)
	c.must("POST", "sys/mounts/orders", map[string]any{"type": "kv"})
	w := newWorkload(t, "orders", newKey(t), nil)
	stays := newWorkload(t, "stays", newKey(t), nil)
	j.write("provider \"partner\" {\n  environment = \"prod\"\n  stack       = \"partners\"\n  openbao     = { " +
		"bootstrap = true }\n  journal     = { path = \"journal.jsonl\" }\n}\n" +
		firstMade(j, w, stays,
			fmt.Sprintf(`{ issuer = %q, subject = "svc-orders-prod", audiences = ["orders.example.com"] }`, c.issuer)))
	j.must("apply", "-no-color", "-input=false", "-auto-approve")
	trust := j.state()["partner_credential.orders-federated"]["login"].(map[string]any)
	r := &replacement{j, w, stays, func(show *tls.Certificate) bool {
		return c.login("auth/partner-cert/login", show, map[string]any{}) != ""
	}, nil, func() {}}
	r.trusted = func() bool {
		return c.login(trust["path"].(string), nil,
			map[string]any{"role": trust["role"], "jwt": c.acmeJWT("prod")}) != ""
	}
	r.judge(t)
}
