// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// The tests' year. Each kind of thing ends at another moment, so that each end can be told apart.
var (
	now     = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	valid   = time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC)
	whoEnds = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	keyEnds = time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	mayEnds = time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
	oldEnds = time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
)

const (
	key          = "partner_9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d"
	oldKey       = "partner_0ld"
	officeKey    = "partner_office"
	suspendedKey = "partner_suspended"
	longKey      = "partner_long"
	fingerprint  = "0fa6c0bf3b3a4b04e5e5f0d5a9c30f0d8f3d3f7b9d5c1e2f3a4b5c6d7e8f9a0b"
	serial       = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
	issuer       = "https://login.acme.test"
	subject      = "svc-orders"
	audience     = "orders.example.com"
)

func hashed(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

func id(name string) access.IdentityID {
	return access.IdentityID{Partner: "acme", Environment: "prod", Name: name}
}

func globex(name string) access.IdentityID {
	return access.IdentityID{Partner: "globex", Environment: "prod", Name: name}
}

func secret(key string, ends time.Time, networks ...string) Credential {
	c := Credential{Kind: access.Secret, EndsAt: ends, KeyHash: hashed(key)}
	for _, n := range networks {
		c.Networks = append(c.Networks, netip.MustParsePrefix(n))
	}
	return c
}

func trust(audiences ...string) Credential {
	return Credential{
		Kind:   access.Federated,
		EndsAt: keyEnds,
		Trust:  &access.FederatedTrust{Issuer: issuer, Subject: subject, Audiences: audiences},
	}
}

func grant(name, resource string, ends time.Time, actions ...string) Grant {
	return Grant{Name: name, Resource: access.Pattern(resource), Actions: actions, EndsAt: ends}
}

// fixture is what the table of decisions is about.
func fixture() Publication {
	read := grant("read", "shared/*", keyEnds.AddDate(2, 0, 0), "read")
	return Publication{
		Environment: "prod", Now: now, ValidUntil: valid,
		Identities: []Identity{
			{
				ID: id("orders"), UID: "uid-orders", EndsAt: whoEnds,
				Credentials: []Credential{
					secret(key, keyEnds), secret(oldKey, oldEnds),
					{Kind: access.Certificate, EndsAt: keyEnds, Serial: serial, Fingerprint: fingerprint},
					trust(audience, "other.example.com"),
				},
				Grants: []Grant{
					grant("daily", "orders/acme/daily/*", mayEnds, "read", "list"),
					grant("inbox", "orders/+/inbox", mayEnds, "write"),
					grant("exact", "orders/acme/manifest", mayEnds, "read"),
					grant("old", "archive/*", oldEnds, "read"),
					grant("late", "late/*", whoEnds.AddDate(1, 0, 0), "read"),
				},
			},
			{
				ID: id("office"), EndsAt: whoEnds, Grants: []Grant{read},
				Credentials: []Credential{secret(officeKey, keyEnds, "203.0.113.0/24", "2001:db8::/48")},
			},
			{
				ID:          id("paused"),
				UID:         "uid-paused",
				EndsAt:      whoEnds,
				Suspended:   true,
				Grants:      []Grant{read},
				Credentials: []Credential{secret(suspendedKey, keyEnds)},
			},
			{
				ID:          id("long"),
				UID:         "uid-long",
				EndsAt:      whoEnds,
				Grants:      []Grant{read},
				Credentials: []Credential{secret(longKey, valid.AddDate(1, 0, 0))},
			},
			{
				ID:          id("stale"),
				UID:         "uid-stale",
				EndsAt:      valid.AddDate(1, 0, 0),
				Grants:      []Grant{read},
				Credentials: []Credential{secret("partner_stale", valid.AddDate(1, 0, 0))},
			},
			{
				ID:          id("shared"),
				EndsAt:      whoEnds,
				Credentials: []Credential{trust("third.example.com", audience)},
				Grants:      []Grant{grant("own", "own/*", mayEnds, "read")},
			},
			{
				ID:          id("taken"),
				EndsAt:      whoEnds,
				Grants:      []Grant{read},
				Credentials: []Credential{secret("partner_taken", keyEnds)},
			},
			{
				ID:          globex("again"),
				EndsAt:      whoEnds,
				Grants:      []Grant{read},
				Credentials: []Credential{secret("partner_again", keyEnds)},
			},
			{
				ID:          id("alone"),
				EndsAt:      whoEnds,
				Grants:      []Grant{read},
				Credentials: []Credential{secret("partner_alone", keyEnds)},
			},
			{
				ID:          globex("cut"),
				UID:         "uid-cut",
				EndsAt:      whoEnds,
				Grants:      []Grant{read},
				Credentials: []Credential{secret("partner_cut", keyEnds)},
			},
			{
				ID:          globex("freed"),
				EndsAt:      whoEnds,
				Grants:      []Grant{read},
				Credentials: []Credential{secret("partner_freed", keyEnds)},
			},
			{
				ID:          id("below"),
				Above:       []access.IdentityID{globex("cut")},
				EndsAt:      whoEnds,
				Grants:      []Grant{read},
				Credentials: []Credential{secret("partner_below", keyEnds)},
			},
			{
				ID:          id("under"),
				Above:       []access.IdentityID{globex("freed")},
				EndsAt:      whoEnds,
				Grants:      []Grant{read},
				Credentials: []Credential{secret("partner_under", keyEnds)},
			},
		},
		RevokedTokens: map[string]time.Time{"revoked": now.Add(time.Minute)},
		Hold: Hold{
			Held: []string{"globex", id("alone").String() + "/secret", id("taken").String(),
				globex("again").String()},
			Released: []string{globex("freed").String(), globex("again").String()},
		},
	}
}

func signer(t testing.TB) *Signer {
	t.Helper()
	s, err := OpenSigner(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func files(t testing.TB, p Publication, s *Signer) map[string][]byte {
	t.Helper()
	f, err := Files(p, s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func put(t testing.TB, dir, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func asJSON(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// opa runs the real OPA: what it printed, or an error with what it said.
func opa(t testing.TB, args ...string) ([]byte, error) {
	t.Helper()
	cmd := exec.Command(realtool.Find(t, "opa"), args...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("opa %s: %w: %s%s", args[0], err, out, said.String())
	}
	return out, nil
}

// evaluate gives the value of a query over files of data and policy.
func evaluate(t testing.TB, query string, value any, paths ...string) error {
	t.Helper()
	args := []string{"eval", "--format=json"}
	for _, p := range paths {
		args = append(args, "--data", p)
	}
	out, err := opa(t, append(args, query)...)
	if err != nil {
		return err
	}
	var answer struct {
		Result []struct {
			Expressions []struct{ Value json.RawMessage }
		}
	}
	if err := json.Unmarshal(out, &answer); err != nil || len(answer.Result) != 1 {
		return fmt.Errorf("opa answered %s (%w)", out, err)
	}
	return json.Unmarshal(answer.Result[0].Expressions[0].Value, value)
}
