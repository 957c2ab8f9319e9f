// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// commands are those that read, change or revoke what a state knows.
var commands = map[string][]string{
	"plan":                 {"plan", "-input=false"},
	"plan without refresh": {"plan", "-input=false", "-refresh=false"},
	"plan of a destroy":    {"plan", "-destroy", "-input=false", "-refresh=false"},
	"apply":                {"apply", "-auto-approve", "-input=false"},
	"apply without refresh": {"apply", "-auto-approve", "-input=false", "-refresh=false",
		"-replace=partner_grant.orders"},
	"apply of a refresh":      {"apply", "-auto-approve", "-input=false", "-refresh-only"},
	"refresh":                 {"refresh", "-input=false"},
	"destroy":                 {"destroy", "-auto-approve", "-input=false"},
	"destroy without refresh": {"destroy", "-auto-approve", "-input=false", "-refresh=false"},
	"destroy of one": {"destroy", "-auto-approve", "-input=false", "-refresh=false",
		"-target=partner_grant.orders"},
}

// few are the commands that harm most: for servers, which are slower.
var few = []string{"plan", "apply of a refresh", "destroy", "destroy without refresh"}

// unframed is what the CLI printed, without its frames and lines.
func unframed(out string) string {
	return strings.Join(strings.Fields(regexp.MustCompile(`[│╷╵]|\x1b\[[0-9;]*m`).ReplaceAllString(out, " ")), " ")
}

// What refusals say of what is there.
const (
	nothing = `(there is none in \S.*?|the one in \S.* has no id, and does not hold what the state means)`
	another = `the one in \S.* is [A-Z2-7]{26}`
)

// refusesAll runs commands with a system that is not the state's: each fails, says which system it looked for and which
// it found, and the state keeps everything.
func (c *cli) refusesAll(there string, names ...string) {
	c.t.Helper()
	before := c.must("state", "list")
	for _, name := range names {
		out, err := c.try(commands[name]...)
		text := unframed(out)
		if err == nil {
			c.t.Errorf("%s: it went through:\n%s", name, out)
		}
		if !regexp.MustCompile(`he state belongs to the access system [A-Z2-7]{26}, but ` + there + `\.`).MatchString(text) {
			c.t.Errorf("%s: it does not name both systems:\n%s", name, out)
		}
		if !strings.Contains(text, "terraform state rm") {
			c.t.Errorf("%s: it does not say how to go on:\n%s", name, out)
		}
		if regexp.MustCompile(`[1-9]\d* destroyed|Destruction complete`).MatchString(text) {
			c.t.Errorf("%s: it says that something was destroyed:\n%s", name, out)
		}
	}
	if after := c.must("state", "list"); after != before {
		c.t.Errorf("the state had\n%s and has\n%s", before, after)
	}
}

func all() (names []string) {
	for name := range commands {
		names = append(names, name)
	}
	return names
}

// endsLater is when the access of these tests ends.
var endsLater = sync.OnceValue(func() string { return time.Now().UTC().Add(20 * 24 * time.Hour).Format(time.RFC3339) })

// ordersIn is an identity with a grant and what was rehearsed, in a system.
func ordersIn(provider string) string {
	return fmt.Sprintf(`
provider "partner" {
  environment = "prod"
  %s
}
resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into their ERP"
  expires_at = %q
}
resource "partner_grant" "orders" {
  identity_id = partner_identity.orders.id
  resource    = "orders/acme/daily/*"
  actions     = ["read"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the daily order files"
  expires_at  = %q
}
`, provider, endsLater(), endsLater())
}

// A CI runner without its volume planned to create everything anew, and destroyed nothing with exit code 0.
func TestTheDirectoryIsAway(t *testing.T) {
	slow(t)
	t.Parallel()
	c := newCLI(t)
	c.write(ordersIn(""))
	made := c.must("apply", "-auto-approve", "-input=false")
	if n := strings.Count(unframed(made), "A new access system with new authorities"); n != 2 {
		t.Errorf("plan and apply warned %d times of a new system:\n%s", n, made)
	}
	if again := c.must("plan", "-input=false"); strings.Contains(again, "new access system") {
		t.Errorf("a system that was there already is called new:\n%s", again)
	}
	root := filepath.Join(c.folder, ".partner", "prod")
	before := c.files(".partner", "prod", "publish")
	away := filepath.Join(c.folder, "away")
	move(t, root, away)
	c.refusesAll(nothing, all()...)
	if _, err := os.Stat(root); !os.IsNotExist(err) {
		t.Errorf("something was made where the system is not: %v", c.files(".partner"))
	}

	if err := os.MkdirAll(root, 0o700); err != nil {
		t.Fatal(err)
	}
	c.refusesAll(nothing, few...) // an empty mount point

	if err := os.CopyFS(filepath.Join(root, "keys"), os.DirFS(filepath.Join(away, "keys"))); err != nil {
		t.Fatal(err)
	}
	c.refusesAll(nothing, few...)
	if err := os.MkdirAll(filepath.Join(root, "ledger"), 0o700); err != nil {
		t.Fatal(err)
	}
	id, err := os.ReadFile(filepath.Join(away, "ledger", "system.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "ledger", "system.json"), id, 0o600); err != nil {
		t.Fatal(err)
	}
	c.refusesAll(nothing, few...) // its id, and nothing that it held

	if err := os.RemoveAll(root); err != nil {
		t.Fatal(err)
	}
	move(t, away, root)
	if after := c.files(".partner", "prod", "publish"); fmt.Sprint(before) != fmt.Sprint(after) {
		t.Error("the publication is another one")
	}
	if out := c.must("destroy", "-auto-approve", "-input=false"); !strings.Contains(out, "2 destroyed") {
		t.Errorf("with the system back, it is not destroyed:\n%s", out)
	}
}

func move(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// A rehearsal that is all that a state knows belongs to a system as well: another one has neither seen it nor
// anything of it to remove.
func TestARehearsalIsOfItsSystem(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.write(ordersIn(`embedded = { directory = "store" }`) + fmt.Sprintf(`
resource "partner_credential" "orders" {
  identity_id = partner_identity.orders.id
  owner       = "jane.doe@example.com"
  expires_at  = %q
  federated   = { issuer = "https://login.acme.test", subject = "svc-orders", audiences = ["orders.example.com"] }
}
resource "partner_rehearsal" "acme" {
  partner    = "acme"
  depends_on = [partner_grant.orders, partner_credential.orders]
}
`, endsLater()))
	c.must("apply", "-auto-approve", "-input=false")
	c.must("state", "rm", "partner_credential.orders", "partner_grant.orders", "partner_identity.orders")
	move(t, filepath.Join(c.folder, "store"), filepath.Join(c.folder, "away"))
	c.refusesAll(nothing, few...)
	if _, err := os.Stat(filepath.Join(c.folder, "store")); !os.IsNotExist(err) {
		t.Error("something was made where the system is not")
	}
	move(t, filepath.Join(c.folder, "away"), filepath.Join(c.folder, "store"))
	if out := c.must("destroy", "-auto-approve", "-input=false"); !strings.Contains(out, "1 destroyed") {
		t.Errorf("with the system back, it is not destroyed:\n%s", out)
	}
}

// Two environments whose directories were exchanged, by a typo in directory or a variable: what the other one holds
// under the same id is not touched.
func TestTheDirectoryIsAnotherSystems(t *testing.T) {
	slow(t)
	t.Parallel()
	one, two := newCLI(t), newCLI(t)
	one.write(ordersIn(`embedded = { directory = "store" }`))
	two.write(ordersIn(`embedded = { directory = "store" }`))
	one.must("apply", "-auto-approve", "-input=false")
	two.must("apply", "-auto-approve", "-input=false")
	theirs := two.files("store", "ledger", "acme")
	one.write(ordersIn(fmt.Sprintf("embedded = { directory = %q }", filepath.Join(two.folder, "store"))))
	one.refusesAll(another, all()...)
	if after := two.files("store", "ledger", "acme"); fmt.Sprint(after) != fmt.Sprint(theirs) || len(after) == 0 {
		t.Error("the other system was changed")
	}

	// What it holds of the other one's is imported as what it is: then the state belongs to the other.
	one.must("state", "rm", "partner_grant.orders", "partner_identity.orders")
	one.must("import", "-input=false", "partner_identity.orders", "acme/prod/orders-etl")
	one.must("plan", "-input=false", "-target=partner_identity.orders")
	one.write(ordersIn(`embedded = { directory = "store" }`))
	one.refusesAll(another, few[:2]...)

	// A copy is the same system.
	one.must("state", "rm", "partner_identity.orders")
	one.must("import", "-input=false", "partner_identity.orders", "acme/prod/orders-etl")
	if err := os.CopyFS(filepath.Join(one.folder, "copy"), os.DirFS(filepath.Join(one.folder, "store"))); err != nil {
		t.Fatal(err)
	}
	one.write(ordersIn(`embedded = { directory = "copy" }`))
	one.must("plan", "-input=false")
}

// What is left of a system whose ledger is gone is not built upon: its authorities are trusted, and a new list of what
// is revoked would not have what was revoked there.
func TestOnlyTheKeysAreLeft(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.write(ordersIn(`embedded = { directory = "store" }`))
	c.must("apply", "-auto-approve", "-input=false")
	move(t, filepath.Join(c.folder, "store"), filepath.Join(c.folder, "away"))
	if err := os.CopyFS(filepath.Join(c.folder, "store", "keys"),
		os.DirFS(filepath.Join(c.folder, "away", "keys"))); err != nil {
		t.Fatal(err)
	}
	c.refusesAll(nothing, "destroy without refresh")
	c.must("state", "rm", "partner_grant.orders", "partner_identity.orders")
	out, err := c.try("apply", "-auto-approve", "-input=false")
	if err == nil || !strings.Contains(unframed(out), "belongs to an access system whose ledger is missing") {
		t.Errorf("a new system was made on the keys alone: %v\n%s", err, out)
	}
}

// Somebody removed the id, or edited it: that is drift, which the next apply takes back, and stops no removal.
func TestTheIDOfASystemIsDamaged(t *testing.T) {
	slow(t)
	t.Parallel()
	c := newCLI(t)
	c.write(ordersIn(`embedded = { directory = "store" }`))
	c.must("apply", "-auto-approve", "-input=false")
	file := filepath.Join(c.folder, "store", "ledger", "system.json")
	id, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	edited := regexp.MustCompile(`"id": "..........`).ReplaceAll(id, []byte(`"id": "AAAAAAAAAA`))
	for _, damage := range []func() error{
		func() error { return os.Remove(file) },
		func() error { return os.WriteFile(file, []byte("{"), 0o600) },
		func() error { return os.WriteFile(file, edited, 0o600) },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		if out := unframed(c.must("plan", "-input=false")); !strings.Contains(out, "ledger/system.json") {
			t.Errorf("the plan says nothing of it:\n%s", out)
		}
		c.must("apply", "-auto-approve", "-input=false")
		if now, err := os.ReadFile(file); err != nil || string(now) != string(id) {
			t.Errorf("the id is %s, %v", now, err)
		}
		if err := damage(); err != nil {
			t.Fatal(err)
		}
	}
	if out := c.must("destroy", "-auto-approve", "-input=false", "-refresh=false"); !strings.Contains(out,
		"2 destroyed") {
		t.Errorf("%s", out)
	}
}

// An inventory of a directory that is not there read as if partners held nothing.
func TestAnInventoryOfNoSystemSaysSo(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.write(`
provider "partner" { environment = "prod" }
data "partner_inventory" "all" {}
data "partner_offboarding" "acme" { partner = "acme" }
output "n" { value = length(data.partner_inventory.all.items) + length(data.partner_offboarding.acme.items) }
`)
	if out := unframed(c.must("plan", "-input=false")); !strings.Contains(out, "There is no access system") {
		t.Errorf("%s", out)
	}
}

// The same on OpenBao: a namespace by mistake, one that holds another system, and a server that lost its memory.
func TestTheNamespaceIsAnotherSystems(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	t.Parallel()
	bao := realtool.StartBao(t)
	in := func(namespace string) string {
		return ordersIn(fmt.Sprintf("stack = \"partners\"\n  openbao = { namespace = %q }\n  journal = { path = "+
			"\"journal.jsonl\" }", namespace))
	}
	open := func() *cli {
		c := newCLI(t)
		c.env = append(c.env, "BAO_ADDR="+bao.Address, "BAO_CACERT="+bao.CAFile, "BAO_TOKEN="+bao.RootToken)
		return c
	}
	for _, name := range []string{"ours", "theirs", "empty"} {
		if status, answer := bao.Call(t, bao.RootToken, "POST", "sys/namespaces/"+name,
			map[string]any{}); status >= 300 {
			t.Fatalf("%d %v", status, answer)
		}
		if status, answer := bao.Call(t, bao.RootToken, "POST", name+"/sys/mounts/orders",
			map[string]any{"type": "kv"}); status >= 300 {
			t.Fatalf("%d %v", status, answer)
		}
	}
	ours, theirs := open(), open()
	ours.write(in("ours"))
	if made := unframed(ours.must("apply", "-auto-approve", "-input=false")); strings.Count(made,
		"A new access system") < 2 {
		t.Errorf("it does not say that a new system is made:\n%s", made)
	}
	if again := ours.must("plan", "-input=false"); strings.Contains(again, "new access system") {
		t.Errorf("a system that was there already is called new:\n%s", again)
	}
	theirs.write(in("theirs"))
	theirs.must("apply", "-auto-approve", "-input=false")

	ours.write(in("empty"))
	ours.refusesAll(nothing, all()...)
	if status, answer := bao.Call(t, bao.RootToken, "LIST", "empty/sys/policies/detailed/acl/partner",
		nil); status != http.StatusNotFound {
		t.Errorf("something was made in the empty namespace: %d %v", status, answer)
	}
	// Whoever copies policies copies the id with them. That another namespace bears it does not
	// make it the same system.
	const policy = "/sys/policies/acl/partner/system"
	id := func(namespace string) any {
		_, answer := bao.Call(t, bao.RootToken, "GET", namespace+policy, nil)
		return answer["data"].(map[string]any)["policy"]
	}
	copied, was := id("ours"), id("theirs")
	for _, namespace := range []string{"empty", "theirs"} {
		bao.Call(t, bao.RootToken, "POST", namespace+policy, map[string]any{"policy": copied})
		ours.write(in(namespace))
		ours.refusesAll(nothing, few...)
	}
	bao.Call(t, bao.RootToken, "POST", "theirs"+policy, map[string]any{"policy": was})

	ours.write(in("theirs"))
	ours.refusesAll(another, few...)
	if out := theirs.must("plan", "-input=false"); !strings.Contains(out, "No changes") {
		t.Errorf("the other system was changed:\n%s", out)
	}

	ours.write(in("ours"))
	if status, _ := bao.Call(t, bao.RootToken, "DELETE", "ours"+policy, nil); status >= 300 {
		t.Fatal(status)
	}
	if out := unframed(ours.must("plan", "-input=false")); !strings.Contains(out, "has lost its id") ||
		!strings.Contains(out, "No changes") {
		t.Errorf("its id was removed, and nothing else:\n%s", out)
	}
	if out := ours.must("destroy", "-auto-approve", "-input=false"); !strings.Contains(out, "2 destroyed") {
		t.Errorf("%s", out)
	}
}
