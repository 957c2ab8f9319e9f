// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// nightly is the job of every night, in a folder of its own, on a system whose portfolio the test prepares.
type nightly struct {
	*cli
	*world
	log string
}

func newNightly(t *testing.T) *nightly {
	t.Helper()
	c := newCLI(t)
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", "nightly", "main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	n := &nightly{c, &world{t: t, directory: filepath.Join(c.folder, "system"), now: time.Now()},
		filepath.Join(c.folder, "use.jsonl")}
	c.file("nightly.tf", string(text))
	values, err := json.Marshal(map[string]any{
		"directory":     n.directory,
		"use_logs":      []string{n.log},
		"active_owners": []string{"jane.doe@example.com"},
	})
	if err != nil {
		t.Fatal(err)
	}
	c.file("terraform.tfvars.json", string(values))
	return n
}

// put makes something by the world's clock.
func (n *nightly) put(o access.Object) {
	n.cli.t.Helper()
	if _, err := n.system().Put(n.cli.t.Context(),
		access.Change{Object: o, Stack: "partners", EndsAt: o.Common().ExpiresAt.Time}); err != nil {
		n.cli.t.Fatal(err)
	}
}

func (n *nightly) terms(owner string, days int) access.Terms {
	return access.Terms{Owner: owner, ExpiresAt: access.At(time.Now().AddDate(0, 0, days).Truncate(time.Second))}
}

// whole is an identity with a credential and a grant, that somebody used some days ago.
func (n *nightly) whole(name, owner string, usedDaysAgo int) {
	n.cli.t.Helper()
	id := access.IdentityID{Partner: partnerOf(name), Environment: "prod", Name: name}
	terms := n.terms(owner, 90)
	n.put(&access.Identity{ID: id, Terms: terms, Purpose: "Nightly order feed"})
	n.put(&access.Credential{
		IdentityID: id,
		Terms:      terms,
		Federated:  &access.FederatedTrust{Issuer: "https://login.acme.test", Subject: name, Audiences: []string{"a"}},
	})
	n.put(&access.Grant{
		IdentityID: id,
		Name:       "daily",
		Terms:      terms,
		Resource:   "orders/acme/*",
		Actions:    []string{"read"},
		Purpose:    "Read",
	})
	if usedDaysAgo < 0 {
		return
	}
	file, err := os.OpenFile(n.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		n.cli.t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString(usedAt(id.String(), usedDaysAgo)); err != nil {
		n.cli.t.Fatal(err)
	}
}

// usedAt is the line of a gateway.
func usedAt(id string, daysAgo int) string {
	return fmt.Sprintf("{\"time\": %q, \"identity\": %q, \"kind\": \"federated\", \"admitted\": true}\n",
		time.Now().UTC().AddDate(0, 0, -daysAgo).Format(time.RFC3339), id)
}

// checks runs the job, and returns what its checks say: the errors that the workflow makes of them.
func (n *nightly) checks() (said []string) {
	n.cli.t.Helper()
	for line := range strings.Lines(n.must("apply", "-auto-approve", "-json")) {
		var event struct {
			Diagnostic struct{ Summary, Detail string }
		}
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			n.cli.t.Fatalf("%v: %s", err, line)
		}
		if event.Diagnostic.Summary == "Check block assertion failed" {
			said = append(said, event.Diagnostic.Detail)
		}
	}
	return said
}

// partnerOf lets what is cut by hand be another partner's: a cut is of all that a partner has.
func partnerOf(name string) string {
	if name == "cut" {
		return "globex"
	}
	return "acme"
}

// The job of every night is silent about what is healthy, and says what is not: each kind of neglect in a prepared
// portfolio. It could not see whose owner had left, what was dormant and what was cut by hand.
func TestTheNightlyJobSaysWhatIsNeglected(t *testing.T) {
	n := newNightly(t)
	n.now = time.Now().AddDate(0, 0, -100)
	var log strings.Builder // which is older than the access, and goes on from day to day
	for ago := 101; ago >= 0; ago-- {
		log.WriteString(usedAt("acme/prod/before", ago))
	}
	if err := os.WriteFile(n.log, []byte(log.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	n.whole("orders", "jane.doe@example.com", 1)
	n.now = time.Now()
	id := access.IdentityID{Partner: "acme", Environment: "prod", Name: "orders"}
	n.put(&access.Grant{
		IdentityID: id,
		Name:       "soon",
		Terms:      n.terms("jane.doe@example.com", 10),
		Resource:   "orders/acme/*",
		Actions:    []string{"list"},
		Purpose:    "Read",
	})
	if said := n.checks(); len(said) > 0 {
		t.Errorf("what is healthy is complained of: %q", said)
	}
	var ending []struct{ ID, Owner string }
	if err := json.Unmarshal([]byte(n.must("output", "-json", "ending")), &ending); err != nil ||
		len(ending) != 1 ||
		ending[0].ID != "acme/prod/orders/soon" {
		t.Errorf("what ends in 14 days is %v, %v", ending, err)
	}
	if page := n.must("output", "-raw", "report"); !strings.HasPrefix(page, "<!doctype html>") {
		t.Errorf("the report is %.100q", page)
	}

	n.now = time.Now().AddDate(0, 0, -100)
	n.whole("left", "gone@example.com", 1)
	n.whole("dormant", "jane.doe@example.com", 60)
	n.whole("never-used", "jane.doe@example.com", -1)
	n.whole("changed", "jane.doe@example.com", 1)
	n.whole("cut", "jane.doe@example.com", 1)
	n.now = time.Now()
	n.put(&access.Identity{
		ID:      access.IdentityID{Partner: "acme", Environment: "prod", Name: "empty"},
		Terms:   n.terms("jane.doe@example.com", 90),
		Purpose: "Nobody knows",
	})
	if out, err := exec.Command("sh", filepath.Join(n.directory, "publish", "cut.sh"),
		"globex").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	record := filepath.Join(n.directory, "ledger", "acme", "prod", "changed", "credential-federated.json")
	if err := os.WriteFile(record, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	said := n.checks()
	for check, names := range map[string][]string{
		// and of a damaged record nobody knows whose it is
		"Nobody answers for: ": {"acme/prod/left", "acme/prod/changed"},
		"Changed by hand: ":    {"acme/prod/changed"},
		"Nobody uses: ":        {"acme/prod/dormant", "acme/prod/never-used", "acme/prod/empty"},
		"Cut by hand, and ":    {"globex/prod/cut"},
	} {
		at := slices.IndexFunc(said, func(text string) bool { return strings.HasPrefix(text, check) })
		for _, name := range names {
			if at < 0 || !strings.Contains(said[at], name) {
				t.Errorf("%q does not name %s: %q", check, name, said)
			}
		}
		if at >= 0 && strings.Contains(said[at], "acme/prod/orders") {
			t.Errorf("%q names what is healthy: %q", check, said)
		}
	}
}

func quoted(text string) string {
	out, _ := json.Marshal(text)
	return string(out)
}

// The job stayed green if its apply failed: GitHub runs a step without a shell of its own with "bash -e", to which the
// status of a pipe is that of tee, and any other error than three was filtered away, as was what is no JSON.
func TestTheNightlyJobFailsWithItsApply(t *testing.T) {
	t.Parallel()
	jq := realtool.Find(t, "jq")
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", "nightly", "workflow.yml"))
	if err != nil {
		t.Fatal(err)
	}
	workflow := string(text)
	if !strings.Contains(workflow, "defaults:\n  run: { shell: bash }") { // "bash -eo pipefail", by GitHub's syntax
		t.Error("a pipe whose first command fails passes")
	}
	_, after, _ := strings.Cut(workflow, "- name: What fails a check\n        run: |\n")
	step, _, _ := strings.Cut(after, "\n      - ")
	for name, c := range map[string]struct {
		line   string
		passes bool
	}{
		"a warning of a rule": {`{"type":"diagnostic","diagnostic":{"severity":"warning","summary":"expiry/soon: x","detail":"y"}}`, true},
		"a check that fails":  {`{"type":"diagnostic","diagnostic":{"severity":"warning","summary":"Check block assertion failed","detail":""}}`, false},
		"a dormant access":    {`{"type":"diagnostic","diagnostic":{"severity":"warning","summary":"activity/dormant: x","detail":"y"}}`, false},
		"any error":           {`{"type":"diagnostic","diagnostic":{"severity":"error","summary":"Cannot reach OpenBao","detail":"y"}}`, false},
		"what is no JSON":     {`panic: out of memory`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "run.jsonl"), []byte(c.line+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(jq)+":"+os.Getenv("PATH"))
			if out, err := cmd.CombinedOutput(); (err == nil) != c.passes {
				t.Errorf("it ends with %v:\n%s", err, out)
			}
		})
	}
}
