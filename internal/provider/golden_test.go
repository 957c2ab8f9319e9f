// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/partner-access/terraform-provider-partner/internal/golden"
	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
)

// whichever are the rules over equals: what is planned last shows the finding, and which one that is, is chance.
var whichever = []string{
	"credential/count", "delegation/cycle", "scope/accumulation", "scope/foreign-partner", "scope/overlap",
	"separation/duplicate", "separation/shared-key",
}

// goldenRule compares what a rule says of its example, as the CLI gives it, with testdata/guardrail/FAMILY/RULE.txt, and
// with it which other rules warn of the example.
func goldenRule(t *testing.T, slug string, said []diagnostic) {
	t.Helper()
	var b strings.Builder
	var others []string
	for _, d := range said {
		if d.Summary == "This creates a new access system" { // each example is planned where nothing is yet
			continue
		}
		if d.rule() != slug {
			others = append(others, d.rule())
			continue
		}
		address := d.Address
		if kind, _, _ := strings.Cut(address, "."); slices.Contains(whichever, slug) {
			address = kind + ".*"
		}
		detail, _, _ := strings.Cut(d.Detail, "\nTo offboard now") // with the first error of a plan, whichever that is
		fmt.Fprintf(&b, "%s at %s\n\n%s\n\n%s\n\n", d.Severity, strings.TrimSpace(address+" "+d.Attribute), d.Summary,
			detail)
	}
	slices.Sort(others)
	for _, other := range slices.Compact(others) {
		fmt.Fprintf(&b, "Beside it: %s.\n", other)
	}
	path := filepath.Join("testdata", "guardrail", filepath.FromSlash(slug)+".txt")
	golden.Compare(t, path, b.String())
}

func TestGoldenFilesAreOfRules(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "guardrail", "*", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		family := filepath.Base(filepath.Dir(file))
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		slug := family + "/" + name
		if _, ok := guardrail.Lookup(slug); !ok || notShown[slug] != "" {
			t.Errorf("%s is what no example shows", file)
		}
	}
}

// diagnostic is one of the CLI, with the attribute that the provider gave to it.
type diagnostic struct{ Severity, Summary, Detail, Address, Attribute string }

// rule is the slug that its summary begins with; the summary where it is no rule's.
func (d diagnostic) rule() string {
	slug, _, _ := strings.Cut(d.Summary, ":")
	return slug
}

// paths remembers the attributes of diagnostics, which the CLI only shows as lines of code.
type paths struct {
	tfprotov6.ProviderServer
	mu sync.Mutex
	at map[string]string
}

func (p *paths) of(summary, detail string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at[summary+"\n"+detail]
}

func (p *paths) remember(said []*tfprotov6.Diagnostic) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range said {
		if d.Attribute != nil {
			p.at[d.Summary+"\n"+d.Detail] = dotted(d.Attribute)
		}
	}
}

// dotted is a path as people write it: review.by, waivers["expiry/too-long"].until.
func dotted(path *tftypes.AttributePath) string {
	var b strings.Builder
	for _, step := range path.Steps() {
		switch step := step.(type) {
		case tftypes.AttributeName:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(string(step))
		case tftypes.ElementKeyString:
			fmt.Fprintf(&b, "[%q]", string(step))
		default:
			fmt.Fprintf(&b, "[%v]", step)
		}
	}
	return b.String()
}

func (p *paths) ValidateResourceConfig(ctx context.Context,
	req *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	resp, err := p.ProviderServer.ValidateResourceConfig(ctx, req)
	if err == nil {
		p.remember(resp.Diagnostics)
	}
	return resp, err
}

func (p *paths) PlanResourceChange(ctx context.Context,
	req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	resp, err := p.ProviderServer.PlanResourceChange(ctx, req)
	if err == nil {
		p.remember(resp.Diagnostics)
	}
	return resp, err
}

func (p *paths) ApplyResourceChange(ctx context.Context,
	req *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	resp, err := p.ProviderServer.ApplyResourceChange(ctx, req)
	if err == nil {
		p.remember(resp.Diagnostics)
	}
	return resp, err
}
