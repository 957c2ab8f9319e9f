// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/provider"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/awstest"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
)

// inBucket opens the system of AWS with its ledger in a bucket of this process. Nothing here asks IAM: what has no
// credential is not in it.
func inBucket(t *testing.T, b *awstest.Bucket) access.System {
	t.Helper()
	words, err := policy.NewWords("us-east-1", nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := aws.Open(aws.Options{
		Region: "us-east-1", Ledger: "s3://ledger/prod",
		Endpoints: aws.Endpoints{IAM: "http://127.0.0.1:1", S3: "http://127.0.0.1:1"}, Words: words,
		Credentials: credentials.NewStaticCredentialsProvider("ROOT", "secret", ""), Patience: 5 * time.Millisecond,
		Transport: b,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNoConfigurationGetsWhatTheFloorForbidsOnAWS(t *testing.T) {
	t.Parallel()
	bucket := awstest.NewBucket(nil)
	w := &floorWalk{
		t: t, dice: rand.New(rand.NewPCG(23, 5)), place: "arn:aws:s3:::",
		open:      func() access.System { return inBucket(t, bucket) },
		arguments: map[string]any{"embedded": map[string]any{"directory": t.TempDir()}}, // in whose place it stands
		around:    func(access.System) access.System { return inBucket(t, bucket) },
	}
	w.goes(16, 4)
}

// Security's resource sets the floor, and from then on a decision counts with its signature alone; what is looser is
// refused, and less goes through.
func TestAFloorAndSignedDecisionsOnAWS(t *testing.T) {
	t.Parallel()
	bucket := awstest.NewBucket(nil)
	configuration := func(stack string, rules map[string]any) *protocol {
		t.Helper()
		around := func(access.System) access.System { return inBucket(t, bucket) }
		p, diags := configuredBy(t, provider.NewAround(access.WallClock, around)(), map[string]any{
			"environment": "prod", "stack": stack, "embedded": map[string]any{"directory": t.TempDir()},
			"guardrails": rules,
			"journal":    map[string]any{"path": filepath.Join(t.TempDir(), "journal.jsonl")},
		})
		p.well(diags)
		return p
	}
	made := func(p *protocol, kind string, config map[string]any, was *stated) *stated {
		t.Helper()
		s, refused := p.made(kind, config, was)
		if len(refused) > 0 {
			t.Fatalf("%s is refused: %v", kind, refused)
		}
		return s
	}
	on := func(n int) string { return access.At(access.WallClock().Add(days(n))).String() }
	identity := map[string]any{
		"partner":    "acme",
		"name":       "etl",
		"owner":      "jane.doe@example.com",
		"purpose":    "Nightly order feed into the ERP",
		"expires_at": on(80),
	}
	grant := map[string]any{
		"identity_id": "acme/prod/etl", "resource": "arn:aws:s3:::exchange/acme/daily/*", "actions": []string{"read"},
		"owner":   "jane.doe@example.com",
		"purpose": "Read the daily order files", "expires_at": on(20),
	}
	partners := configuration("partners", nil)
	states := map[string]*stated{"partner_identity": made(partners, "partner_identity", identity, nil),
		"partner_grant": made(partners, "partner_grant", grant, nil)}

	key := filepath.Join(t.TempDir(), "key")
	keygen := realtool.Find(t, "ssh-keygen")
	if out, err := exec.Command(keygen, "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	security := configuration("security", nil)
	floor := made(security, "partner_floor", map[string]any{
		"set_by": "security@example.com", "max_lifetime": map[string]any{"grant": "2208h"}, "min_fixed_segments": 3,
		"require_signed": []string{"waiver"},
		"deciders": []any{map[string]any{
			"address": "ciso@example.com",
			"keys":    []any{map[string]any{"key": string(public)}},
			"until":   on(300),
		}},
	}, nil)
	if _, refused := configuration("partners", nil).made("partner_floor", map[string]any{"set_by": "me@example.com"},
		nil); len(refused) == 0 {
		t.Error("another stack sets the floor")
	}

	partners = configuration("partners", map[string]any{"max_lifetime": map[string]any{"grant": "8000h"}})
	grant["actions"] = []string{"read", "list"}
	if refused := partners.refusals("partner_grant", grant, states["partner_grant"]); !strings.Contains(refused,
		"looser than the floor") {
		t.Errorf("under a looser provider block: %s", refused)
	}
	partners = configuration("partners", nil)
	grant["actions"], grant["resource"] = []string{"read"}, "arn:aws:s3:::exchange/acme/*"
	waiver := map[string]any{"reason": "Until the folders are moved", "approver": "ciso@example.com", "until": on(10)}
	grant["waivers"] = map[string]any{"scope/wildcard-resource": waiver}
	printed := partners.refusals("partner_grant", grant, states["partner_grant"])
	command := commandLineToSign.FindStringSubmatch(printed)
	if command == nil {
		t.Fatalf("no command to sign with in:\n%s", printed)
	}
	sign := exec.Command("sh", "-c", strings.TrimSuffix(command[1], "KEY")+key)
	sign.Env = append(os.Environ(), "PATH="+filepath.Dir(keygen)+":"+os.Getenv("PATH"))
	signature, err := sign.Output()
	if err != nil {
		t.Fatal(err)
	}
	waiver["signature"] = strings.Replace(string(signature), "A", "B", 1)
	if refused := partners.refusals("partner_grant", grant, states["partner_grant"]); !strings.Contains(refused,
		"signature") {
		t.Errorf("with a signature that is none: %s", refused)
	}
	waiver["signature"] = string(signature)
	states["partner_grant"] = made(partners, "partner_grant", grant, states["partner_grant"])

	bucket.Write("ledger/prod.floor/floor.json", nil)
	partners = configuration("partners", nil)
	more := map[string]any{
		"identity_id": "acme/prod/etl",
		"resource":    "arn:aws:s3:::exchange/acme/weekly/*",
		"actions":     []string{"read"},
		"owner":       "jane.doe@example.com",
		"purpose":     "Read the weekly order files",
		"expires_at":  on(20),
	}
	if refused := partners.refusals("partner_grant", more, nil); !strings.Contains(refused,
		"is gone: somebody removed it") {
		t.Errorf("without the floor: %s", refused)
	}
	for _, kind := range []string{"partner_grant", "partner_identity"} {
		if refused := partners.removed(states[kind]); len(refused) > 0 {
			t.Errorf("a removal is refused without the floor: %v", refused)
		}
	}
	if refused := configuration("security", nil).removed(floor); len(refused) > 0 {
		t.Errorf("the floor is not lifted: %v", refused)
	}
	made(configuration("partners", map[string]any{"max_lifetime": map[string]any{"grant": "8000h"}}),
		"partner_identity", identity, nil)
}

// refusals returns what a plan of one resource is refused with.
func (p *protocol) refusals(kind string, config map[string]any, was *stated) (said string) {
	p.t.Helper()
	prior := tftypes.NewValue(p.schemas.ResourceSchemas[kind].ValueType(), nil)
	private := []byte(nil)
	if was != nil {
		prior, private = was.value, was.private
	}
	for _, d := range p.planned(kind, config, prior, private).Diagnostics {
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			said += d.Summary + "\n" + d.Detail + "\n"
		}
	}
	return said
}
