// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// declaresBoth declares an identity of each of two partners, with grants: "globex secret/data/globex/*: read".
func (r *reached) declaresBoth(settings string, grants map[string]string) {
	terms := fmt.Sprintf("owner = \"jane.doe@example.com\"\n  expires_at = %q\n  purpose = \"Read the daily "+
		"order files\"\n", r.end)
	var text strings.Builder
	fmt.Fprintf(&text, `provider "partner" {
  environment = "prod"
  stack       = "partners"
  openbao     = { bootstrap = true, mounts = { pki = "our/own/ca", approle = "logins" } }
  journal     = { path = "journal.jsonl" }
  guardrails  = { owner_domains = ["example.com"], max_grants = 50, %s }
}
`, settings)
	for _, partner := range []string{"acme", "globex"} {
		fmt.Fprintf(&text, "resource \"partner_identity\" %q {\n  partner = %q\n  name = \"feed\"\n  %s}\n", partner,
			partner, terms)
	}
	for _, name := range slices.Sorted(maps.Keys(grants)) {
		partner, rest, _ := strings.Cut(grants[name], " ")
		resource, actions, _ := strings.Cut(rest, ": ")
		words, err := json.Marshal(strings.Fields(actions))
		if err != nil {
			r.t.Fatal(err)
		}
		fmt.Fprintf(&text, "resource \"partner_grant\" %q {\n  identity_id = partner_identity.%s.id\n  resource = "+
			"%q\n  actions = %s\n  %s}\n", name, partner, resource, words, terms)
	}
	r.write(text.String())
}

// The names of another partner's secrets beside their values, decrypting with its key beside encrypting: no path is in
// both grants, and the thing is.
func TestNoGrantReachesAnotherPartnersThingByAnotherPath(t *testing.T) {
	r := newReached(t)
	acme := map[string]string{
		"values": "acme secret/data/acme/*: read update", "encrypts": "acme transit/encrypt/acme-key: update",
		"orders": "acme orders/acme/*: read",
	}
	refused := map[string]string{
		"names": "globex secret/metadata/acme/*: list read", "folder": "globex secret/metadata/acme: list",
		"destroys": "globex secret/destroy/acme/x: update",
		"decrypts": "globex transit/decrypt/acme-key: update", "signs": "globex transit/sign/acme-key/sha2-256: update",
		"lists": "globex orders/acme: list",
	}
	fine := map[string]string{
		"own": "globex secret/data/globex/*: read", "own-names": "globex secret/metadata/globex/*: list read",
		"own-key": "globex transit/decrypt/globex-key: update",
		"random":  "globex transit/random/32: update", "same-name": "globex orders/globex/acme/*: read",
	}
	all := maps.Clone(acme)
	maps.Copy(all, refused)
	maps.Copy(all, fine)
	r.declaresBoth("", all)
	rules, texts, err := r.says("error", "plan")
	if err == nil {
		t.Error("the plan is accepted")
	}
	met := 0 // whichever of two comes second says it
	for name, said := range rules {
		if fine[name] != "" ||
			len(said) == 0 ||
			slices.ContainsFunc(said, func(slug string) bool { return slug != "scope/foreign-partner" }) {
			t.Errorf("%s (%s): %v", name, all[name], said)
		}
		met += len(said)
	}
	if met != len(refused) {
		t.Errorf("%d pairs meet, want %d:\n%s", met, len(refused), texts)
	}
	for _, want := range []string{"both reach the secret secret/acme/*", "both reach the secret secret/acme/+",
		"both reach the key transit/acme-key", "both reach the secret orders/acme/+"} {
		if !strings.Contains(texts, want) {
			t.Errorf("%q is not said:\n%s", want, texts)
		}
	}
	maps.Copy(acme, fine)
	r.declaresBoth("", acme)
	r.cli.must("plan")
	acme["names"] = refused["names"]
	r.declaresBoth(`shared = ["secret/data/acme/*", "secret/metadata/acme/*"]`, acme)
	r.cli.must("plan")
	r.declaresBoth(`shared = ["secret/metadata/acme/*"]`, acme)
	if _, texts, err := r.says("error", "plan"); err == nil || !strings.Contains(texts, "name both") {
		t.Errorf("sharing the names shares the values: %v\n%s", err, texts)
	}
}
