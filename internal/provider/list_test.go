// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// put puts objects in force, each by a stack.
func (w *world) put(stack string, objects ...access.Object) {
	w.t.Helper()
	s := w.system()
	for _, o := range objects {
		seal := func([]byte) (string, error) { return "sealed", nil }
		if _, err := s.Put(w.t.Context(),
			access.Change{Object: o, Stack: stack, EndsAt: o.Common().ExpiresAt.Time, Seal: seal}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// feed is an identity with a credential of each kind and two grants, which all end after so many days.
func feed(id access.IdentityID, days int) []access.Object {
	terms := access.Terms{
		Owner: "jane.doe@example.com", ExpiresAt: access.At(dawn.Add(time.Duration(days) * 24 * time.Hour)),
		Review: &access.Review{At: access.At(dawn), By: "jane.doe@example.com", Reason: "Still feeds the ERP"},
	}
	rotation := &access.Rotation{
		Every:   access.Span{Duration: 48 * time.Hour},
		Overlap: access.Span{Duration: time.Hour},
		Trigger: map[string]string{"a": "b"},
	}
	_, csr := newCSR()
	return []access.Object{
		&access.Identity{
			ID: id, Terms: terms, Purpose: "Nightly order feed", Ceiling: []access.Pattern{"orders/acme/*"},
			Contact:        "noc@acme.test",
			Agreement:      &access.Agreement{Reference: "MSA-1", EndsAt: access.At(dawn.Add(400 * 24 * time.Hour))},
			Subcontractors: &access.Subcontractors{Allowed: true, MaxDepth: 1},
		},
		&access.Credential{
			IdentityID: id,
			Terms:      terms,
			Federated: &access.FederatedTrust{
				Issuer:    "https://login.acme.test",
				Subject:   id.Name,
				Audiences: []string{"a", "b"},
			},
		},
		&access.Credential{
			IdentityID:  id,
			Terms:       terms,
			Certificate: &access.CertificateRequest{CSR: csr},
			Rotation:    rotation,
		},
		&access.Credential{IdentityID: id, Terms: terms, SSHCertificate: &access.SSHRequest{PublicKey: partnerSSHKey}},
		&access.Credential{
			IdentityID: id,
			Terms:      terms,
			Secret:     &access.SecretRequest{Recipient: partnerRecipient},
			Rotation:   rotation,
		},
		&access.Grant{
			IdentityID: id,
			Name:       "daily",
			Terms:      terms,
			Purpose:    "Read the order files",
			Resource:   "orders/acme/daily/*",
			Actions:    []string{"list", "read"},
		},
		&access.Grant{
			IdentityID: id,
			Name:       "shell",
			Terms:      terms,
			Purpose:    "Repair the order feed",
			Resource:   "ssh/deploy",
			Actions:    []string{"login"},
		},
	}
}

var (
	etl  = access.IdentityID{Partner: "acme", Environment: "prod", Name: "orders"}
	labs = access.IdentityID{Partner: "globex", Environment: "prod", Name: "lab"}
)

// twoStacks is a world with a partner's feed of ours, and another's identity of another stack.
func twoStacks(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.put("partners", feed(etl, 100)...)
	w.put("labs", &access.Identity{
		ID:      labs,
		Purpose: "Lab results of each night",
		Terms:   access.Terms{Owner: "bob@example.com", ExpiresAt: access.At(dawn.Add(20 * 24 * time.Hour))},
	})
	return w
}

// ids are the ids of a list, or what went wrong.
func (p *protocol) ids(results []tfprotov6.ListResourceResult) (ids []string) {
	p.t.Helper()
	for _, r := range results {
		p.well(r.Diagnostics)
		ids = append(ids, p.identityID(r.Identity))
	}
	return ids
}

func TestAQueryListsWhatEveryStackHolds(t *testing.T) {
	t.Parallel()
	w := twoStacks(t)
	p := w.protocol(alone)
	for _, c := range []struct {
		kind   string
		config map[string]any
		limit  int64
		want   []string
	}{
		{"partner_identity", nil, 0, []string{"acme/prod/orders", "globex/prod/lab"}},
		{"partner_identity", nil, 1, []string{"acme/prod/orders"}},
		{"partner_identity", nil, 100, []string{"acme/prod/orders", "globex/prod/lab"}},
		{"partner_identity", map[string]any{"partner": "globex"}, 0, []string{"globex/prod/lab"}},
		{"partner_identity", map[string]any{"environment": "test"}, 0, nil},
		{"partner_identity", map[string]any{"owner": "Bob@example.com"}, 0, []string{"globex/prod/lab"}},
		{"partner_identity", map[string]any{"expires_before": access.At(dawn.Add(21 * 24 * time.Hour)).String()}, 0,
			[]string{"globex/prod/lab"}},
		{"partner_identity", map[string]any{"flags": []string{"unused", "dormant"}}, 0, []string{"globex/prod/lab"}},
		{"partner_identity", map[string]any{"flags": []string{"orphaned"}}, 0, nil},
		{"partner_credential", map[string]any{"partner": "acme"}, 0,
			[]string{"acme/prod/orders/certificate", "acme/prod/orders/federated", "acme/prod/orders/secret",
				"acme/prod/orders/ssh_certificate"}},
		{"partner_grant", nil, 0, []string{"acme/prod/orders/daily", "acme/prod/orders/shell"}},
		{"partner_grant", map[string]any{"partner": "globex"}, 0, nil},
	} {
		if got := p.ids(p.list(c.kind, false, c.limit, c.config)); !slices.Equal(got, c.want) {
			t.Errorf("%s %v: got %q, want %q", c.kind, c.config, got, c.want)
		}
	}
	theirs := p.list("partner_identity", false, 0, map[string]any{"partner": "globex"})[0]
	if want := "globex/prod/lab, bob@example.com, until " + access.At(dawn.Add(20*24*time.Hour)).String() +
		", unused"; theirs.DisplayName != want {
		t.Errorf("got %q, want %q", theirs.DisplayName, want)
	}
	if theirs.Resource != nil {
		t.Error("the resource was not asked for")
	}
}

func TestWhatAQueryListsIsWhatAnImportReads(t *testing.T) {
	t.Parallel()
	p := twoStacks(t).protocol(alone)
	for kind, n := range map[string]int{"partner_identity": 2, "partner_credential": 4, "partner_grant": 2} {
		listed := p.list(kind, true, 0, nil)
		if len(listed) != n {
			t.Fatalf("%d of %s", len(listed), kind)
		}
		for _, r := range listed {
			p.well(r.Diagnostics)
			id := p.identityID(r.Identity)
			of := p.schemas.ResourceSchemas[kind].ValueType()
			read := p.imported(kind, id)
			want, err := read.NewState.Unmarshal(of)
			if err != nil {
				t.Fatal(err)
			}
			got, err := r.Resource.Unmarshal(of)
			if err != nil {
				t.Fatal(err)
			}
			if differences, err := want.Diff(got); err != nil || len(differences) > 0 {
				t.Errorf("%s %s: %v %v", kind, id, differences, err)
			}
			if p.identityID(read.NewIdentity) != id {
				t.Errorf("the reading of %s is known by %q", id, p.identityID(read.NewIdentity))
			}
		}
	}
}

func TestAQueryRefusesFiltersThatMeanNothing(t *testing.T) {
	t.Parallel()
	p := newWorld(t).protocol(alone)
	for _, config := range []map[string]any{
		{"partner": "ACME Inc"}, {"expires_before": "next year"}, {"flags": []string{"governd"}},
		{"flags": []string{"ungoverned"}},
	} {
		answer, err := p.server.ValidateListResourceConfig(t.Context(), &tfprotov6.ValidateListResourceConfigRequest{
			TypeName: "partner_grant", Config: p.value(p.schemas.ListResourceSchemas["partner_grant"], config),
		})
		if err != nil || len(answer.Diagnostics) == 0 {
			t.Errorf("%v is taken: %v", config, err)
		}
	}
}

// crowded is a system of thousands, which counts how often it is asked, and fails where told to.
type crowded struct {
	access.System
	records   []*access.Record
	asked     int
	otherwise error
}

func (m *crowded) List(context.Context) ([]*access.Record, error) {
	m.asked++
	return m.records, m.otherwise
}

// ID says that there is a system.
func (m *crowded) ID(context.Context) (string, error) { return "crowded", nil }

func (m *crowded) Get(ctx context.Context, ref access.Ref) (*access.Record, error) {
	m.asked++
	return m.System.Get(ctx, ref)
}

func TestAQueryOfThousandsAsksTheSystemOnce(t *testing.T) {
	slow(t)
	t.Parallel()
	const identities = 1000 // with two grants each
	m := &crowded{}
	for n := range identities {
		id := access.IdentityID{Partner: "acme", Environment: "prod", Name: fmt.Sprintf("feed-%04d", n)}
		all := feed(id, 100)
		for _, o := range []access.Object{all[0], all[5], all[6]} {
			m.records = append(m.records, &access.Record{
				Object:  o,
				History: access.Born("partners", dawn),
				EndsAt:  o.Common().ExpiresAt.Time,
			})
		}
	}
	p := newWorld(t).protocol(func(s access.System) access.System { m.System = s; return m })
	begun := time.Now()
	listed := len(p.list("partner_identity", true, 0, nil)) + len(p.list("partner_grant", true, 0, nil)) +
		len(p.list("partner_credential", true, 0, nil))
	if listed != 3*identities || m.asked != 1 {
		t.Errorf("%d resources, and the system was asked %d times", listed, m.asked)
	}
	t.Logf("%d resources with their arguments in %s", listed, time.Since(begun))
}

func TestAQueryOfASystemThatFailsSaysSo(t *testing.T) {
	t.Parallel()
	m := &crowded{otherwise: fmt.Errorf("list: %w", access.ErrUnavailable)}
	p := newWorld(t).protocol(func(s access.System) access.System { m.System = s; return m })
	for _, kind := range []string{"partner_identity", "partner_credential", "partner_grant"} {
		got := p.list(kind, true, 0, nil)
		if len(got) != 1 ||
			len(got[0].Diagnostics) != 1 ||
			!strings.Contains(got[0].Diagnostics[0].Detail, "unavailable") {
			t.Errorf("%s: %v", kind, got)
		}
	}
}

var (
	listBlock   = regexp.MustCompile(`(?ms)^list "(\w+)" "(\w+)" \{.*?^  config \{\n(.*?)^  \}`)
	listFilters = regexp.MustCompile(`(?m)^ +(\w+) += (.*)$`)
)

// The example of the docs, as terraform query would ask it. The values in it are JSON, too.
func TestTheExampleOfAQueryIsAnswered(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../examples/list-resources/partner_identity/list-resource.tfquery.hcl")
	if err != nil {
		t.Fatal(err)
	}
	p := twoStacks(t).protocol(alone)
	answers := map[string]int{}
	for _, b := range listBlock.FindAllStringSubmatch(string(text), -1) {
		config := map[string]any{}
		for _, f := range listFilters.FindAllStringSubmatch(b[3], -1) {
			config[f[1]] = argument(t, f[2])
			known := p.schemas.ListResourceSchemas[b[1]].Block.Attributes
			if !slices.ContainsFunc(known, func(a *tfprotov6.SchemaAttribute) bool { return a.Name == f[1] }) {
				t.Errorf("a list of %s has no %s", b[1], f[1])
			}
		}
		answers[b[2]] = len(p.ids(p.list(b[1], true, 500, config)))
	}
	if want := map[string]int{"neglected": 0, "ends_this_quarter": 2}; !maps.Equal(answers, want) {
		t.Errorf("got %v, want %v", answers, want)
	}
	// The import by identity that the page shows; this CLI may be too old for it.
	block := regexp.MustCompile(`(?s)to +=\s*(\w+)\.\w+.*identity = \{ id = "([^"]+)" \}`).
		FindStringSubmatch(blocksOf(t, "docs/guides/list.md")("import {"))
	if block == nil {
		t.Fatal("the page shows no import by identity")
	}
	shown, err := access.ParseIdentityID(block[2])
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	w.put("partners", &access.Identity{
		ID:      shown,
		Purpose: "Nightly order feed of the ERP",
		Terms:   access.Terms{Owner: "bob@example.com", ExpiresAt: access.At(dawn.Add(20 * 24 * time.Hour))},
	})
	if w.protocol(alone).imported(block[1], block[2]).NewState == nil {
		t.Errorf("the import of %s finds nothing", block[2])
	}
}

func argument(t *testing.T, text string) any {
	t.Helper()
	var one string
	if json.Unmarshal([]byte(text), &one) == nil {
		return one
	}
	var all []string
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// A state of a Terraform that keeps no identities, or of a provider that had none: the first reading knows by what the
// resource is known, and changes nothing else.
func TestAStateOfBeforeIsKnownByItsIDFromTheFirstReading(t *testing.T) {
	t.Parallel()
	p := twoStacks(t).protocol(alone)
	const kind, id = "partner_grant", "acme/prod/orders/daily"
	before := p.imported(kind, id)
	again, err := p.server.ReadResource(t.Context(),
		&tfprotov6.ReadResourceRequest{TypeName: kind, CurrentState: before.NewState, Private: before.Private})
	if err != nil {
		t.Fatal(err)
	}
	p.well(again.Diagnostics)
	if p.identityID(again.NewIdentity) != id || string(again.NewState.MsgPack) != string(before.NewState.MsgPack) {
		t.Errorf("known by %q, and another state", p.identityID(again.NewIdentity))
	}
}

// What takes another's place is known by its own id, whatever Terraform hands in of the other.
func TestAReplacementIsKnownByItsOwnID(t *testing.T) {
	t.Parallel()
	w := twoStacks(t)
	p := w.protocol(alone)
	const kind = "partner_grant"
	schema := p.schemas.ResourceSchemas[kind]
	arguments := map[string]any{
		"identity_id": "acme/prod/orders", "name": "weekly", "resource": "orders/acme/weekly/*",
		"actions": []string{"read"}, "owner": "jane.doe@example.com",
		"purpose": "Read the weekly order files", "expires_at": access.At(dawn.Add(50 * 24 * time.Hour)).String(),
	}
	config := p.value(schema, arguments)
	proposed := plainValue(schema.ValueType(), arguments)
	none := p.encode(schema.ValueType(), tftypes.NewValue(schema.ValueType(), nil))
	values := map[string]tftypes.Value{}
	if err := proposed.As(&values); err != nil {
		t.Fatal(err)
	}
	for _, a := range schema.Block.Attributes {
		if a.Computed && values[a.Name].IsNull() {
			values[a.Name] = tftypes.NewValue(a.ValueType(), tftypes.UnknownValue)
		}
	}
	plan, err := p.server.PlanResourceChange(t.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: kind, PriorState: none, PriorIdentity: p.known("acme/prod/orders/daily"), Config: config,
		ProposedNewState: p.encode(schema.ValueType(), tftypes.NewValue(schema.ValueType(), values)),
	})
	if err != nil {
		t.Fatal(err)
	}
	p.well(plan.Diagnostics)
	done, err := p.server.ApplyResourceChange(t.Context(), &tfprotov6.ApplyResourceChangeRequest{
		TypeName: kind, PriorState: none, Config: config, PlannedState: plan.PlannedState,
		PlannedIdentity: plan.PlannedIdentity, PlannedPrivate: plan.PlannedPrivate,
	})
	if err != nil {
		t.Fatal(err)
	}
	p.well(done.Diagnostics)
	const want = "acme/prod/orders/weekly"
	if planned, made := p.identityID(plan.PlannedIdentity),
		p.identityID(done.NewIdentity); planned != want || made != want {
		t.Errorf("planned as %q, made as %q", planned, made)
	}
}
