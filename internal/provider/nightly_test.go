package provider_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// The job of every night is silent about what is healthy, and says what is not.
func TestTheNightlyJobSaysWhatIsNeglected(t *testing.T) {
	c := newCLI(t)
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", "nightly", "main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	c.file("nightly.tf", string(text))
	directory := filepath.Join(c.folder, "system")
	c.file("terraform.tfvars.json", `{"directory": `+quoted(directory)+`}`)
	w := &world{t: t, directory: directory, now: time.Now()}
	put := func(o access.Object) {
		t.Helper()
		if _, err := w.system().Put(t.Context(), access.Change{Object: o, Stack: "partners", EndsAt: o.Common().ExpiresAt.Time}); err != nil {
			t.Fatal(err)
		}
	}
	terms := func(days int) access.Terms {
		return access.Terms{Owner: "jane.doe@example.com", ExpiresAt: access.At(time.Now().AddDate(0, 0, days).Truncate(time.Second))}
	}
	id := access.IdentityID{Partner: "acme", Environment: "prod", Name: "orders"}
	put(&access.Identity{ID: id, Terms: terms(90), Purpose: "Nightly order feed"})
	put(&access.Credential{IdentityID: id, Terms: terms(60), Federated: &access.FederatedTrust{Issuer: "https://login.acme.test", Subject: "s", Audiences: []string{"a"}}})
	put(&access.Grant{IdentityID: id, Name: "daily", Terms: terms(10), Resource: "orders/acme/*", Actions: []string{"read"}, Purpose: "Read"})
	if out := c.must("apply", "-auto-approve", "-no-color"); strings.Contains(out, "Check block assertion failed") {
		t.Errorf("what is healthy is complained of:\n%s", out)
	}
	var ending []struct{ ID, Owner string }
	if err := json.Unmarshal([]byte(c.must("output", "-json", "ending")), &ending); err != nil || len(ending) != 1 || ending[0].ID != "acme/prod/orders/daily" {
		t.Errorf("what ends in 14 days is %v, %v", ending, err)
	}
	if page := c.must("output", "-raw", "report"); !strings.HasPrefix(page, "<!doctype html>") {
		t.Errorf("the report is %.100q", page)
	}
	put(&access.Identity{ID: access.IdentityID{Partner: "acme", Environment: "prod", Name: "forgotten"}, Terms: terms(90), Purpose: "Nobody knows"})
	out := c.must("apply", "-auto-approve", "-no-color")
	if !strings.Contains(out, "Check block assertion failed") || !strings.Contains(out, "Nobody uses: acme/prod/forgotten.") {
		t.Errorf("an identity with nothing is not complained of:\n%s", out)
	}
}

func quoted(text string) string {
	out, _ := json.Marshal(text)
	return string(out)
}
