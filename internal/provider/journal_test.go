// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/journal"
)

// journalLines reads a journal and its head, which must verify.
func journalLines(t testing.TB, path string) (lines []journal.Line) {
	t.Helper()
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	headText, err := os.ReadFile(path + ".head")
	if err != nil {
		t.Fatal(err)
	}
	head, err := journal.ParseHead(string(headText))
	if err != nil {
		t.Fatal(err)
	}
	if v, err := journal.Verify(bytes.NewReader(text), &head); err != nil ||
		v.Problem != "" ||
		v.Last != head {
		t.Fatalf("%+v %v", v, err)
	}
	for text := range bytes.Lines(text) {
		var l journal.Line
		if err := json.Unmarshal(text, &l); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
	return lines
}

// told is what lines say, the intents and the ends apart, since what does not depend on each other is done at once.
func told(lines []journal.Line) map[string]int {
	said := map[string]int{}
	for _, l := range lines {
		said[fmt.Sprintf("%s %s %s", l.Phase, l.Verb, l.Type)]++
	}
	return said
}

// A whole life, with the real CLI: line by line, and never a line for what only looks.
func TestTheJournalSaysWhatWasDone(t *testing.T) {
	if testing.Short() {
		t.Skip("a whole life with the real CLI")
	}
	t.Parallel()
	c := newCLI(t)
	c.env = append(c.env, "GITHUB_ACTIONS=true", "GITHUB_ACTOR=jane", "GITHUB_TRIGGERING_ACTOR=",
		"GITHUB_SERVER_URL=https://github.test", "GITHUB_REPOSITORY=example/access",
		"GITHUB_RUN_ID=42", "GITHUB_RUN_ATTEMPT=1")
	now := time.Now().UTC()
	ends := func(days int) string { return now.AddDate(0, 0, days).Format(`"2006-01-02T15:04:05Z"`) }
	path := filepath.Join(c.folder, ".partner", "prod", "journal.jsonl")
	seen := 0
	// does applies a configuration, and claims which lines that gives.
	does := func(what, config string, want map[string]int) []journal.Line {
		t.Helper()
		c.write(`provider "partner" { environment = "prod" }` + "\n" + config)
		c.must("plan", "-no-color", "-out=plan.bin")
		if n := len(journalLines(t, path)); n != seen {
			t.Errorf("%s: the plan wrote %d lines", what, n-seen)
		}
		c.must("apply", "-no-color", "plan.bin")
		lines := journalLines(t, path)[seen:]
		if got := told(lines); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: the journal says %v, want %v", what, got, want)
		}
		for _, l := range lines {
			if l.Stack != "default" ||
				l.System != "embedded" ||
				l.Actor.Name != "jane" ||
				l.Actor.Kind != "ci" ||
				l.Actor.Run != "https://github.test/example/access/actions/runs/42/attempts/1" ||
				(l.Phase == journal.Done && l.UID == "") {
				t.Errorf("%s: %+v", what, l)
			}
		}
		seen += len(lines)
		return lines
	}
	both := func(verb string, types ...string) map[string]int {
		want := map[string]int{}
		for _, kind := range types {
			want["intent "+verb+" "+kind]++
			want["done "+verb+" "+kind]++
		}
		return want
	}
	whole := func(i args) string {
		return identity(i) + credential("secret", args{"expires_at": ends(60)}) + grant(args{"expires_at": ends(60)})
	}
	does("the first apply", whole(args{"expires_at": ends(90)}), both("create", "identity", "credential", "grant"))
	does("another purpose", whole(args{"expires_at": ends(90), "purpose": `"Hourly order feed into the ERP"`}),
		both("change", "identity"))
	review :=
		fmt.Sprintf(`{ at = %s, by = "john.roe@example.com", reason = "The feed runs until the new ERP is live" }`,
			now.Add(-time.Minute).Format(`"2006-01-02T15:04:05Z"`))
	for _, l := range does("a later end", whole(args{"expires_at": ends(120), "review": review}),
		both("renew", "identity")) {
		if l.Review == nil || l.Review.By != "john.roe@example.com" {
			t.Errorf("on nobody's word: %+v", l)
		}
	}
	cut := does("a suspension", whole(args{"expires_at": ends(120), "review": review, "suspended": "true"}),
		both("suspend", "identity"))
	if done := cut[len(cut)-1]; done.Refused.IsZero() || done.Seconds <= 0 || done.Seconds > 30 {
		t.Errorf("it does not say how soon: %+v", done)
	}
	does("and back", whole(args{"expires_at": ends(120), "review": review}), both("resume", "identity"))
	does("nothing", whole(args{"expires_at": ends(120), "review": review}), map[string]int{})
	does("the end", "", both("revoke", "identity", "credential", "grant"))
	for _, l := range journalLines(t, path)[seen-6:] {
		if l.Phase == journal.Done && (l.Refused.IsZero() ||
			l.Seconds <= 0 ||
			l.Seconds > 30 ||
			l.Owner == "") {
			t.Errorf("it does not say how soon: %+v", l)
		}
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("gateways cannot get at what is published: %v %v", info.Mode(), err)
	}
	verifiesInTerraform(t, c, seen)
}

// verifiesInTerraform asks the provider's function, of the journal as it is and without its last line.
func verifiesInTerraform(t *testing.T, c *cli, lines int) {
	t.Helper()
	c.write(`locals {
  text = file(".partner/prod/journal.jsonl")
  head = file(".partner/prod/journal.jsonl.head")
  cut  = join("", [for l in slice(split("\n", local.text), 0, length(split("\n", local.text)) - 2) : "${l}\n"])
}
output "whole" { value = provider::partner::verify_journal(local.text, local.head) }
output "chain" { value = provider::partner::verify_journal(local.cut) }
output "cut" { value = provider::partner::verify_journal(local.cut, local.head) }
`)
	c.must("apply", "-auto-approve", "-no-color")
	for name, want := range map[string]string{
		"whole": fmt.Sprintf(`{"lines":%d,"ok":true,"problem":""}`, lines),
		"chain": fmt.Sprintf(`{"lines":%d,"ok":true,"problem":""}`, lines-1),
		"cut":   fmt.Sprintf(`{"lines":%d,"ok":false,"problem":"it ends after line %d, but its head says that %d were written: lines were cut off at the end"}`, lines-1, lines-1, lines),
	} {
		if got := strings.TrimSpace(c.must("output", "-json", name)); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestAJournalThatCannotBeWrittenRefusesBeforeAnythingIsChanged(t *testing.T) {
	if testing.Short() {
		t.Skip("with the real CLI")
	}
	t.Parallel()
	c := newCLI(t)
	refused := func(what, path string, says ...string) {
		t.Helper()
		c.write(fmt.Sprintf("provider \"partner\" {\n  environment = \"prod\"\n  journal = { path = %q }\n}\n", path) +
			identity(nil))
		c.must("plan", "-no-color")
		out, err := c.try("apply", "-no-color", "-auto-approve")
		plain := strings.Join(strings.Fields(strings.NewReplacer("│", " ").Replace(out)), " ")
		for _, s := range append(says, "Cannot create identity acme/prod/orders-etl", "Nothing was changed.") {
			if err == nil || !strings.Contains(plain, s) {
				t.Errorf("%s: it does not say %q: %v\n%s", what, s, err, out)
			}
		}
		if files := c.files(".partner"); len(files) > 0 {
			t.Errorf("%s: the directory has %d files", what, len(files))
		}
	}
	for _, folder := range []string{"folder", "shipped"} {
		if err := os.Mkdir(filepath.Join(c.folder, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	c.file("file", "")
	refused("a directory", "folder", "is a directory")
	refused("below a file", "file/journal.jsonl", "not a directory")
	refused("a device", "/dev/full", "cannot be written")
	c.file("shipped/journal.jsonl.head", "7 "+strings.Repeat("a", 64)+"\n")
	refused("tampered with", "shipped/journal.jsonl", "its head says that 7 lines were written",
		"The provider changes nothing more until somebody has looked",
		"move both away together", "set the provider's journal.path to a new file")
}

// What was issued reaches the state, though the journal failed after it: with an error it would be lost.
func TestAJournalThatFailsAfterTheChangeLosesNoSecret(t *testing.T) {
	slow(t)
	t.Parallel()
	w, f := newWorld(t), &faulty{}
	path := filepath.Join(w.directory, "journal.jsonl")
	f.answer = func(r *access.Record) (*access.Record, error) {
		if r.Object.Ref().Type == access.TypeCredential {
			return r, errors.Join(os.Rename(path, path+".aside"), os.Mkdir(path, 0o700))
		}
		return r, nil
	}
	config := w.config(identity(nil), credential("secret", nil))
	resource.UnitTest(t, resource.TestCase{ProtoV6ProviderFactories: w.faultyProviders(f), Steps: []resource.TestStep{
		{
			Config: config,
			Check: func(s *terraform.State) error {
				opened(t, s.RootModule().Resources[theKey].Primary.Attributes["sealed_secret"])
				return nil
			},
		},
		{
			PreConfig: func() {
				f.answer = nil
				if err := errors.Join(os.Remove(path), os.Rename(path+".aside", path)); err != nil {
					t.Fatal(err)
				}
				want := map[string]int{
					"intent create identity":   1,
					"done create identity":     1,
					"intent create credential": 1,
				}
				if got := told(journalLines(t, path)); fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("the journal says %v, want %v", got, want)
				}
			},
			Config: config, ConfigPlanChecks: emptyPlan(),
		},
	}, CheckDestroy: w.nothingRemains})
}

func TestOpenBaoNeedsAJournal(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.write("provider \"partner\" {\n  environment = \"prod\"\n  stack = \"partners\"\n  openbao = { address = " +
		"\"https://127.0.0.1:1\" }\n}\n" + identity(nil))
	out, err := c.try("validate", "-no-color")
	if err == nil ||
		!strings.Contains(out, "OpenBao needs a journal") ||
		strings.Count(out, "Error: ") != 1 {
		t.Errorf("%v\n%s", err, out)
	}
}
