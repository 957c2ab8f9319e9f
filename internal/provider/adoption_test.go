// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// legacy is access that was made by hand: an AppRole and an entity, each with a policy of its own.
type legacy struct {
	c              *cluster
	native         string
	roleID, secret string
}

// legacyMount is where people made their AppRoles.
func (c *cluster) legacyMount() {
	c.must("POST", "sys/auth/legacy", map[string]any{"type": "approle"})
	c.must("POST", "sys/policies/acl/acme-legacy",
		map[string]any{"policy": `path "orders/*" { capabilities = ["read", "list"] }`})
	c.must("POST", "sys/policies/acl/acme-stock",
		map[string]any{"policy": `path "stock/*" { capabilities = ["read"] }`})
}

func (c *cluster) byHand(name string) legacy {
	c.t.Helper()
	data := func(answer map[string]any) map[string]any { return answer["data"].(map[string]any) }
	role := "auth/legacy/role/" + name
	c.must("POST", role, map[string]any{"token_policies": []string{"acme-stock"}})
	h := legacy{c: c}
	h.roleID = data(c.must("GET", role+"/role-id", nil))["role_id"].(string)
	h.secret = data(c.must("POST", role+"/secret-id", map[string]any{}))["secret_id"].(string)
	number := data(c.must("POST", "identity/entity",
		map[string]any{"name": name, "policies": []string{"acme-legacy"}}))["id"].(string)
	h.native = "identity/entity/id/" + number
	accessor := data(c.must("GET", "sys/auth", nil))["legacy/"].(map[string]any)["accessor"]
	c.must("POST", "identity/entity-alias",
		map[string]any{"name": h.roleID, "canonical_id": number, "mount_accessor": accessor})
	return h
}

func (h legacy) login() string {
	return h.c.login("auth/legacy/login", nil, map[string]any{"role_id": h.roleID, "secret_id": h.secret})
}

// newLegacy is a cluster with access that was made by hand, and the provider's configuration.
func newLegacy(t *testing.T) (*cluster, legacy, string) {
	t.Helper()
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	t.Parallel()
	c := newCluster(t)
	provider := c.bare()
	c.legacyMount()
	return c, c.byHand("acme-nightly"), provider
}

// reads says whether the partner may read a path, with a login of its own.
func (h legacy) reads(path string) bool {
	h.c.t.Helper()
	token := h.login()
	if token == "" {
		return false
	}
	status, _ := h.c.bao.Call(h.c.t, token, "GET", path, nil)
	return status != http.StatusForbidden
}

// stored is the text of all objects of OpenBao that give access.
func (c *cluster) stored() map[string]string {
	c.t.Helper()
	all := map[string]string{}
	for _, folder := range []string{"sys/policies/acl", "identity/entity/id", "identity/entity-alias/id",
		"identity/group/id", "auth/legacy/role"} {
		data, _ := c.must("LIST", folder, nil)["data"].(map[string]any)
		keys, _ := data["keys"].([]any)
		for _, k := range keys {
			path := folder + "/" + k.(string)
			all[path] = fmt.Sprint(c.must("GET", path, nil)["data"])
		}
	}
	return all
}

// bare leaves of the example's configuration nothing but the provider.
func (c *cluster) bare() string {
	c.t.Helper()
	for _, name := range []string{"outputs.tf", "variables.tf", "terraform.tfvars.json"} {
		if err := os.Remove(filepath.Join(c.folder, name)); err != nil {
			c.t.Fatal(err)
		}
	}
	return `
provider "partner" {
  environment = "prod"
  stack       = "partners"
  openbao     = {}
  journal     = { path = "journal.jsonl" }
  guardrails  = { owner_domains = ["example.com"] }
  partners    = { acme = { kind = "vendor", domains = ["acme.test"], contact = "noc@acme.test" } }
}
`
}

func TestWhatNobodyDeclaredIsAdoptedFromTheInventory(t *testing.T) {
	c, h, provider := newLegacy(t)
	c.may("the partner", h.login(), "GET", "stock/levels/1", true)

	c.write(provider + `
data "partner_inventory" "it" { flags = ["ungoverned"] }
output "import" { value = join("", compact(data.partner_inventory.it.items[*].import)) }
`)
	c.cli.must("apply", "-auto-approve")
	var block string
	c.output("import", &block)
	if !strings.Contains(block, `"acme/ENVIRONMENT/NAME@`+h.native+`"`) {
		t.Fatalf("the inventory's import block is %s", block)
	}
	label := regexp.MustCompile(`partner_identity\.(\S+)`).FindStringSubmatch(block)[1]
	block = strings.Replace(block, "ENVIRONMENT/NAME", "prod/nightly", 1)
	identity := func(lines string) string {
		return fmt.Sprintf("resource \"partner_identity\" %q {\n  partner = \"acme\"\n  name = \"nightly\"\n%s}\n",
			label, lines)
	}
	const purpose = "  purpose = \"Nightly order feed of the ERP\"\n"
	ends := fmt.Sprintf("  expires_at = %q\n", access.At(time.Now().Add(time.Hour)))
	const owner = "  owner = \"jane.doe@example.com\"\n"

	// Nobody plans it without an owner, or past the rules for new access.
	for what, lines := range map[string]string{
		`"owner" is required`: purpose + ends, `"expires_at" is required`: purpose + owner,
		"purpose/vague":          owner + ends + "  purpose = \"test access\"\n",
		"expiry/indefinite":      owner + purpose + "  expires_at = \"2999-01-01T00:00:00Z\"\n",
		"names another identity": strings.Replace(owner+purpose+ends, "owner", "environment = \"test\"\n  owner", 1),
	} {
		c.write(provider + block + identity(lines))
		if out, err := c.try("plan"); err == nil || !strings.Contains(flowing(out), what) {
			t.Errorf("a plan that should say %s says %v\n%s", what, err, out)
		}
	}

	// Importing alone changes nothing.
	before := c.stored()
	id := "partner_identity." + label
	c.write(provider + identity(owner+purpose+ends))
	c.cli.must("import", id, "acme/prod/nightly@"+h.native)
	if out, err := c.try("plan", "-detailed-exitcode"); err == nil ||
		!strings.Contains(flowing(out), "This adopts undeclared access") ||
		!strings.Contains(out, "acme-stock") {
		t.Errorf("the plan says %v\n%s", err, out)
	}
	if after := c.stored(); !maps.Equal(before, after) {
		t.Errorf("importing changed %v to %v", before, after)
	}
	if !h.reads("stock/levels/1") || !h.reads("orders/acme/1") {
		t.Error("the partner's login does not work as before")
	}
	if out := c.cli.must("destroy", "-auto-approve"); !strings.Contains(flowing(out), "Nothing was revoked") ||
		!maps.Equal(before, c.stored()) {
		t.Errorf("what was only imported was destroyed, or not: %s", out)
	}

	c.adopts(h, provider+block+identity(owner+purpose+ends), id)
}

// adopts applies a configuration that adopts, and lives with it to the end.
func (c *cluster) adopts(h legacy, config, id string) {
	c.t.Helper()
	end := access.At(time.Now().Add(25 * time.Second).Truncate(time.Second))
	grant := fmt.Sprintf(`
resource "partner_grant" "nightly" {
  identity_id = %s.id
  resource    = "orders/acme/*"
  actions     = ["read"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the order files"
  expires_at  = %q
}
`, id, end)
	c.write(config + grant)
	out := c.cli.must("apply", "-auto-approve")
	if !strings.Contains(flowing(out), "1 imported, 1 added, 1 changed, 0 destroyed") {
		c.t.Errorf("the apply says\n%s", out)
	}
	token := h.login()
	c.may("the old login", token, "GET", "orders/acme/1", true)
	for _, path := range []string{"orders/globex/1", "stock/levels/1", "auth/token/lookup-self"} {
		c.may("the old login", token, "GET", path, false)
	}
	for time.Now().Before(end.Time) { // the second that it is about
		time.Sleep(20 * time.Millisecond)
	}
	c.may("the old session after the end", token, "GET", "orders/acme/1", false)
	c.may("the old login after the end", h.login(), "GET", "orders/acme/1", false)

	c.as(c.plan)
	c.write(config + `
data "partner_inventory" "it" { partner = "acme" }
output "flags" { value = { for i in data.partner_inventory.it.items : coalesce(i.id, i.native_id) => join(" ", i.flags) } }
`)
	out, err := c.try("plan", "-detailed-exitcode", "-target="+id)
	if err != nil ||
		!strings.Contains(flowing(out), "An old login still works") ||
		!strings.Contains(flowing(out),
			"&& bao delete -address="+c.bao.Address+" -namespace=root auth/legacy/role/acme-nightly") {
		c.t.Errorf("the plan after it is not empty, or says nothing of the old login: %v\n%s", err, out)
	}
	c.as(c.apply)
	c.cli.must("apply", "-auto-approve")
	var flags map[string]string
	c.output("flags", &flags)
	// the grant goes with this apply
	maps.DeleteFunc(flags, func(id, _ string) bool { return strings.HasPrefix(id, "acme/prod/nightly/") })
	// nobody comes from there here
	want := map[string]string{"acme/prod/nightly": "governed drifted", "sys/auth/partner-jwt-acme": "ungoverned"}
	if !maps.Equal(flags, want) {
		c.t.Errorf("the inventory has %v", flags)
	}
	c.cli.must("destroy", "-auto-approve")
	if left := append(c.left(), c.namesIn("auth/legacy/role")...); len(left) > 0 || h.login() != "" {
		c.t.Errorf("after destroy there is %v", left)
	}
	c.unspoken(h.secret)
}

var decoration = regexp.MustCompile(`\x1b\[[0-9;]*m|│`)

// flowing is what the CLI printed without colours and line ends: it wraps long lines.
func flowing(out string) string {
	return strings.Join(strings.Fields(decoration.ReplaceAllString(out, "")), " ")
}

func (c *cluster) namesIn(folder string) (names []string) {
	data, _ := c.must("LIST", folder, nil)["data"].(map[string]any)
	keys, _ := data["keys"].([]any)
	for _, k := range keys {
		names = append(names, k.(string))
	}
	return names
}

// Two hundred of them are adopted by the example as it stands in the docs, from the sheet that it writes.
func TestTwoHundredAreAdoptedInOneApply(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	t.Parallel()
	c := newCluster(t)
	c.bare()
	if err := os.CopyFS(filepath.Join(c.folder, "adoption"), os.DirFS("../../examples/adoption")); err != nil {
		t.Fatal(err)
	}
	c.folder = filepath.Join(c.folder, "adoption")
	c.legacyMount()
	const many = 200
	all := map[string]legacy{}
	for n := range many {
		h := c.byHand(fmt.Sprintf("acme-feed-%03d", n))
		all[h.native] = h
	}
	end := "-var=expires_at=" + access.At(time.Now().Add(90*24*time.Hour)).String()
	c.cli.must("apply", "-auto-approve", end)
	var sheet string
	if err := json.Unmarshal([]byte(c.cli.must("output", "-json", "sheet")), &sheet); err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`^([^,]+),.*entity acme-(feed-\d+)`)
	names := map[string]string{}
	lines := strings.Split(strings.TrimSpace(sheet), "\n")
	for n, line := range lines[1:] {
		said := row.FindStringSubmatch(line)
		name := said[2]
		names[said[1]] = name
		lines[n+1] = strings.Replace(line, ",,,,,",
			fmt.Sprintf(",%[1]s,jane.doe@example.com,Nightly order feed of ACME,orders/acme/%[1]s,", name), 1)
	}
	if len(lines) != many+1 {
		t.Fatalf("the sheet has %d lines", len(lines))
	}
	c.file("legacy.csv", strings.Join(lines, "\n")+"\n")
	begun, asked := time.Now(), c.asked()
	out := c.cli.must("apply", "-auto-approve", end)
	t.Logf("%d adopted: %s, %d requests", many, time.Since(begun).Round(time.Second), c.asked()-asked)
	if want := strings.TrimSpace(blocksOf(t,
		"docs/guides/task-adopt.md")("Apply complete!")); !strings.Contains(flowing(out), want) {
		t.Errorf("want %q:\n%s", want, out[max(0, len(out)-2000):])
	}
	for native, h := range all {
		name := names[native]
		if !h.reads("orders/acme/"+name+"/1") ||
			h.reads("orders/acme/other/1") ||
			h.reads("stock/1") {
			t.Errorf("%s reads not what it should", name)
		}
	}
	c.cli.must("apply", "-auto-approve", end) // of the sheet, which is empty now
	begun, asked = time.Now(), c.asked()
	c.cli.must("plan", "-detailed-exitcode", end)
	t.Logf("the plan after it: %s, %d requests", time.Since(begun).Round(time.Second), c.asked()-asked)
}

// asked is how many requests OpenBao's audit log has.
func (c *cluster) asked() int {
	c.t.Helper()
	log, err := os.ReadFile(c.bao.AuditLog)
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.Count(string(log), `"type":"request"`)
}

// The answer of an apply was lost, and the state knows only what was imported.
func TestAnAdoptionWhoseAnswerWasLostIsKnownForWhatItIs(t *testing.T) {
	c, h, provider := newLegacy(t)
	c.write(provider + fmt.Sprintf(`
resource "partner_identity" "it" {
  partner    = "acme"
  name       = "nightly"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed of the ERP"
  expires_at = %q
}
`, access.At(time.Now().Add(time.Hour))))
	c.cli.must("import", "partner_identity.it", "acme/prod/nightly@"+h.native)
	state := string(c.files()["terraform.tfstate"])
	c.cli.must("apply", "-auto-approve")
	c.file("terraform.tfstate", state)
	if out, err := c.try("plan", "-detailed-exitcode"); err != nil {
		t.Errorf("the plan is not empty: %v\n%s", err, out)
	}
	if out, err := c.try("import", "-state=other.tfstate", "partner_identity.it",
		"acme/prod/nightly@"+h.native); err == nil || !strings.Contains(flowing(out), "give its id alone") {
		t.Errorf("another import says %v\n%s", err, out)
	}
	c.cli.must("destroy", "-refresh=false", "-auto-approve")
	if left := append(c.left(), c.namesIn("auth/legacy/role")...); len(left) > 0 {
		t.Errorf("there is still %v", left)
	}
}

// The plan said that it stays cut, and the apply gave it back; and it let two blocks adopt the same, of
// which the apply made one.
func TestThePlanOfAnAdoptionSaysWhatTheApplyDoes(t *testing.T) {
	c, h, provider := newLegacy(t)
	block := func(name, line string) string {
		return fmt.Sprintf(`
import {
  to = partner_identity.%[1]s
  id = "acme/prod/%[1]s@%[2]s"
}
resource "partner_identity" %[1]q {
  partner    = "acme"
  name       = %[1]q
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed of the ERP"
  expires_at = %[3]q
  %[4]s
}
`, name, h.native, access.At(time.Now().Add(time.Hour)), line)
	}
	c.write(provider + block("nightly", `hold_released = "INC-7"`))
	if out, err := c.try("plan"); err == nil ||
		!strings.Contains(flowing(out), "would lift a cut that is made before the apply") {
		t.Errorf("a plan that releases what nobody cut says %v\n%s", err, out)
	}
	c.must("POST", h.native, map[string]any{"disabled": true})
	c.write(provider + block("nightly", "") + block("weekly", ""))
	if out, err := c.try("plan"); err == nil || !strings.Contains(flowing(out), "in the same plan") {
		t.Errorf("a plan that adopts it twice says %v\n%s", err, out)
	}
	for line, says := range map[string]string{"": "It was cut by hand, and stays cut",
		`hold_released = "INC-7"`: "hold_released restores it"} {
		c.write(provider + block("nightly", line))
		if out := c.cli.must("plan"); !strings.Contains(flowing(out), says) {
			t.Errorf("with %q the plan does not say %q:\n%s", line, says, out)
		}
	}
	c.write(provider + block("nightly", `hold_released = "INC-7"`))
	c.cli.must("apply", "-auto-approve")
	if h.login() == "" {
		t.Error("it is still cut")
	}
}

func TestTheEmbeddedSystemHasNothingToAdopt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run(
		resource.TestStep{
			Config: w.config(identity(nil)), ResourceName: theIdentity, ImportState: true,
			ImportStateId: "acme/prod/orders-etl@identity/entity/id/1",
			ExpectError:   regexp.MustCompile(`embedded has no ungoverned access`),
		},
		resource.TestStep{
			Config: w.config(identity(nil), grant(nil)), ResourceName: theGrant, ImportState: true,
			ImportStateId: "acme/prod/orders-etl/daily@x",
			ExpectError:   regexp.MustCompile(`not a grant's id`),
		},
	)
}
