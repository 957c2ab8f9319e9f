// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/policy"
)

// town is a real server as a company has it: twelve engines of eight types, partner access under names of its own, and
// two other teams below.
type town struct {
	*stage
	system *System
	csr    string
}

func buildTown(t *testing.T) *town {
	st := startStage(t)
	for path, kind := range map[string]any{
		"secret":      map[string]any{"type": "kv", "options": map[string]string{"version": "2"}},
		"team/docs":   map[string]any{"type": "kv", "options": map[string]string{"version": "2"}},
		"infra/store": "kv", "old": "generic", "infra/pki": "pki", "web": "pki", "our/own/ca": "pki",
		"transit": "transit", "db": "database", "ssh-eu": "ssh", "codes": "totp", "queue": "rabbitmq",
		"clusters": "kubernetes",
	} {
		if name, ok := kind.(string); ok {
			kind = map[string]any{"type": name}
		}
		st.must("POST", "sys/mounts/"+path, kind)
	}
	for _, ca := range []string{"infra/pki", "web", "our/own/ca"} {
		st.must("POST", ca+"/root/generate/internal",
			map[string]any{"common_name": ca, "key_type": "ec", "key_bits": 256, "ttl": "1000h"})
		st.must("POST", ca+"/roles/shop",
			map[string]any{"allow_any_name": true, "enforce_hostnames": false, "key_type": "any"})
		st.must("POST", ca+"/roles/acme.prod.feed",
			map[string]any{"allow_any_name": true, "enforce_hostnames": false, "key_type": "any"})
	}
	st.must("POST", "clusters/roles/shop",
		map[string]any{"allowed_kubernetes_namespaces": "*", "service_account_name": "shop"})
	for _, key := range []string{"acme", "globex"} {
		st.must("POST", "transit/keys/"+key, map[string]any{"exportable": true, "allow_plaintext_backup": true})
		st.must("POST", "codes/keys/"+key, map[string]any{"generate": true, "issuer": "x", "account_name": key})
	}
	st.must("POST", "ssh-eu/config/ca", map[string]any{"generate_signing_key": true, "key_type": "ed25519"})
	st.must("POST", "ssh-eu/roles/ops",
		map[string]any{"key_type": "ca", "allow_user_certificates": true, "allowed_users": "*", "default_user": "ops"})
	for _, path := range []string{"orders/acme/1", "orders/globex/1", "infra/store/acme/1", "infra/store/globex/1",
		"old/acme/1", "old/globex/1"} {
		st.must("POST", path, map[string]any{"n": "1"})
	}
	for _, mount := range []string{"secret", "team/docs"} {
		for deadline := time.Now().Add(10 * time.Second); ; { // it upgrades itself first
			status, answer := st.bao.Call(t, st.bao.RootToken, "POST", mount+"/data/acme/1",
				map[string]any{"data": map[string]any{"n": "1"}})
			if status == http.StatusOK {
				break
			}
			if err := access.Pause(t.Context(), 20*time.Millisecond); err != nil || time.Now().After(deadline) {
				t.Fatalf("%s: %d %v", mount, status, answer)
			}
		}
		st.must("POST", mount+"/data/globex/1", map[string]any{"data": map[string]any{"n": "1"}})
	}
	for _, child := range []string{"team-a", "team-b"} {
		st.must("POST", "sys/namespaces/"+child, nil)
		st.must("POST", child+"/sys/mounts/orders", map[string]any{"type": "kv"})
		st.must("POST", child+"/orders/globex/1", map[string]any{"n": "1"})
	}
	o := st.options()
	o.Mounts = Mounts{AppRole: "logins/partners", Cert: "doors", PKI: "our/own/ca"}
	tn := &town{stage: st, system: Open(o), csr: st.csr}
	if _, err := tn.system.Put(t.Context(), tn.change(identityOf("feed"))); err != nil {
		t.Fatal(err)
	}
	return tn
}

// deed is something that somebody with a token does: a method, a path, and what is sent.
type deed struct {
	method, path string
	body         map[string]any
}

// crimes are what no partner may do by a grant that nobody refused: to sign, to mint, to write policies, to read
// another partner, to administer. minted says those that privileged grants are for.
func (tn *town) crimes() (crimes, minted map[string]deed) {
	policyText := map[string]any{"policy": `path "*" { capabilities = ["sudo", "read", "update", "create", "list"] }`}
	csr := map[string]any{"csr": tn.csr, "common_name": "acme.prod.feed"}
	crimes = map[string]deed{
		"write a policy":            {"POST", "sys/policies/acl/mine", policyText},
		"write a policy, as of old": {"POST", "sys/policy/mine", policyText},
		"read mounts":               {"GET", "sys/mounts", nil},
		"mount":                     {"POST", "sys/mounts/mine", map[string]any{"type": "kv"}},
		"make a token":              {"POST", "auth/token/create", map[string]any{"policies": []string{"root"}}},
		"make an auth method":       {"POST", "sys/auth/mine", map[string]any{"type": "userpass"}},
		"make an entity":            {"POST", "identity/entity", map[string]any{"name": "mine"}},
		"make a group":              {"POST", "identity/group", map[string]any{"name": "mine"}},
		"team-a: write a policy":    {"POST", "team-a/sys/policies/acl/mine", policyText},
		"team-a: make a token":      {"POST", "team-a/auth/token/create", map[string]any{}},
		"team-a: make an entity":    {"POST", "team-a/identity/entity", map[string]any{"name": "mine"}},
		"team-a: read":              {"GET", "team-a/orders/globex/1", nil},
		"team-b: read":              {"GET", "team-b/orders/globex/1", nil},
		"team-a/deep: read":         {"GET", "team-a/deep/orders/globex/1", nil},
		"configure a moved store":   {"POST", "grown/config", map[string]any{"max_versions": 10}},
		"read another in moved":     {"GET", "moved/globex/1", nil},
		"move a mount":              {"POST", "sys/remount", map[string]any{"from": "x", "to": "y"}},
		"read another in orders":    {"GET", "orders/globex/1", nil},
		"read another in infra":     {"GET", "infra/store/globex/1", nil},
		"read another in old":       {"GET", "old/globex/1", nil},
		"read another in secret":    {"GET", "secret/data/globex/1", nil},
		"read another's keys":       {"GET", "secret/subkeys/globex/1", nil},
		"list another in secret":    {"LIST", "secret/metadata/globex", nil},
		"read another in docs":      {"GET", "team/docs/data/globex/1", nil},
		"configure a store":         {"POST", "secret/config", map[string]any{"max_versions": 10}},
		"configure another store":   {"POST", "team/docs/config", map[string]any{"max_versions": 10}},
		"make a transit key":        {"POST", "transit/keys/mine", map[string]any{}},
		"make a key by encrypting":  {"POST", "transit/encrypt/fresh", map[string]any{"plaintext": "AA=="}},
		"back a key up":             {"GET", "transit/backup/globex", nil},
		"restore a key":             {"POST", "transit/restore/mine", map[string]any{"backup": "x"}},
		"rotate a key":              {"POST", "transit/keys/globex/rotate", nil},
		"decrypt another's":         {"POST", "transit/decrypt/globex", map[string]any{"ciphertext": "vault:v1:AA=="}},
		"export another's key":      {"GET", "transit/export/encryption-key/globex", nil},
		"another's code":            {"GET", "codes/code/globex", nil},
		"read a seed":               {"GET", "codes/keys/globex", nil},
		"make a seed": {"POST", "codes/keys/mine",
			map[string]any{"generate": true, "issuer": "x", "account_name": "x"}},
		"configure a database": {"POST", "db/config/mine", map[string]any{"plugin_name": "x"}},
		"make a database role": {"POST", "db/roles/mine",
			map[string]any{"db_name": "x", "creation_statements": "x"}},
		"another's database account": {"GET", "db/creds/globex", nil},
		"rotate a database's root":   {"POST", "db/rotate-root/main", nil},
		"make an SSH role": {"POST", "ssh-eu/roles/mine",
			map[string]any{"key_type": "ca", "allow_user_certificates": true}},
		"replace the SSH authority": {"DELETE", "ssh-eu/issuer/none", nil},
		"configure the queue":       {"POST", "queue/config/connection", map[string]any{"connection_uri": "x"}},
		"make a role of the queue":  {"POST", "queue/roles/mine", map[string]any{}},
	}
	for _, ca := range []string{"infra/pki", "web", "our/own/ca"} {
		crimes[ca+": sign whatever"] = deed{"POST", ca + "/sign-verbatim", csr}
		crimes[ca+": sign whatever by an issuer"] = deed{"POST", ca + "/issuer/default/sign-verbatim", csr}
		crimes[ca+": sign for a partner"] = deed{"POST", ca + "/sign/acme.prod.feed", csr}
		crimes[ca+": issue for a partner"] = deed{"POST", ca + "/issue/acme.prod.feed",
			map[string]any{"common_name": "acme.prod.feed"}}
		crimes[ca+": issue by an issuer"] = deed{"POST", ca + "/issuer/default/issue/acme.prod.feed",
			map[string]any{"common_name": "acme.prod.feed"}}
		crimes[ca+": make a role"] = deed{"POST", ca + "/roles/mine", map[string]any{"allow_any_name": true}}
		crimes[ca+": make a root"] = deed{"POST", ca + "/root/generate/mine", map[string]any{"common_name": "mine"}}
		crimes[ca+": sign an authority"] = deed{"POST", ca + "/root/sign-intermediate", map[string]any{"csr": "x"}}
		crimes[ca+": configure"] = deed{"GET", ca + "/config/issuers", nil}
		crimes[ca+": revoke"] = deed{"POST", ca + "/revoke", map[string]any{"serial_number": "00:11"}}
	}
	crimes["our/own/ca: issue"] = deed{"POST", "our/own/ca/issue/shop", map[string]any{"common_name": "x"}}
	minted = map[string]deed{
		"infra/pki: issue": {"POST", "infra/pki/issue/shop", map[string]any{"common_name": "x"}},
		"infra/pki: sign":  {"POST", "infra/pki/sign/shop", csr},
		"infra/pki: by the issuer": {"POST", "infra/pki/issuer/default/issue/shop",
			map[string]any{"common_name": "x"}},
		"web: issue": {"POST", "web/issue/shop", map[string]any{"common_name": "x"}},
		"ssh-eu: sign": {"POST", "ssh-eu/sign/ops",
			map[string]any{"public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKm8Sr4LqDGx1rBoEYG8nHOxcQd7FoHY5zqBAUcqFt"}},
		"ssh-eu: password":          {"POST", "ssh-eu/creds/ops", map[string]any{"ip": "127.0.0.1"}},
		"transit: export":           {"GET", "transit/export/encryption-key/acme", nil},
		"db: account of all roles":  {"GET", "db/creds/whatever", nil},
		"queue: account":            {"GET", "queue/creds/shop", nil},
		"infra/pki: by cel":         {"POST", "infra/pki/cel/issue/shop", map[string]any{"common_name": "x"}},
		"db: static, of all roles":  {"GET", "db/static-creds/whatever", nil},
		"transit: export a version": {"GET", "transit/export/encryption-key/acme/1", nil},
	}
	return crimes, minted
}

// done says whether a token may do a deed: OpenBao forbids, before it looks whether there is what is asked for.
func (tn *town) done(t *testing.T, token string, d deed) bool {
	t.Helper()
	status, _ := tn.bao.Call(t, token, d.method, d.path, d.body)
	return status != http.StatusForbidden
}

// Each grant is judged by the provider, and then a token that has it and nothing else tries everything that no partner
// may do. What is refused for good does some of it; what passes as data does none, and does what it is for.
func TestEveryGrantReachesWhatItsVerdictSays(t *testing.T) {
	tn := buildTown(t)
	tn.grow(t)
	crimes, minted := tn.crimes()
	reaching, err := tn.system.Reaching(t.Context(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	tn.spellings(t)
	rows := append(redTeam(), furtherAttempts()...)
	if len(rows) < 320 {
		t.Errorf("%d grants; 320 are the least", len(rows))
	}
	for n, row := range rows {
		t.Run(row.resource, func(t *testing.T) {
			t.Parallel()
			resource, err := access.ParsePattern(row.resource)
			if (row.want == "no pattern") != (err != nil) {
				t.Fatal(err)
			}
			if err != nil {
				return
			}
			actions := strings.Fields(row.actions)
			if len(actions) == 0 {
				actions = policy.Actions()
			}
			r := reaching(resource, actions)
			if verdict(r) != row.want {
				t.Errorf("it is judged as %s, want %s: %+v", verdict(r), row.want, r)
			}
			token := tn.granted(t, fmt.Sprintf("red-%d", n), resource, actions)
			var does, mints []string
			for name, d := range crimes {
				if tn.done(t, token, d) {
					does = append(does, name)
				}
			}
			for name, d := range minted {
				if tn.done(t, token, d) {
					mints = append(mints, name)
				}
			}
			slices.Sort(does)
			switch {
			case row.want != "system" && len(does) > 0:
				t.Errorf("it is %s, and does: %s", row.want, strings.Join(does, ", "))
			case row.want == "system" && len(does)+len(mints) == 0 && !row.harmless:
				t.Error("it is refused for good, and does nothing that it should be refused for")
			case row.want == "privileged" && len(mints) == 0:
				t.Error("it is privileged, and mints nothing")
			case (row.want == "data" || row.want == "nothing") && len(mints) > 0:
				t.Errorf("it is %s, and mints: %s", row.want, strings.Join(mints, ", "))
			}
			if row.use != "" {
				method, path, _ := strings.Cut(row.use, " ")
				status, answer := tn.bao.Call(t, token, method, path,
					map[string]any{"plaintext": "AA==", "input": "AA==", "data": map[string]any{"n": "2"}})
				if fine := status < 300; fine != (row.want == "data") {
					t.Errorf("%s: %d %v", row.use, status, answer)
				}
			}
		})
	}
}

// granted is a token that has a grant and nothing else.
func (tn *town) granted(t *testing.T, name string, resource access.Pattern, actions []string) string {
	t.Helper()
	blocks, err := policy.Compile([]policy.Grant{{
		Name:     name,
		Resource: resource,
		Actions:  actions,
		EndsAt:   time.Now().Add(time.Hour),
	}})
	if err != nil {
		t.Fatal(err)
	}
	tn.admin(t, "POST", "sys/policies/acl/"+name, map[string]any{"policy": policy.Render(nil, blocks)})
	answer := tn.admin(t, "POST", "auth/token/create",
		map[string]any{"policies": []string{name}, "no_default_policy": true, "ttl": "10m"})
	auth, _ := answer["auth"].(map[string]any)
	token, _ := auth["client_token"].(string)
	return token
}

// attempt is a grant, what should be said of it, and what it is for.
type attempt struct {
	resource, actions, want, use string
	// harmless: it is refused for good, and none of the crimes shows why.
	harmless bool
}

func redTeam() []attempt {
	return []attempt{
		// The attacks of the audit.
		{resource: "our/own/ca/issuer/default/sign-verbatim", actions: "update", want: "system"},
		{resource: "sys/policies/acl/*", want: "system"},
		{resource: "identity/*", want: "system"},
		{resource: "team-a/auth/token/create", actions: "update", want: "system"},
		{resource: "team-a/sys/policies/acl/*", want: "system"},
		{resource: "infra/pki/root/*", want: "system"},
		{resource: "transit/backup/*", actions: "read", want: "system"},
		{resource: "web/issuer/+/issue/+", actions: "update", want: "system"},
		// What every namespace has, by other spellings.
		{resource: "sys/policy/mine", actions: "create update", want: "system"},
		{resource: "sys/+/acl/mine", actions: "create update", want: "system"},
		{resource: "sys/internal/ui/+", actions: "read", want: "system", harmless: true},
		{resource: "sys/mounts/*", actions: "create update", want: "system"},
		{resource: "auth/token/create", actions: "update", want: "system"},
		{resource: "auth/+/create", actions: "create update", want: "system"},
		// it takes sudo, which no grant gives,
		{resource: "sys/auth/+", actions: "create update", want: "system", harmless: true},
		{resource: "identity/group", actions: "create update", want: "system"},
		{resource: "cubbyhole/acme/*", want: "system", harmless: true},
		{resource: "auth/token/lookup-self", actions: "read", want: "data", use: "GET auth/token/lookup-self"},
		{resource: "auth/token/renew-self", actions: "update", want: "data", use: "POST auth/token/renew-self"},
		// Wildcards in the place of a mount.
		{resource: "*", want: "system"},
		{resource: "+/*", want: "system"},
		{resource: "+/policies/acl/+", actions: "create update", want: "system"},
		{resource: "+/globex/+", actions: "read", want: "system"},
		{resource: "+/orders/globex/+", actions: "read", want: "system"},
		{resource: "infra/*", want: "system"},
		{resource: "infra/+/acme.prod.feed", actions: "update", want: "system", harmless: true},
		{resource: "infra/+/sign/+", actions: "update", want: "system"},
		{resource: "infra/+/globex/+", actions: "read", want: "system"},
		{resource: "our/+/+/sign/+", actions: "update", want: "system"},
		{resource: "our/*", actions: "update", want: "system"},
		{resource: "team/+/data/acme/*", actions: "read", want: "nothing"},
		// Other namespaces.
		{resource: "team-a/orders/globex/*", actions: "read", want: "system"},
		{resource: "team-b/*", actions: "read", want: "system"},
		{resource: "team-a/+/entity", actions: "update create", want: "system"},
		{resource: "team-c/orders/*", actions: "read", want: "nothing"},
		{resource: "TEAM-A/auth/token/create", actions: "update", want: "nothing"},
		// KV.
		{resource: "orders/acme/*", want: "data", use: "GET orders/acme/1"},
		{resource: "orders/+/2", actions: "read create update", want: "data", use: "POST orders/acme/2"},
		{resource: "infra/store/acme/*", want: "data", use: "GET infra/store/acme/1"},
		{resource: "old/acme/+", actions: "read", want: "data", use: "GET old/acme/1"},
		{resource: "Orders/acme/*", actions: "read", want: "nothing"},
		{resource: "secret/data/acme/*", want: "data", use: "POST secret/data/acme/1"},
		{resource: "secret/metadata/acme/*", want: "data", use: "LIST secret/metadata/acme"},
		{resource: "secret/subkeys/acme/*", actions: "read", want: "data", use: "GET secret/subkeys/acme/1"},
		{resource: "secret/destroy/acme/*", actions: "update", want: "data"},
		{resource: "secret/undelete/acme/*", actions: "update", want: "data"},
		{resource: "team/docs", actions: "read", want: "nothing"},
		{resource: "team/docs/data/acme/*", actions: "read", want: "data", use: "GET team/docs/data/acme/1"},
		{resource: "secret/acme/*", actions: "read", want: "nothing", use: "GET secret/data/acme/1"},
		{resource: "team/docs/acme/*", want: "nothing", use: "GET team/docs/data/acme/1"},
		{resource: "secret/+/acme/*", actions: "read", want: "system", harmless: true},
		{resource: "secret/*", want: "system"},
		{resource: "secret/+", actions: "update", want: "system"},
		{resource: "team/docs/config", actions: "update create", want: "system"},
		{resource: "nowhere/acme/*", want: "nothing"},
		// Authorities.
		{resource: "our/own/ca/issue/shop", actions: "update", want: "system"},
		{resource: "our/own/ca/roles/+", actions: "create update", want: "system"},
		{resource: "our/own/ca/sign/acme.prod.feed", actions: "update", want: "system"},
		{resource: "infra/pki/sign/acme.prod.feed", actions: "update", want: "system"},
		{resource: "web/issuer/default/issue/acme.prod.feed", actions: "update", want: "system"},
		{resource: "web/issue/+", actions: "update", want: "system"},
		{resource: "web/sign/*", actions: "update", want: "system"},
		{resource: "web/sign-verbatim", actions: "update", want: "system"},
		{resource: "infra/pki/sign-verbatim/*", actions: "update", want: "system", harmless: true},
		{resource: "infra/pki/issuer/+/sign-verbatim", actions: "update", want: "system"},
		{resource: "infra/pki/+", actions: "update create", want: "system"},
		{resource: "infra/pki/roles/mine", actions: "create update", want: "system"},
		{resource: "web/root/sign-intermediate", actions: "update create", want: "system"},
		{resource: "web/config/+", actions: "read", want: "system"},
		{resource: "web/revoke", actions: "update", want: "system"},
		{resource: "web/acme/new-eab", actions: "update", want: "system", harmless: true},
		{resource: "infra/pki", actions: "read", want: "nothing"},
		{resource: "infra/pki/issue/shop", actions: "update", want: "privileged"},
		{resource: "infra/pki/sign/shop", actions: "update", want: "privileged"},
		{resource: "infra/pki/issuer/default/issue/shop", actions: "update", want: "privileged"},
		{resource: "infra/pki/cel/issue/shop", actions: "update", want: "privileged"},
		{resource: "web/cert/ca", actions: "read", want: "data", use: "GET web/cert/ca"},
		// Keys.
		{resource: "transit/encrypt/acme", actions: "update", want: "data", use: "POST transit/encrypt/acme"},
		{resource: "transit/hmac/acme", actions: "update", want: "data", use: "POST transit/hmac/acme"},
		{resource: "transit/random/+", actions: "update", want: "data", use: "POST transit/random/32"},
		{resource: "transit/keys/acme", actions: "read", want: "data", use: "GET transit/keys/acme"},
		{resource: "transit/encrypt/+", actions: "create update", want: "system"},
		{resource: "transit/keys/mine", actions: "create update", want: "system"},
		{resource: "transit/keys/+/rotate", actions: "create update", want: "system"},
		{resource: "transit/keys/+/config", actions: "create update", want: "system", harmless: true},
		{resource: "transit/cache-config", actions: "read", want: "system", harmless: true},
		{resource: "transit/restore/mine", actions: "create update", want: "system"},
		{resource: "transit/+/globex", actions: "read", want: "system"},
		{resource: "transit/export/encryption-key/acme", actions: "read", want: "privileged"},
		{resource: "transit/export/+/acme/+", actions: "read", want: "privileged"},
		// What gives out access.
		{resource: "db/creds/acme", actions: "read", want: "data"},
		{resource: "db/config/mine", want: "system"},
		{resource: "db/roles/*", actions: "create update", want: "system"},
		{resource: "db/rotate-root/+", actions: "update create", want: "system"},
		{resource: "ssh-eu/sign/ops", actions: "update", want: "privileged"},
		{resource: "ssh-eu/creds/ops", actions: "update", want: "privileged"},
		{resource: "ssh-eu/roles/+", actions: "create update", want: "system"},
		{resource: "ssh-eu/issuer/*", want: "system"},
		{resource: "queue/creds/shop", actions: "read", want: "privileged"},
		{resource: "queue/+/+", want: "system"},
		{resource: "queue/config/connection", actions: "update create", want: "system"},
		{resource: "db/reset/main", actions: "update", want: "system", harmless: true},
		{resource: "ssh-eu/lookup", actions: "update", want: "system", harmless: true},
		{resource: "sys/wrapping/unwrap", actions: "update", want: "system", harmless: true},
		{resource: "codes/code/acme", actions: "read", want: "data", use: "GET codes/code/acme"},
		{resource: "codes/keys/*", want: "system"},
		// What only a longer look at each engine finds.
		{resource: "secret/metadata/acme", actions: "list", want: "data", use: "LIST secret/metadata/acme"},
		{resource: "secret/metadata", actions: "list", want: "data"},
		{resource: "secret/detailed-metadata/acme", actions: "list", want: "data"},
		{resource: "secret/config/+", actions: "read", want: "nothing"},
		{resource: "secret/subkeys", actions: "read", want: "nothing"},
		{resource: "secret/+/+/+", actions: "read update", want: "system"},
		{resource: "secret/undelete/+", actions: "update", want: "data"},
		{resource: "transit/keys/acme/export", actions: "read", want: "system", harmless: true},
		{resource: "transit/keys/acme/soft-delete", actions: "delete", want: "system", harmless: true},
		{resource: "transit/derive-key/acme", actions: "update", want: "system", harmless: true},
		{resource: "transit/keys/acme/csr", actions: "update", want: "system", harmless: true},
		{resource: "transit/keys/acme/set-certificate", actions: "update", want: "system", harmless: true},
		{resource: "transit/keys/acme/import", actions: "update", want: "system", harmless: true},
		{resource: "transit/config/keys", actions: "update", want: "system", harmless: true},
		{resource: "transit/encrypt/acme/x", actions: "update", want: "system", harmless: true},
		{resource: "transit/encrypt", actions: "update", want: "system", harmless: true},
		{
			resource: "transit/datakey/+/acme",
			actions:  "update",
			want:     "data",
			use:      "POST transit/datakey/plaintext/acme",
		},
		{resource: "transit/+/+/acme", actions: "update", want: "system", harmless: true},
		{resource: "transit/hash/*", actions: "update", want: "system", harmless: true},
		{resource: "web/issuers/import/bundle", actions: "update", want: "system", harmless: true},
		{resource: "web/issuers/+/+/+", actions: "update", want: "system", harmless: true},
		{resource: "web/acme/*", actions: "update", want: "system", harmless: true},
		{resource: "web/roles/shop/acme/new-order", actions: "update", want: "system", harmless: true},
		{resource: "web/tidy", actions: "update", want: "system", harmless: true},
		{resource: "web/crl/rotate", actions: "read", want: "system", harmless: true},
		{resource: "web/crl/+", actions: "read", want: "system", harmless: true},
		{resource: "web/certs/revoked", actions: "list", want: "system", harmless: true},
		{resource: "web/certs", actions: "list", want: "system", harmless: true},
		{resource: "web/revoke-with-key", actions: "update", want: "system", harmless: true},
		{resource: "web/issuer/default/revoke", actions: "update", want: "system", harmless: true},
		{resource: "web/issuer/default/sign-intermediate", actions: "update", want: "system", harmless: true},
		{resource: "web/intermediate/cross-sign", actions: "update", want: "system", harmless: true},
		{resource: "web/issuer/default/sign/+", actions: "update", want: "system", harmless: true},
		{resource: "web/cel/roles/x", actions: "update create", want: "system", harmless: true},
		{resource: "web/cel/sign/acme.prod.feed", actions: "update", want: "system", harmless: true},
		{resource: "web/key/default", actions: "update", want: "system", harmless: true},
		{resource: "web/keys/import", actions: "update", want: "system", harmless: true},
		{resource: "web/ocsp", actions: "update", want: "system", harmless: true},
		{resource: "web/eab", actions: "list", want: "system", harmless: true},
		{resource: "infra/+/cert/+", actions: "read", want: "system", harmless: true},
		{resource: "infra/+/+/shop", actions: "update", want: "system"},
		{resource: "infra/pki/sign/shop/", want: "no pattern"},
		{resource: "ssh-eu/verify", actions: "update", want: "system", harmless: true},
		{resource: "ssh-eu/config/ca", actions: "read", want: "system", harmless: true},
		{resource: "ssh-eu/config/issuers", actions: "update", want: "system", harmless: true},
		{resource: "ssh-eu/issuers/import", actions: "update", want: "system", harmless: true},
		{resource: "ssh-eu/issuer/default", actions: "delete", want: "system", harmless: true},
		{resource: "ssh-eu/config/zeroaddress", actions: "update", want: "system", harmless: true},
		{resource: "ssh-eu/tidy/dynamic-keys", actions: "delete", want: "system", harmless: true},
		{resource: "ssh-eu/sign/+", actions: "update", want: "privileged"},
		{resource: "ssh-eu/+/ops", actions: "update", want: "system"},
		{resource: "db/rotate-role/acme", actions: "update", want: "system", harmless: true},
		{resource: "db/static-roles/acme", actions: "update create", want: "system", harmless: true},
		{resource: "db/+/acme", actions: "read", want: "system", harmless: true},
		{resource: "db/static-creds/+", actions: "read", want: "privileged"},
		{resource: "queue/config/lease", actions: "update", want: "system", harmless: true},
		{resource: "queue/creds/+", actions: "read", want: "privileged"},
		{resource: "codes/keys/acme", actions: "read", want: "system", harmless: true},
		{resource: "codes/keys", actions: "list", want: "system", harmless: true},
		{resource: "codes/+/acme", actions: "read", want: "system", harmless: true},
		{resource: "sys/leases/revoke-prefix/db", actions: "update", want: "system", harmless: true},
		{resource: "sys/wrapping/wrap", actions: "update", want: "system", harmless: true},
		{resource: "identity/oidc/token/x", actions: "read", want: "system", harmless: true},
		{resource: "auth/logins/partners/role/acme", actions: "update", want: "system", harmless: true},
		{resource: "team-a/sys/leases/+", actions: "update", want: "system", harmless: true},
		{resource: "team-+/orders/globex/1", want: "no pattern"},
		{resource: "orders/{{identity.entity.name}}/1", want: "no pattern"},
		{resource: "orders/acme%2f1", want: "no pattern"},
		{resource: "orders//acme", want: "no pattern"},
		{resource: "/orders/acme", want: "no pattern"},
		{resource: "orders/./acme", want: "no pattern"},
		{resource: "orders/..%2fsys", want: "no pattern"},
		{resource: "оrders/acme", want: "no pattern"},
		{resource: "root/sys/policies/acl/mine", actions: "update create", want: "nothing"},
		{resource: "v1/sys/policies/acl/mine", actions: "update create", want: "nothing"},
		{resource: "ui/vault", actions: "read", want: "nothing"},
		{resource: "sys,/policies/acl/mine", actions: "update create", want: "nothing"},
		{resource: "sys:/policies/acl/mine", actions: "update create", want: "nothing"},
		{resource: "Sys/policies/acl/mine", actions: "update create", want: "nothing"},
		{resource: "SYS/+/acl/mine", actions: "update create", want: "nothing"},
		{resource: "workflows/x", actions: "update create", want: "nothing"},
		{resource: "our/own/ca/acme/new-eab", actions: "update", want: "system", harmless: true},
		{resource: "our/+/ca/ca/pem", actions: "read", want: "system", harmless: true},
		{resource: "our/own/*", actions: "read", want: "system", harmless: true},
		{resource: "our/own", actions: "read", want: "nothing"},
		{resource: "our", actions: "list", want: "nothing"},
		{resource: "our/own/+", actions: "list", want: "system", harmless: true},
	}
}
