// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/journal"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// rehearsed is partner_rehearsal as an output has it.
type rehearsed struct {
	RehearsedAt time.Time `json:"rehearsed_at"`
	Seconds     float64   `json:"seconds"`
	Results     []struct {
		Kind           string    `json:"kind"`
		How            string    `json:"how"`
		Admitted       bool      `json:"admitted"`
		RefusedAt      time.Time `json:"refused_at"`
		Seconds        float64   `json:"seconds"`
		SessionSeconds *float64  `json:"session_seconds"`
		Note           string    `json:"note"`
	} `json:"results"`
}

// kinds are the kinds that were tried, sorted, each as often as there were doors.
func (r rehearsed) kinds(t *testing.T) (all []string) {
	t.Helper()
	for _, one := range r.Results {
		all = append(all, one.Kind)
		if !one.Admitted ||
			one.RefusedAt.IsZero() ||
			one.Seconds <= 0 ||
			one.Seconds > r.Seconds {
			t.Errorf("%s, %s: %+v", one.Kind, one.How, one)
		}
		t.Logf("%s, %s: refused after %.3f s", one.Kind, one.How, one.Seconds)
	}
	slices.Sort(all)
	return all
}

// throughout asks again and again, until it is told to stop, and says how often it was refused, and how often it asked.
func throughout(ask func() bool) (stop func() (refused, asked int)) {
	end := make(chan struct{})
	var wg sync.WaitGroup
	var refusals, asks int
	wg.Go(func() {
		for {
			select {
			case <-end:
				return
			default:
				if asks++; !ask() {
					refusals++
				}
			}
		}
	})
	return func() (int, int) {
		close(end)
		wg.Wait()
		return refusals, asks
	}
}

const acmeRehearsal = `
resource "partner_rehearsal" "acme" {
  partner  = "acme"
  triggers = { quarter = "%s" }
}
output "rehearsal" { value = partner_rehearsal.acme }
`

// Each kind of access is cut on a shadow, a client works on the real access meanwhile, and nothing stays but the
// journal, the moment, and what the lists revoke until it would have ended.
func TestARehearsalOnTheEmbeddedSystemTouchesNothingReal(t *testing.T) {
	thorough(t)
	t.Parallel()
	opa := realtool.Find(t, "opa")
	c := newCLI(t)
	c.env = append(c.env, "TF_LOG=TRACE", "TF_LOG_PATH="+filepath.Join(c.folder, "trace.log"))
	ends := time.Now().UTC().AddDate(0, 0, 60).Format(`"2006-01-02T15:04:05Z"`)
	config := "provider \"partner\" {\n  environment = \"prod\"\n  guardrails  = { levels = { \"credential/count\" = " +
		"\"off\" } }\n}\n" +
		identity(args{"expires_at": ends}) + grant(args{"expires_at": ends})
	for label, kind := range map[string]string{
		"f": "federated",
		"x": "certificate",
		"s": "ssh_certificate",
		"k": "secret",
	} {
		config += strings.ReplaceAll(credential(kind, args{"expires_at": ends}), `"orders" {`, `"`+label+`" {`)
	}
	c.write(config)
	c.must("apply", "-auto-approve")
	before := c.stored()
	published := filepath.Join(c.folder, ".partner", "prod", "publish", "policy")
	stop := throughout(func() bool {
		cmd := exec.Command(opa, "eval", "--format=raw", "--data", published, "--stdin-input", "data.partner.allow")
		cmd.Stdin =
			strings.NewReader(`{"credential": {"claims": {"iss": "https://login.acme.test", "sub": "svc-orders", "aud": "orders.example.com"}}, "action": "read", "path": "orders/acme/daily/1"}`)
		out, err := cmd.CombinedOutput()
		return err == nil && strings.TrimSpace(string(out)) == "true"
	})
	rehearses := func(quarter string) (r rehearsed) {
		t.Helper()
		c.write(config + strings.ReplaceAll(acmeRehearsal, "%s", quarter))
		c.must("apply", "-auto-approve")
		c.output("rehearsal", &r)
		return r
	}
	first := rehearses("2026-Q4")
	if refused, asked := stop(); refused > 0 || asked < 3 {
		t.Errorf("the real access was refused %d times of %d", refused, asked)
	}
	if got := first.kinds(t); !slices.Equal(got,
		[]string{"certificate", "certificate", "federated", "secret", "ssh_certificate"}) {
		t.Errorf("tried were %q", got)
	}
	sameStored(t, before, c.stored())
	if out, err := c.try("plan", "-detailed-exitcode"); err != nil {
		t.Errorf("the plan after it is not empty: %v\n%s", err, out)
	}
	if second := rehearses("2027-Q1"); second.RehearsedAt.Before(first.RehearsedAt) {
		t.Errorf("another trigger rehearsed at %s, before %s", second.RehearsedAt, first.RehearsedAt)
	}
	sameStored(t, before, c.stored())
	c.tellsOfRehearsals(filepath.Join(c.folder, ".partner", "prod", "journal.jsonl"), "acme", "acme")
	for name, text := range c.files() {
		if (!strings.HasPrefix(name, filepath.Join(".partner", "prod", "keys")) &&
			bytes.Contains(text, []byte("PRIVATE KEY"))) || secretText.Match(text) {
			t.Errorf("%s holds a secret in the clear", name)
		}
	}
}

// secretText is an API key or secret id in the clear, or an age key.
var secretText = regexp.MustCompile(`partner_[A-Za-z0-9_-]{43}|AGE-SECRET-KEY-1`)

// output reads an output of the configuration into v.
func (c *cli) output(name string, v any) {
	c.t.Helper()
	if err := json.Unmarshal([]byte(c.must("output", "-json", name)), v); err != nil {
		c.t.Fatal(err)
	}
}

// tellsOfRehearsals claims that a journal has the rehearsals of partners, and the end of all that they made.
func (c *cli) tellsOfRehearsals(path string, partners ...string) {
	c.t.Helper()
	var rehearsals []string
	created, revoked := 0, 0
	for _, l := range journalLines(c.t, path) {
		shadow := l.Type == "identity" && strings.HasPrefix(l.ID, "rehearsal-")
		switch {
		case l.Phase == journal.Done &&
			l.Verb == journal.Rehearse &&
			l.Type == "partner" &&
			!l.Refused.IsZero() &&
			l.Seconds > 0:
			rehearsals = append(rehearsals, l.ID)
		case l.Phase == journal.Done && l.Verb == journal.Create && shadow:
			created++
		case l.Phase == journal.Done && l.Verb == journal.Revoke && shadow:
			revoked++
		}
	}
	if slices.Sort(rehearsals); !slices.Equal(rehearsals, partners) ||
		created != len(partners) ||
		revoked != len(partners) {
		c.t.Errorf("the journal tells of rehearsals of %q, %d twins made and %d removed; there were those of %q",
			rehearsals, created, revoked, partners)
	}
}

// stored is all that the embedded system keeps, but for what says when it was published, and
// lists that are signed anew.
func (c *cli) stored() map[string]string {
	c.t.Helper()
	kept := map[string]string{}
	validity := regexp.MustCompile(`"valid_until(_ns)?":("[^"]*"|\d+)`)
	for name, text := range c.files(".partner", "prod") {
		base := filepath.Base(name)
		switch {
		case strings.HasPrefix(base, "journal.jsonl"), base == "rehearsed.json",
			strings.Contains(name, filepath.Join("ledger", "revoked")):
			continue
		case base == "crl.pem", base == "revoked_keys", base == "generation.json",
			strings.HasPrefix(base, "ledger.sums"), strings.HasSuffix(base, ".tar.gz"),
			strings.Contains(name, filepath.Join("publish", "cut")+string(filepath.Separator)):
			text = nil
		}
		kept[name] = validity.ReplaceAllString(string(text), "")
	}
	return kept
}

func sameStored(t *testing.T, before, after map[string]string) {
	t.Helper()
	for name := range maps.Keys(after) {
		if was, there := before[name]; !there {
			t.Errorf("%s was left", name)
		} else if was != after[name] {
			t.Errorf("%s is another than before:\n%s\n%s", name, was, after[name])
		}
	}
	for name := range maps.Keys(before) {
		if _, there := after[name]; !there {
			t.Errorf("%s is gone", name)
		}
	}
}

// Three partners of a real OpenBao, each with another kind of access, are rehearsed in one apply,
// by the shipped policies.
func TestARehearsalOnOpenBaoTouchesNothingReal(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	t.Parallel()
	c := newCluster(t)
	c.env = append(c.env, "TF_LOG=TRACE", "TF_LOG_PATH="+filepath.Join(c.folder, "trace.log"))
	c.cli.must("apply", "-auto-approve")
	globex := c.globex()
	initech, secret := c.initech()
	before := c.left()
	var at map[string]map[string]string
	c.output("logins", &at)
	shows := c.globexShows()
	stop := throughout(func() bool {
		old, _ := c.bao.Call(t, globex, "POST", "invoices/globex/inbox/1.pdf", map[string]any{"a": "b"})
		mine, _ := c.bao.Call(t, initech, "GET", "stock/initech/levels/1", nil)
		return old != http.StatusForbidden && mine != http.StatusForbidden &&
			c.login(at["acme"]["path"], nil,
				map[string]any{"role": at["acme"]["role"], "jwt": c.acmeJWT("prod")}) != "" &&
			c.login(at["globex"]["path"], shows, map[string]any{"name": at["globex"]["name"]}) != "" &&
			c.login(at["initech"]["path"], nil,
				map[string]any{"role_id": at["initech"]["role_id"], "secret_id": secret}) != ""
	})
	c.file("rehearsal.tf", `
resource "partner_rehearsal" "all" {
  for_each = toset(["acme", "globex", "initech"])
  partner  = each.key
}
output "rehearsals" { value = partner_rehearsal.all }
`)
	c.cli.must("apply", "-auto-approve")
	if refused, asked := stop(); refused > 0 || asked < 3 {
		t.Errorf("the real access was refused %d times of %d", refused, asked)
	}
	var all map[string]rehearsed
	c.output("rehearsals", &all)
	var memories []string
	for partner, kind := range map[string]string{"acme": "federated", "globex": "certificate", "initech": "secret"} {
		if got := all[partner].kinds(t); !slices.Equal(got, []string{kind}) ||
			all[partner].Results[0].SessionSeconds == nil {
			t.Errorf("of %s was tried %q: %+v", partner, got, all[partner])
		}
		memories = append(memories, "sys/policies/acl/partner: partner/"+partner+"/rehearsed")
	}
	c.tellsOfRehearsals(filepath.Join(c.folder, "journal.jsonl"), "acme", "globex", "initech")
	after := slices.DeleteFunc(c.left(), func(path string) bool { return slices.Contains(memories, path) })
	if slices.Sort(before); !slices.Equal(before, slices.Sorted(slices.Values(after))) {
		t.Errorf("before there was %v, after it %v", before, after)
	}
	c.cli.must("apply", "-auto-approve", "-refresh-only")
	var neglected []string
	if c.output("neglected", &neglected); len(neglected) > 0 {
		t.Errorf("the inventory finds neglected: %q", neglected)
	}
	c.as(c.plan)
	if out, err := c.try("plan", "-detailed-exitcode"); err != nil {
		t.Errorf("the plan after it is not empty: %v\n%s", err, out)
	}
	c.unspoken(secret, c.plan, c.apply)
	for name, text := range c.files() {
		if secretText.Match(text) {
			t.Errorf("%s holds a secret in the clear", name)
		}
	}
}
