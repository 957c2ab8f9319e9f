// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// A plan that changes nothing, beside one of the same access declared object by object with hashicorp/vault's provider,
// on the same server: requests and time, with a server that is so far away. Its binary is not ours to ship:
//
//	PARTNER_VAULT_PROVIDER=/path/to/terraform-provider-vault PARTNER_IDENTITIES=1000 PARTNER_DISTANCE=10ms,30ms \
//	    go test ./internal/provider -run - -bench BesideVault -benchtime 3x -timeout 2h
func BenchmarkPlanBesideVault(b *testing.B) {
	binary := os.Getenv("PARTNER_VAULT_PROVIDER")
	if binary == "" {
		b.Skip("PARTNER_VAULT_PROVIDER names no binary of hashicorp/vault's provider")
	}
	n := 100
	if more, err := strconv.Atoi(os.Getenv("PARTNER_IDENTITIES")); err == nil {
		n = more
	}
	bao := realtool.StartBao(b)
	example, err := filepath.Abs("../../examples/openbao")
	if err != nil {
		b.Fatal(err)
	}
	issuer := (&cluster{cli: newCLI(b), bao: bao, issuerKey: newKey(b)}).startIssuer()
	bao.Run(b, filepath.Join(example, "setup.sh"), issuer)
	if status, answer := bao.Call(b, bao.RootToken, "POST", "sys/mounts/orders",
		map[string]any{"type": "kv"}); status >= 300 {
		b.Fatalf("mount orders: %d %v", status, answer)
	}
	away := &way{}
	address, file := away.to(b, bao)
	us, err := built()
	if err != nil {
		b.Fatal(err)
	}
	states := besideVaultStates(b)
	contestant := func(source, binary string) *cli {
		c := newCLI(b)
		besideVaultInstall(c, source, binary)
		c.file("backend.tf", fmt.Sprintf("terraform {\n  backend \"http\" { address = \"%s/%s\" }\n}\n", states,
			source))
		c.env = append(c.env, "BAO_ADDR="+address, "BAO_CACERT="+file, "BAO_TOKEN="+bao.RootToken,
			"VAULT_ADDR="+address, "VAULT_CACERT="+file, "VAULT_TOKEN="+bao.RootToken)
		return c
	}
	ours := contestant("partner-access/partner", filepath.Join(us, "terraform-provider-partner"))
	text := besideVaultOurs(b, issuer, n)
	ours.write(text)
	ours.must("init")
	ours.must("apply", "-auto-approve", "-parallelism=20")
	theirs := contestant("hashicorp/vault", binary)
	besideVaultTheirs(theirs, issuer, n)
	theirs.must("init")
	theirs.must("apply", "-auto-approve", "-parallelism=20")

	const workflow = "sys/workflows/manage/partner-bundle"
	_, answer := bao.Call(b, bao.RootToken, "GET", workflow, nil)
	contestants := []struct {
		name string
		plan func()
	}{
		{"bundled", func() { ours.must("plan", "-detailed-exitcode") }},
		{"singly", func() {
			bao.Call(b, bao.RootToken, "DELETE", workflow, nil)
			// else it would install it again
			ours.write(strings.Replace(text, "bootstrap = true", "bootstrap = false", 1))
			ours.must("plan", "-detailed-exitcode")
			ours.write(text)
			bao.Call(b, bao.RootToken, "POST", workflow, answer["data"])
		}},
		{"vault", func() { theirs.must("plan", "-detailed-exitcode") }},
	}
	for _, far := range strings.Split(os.Getenv("PARTNER_DISTANCE"), ",") {
		distance, _ := time.ParseDuration(far)
		away.distance.Store(int64(distance))
		b.Run(fmt.Sprintf("%s away", distance), func(b *testing.B) {
			times := map[string][]time.Duration{}
			for b.Loop() { // in turns: a machine that is slow for a while is so for all
				for _, c := range contestants {
					away.asked.Store(0)
					begun := time.Now()
					c.plan()
					times[c.name] = append(times[c.name], time.Since(begun))
					b.ReportMetric(float64(away.asked.Load()), c.name+"-requests")
				}
			}
			for name, all := range times {
				slices.Sort(all)
				b.ReportMetric(all[len(all)/2].Seconds(), name+"-s")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// besideVaultInstall lets the CLI install a provider from a folder: with the overrides of the other tests it has no
// init, and without init no backend.
func besideVaultInstall(c *cli, source, binary string) {
	mirror := filepath.Join(c.folder, "mirror")
	name := "terraform-provider-" + filepath.Base(source)
	folder := filepath.Join(mirror, "registry.terraform.io", source, "1.0.0", runtime.GOOS+"_"+runtime.GOARCH)
	text, err := os.ReadFile(binary)
	if err == nil {
		err = os.MkdirAll(folder, 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+"_v1.0.0"), text, 0o700)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	c.file("cli.tfrc", fmt.Sprintf("provider_installation {\n  filesystem_mirror { path = %q }\n}\n", mirror))
}

// besideVaultStates keeps states in memory. Terraform writes a state in a file anew with each resource, which for
// thousands takes many times as long as their apply.
func besideVaultStates(b *testing.B) (address string) {
	var states sync.Map
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			text, err := io.ReadAll(r.Body)
			if err != nil {
				b.Error(err)
			}
			states.Store(r.URL.Path, text)
			return
		}
		text, ok := states.Load(r.URL.Path)
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		if _, err := w.Write(text.([]byte)); err != nil {
			b.Error(err)
		}
	}))
	b.Cleanup(server.Close)
	return server.URL
}

// way is a way to a server that counts requests, and takes so many nanoseconds for each.
type way struct{ asked, distance atomic.Int64 }

// to is an address on the way, and a file with its certificate.
func (w *way) to(b *testing.B, bao *realtool.Bao) (address, file string) {
	b.Helper()
	proxy := towards(b, bao)
	server := httptest.NewTLSServer(http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		w.asked.Add(1)
		time.Sleep(time.Duration(w.distance.Load()))
		proxy.ServeHTTP(answer, r)
	}))
	b.Cleanup(server.Close)
	file = filepath.Join(b.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}),
		0o600); err != nil {
		b.Fatal(err)
	}
	return server.URL, file
}

// besideVaultOurs declares identities with one credential and two grants each: a quarter of them have a secret,
// the others are federated.
func besideVaultOurs(b *testing.B, issuer string, n int) string {
	end := access.At(time.Now().Add(80 * 24 * time.Hour)).String()
	var text strings.Builder
	fmt.Fprintf(&text, `
provider "partner" {
  environment = "prod"
  stack       = "bench"
  journal     = { path = "journal.jsonl" }
  openbao     = { bootstrap = true, mounts = { jwt = { %q = "partner-jwt-acme" } } }
  guardrails  = { max_grants = 20 }
}
`, issuer)
	for i := range n {
		terms := fmt.Sprintf("owner = \"jane.doe@example.com\"\n  expires_at = %q", end)
		fmt.Fprintf(&text, "resource \"partner_identity\" \"i%[1]d\" {\n  partner = \"p%[2]d\"\n  name = "+
			"\"feed-%[1]d\"\n  purpose = \"Nightly feed of the orders\"\n  %[3]s\n}\n", i, i%10, terms)
		proof := fmt.Sprintf(`federated = { issuer = %q, subject = "svc-%d", audiences = ["orders.example.com"] }`,
			issuer, i)
		if i%4 == 0 {
			key, err := age.GenerateX25519Identity()
			if err != nil {
				b.Fatal(err)
			}
			proof = fmt.Sprintf("secret = { recipient = %q }\n  rotation = { every = \"720h\", overlap = \"48h\" }\n "+
				" allowed_cidrs = [\"203.0.113.0/24\"]", key.Recipient())
		}
		fmt.Fprintf(&text, "resource \"partner_credential\" \"i%[1]d\" {\n  identity_id = "+
			"partner_identity.i%[1]d.id\n  %[2]s\n  %[3]s\n}\n", i, proof, terms)
		for _, way := range []string{"in", "out"} {
			fmt.Fprintf(&text, "resource \"partner_grant\" \"i%[1]d_%[2]s\" {\n  identity_id = "+
				"partner_identity.i%[1]d.id\n  resource = \"orders/feed-%[1]d/%[2]s/*\"\n  actions = [\"read\"]\n  "+
				"purpose = \"Files of the nightly feed\"\n  %[3]s\n}\n", i, way, terms)
		}
	}
	return text.String()
}

// besideVaultTheirs declares the same access as OpenBao's objects, without owners and ends, which those do not have.
func besideVaultTheirs(c *cli, issuer string, n int) {
	var text strings.Builder
	text.WriteString("terraform {\n  required_providers {\n    vault = { source = \"hashicorp/vault\" }\n  " +
		"}\n}\nprovider \"vault\" {}\n" +
		"resource \"vault_auth_backend\" \"approle\" {\n  type = \"approle\"\n  path = \"bench-approle\"\n}\n" +
		"resource \"vault_jwt_auth_backend\" \"jwt\" {\n  path = \"bench-jwt\"\n  oidc_discovery_url = \"" + issuer +
		"\"\n  bound_issuer = \"" + issuer + "\"\n}\n")
	for i := range n {
		role := "vault_jwt_auth_backend_role"
		accessor := "vault_jwt_auth_backend.jwt.accessor"
		fmt.Fprintf(&text, "resource \"vault_identity_entity\" \"i%[1]d\" {\n  name = \"feed-%[1]d\"\n  policies = "+
			"[vault_policy.i%[1]d_in.name, vault_policy.i%[1]d_out.name]\n}\n", i)
		if i%4 == 0 {
			role = "vault_approle_auth_backend_role"
			accessor = "vault_auth_backend.approle.accessor"
			fmt.Fprintf(&text, "resource %[2]q \"i%[1]d\" {\n  backend = vault_auth_backend.approle.path\n  "+
				"role_name = \"feed-%[1]d\"\n  role_id = \"feed-%[1]d\"\n}\nresource "+
				"\"vault_approle_auth_backend_role_secret_id\" \"i%[1]d\" {\n  backend = "+
				"vault_auth_backend.approle.path\n  role_name = %[2]s.i%[1]d.role_name\n}\n", i, role)
		} else {
			fmt.Fprintf(&text, "resource %[2]q \"i%[1]d\" {\n  backend = vault_jwt_auth_backend.jwt.path\n  "+
				"role_type = \"jwt\"\n  role_name = \"feed-%[1]d\"\n  user_claim = \"sub\"\n  bound_subject = "+
				"\"svc-%[1]d\"\n  bound_audiences = [\"orders.example.com\"]\n}\n", i, role)
		}
		fmt.Fprintf(&text, "resource \"vault_identity_entity_alias\" \"i%[1]d\" {\n  name = \"svc-%[1]d\"\n  "+
			"mount_accessor = %[2]s\n  canonical_id = vault_identity_entity.i%[1]d.id\n}\n", i, accessor)
		for _, way := range []string{"in", "out"} {
			policy, err := json.Marshal(fmt.Sprintf("path \"orders/feed-%d/%s/*\" {\n  capabilities = [\"read\"]\n}\n",
				i, way))
			if err != nil {
				c.t.Fatal(err)
			}
			fmt.Fprintf(&text, "resource \"vault_policy\" \"i%[1]d_%[2]s\" {\n  name = \"feed-%[1]d-%[2]s\"\n  "+
				"policy = %[3]s\n}\n", i, way, policy)
		}
	}
	c.file("main.tf", text.String())
}
