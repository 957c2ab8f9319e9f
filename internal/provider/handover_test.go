// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The partner is sent one text for an identity. It has to hold all that the partner needs, each block once,
// and only what is its own.
func TestAHandoverHoldsWhatThePartnerNeeds(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	ends := func(days int) string { return time.Now().UTC().AddDate(0, 0, days).Format(`"2006-01-02T00:00:00Z"`) }
	relabel := func(block, label string) string { return strings.Replace(block, `"orders" {`, `"`+label+`" {`, 1) }
	usual := args{"expires_at": ends(60)}
	config := func(passed string) string {
		return `provider "partner" { environment = "prod" }` + "\n" + identity(args{"expires_at": ends(90)}) +
			relabel(credential("certificate", usual), "cert") +
			relabel(credential("ssh_certificate", args{"expires_at": ends(50), "owner": `"joe@example.com"`}), "ssh") +
			relabel(credential("federated", usual), "oidc") + relabel(credential("secret", usual), "key") +
			grant(usual) +
			identity(args{"name": `"other"`, "expires_at": ends(90)}) +
			"output \"handover\" {\n  sensitive = true\n  value = provider::partner::handover(" + passed + ")\n}\n"
	}
	text := config("partner_identity.orders, [partner_credential.cert, partner_credential.ssh, " +
		"partner_credential.oidc, partner_credential.key], [partner_grant.orders]")
	first, second, _ := strings.Cut(text, `"other"`)
	at := strings.LastIndex(first, `"orders" {`)
	text = first[:at] + `"other" {` + first[at+len(`"orders" {`):] + `"other"` + second
	c.write(text)
	if plan := c.must("plan", "-no-color"); !strings.Contains(plan, "+ handover = (sensitive value)") {
		t.Errorf("the first plan:\n%s", plan)
	}
	c.must("apply", "-auto-approve")
	// of every kind
	if out := c.must("plan", "-refresh-only", "-no-color"); !strings.Contains(out, "found no differences") {
		t.Errorf("what was planned is not what is read:\n%s", out)
	}
	said := c.must("output", "-raw", "handover")
	state := c.state()
	for _, want := range []string{
		"# Access for acme/prod/orders-etl\n", "Nightly order feed into the ERP.",
		"- Ends on: " + strings.Trim(ends(90), `"`), "Questions, or something lost or stolen: jane.doe@example.com",
		"- `orders/acme/daily/*`: list, read; until " + strings.Trim(ends(60), `"`),
		"- subject: `CN=acme/prod/orders-etl`", "- principal: `acme/prod/orders-etl`",
		"- Needs: OpenSSH 6.5 or later\n", "- issuer: `https://login.acme.test`",
		"- Ends on: " + strings.Trim(ends(50), `"`), "- Questions, or lost or stolen: joe@example.com",
		"- Usable from: 203.0.113.0/24",
		state["partner_credential.cert"]["issued"].(string),
		strings.TrimSpace(state["partner_credential.ssh"]["issued"].(string)),
		strings.TrimSpace(state["partner_credential.key"]["sealed_secret"].(string)),
		"age --decrypt --identity KEYFILE secret.age",
	} {
		if strings.Count(said, want) == 0 || (len(want) > 200 && strings.Count(said, want) > 1) {
			t.Errorf("it does not say once:\n%s\nbut:\n%s", want, said)
		}
	}
	saved := filepath.Join(c.folder, "certificate.pem")
	from := strings.Index(said, "-----BEGIN CERTIFICATE-----")
	to := strings.LastIndex(said, "-----END CERTIFICATE-----")
	c.file("certificate.pem", said[from:to]+"-----END CERTIFICATE-----\n")
	ends509, err := exec.Command("openssl", "x509", "-in", saved, "-noout", "-dateopt", "iso_8601", "-enddate").Output()
	if err != nil {
		t.Fatalf("openssl does not read the certificate of the handover: %v", err)
	}
	until := strings.Replace(strings.TrimPrefix(strings.TrimSpace(string(ends509)), "notAfter="), " ", "T", 1)
	if !strings.Contains(said, "this one ends on "+until+" at the latest") {
		t.Errorf("it does not say that the certificate ends on %s:\n%s", until, said)
	}
	for _, foreign := range []string{
		"partner_identity.other, [partner_credential.key], []", "partner_identity.other, [], [partner_grant.orders]",
	} {
		c.write(strings.Replace(text, text[strings.Index(text, "handover(")+len("handover("):strings.LastIndex(text,
			")")], foreign, 1))
		if out, err := c.try("plan"); err == nil ||
			!strings.Contains(flowing(out), "does not belong to the identity acme/prod/other") {
			t.Errorf("handover(%s) is not refused: %v\n%s", foreign, err, out)
		}
	}
}

// A credential that is replaced dies at once, and no plan said so.
func TestTheReplacementOfACredentialWarnsThatTheOldOneDies(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.write(orderFeed(60, 0, ""))
	const warning = "Warning: The partner's credential is replaced without overlap"
	if out := c.must("plan", "-no-color"); strings.Contains(out, warning) {
		t.Errorf("a first plan replaces nothing:\n%s", out)
	}
	c.must("apply", "-auto-approve")
	c.write(strings.Replace(orderFeed(60, 0, ""), "partner_identity.orders.id", "partner_identity.other.id", 1) +
		strings.Replace(
			identity(args{"name": `"other"`, "expires_at": `"` + ahead(90) + `"`}), `"orders" {`, `"other" {`, 1))
	c.must("taint", "partner_credential.key")
	c.must("taint", "partner_grant.orders")
	if out := c.must("plan", "-no-color", "-target=partner_credential.certificate", "-target=partner_credential.key",
		"-target=partner_grant.orders"); strings.Count(out, warning) != 1 ||
		!strings.Contains(flowing(out), "change rotation.trigger instead") ||
		!strings.Contains(out, "(and one more similar warning elsewhere)") {
		t.Errorf("one under another identity, and one that is tainted:\n%s", out)
	}
}
