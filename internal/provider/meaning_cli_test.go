// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// holds are the ids of what a system holds, as another run tells that has no state.
func (c *cli) holds(provider string) (ids []string) {
	c.t.Helper()
	other := newCLI(c.t)
	other.env = append(slices.Clone(c.env), other.env...)
	other.write(provider + `
data "partner_inventory" "all" {}
output "held" { value = join(",", sort([for i in data.partner_inventory.all.items : "${i.type} ${i.id}" if i.id != null])) }
`)
	out := other.must("plan")
	if found := regexp.MustCompile(`held = "(.+)"`).FindStringSubmatch(out); found != nil {
		return strings.Split(found[1], ",")
	}
	if !strings.Contains(out, `held = ""`) && !strings.Contains(out, "No changes") {
		c.t.Fatal(out)
	}
	return nil
}

// elsewhereUID has the form of a uid that was never given to anything.
const elsewhereUID = "AAAAAAAAAAAAAAAAAAAAAAAAAA"

// lie is an edit of what a state says its blocks mean. of has the honest uids, by type and name.
type lie struct {
	name   string
	edit   func(kind, name string, attributes, kept map[string]any, of map[string]string)
	healed bool // it can be told what is meant, so that a plan is empty and a destroy cuts
}

func history(kept map[string]any) map[string]any { return kept["history"].(map[string]any) }

// theOther is what another block of the state means.
func theOther(kind, name string) string {
	id := map[string]string{"orders": "acme/prod/stock", "stock": "acme/prod/orders"}[name]
	if kind == "partner_grant" {
		id += "/daily"
	}
	return id
}

var meantLies = []lie{
	{"of uids that never were", func(_, _ string, _, kept map[string]any, _ map[string]string) {
		history(kept)["uid"] = elsewhereUID
	}, true},
	{"of an id that is nowhere", func(_, _ string, attributes, _ map[string]any, _ map[string]string) {
		attributes["id"] = strings.Replace(attributes["id"].(string), "acme/", "nobody/", 1)
	}, true},
	{"of an id and a uid that are nowhere", func(_, _ string, attributes, kept map[string]any, _ map[string]string) {
		attributes["id"], history(kept)["uid"] = strings.Replace(attributes["id"].(string), "acme/", "nobody/", 1),
			elsewhereUID
	}, true},
	{"of each other's ids", func(kind, name string, attributes, _ map[string]any, _ map[string]string) {
		attributes["id"] = theOther(kind, name)
	}, true},
	{"of each other's ids, and no uid", func(kind, name string, attributes, kept map[string]any, _ map[string]string) {
		attributes["id"], history(kept)["uid"] = theOther(kind, name), elsewhereUID
	}, true},
	{"of each other's uids", func(kind, name string, _, kept map[string]any, of map[string]string) {
		history(kept)["uid"] = of[kind+map[string]string{"orders": "stock", "stock": "orders"}[name]]
	}, true},
	{"of other types' uids", func(kind, name string, _, kept map[string]any, of map[string]string) {
		other := map[string]string{"partner_grant": "partner_identity", "partner_identity": "partner_grant"}[kind]
		history(kept)["uid"] = of[other+name]
	}, true},
	{"of something to adopt", func(_, _ string, _, kept map[string]any, _ map[string]string) {
		delete(kept, "history")
		kept["adopt"] = "identity/entity/name/acme"
	}, true},
	{"of another partner throughout", func(kind, _ string, attributes, kept map[string]any, _ map[string]string) {
		attributes["id"], history(kept)["uid"] = strings.Replace(attributes["id"].(string), "acme/", "nobody/", 1),
			elsewhereUID
		if kind == "partner_identity" {
			attributes["partner"] = "nobody"
		} else {
			attributes["identity_id"] = strings.Replace(attributes["identity_id"].(string), "acme/", "nobody/", 1)
		}
	}, false},
}

// attackMeaning edits what says which object a state means, on either system.
func attackMeaning(t *testing.T, c *cli, provider string) {
	end := access.At(time.Now().Add(60 * day)).String()
	config := provider
	for _, name := range []string{"orders", "stock"} {
		config += fmt.Sprintf(`
resource "partner_identity" %[1]q {
  partner    = "acme"
  name       = %[1]q
  owner      = "jane.doe@example.com"
  purpose    = "Nightly %[1]s feed into the ERP of ACME"
  expires_at = %[2]q
}

resource "partner_grant" %[1]q {
  identity_id = partner_identity.%[1]s.id
  name        = "daily"
  resource    = "%[1]s/acme/daily/*"
  actions     = ["read"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the daily %[1]s files"
  expires_at  = %[2]q
}
`, name, end)
	}
	c.write(config)
	orders := []string{"grant acme/prod/orders/daily", "identity acme/prod/orders"}
	stock := []string{"grant acme/prod/stock/daily", "identity acme/prod/stock"}
	both := []string{orders[0], stock[0], orders[1], stock[1]}
	one := []string{"-target=partner_identity.orders", "-target=partner_grant.orders"}
	for _, l := range meantLies {
		c.must("apply", "-auto-approve")
		honest := c.files()["terraform.tfstate"]
		of := map[string]string{}
		read := func(kind, name string, _, kept map[string]any) { of[kind+name] = history(kept)["uid"].(string) }
		c.editsNamed(read)
		lying := func() {
			c.file("terraform.tfstate", string(honest))
			c.editsNamed(func(kind, name string, attributes, kept map[string]any) {
				l.edit(kind, name, attributes, kept, of)
			})
		}
		if l.healed {
			lying()
			if out, err := c.try("plan", "-detailed-exitcode"); err != nil ||
				!strings.Contains(unframed(out), "The state is wrong") {
				t.Errorf("%s: the plan is not empty, or says nothing of it: %v\n%s", l.name, err, out)
			}
		}
		for _, how := range [][]string{append([]string{"destroy", "-auto-approve", "-refresh=false"}, one...),
			{"destroy", "-auto-approve"}} {
			var want []string
			if len(how) > 2 {
				want = stock
			}
			lying()
			out, err := c.try(how...)
			held := c.holds(provider)
			switch {
			case l.healed && (err != nil || !slices.Equal(held, want)):
				t.Errorf("%s: terraform %s: %v, and the system holds %v:\n%s", l.name, strings.Join(how, " "), err,
					held, out)
			case !l.healed && (err == nil || !slices.Equal(held, both)):
				t.Errorf("%s: terraform %s: %v, and the system holds %v:\n%s", l.name, strings.Join(how, " "), err,
					held, out)
			}
			if !l.healed {
				c.file("terraform.tfstate", string(honest))
			}
			c.must("apply", "-auto-approve")
			honest = c.files()["terraform.tfstate"]
			c.editsNamed(read)
		}
	}
}

// An edited uid or id made a refresh drop the resource, and a destroy say "0 destroyed", while the
// partner's access lived.
func TestNoEditOfWhatAStateMeansHidesAccessFromADestroy(t *testing.T) {
	thorough(t)
	t.Parallel()
	c := newCLI(t)
	provider := fmt.Sprintf("provider \"partner\" {\n  environment = \"prod\"\n  embedded = { directory = %q }\n}\n",
		filepath.Join(c.folder, "store"))
	attackMeaning(t, c, provider)
}

func TestNoEditOfWhatAStateMeansHidesAccessFromADestroyOnOpenBao(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	t.Parallel()
	c := newCluster(t)
	attackMeaning(t, c.cli, c.bare())
}
