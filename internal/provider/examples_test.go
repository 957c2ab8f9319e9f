// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
	"github.com/partner-access/terraform-provider-partner/internal/provider"
)

// notShown are the rules that no example can be refused by, and why.
var notShown = map[string]string{
	"incident/unsigned": "it takes a floor, and a signature of just this object: " +
		"TestDecisionsAreSigned shows it",
	"review/not-entitled": "it takes a floor, and a signature of just this object: " +
		"TestDecisionsAreSigned shows it",
	"review/unsigned": "it takes a floor, and a signature of just this object: " +
		"TestDecisionsAreSigned shows it",
	"waiver/unsigned": "it takes a floor, and a signature of just this object: " +
		"TestDecisionsAreSigned shows it",
	"credential/whole-account": "it takes AWS: internal/guardrail has its cases",
	"partner/unlisted-account": "it takes AWS: internal/guardrail has its cases",
	"expiry/soon":              "it only warns: what a plan creates or extends has all of its life ahead",
	"scope/no-mount":           "it takes an OpenBao: TestNoGrantReachesPastItsDataOnOpenBao shows it",
	"scope/unknown-engine":     "it takes an OpenBao with a plugin",
}

// notRepaired are the rules whose example is repaired by no other configuration, and why.
var notRepaired = map[string]string{
	"activity/drift": "an apply of what is declared repairs it, and somebody who finds out who " +
		"opened more",
	"offboarding/rehearsal-overdue": "an apply of a rehearsal repairs it, and no plan before that",
}

// Each example that a rule refuses is refused by nothing else, and what the docs show beside it is not refused: the
// repair, and the waiver.
func TestEveryRuleRefusesItsExample(t *testing.T) {
	t.Parallel()
	needTerraform(t)
	files := examples(t, "refused")
	for _, rule := range guardrail.Catalogue() {
		file := strings.ReplaceAll(rule.Slug, "/", "--") + ".tf"
		text, shown := files[file]
		delete(files, file)
		before, prepared := files[strings.TrimSuffix(file, ".tf")+".before.tf"]
		delete(files, strings.TrimSuffix(file, ".tf")+".before.tf")
		fixed, repaired := files[strings.TrimSuffix(file, ".tf")+".fixed.tf"]
		delete(files, strings.TrimSuffix(file, ".tf")+".fixed.tf")
		if reason, listed := notShown[rule.Slug]; shown == listed {
			t.Errorf("%s: either examples/refused/%s shows it, or notShown says why not: %q", rule.Slug, file, reason)
		}
		if !shown {
			continue
		}
		if reason, listed := notRepaired[rule.Slug]; repaired == listed {
			t.Errorf("%s: either a .fixed.tf beside it repairs it, or notRepaired says why not: %q", file, reason)
		}
		t.Run(rule.Slug, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			if prepared {
				l.begin(before)
			}
			l.trait = comment(text, "system")
			said, spoke := l.refuses(text), false
			for _, d := range said {
				spoke = spoke || (d.Severity == "error" && d.rule() == rule.Slug)
			}
			if !spoke {
				t.Errorf("its example is not refused by it: %v", said)
			}
			for _, d := range said {
				if d.Severity == "error" && d.rule() != rule.Slug {
					t.Errorf("it is refused for something else: %s\n%s", d.Summary, d.Detail)
				}
			}
			goldenRule(t, rule.Slug, said)
			if brief() {
				return // that its repair and its waiver are accepted takes two more plans
			}
			if repaired {
				l.accepts("its repair", rule.Slug, fixed)
			}
			if !rule.Fixed {
				l.waive(text, waiver(t, rule.Slug))
				l.accepts("its example with the waiver of the docs", rule.Slug, text)
			}
		})
	}
	for file := range files {
		t.Errorf("examples/refused/%s shows no rule", file)
	}
	for _, excuses := range []map[string]string{notShown, notRepaired} {
		for slug := range excuses {
			if _, ok := guardrail.Lookup(slug); !ok {
				t.Errorf("notShown or notRepaired has %s, which is no rule", slug)
			}
		}
	}
}

// waiver is the one that the page of the docs shows for a rule.
func waiver(t *testing.T, slug string) string {
	t.Helper()
	family, _, _ := strings.Cut(slug, "/")
	page, err := os.ReadFile(filepath.Join("..", "..", "templates", "guides", "guardrails-"+family+".md.tmpl"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## "+slug+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	_, rest, _ := strings.Cut(section, "```hcl\n")
	text, _, found := strings.Cut(rest, "```")
	if !found || !strings.Contains(text, slug) {
		t.Fatalf("the page of %s shows no waiver of it: run go generate ./tools/...", slug)
	}
	return text
}

// The false alarms that a stricter catalogue would raise, each with somebody who needs it.
func TestLegitimateAccessIsAccepted(t *testing.T) {
	t.Parallel()
	needTerraform(t)
	files := examples(t, "accepted")
	if n := len(files); n < 30 {
		t.Errorf("%d examples; 30 is the least", n)
	}
	for n, file := range slices.Sorted(maps.Keys(files)) {
		text := files[file]
		if brief() && n%3 != 0 {
			continue
		}
		if before, ok := strings.CutSuffix(file, ".before.tf"); ok {
			if files[before+".tf"] == "" {
				t.Errorf("%s comes before nothing", file)
			}
			continue
		}
		t.Run(strings.TrimSuffix(file, ".tf"), func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			if before, ok := files[strings.TrimSuffix(file, ".tf")+".before.tf"]; ok {
				l.begin(before)
			}
			l.write(text)
			said, err := l.terraform("plan", "-out=plan")
			var warned []string
			for _, d := range said {
				if d.Severity == "error" {
					t.Errorf("%s %s: %s\n%s", d.Address, d.Attribute, d.Summary, d.Detail)
					continue
				}
				if _, is := guardrail.Lookup(d.rule()); is { // else it explains a change
					warned = append(warned, d.rule())
				}
			}
			slices.Sort(warned)
			if got, want := strings.Join(slices.Compact(warned), ", "), comment(text, "warns"); got != want {
				t.Errorf("warns of %q, and declares %q", got, want)
			}
			if err != nil {
				t.Fatal(err)
			}
			if comment(text, "applied") != "" {
				l.must("apply", "plan")
				l.must("plan", "-detailed-exitcode")
			}
		})
	}
}

// examples are the files of a folder of examples, by name.
func examples(t *testing.T, folder string) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", "..", "examples", folder, "*.tf"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no examples in %s: %v", folder, err)
	}
	files := map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(text), "# ") {
			t.Errorf("%s does not begin with a comment that says what it shows", path)
		}
		files[filepath.Base(path)] = string(text)
	}
	return files
}

// comment is what a comment of an example says to the test, as in "# clock: +100d".
func comment(text, name string) string {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, "# "+name+": "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// lab is a world that the real CLI plans in. It talks to the provider in this process, on the world's clock.
type lab struct {
	*world
	folder string
	env    []string
	paths  *paths
	trait  string // what the system is like, beside an embedded one
}

func newLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{world: newWorld(t), folder: t.TempDir()}
	settings := filepath.Join(l.folder, "cli.tfrc")
	if err := os.WriteFile(settings, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	around := func(s access.System) access.System { return &other{s, l.trait} }
	server := provider.NewServer(provider.NewAround(l.clock, around)())
	l.paths = &paths{ProviderServer: server, at: map[string]string{}}
	l.env = append(os.Environ(), "TF_REATTACH_PROVIDERS="+attach(t, l.paths), "TF_CLI_CONFIG_FILE="+settings,
		"CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1")
	return l
}

// other is an embedded system that is like another one in one trait, which an example asks for ("#
// system: keeps no log").
type other struct {
	access.System
	trait string
}

func (o *other) Unwrap() access.System { return o.System }

func (o *other) Capabilities() access.Capabilities {
	c := o.System.Capabilities()
	switch o.trait {
	case "":
	case "knows last use":
		c.KnowsLastUse = true
	case "keeps no log":
		c.LogsUse = false
	case "ends access at midnight":
		c.CannotEnd = func(_ access.Object, end time.Time) string {
			if end.Truncate(day).Equal(end) {
				return ""
			}
			return "it ends access only at midnight UTC"
		}
	}
	return c
}

func (o *other) Get(ctx context.Context, ref access.Ref) (*access.Record, error) {
	r, err := o.System.Get(ctx, ref)
	if err == nil {
		r = o.seen(r)
	}
	return r, err
}

func (o *other) List(ctx context.Context) ([]*access.Record, error) {
	records, err := o.System.List(ctx)
	for i, r := range records {
		records[i] = o.seen(r)
	}
	return records, err
}

func (o *other) seen(r *access.Record) *access.Record {
	changed := *r
	switch o.trait {
	case "was cut by hand":
		changed.Held = true
	case "was changed by hand":
		changed.Drift = []string{"The login orders-etl also works without an end."}
	}
	return &changed
}

// attach serves a provider and returns how a CLI finds it.
func attach(t *testing.T, server tfprotov6.ProviderServer) string {
	t.Helper()
	const name = "registry.terraform.io/partner-access/partner"
	ctx, stop := context.WithCancel(context.Background())
	ready := channelFor(tf6server.WithDebug)
	closed := make(chan struct{})
	go func() {
		_ = tf6server.Serve(name, func() tfprotov6.ProviderServer { return server },
			tf6server.WithDebug(ctx, ready, closed), tf6server.WithLoggingSink(t))
	}()
	t.Cleanup(func() { stop(); <-closed })
	select {
	case at := <-ready:
		how := map[string]any{
			"Protocol": at.Protocol, "ProtocolVersion": at.ProtocolVersion, "Pid": at.Pid, "Test": true,
			"Addr": map[string]string{"Network": at.Addr.Network(), "String": at.Addr.String()},
		}
		text, err := json.Marshal(map[string]any{name: how,
			strings.Replace(name, "terraform.io", "opentofu.org", 1): how})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	case <-time.After(10 * time.Second):
		t.Fatal("the provider does not serve")
		return ""
	}
}

// channelFor makes the channel that an option of a server takes, whose type belongs to a package that
// is no business of ours.
func channelFor[T any](func(context.Context, chan *T, chan struct{}) tf6server.ServeOpt) chan *T {
	return make(chan *T)
}

// write writes an example into the folder, and around it what it leaves out: where the provider is from, its block, and
// the directory of the world.
func (l *lab) write(example string) {
	l.t.Helper()
	around := "terraform {\n  required_providers {\n    partner = { source = \"partner-access/partner\" }\n  }\n}\n"
	if !strings.Contains(example, "\nprovider \"partner\"") {
		around += "provider \"partner\" {\n  environment = \"prod\"\n}\n"
	}
	for name, text := range map[string]string{
		"main.tf": example, "around.tf": around,
		"world_override.tf": fmt.Sprintf("provider \"partner\" {\n  embedded = { directory = %q }\n}\n", l.directory),
	} {
		if err := os.WriteFile(filepath.Join(l.folder, name), []byte(text), 0o600); err != nil {
			l.t.Fatal(err)
		}
	}
}

// begin applies what is there before an example, and lets as much time pass as it says.
func (l *lab) begin(text string) {
	l.t.Helper()
	l.write(text)
	l.must("apply", "-auto-approve")
	if clock := comment(text, "clock"); clock != "" {
		days, rest, _ := strings.Cut(strings.TrimPrefix(clock, "+"), "d")
		passed, err := time.ParseDuration(cmp.Or(rest, "0s"))
		var n int
		if _, scanErr := fmt.Sscan(days, &n); err != nil || scanErr != nil {
			l.t.Fatalf("no clock: %q", clock)
		}
		l.passes(time.Duration(n)*day + passed)()
	}
}

// refuses plans an example, or also applies it where only that can fail, and returns what was said.
func (l *lab) refuses(text string) []diagnostic {
	l.t.Helper()
	l.write(text)
	said, err := l.terraform("plan", "-out=plan")
	if err == nil && comment(text, "refused") == "at apply" {
		said, _ = l.terraform("apply", "plan")
	}
	return said
}

// accepts plans an example, or also applies it where only that can fail, which the rule must not find fault with, and
// nothing else refuse.
func (l *lab) accepts(what, slug, text string) {
	l.t.Helper()
	for _, d := range l.refuses(text) {
		if d.Severity == "error" || d.rule() == slug {
			l.t.Errorf("%s: %s\n%s", what, d.Summary, d.Detail)
		}
	}
}

// anyBlock is the head of a resource block of ours.
var anyBlock = regexp.MustCompile(`(?m)^resource "partner_\w+" "\w+" \{$`)

// waive adds a waiver to every resource of an example. It ends as much later as time has passed.
func (l *lab) waive(example, waiver string) {
	l.t.Helper()
	passed := l.clock().Sub(dawn)
	waiver = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`).ReplaceAllStringFunc(waiver,
		func(until string) string {
			at, err := time.Parse(time.RFC3339, until)
			if err != nil {
				l.t.Fatal(err)
			}
			return at.Add(passed).Format(time.RFC3339)
		})
	var b strings.Builder
	for _, head := range anyBlock.FindAllString(example, -1) {
		b.WriteString(head + "\n" + waiver + "}\n")
	}
	if err := os.WriteFile(filepath.Join(l.folder, "waiver_override.tf"), []byte(b.String()), 0o600); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) must(command string, args ...string) {
	l.t.Helper()
	if said, err := l.terraform(command, args...); err != nil {
		l.t.Fatalf("terraform %s: %v %v", command, err, said)
	}
}

// terraform runs the CLI and returns its diagnostics, sorted.
func (l *lab) terraform(command string, args ...string) ([]diagnostic, error) {
	l.t.Helper()
	cmd := exec.Command(os.Getenv(commandLine),
		append([]string{command, "-json", "-input=false", "-lock=false"}, args...)...)
	var out, failed bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = l.folder, l.env, &out, &failed
	err := cmd.Run()
	if failed.Len() > 0 {
		l.t.Error(failed.String())
	}
	var said []diagnostic
	for line := range bytes.Lines(out.Bytes()) {
		var event struct{ Diagnostic *diagnostic }
		if err := json.Unmarshal(line, &event); err != nil {
			l.t.Fatalf("%v: %s", err, line)
		}
		if d := event.Diagnostic; d != nil {
			d.Attribute = l.paths.of(d.Summary, d.Detail)
			said = append(said, *d)
		}
	}
	slices.SortFunc(said, func(a, b diagnostic) int {
		return cmp.Or(
			cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Summary, b.Summary), cmp.Compare(a.Address, b.Address),
			cmp.Compare(a.Attribute, b.Attribute), cmp.Compare(a.Detail, b.Detail),
		)
	})
	return said, err
}
