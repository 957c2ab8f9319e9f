// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/policy"
)

// grow gives a town mounts whose names begin alike, one that was moved, one that became a KV store of version 2 later,
// and a namespace in a namespace.
func (tn *town) grow(t *testing.T) {
	t.Helper()
	for _, path := range []string{"order", "orders-eu", "grown", "tomove"} {
		tn.must("POST", "sys/mounts/"+path, map[string]any{"type": "kv"})
		tn.must("POST", path+"/acme/1", map[string]any{"n": "1"})
	}
	tn.must("POST", "sys/mounts/vault2", map[string]any{"type": "kv-v2"})
	tn.must("POST", "sys/mounts/grown/tune", map[string]any{"options": map[string]string{"version": "2"}})
	tn.must("POST", "sys/remount", map[string]any{"from": "tomove", "to": "moved"})
	tn.must("POST", "team-a/sys/namespaces/deep", nil)
	tn.must("POST", "team-a/deep/sys/mounts/orders", map[string]any{"type": "kv"})
	tn.must("POST", "team-a/deep/orders/globex/1", map[string]any{"n": "1"})
	tn.takes(t, "POST", "grown/data/acme/1")
	tn.takes(t, "POST", "vault2/data/acme/1")
	tn.takes(t, "GET", "moved/acme/1")
}

// takes waits until a path answers: a store upgrades itself first, and a mount is moved in the background.
func (tn *town) takes(t *testing.T, method, path string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		status, answer := tn.bao.Call(t, tn.bao.RootToken, method, path,
			map[string]any{"data": map[string]any{"n": "1"}})
		if status == http.StatusOK {
			return
		}
		if err := access.Pause(t.Context(), 20*time.Millisecond); err != nil || time.Now().After(deadline) {
			t.Fatalf("%s: %d %v", path, status, answer)
		}
	}
}

// No spelling of a request leads from a granted folder into another one, another engine or another namespace.
func (tn *town) spellings(t *testing.T) {
	t.Helper()
	for _, grant := range []string{"orders/acme/*", "orders/acme/+", "secret/data/acme/*"} {
		token := tn.granted(t, "spelt-"+strings.NewReplacer("/", "-", "*", "all", "+", "one").Replace(grant),
			access.Pattern(grant), policy.Actions())
		folder := strings.TrimRight(grant, "*+")
		for _, way := range []string{
			"../globex/1", "%2e%2e/globex/1", "..%2fglobex%2f1", ".%2e/globex/1", "%2F..%2Fglobex%2F1", ";/../globex/1",
			"..;/globex/1", "%5c..%5cglobex%5c1",
			"%c0%ae%c0%ae/globex/1", "../../config", "..%2f..%2fmetadata/globex/1", "../../sys/mounts",
			"..%2f..%2f..%2fsys%2fmounts", "../../../team-a/orders/globex/1",
		} {
			if tn.done(t, token, deed{"GET", folder + way, nil}) {
				if status, _ := tn.bao.Call(t, token, "GET", folder+way, nil); status == http.StatusOK {
					t.Errorf("%s: GET %s%s", grant, folder, way)
				}
			}
		}
	}
}

// furtherAttempts are what a second judge tried.
func furtherAttempts() []attempt {
	return []attempt{
		// prefix names, alias types, upgraded
		{resource: "order/acme/*", want: "data", use: "GET order/acme/1"},
		{resource: "order/globex/1", actions: "read", want: "data"},
		{resource: "orders-eu/acme/+", actions: "read", want: "data", use: "GET orders-eu/acme/1"},
		{resource: "ord/acme/*", actions: "read", want: "nothing"},
		{resource: "orders-/acme/*", actions: "read", want: "nothing"},
		{resource: "vault2/data/acme/*", want: "data", use: "POST vault2/data/acme/1"},
		{resource: "vault2/acme/*", want: "nothing"},
		{resource: "vault2/config", actions: "update", want: "system", harmless: true},
		{resource: "grown/acme/*", want: "nothing"},
		{resource: "grown/data/acme/*", want: "data", use: "POST grown/data/acme/1"},
		{resource: "grown/config", actions: "update", want: "system"},
		{resource: "grown/*", actions: "update", want: "system"},
		{resource: "moved/acme/*", want: "data", use: "GET moved/acme/1"},
		{resource: "tomove/acme/*", actions: "read", want: "nothing"},
		{resource: "team/+/config", actions: "update", want: "system"},
		{resource: "team/*", actions: "update", want: "system"},
		{resource: "infra/pki/*", actions: "update", want: "system"},
		{resource: "infra", actions: "list", want: "nothing"},
		{resource: "+/sys/mounts", actions: "read", want: "system", harmless: true},
		// kv2 words
		{resource: "secret/config/*", actions: "update", want: "nothing"},
		{resource: "secret/data", actions: "create update", want: "nothing"},
		{resource: "secret/destroy", actions: "update", want: "nothing"},
		{resource: "secret/undelete/acme/+", actions: "update", want: "data"},
		{resource: "secret/delete/acme/1", actions: "update", want: "data"},
		{resource: "secret/metadata/acme/1", actions: "patch update", want: "data"},
		{resource: "secret/data/acme/1", actions: "patch", want: "data"},
		{resource: "secret/detailed-metadata/acme/+", actions: "list", want: "data"},
		{resource: "secret/Data/acme/*", actions: "read", want: "nothing"},
		{resource: "secret/data:/acme/*", actions: "read", want: "nothing"},
		{resource: "secret/export/acme", actions: "read", want: "nothing"},
		// transit
		{resource: "transit/keys", actions: "list", want: "system", harmless: true},
		{resource: "transit/keys/acme/trim", actions: "update", want: "system", harmless: true},
		{resource: "transit/keys/acme/import_version", actions: "update", want: "system", harmless: true},
		{resource: "transit/keys/acme", actions: "delete", want: "system", harmless: true},
		{resource: "transit/keys/acme/*", actions: "read", want: "system", harmless: true},
		{resource: "transit/keys/acme/soft-delete-restore", actions: "update", want: "system", harmless: true},
		{resource: "transit/config", actions: "update", want: "system", harmless: true},
		{resource: "transit/cache-config", actions: "update", want: "system", harmless: true},
		{resource: "transit/wrapping_key", actions: "read", want: "data", use: "GET transit/wrapping_key"},
		{resource: "transit/wrapping_key", actions: "update", want: "system", harmless: true},
		{resource: "transit/hash", actions: "update", want: "data", use: "POST transit/hash"},
		{resource: "transit/random", actions: "update", want: "data", use: "POST transit/random"},
		{resource: "transit/sign/acme/sha2-256/x", actions: "update", want: "system", harmless: true},
		{resource: "transit/encrypt/acme", actions: "create", want: "data"},
		{resource: "transit/encrypt/*", actions: "update", want: "system", harmless: true},
		{resource: "transit/datakey/*", actions: "update", want: "system", harmless: true},
		{resource: "transit/+/acme", actions: "update", want: "system", harmless: true},
		// database, totp, queue
		{resource: "db/creds", actions: "list", want: "system", harmless: true},
		{resource: "db/roles", actions: "list", want: "system", harmless: true},
		{resource: "db/config/+", actions: "list read", want: "system", harmless: true},
		{resource: "db/reload/+", actions: "update", want: "system", harmless: true},
		{resource: "db/rotate-role/+", actions: "update", want: "system", harmless: true},
		{resource: "db/creds/*", actions: "read", want: "system"},
		{resource: "db/static-creds/*", actions: "read", want: "system"},
		{resource: "db/creds/acme/x", actions: "read", want: "system", harmless: true},
		{resource: "codes/code", actions: "list", want: "system", harmless: true},
		{resource: "codes/code/*", actions: "read", want: "system"},
		{resource: "codes/keys/+", actions: "create update delete", want: "system"},
		{resource: "queue/roles/+", actions: "create update", want: "system"},
		{resource: "queue/creds/*", actions: "read", want: "system", harmless: true},
		// ssh
		{resource: "ssh-eu/creds/+", actions: "update", want: "privileged"},
		{resource: "ssh-eu/public_key", actions: "read", want: "data"},
		{resource: "ssh-eu/public_key", actions: "update", want: "system", harmless: true},
		{resource: "ssh-eu/sign/ops/x", actions: "update", want: "system", harmless: true},
		{resource: "ssh-eu/roles", actions: "list", want: "system", harmless: true},
		{resource: "ssh-eu/issuers", actions: "list", want: "system", harmless: true},
		{resource: "ssh-eu/config/+", actions: "update delete", want: "system", harmless: true},
		// pki
		{resource: "web/est/simpleenroll", actions: "update", want: "system", harmless: true},
		{resource: "web/cmp", actions: "update", want: "system", harmless: true},
		{resource: "web/cmpv2", actions: "update", want: "system", harmless: true},
		{resource: "web/scep", actions: "read update", want: "system", harmless: true},
		{resource: "web/roles/shop/est/simpleenroll", actions: "update", want: "system", harmless: true},
		{resource: "web/issuer/default/acme/directory", actions: "read", want: "system", harmless: true},
		{resource: "web/issuer/default/roles/shop/acme/new-account", actions: "update", want: "system", harmless: true},
		{resource: "web/external-policy/acme/new-order", actions: "update", want: "system", harmless: true},
		{resource: "web/roles/+/acme/+", actions: "update", want: "system", harmless: true},
		{resource: "web/config/acme", actions: "update read", want: "system", harmless: true},
		{resource: "web/keys/generate/internal", actions: "update", want: "system", harmless: true},
		{resource: "web/root/generate/+", actions: "update", want: "system"},
		{resource: "web/root/rotate/+", actions: "update", want: "system", harmless: true},
		{resource: "web/root/replace", actions: "update", want: "system", harmless: true},
		{resource: "web/root", actions: "delete", want: "system", harmless: true},
		{resource: "web/intermediate/set-signed", actions: "update", want: "system", harmless: true},
		{resource: "web/issuer/default/resign-crls", actions: "update", want: "system", harmless: true},
		{resource: "web/issuer/default/sign-revocation-list", actions: "update", want: "system", harmless: true},
		{resource: "web/issuer/default/sign-self-issued", actions: "update", want: "system", harmless: true},
		{resource: "web/root/sign-self-issued", actions: "update", want: "system", harmless: true},
		{resource: "web/issuer/default", actions: "read", want: "system", harmless: true},
		{resource: "web/issuer/default", actions: "patch update delete", want: "system", harmless: true},
		{resource: "web/issuer/default/unrevoke", actions: "update", want: "system", harmless: true},
		{resource: "web/cel/roles/+", actions: "create update", want: "system", harmless: true},
		{resource: "web/cel/issue/+", actions: "update", want: "system", harmless: true},
		{resource: "web/issue/shop/x", actions: "update", want: "system", harmless: true},
		{resource: "web/issuer/+/crl/+", actions: "read", want: "data"},
		{resource: "web/cert/+/raw/+", actions: "read", want: "system", harmless: true},
		{resource: "infra/pki/sign/acme.prod.feed", actions: "create", want: "system", harmless: true},
		{resource: "infra/pki/issuer/default/sign/acme.prod.feed", actions: "update", want: "system", harmless: true},
		{resource: "infra/pki/+/acme.prod.feed", actions: "update", want: "system"},
		// what every namespace has
		{resource: "sys/remount", actions: "update", want: "system", harmless: true},
		{resource: "sys/namespaces/mine", actions: "create update", want: "system", harmless: true},
		{resource: "sys/storage/raft/snapshot", actions: "read", want: "system", harmless: true},
		{resource: "sys/workflows/manage/x", actions: "update create", want: "system", harmless: true},
		{resource: "auth/token/lookup", actions: "update", want: "system", harmless: true},
		{resource: "auth/token/revoke-self", actions: "update", want: "data"},
		{resource: "auth/+", actions: "list", want: "system", harmless: true},
		{resource: "auth/doors/certs/+", actions: "update", want: "system", harmless: true},
		{resource: "auth/partner-jwt-x/cel/role/+", actions: "create", want: "system", harmless: true},
		{resource: "identity/entity-alias", actions: "update create", want: "system", harmless: true},
		// namespaces
		{resource: "team-a", actions: "list", want: "system", harmless: true},
		{resource: "team-a/+/+", actions: "read", want: "system", harmless: true},
		{resource: "team-a/team-b/sys/+", actions: "read", want: "system", harmless: true},
		{resource: "team-a/deep/orders/globex/1", actions: "read", want: "system", harmless: true},
		{resource: "deep/orders/globex/1", actions: "read", want: "nothing"},
		{resource: "team-a:/orders/globex/1", actions: "read", want: "nothing"},
		{resource: "team-a./orders/globex/1", actions: "read", want: "nothing"},
		// other configurations
		{resource: "partner-pki/sign/shop", actions: "update", want: "system", harmless: true},
		{resource: "partner-pki/ca/pem", actions: "read", want: "system", harmless: true},
		{resource: "partner-approle/role/x/secret-id", actions: "update", want: "nothing"},
		// spelling
		{resource: "orders/acme/*/", want: "no pattern"},
		{resource: "orders/*/acme", want: "no pattern"},
		{resource: "orders/acme*", want: "no pattern"},
		{resource: "orders/+acme", want: "no pattern"},
		{resource: "orders/acme+", want: "no pattern"},
		{resource: "orders/acme/1?list=true", want: "no pattern"},
		{resource: "orders/acme/%2a", want: "no pattern"},
		{resource: "orders/ａcme/1", want: "no pattern"},
		{resource: "orders/acme;x/1", want: "no pattern"},
		{resource: "orders\\acme", want: "no pattern"},
	}
}
