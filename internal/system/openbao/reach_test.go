// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// village is a namespace as many have it: engines of all kinds, some of several segments, and other teams below.
func village(edits ...func(map[string]mounted)) *ground {
	engines := map[string]mounted{
		"sys/": {Type: "system"}, "identity/": {Type: "identity"}, "cubbyhole/": {Type: "cubbyhole"},
		"orders/": {Type: "kv"}, "secret/": {Type: "kv", Options: map[string]string{"version": "2"}},
		"old/":      {Type: "generic"},
		"infra/kv/": {Type: "kv"}, "infra/pki/": {Type: "pki"}, "web/": {Type: "pki"}, "our/own/ca/": {Type: "pki"},
		"their-ca/": {Type: "pki", Description: "Partner access"}, "transit/": {Type: "transit"},
		"db/":  {Type: "database"},
		"ssh/": {Type: "ssh"}, "aws/": {Type: "aws"}, "totp/": {Type: "totp"}, "magic/": {Type: "magic"},
		"lone/kv/": {Type: "kv"},
		// Plugins of their own under the names of engines that OpenBao brings along.
		"vault/":   {Type: "kv", Options: map[string]string{"version": "2"}, External: "5f4d"},
		"plugged/": {Type: "pki", External: "5f4d"},
	}
	for _, edit := range edits {
		edit(engines)
	}
	s := Open(Options{Mounts: Mounts{PKI: "our/own/ca"}})
	return s.lay(engines, []string{"team-a/", "Team-B/"}, false, []access.IdentityID{idOf("orders")})
}

// What is said of a grant: the first of these words that holds.
func verdict(r access.Reach) string {
	switch {
	case r.System != "":
		return "system"
	case r.Unknown != "":
		return "unknown"
	case r.Nothing != "":
		return "nothing"
	case r.Privileged != "":
		return "privileged"
	}
	return "data"
}

func TestAGrantReachesWhatIsMountedThere(t *testing.T) {
	g := village()
	for _, c := range []struct {
		resource access.Pattern
		actions  string
		want     string
	}{
		// What each namespace has.
		{"sys/policies/acl/+", "create update", "system"},
		{"sys", "list", "system"},
		{"sys/internal/ui/mounts", "read", "system"},
		{"sys/wrapping/unwrap", "update", "system"},
		{"auth/token/create", "update", "system"},
		{"auth/token/renew-self", "update", "data"},
		{"auth/token/lookup-self", "read", "data"},
		{"auth/token/+", "read", "system"},
		{"auth/partner-approle/login", "update", "system"},
		{"identity/oidc/token/x", "read", "system"},
		{"cubbyhole/x", "read", "system"},
		{"*", "read", "system"},
		{"+/acme/*", "read", "system"},
		// Other namespaces.
		{"team-a/auth/token/create", "update", "system"},
		{"team-a", "read", "system"},
		{"team-a/orders/acme", "read", "system"},
		{"Team-B/x/y", "read", "system"},
		{"team-b/x/y", "read", "nothing"},
		// KV.
		{"orders/acme/*", "read list create update patch delete", "data"},
		{"orders/+/daily", "read", "data"},
		{"orders", "list", "data"},
		{"Orders/acme/*", "read", "nothing"},
		{"old/acme/*", "read", "data"},
		{"infra/kv/acme/*", "read", "data"},
		{"orders/sys/auth/+", "read", "data"},
		{"orders/root/*", "read", "data"},
		{"secret/data/acme/*", "read create update patch delete", "data"},
		{"secret/metadata/acme/*", "list read delete", "data"},
		{"secret/subkeys/acme/*", "read", "data"},
		{"secret/destroy/acme/*", "update", "data"},
		{"secret/acme/*", "read", "nothing"},
		{"secret/acme", "read", "nothing"},
		{"secret/+/acme/*", "read", "system"},
		{"secret/+/+/+", "read", "system"},
		{"secret/config/+", "read", "nothing"},
		{"secret", "list", "nothing"},
		{"secret/config", "update", "system"},
		{"secret/*", "read", "system"},
		{"secret/+", "update", "system"},
		// Mounts that a pattern meets.
		{"infra/*", "read", "system"},
		{"infra/+/acme/*", "read", "system"},
		{"infra/acme", "read", "nothing"},
		{"lone/*", "read", "nothing"},
		{"lone/+/acme", "read", "nothing"},
		{"nowhere/acme/*", "read", "nothing"},
		{"our/*", "read", "system"},
		{"our/+/ca/issue/x", "update", "system"},
		// Authorities.
		{"our/own/ca/issue/web", "update", "system"},
		{"our/own/ca/cert/ca", "read", "system"},
		{"their-ca/sign/web", "update", "system"},
		{"partner-pki/sign/web", "update", "system"},
		{"web/sign/acme.prod.orders", "update", "system"},
		{"web/issue/shop", "update", "privileged"},
		{"web/sign/shop", "create update", "privileged"},
		{"infra/pki/issue/shop", "update", "privileged"},
		{"infra/pki/issuer/default/sign/shop", "update", "privileged"},
		{"infra/pki/cel/issue/shop", "update", "privileged"},
		{"web/issue/+", "update", "system"},
		{"web/issuer/+/issue", "update", "system"},
		{"web/issuer/+/issue/shop", "update", "system"},
		{"web/issuer/default/sign-verbatim", "update", "system"},
		{"web/sign-verbatim/shop", "update", "system"},
		{"infra/pki/root/*", "update", "system"},
		{"infra/pki/root/generate/internal", "update", "system"},
		{"web/roles/shop", "read", "system"},
		{"web/acme/new-order", "update", "system"},
		{"web/revoke", "update", "system"},
		{"web/ca/pem", "read", "data"},
		{"web/ca/pem", "update", "system"},
		// Transit.
		{"transit/encrypt/acme", "create update", "data"},
		{"transit/encrypt/+", "update", "data"},
		{"transit/encrypt/+", "create", "system"},
		{"transit/decrypt/acme", "update", "data"},
		{"transit/sign/acme/sha2-512", "update", "data"},
		{"transit/datakey/plaintext/acme", "update", "data"},
		{"transit/random/32", "update", "data"},
		{"transit/keys/acme", "read", "data"},
		{"transit/keys/acme", "read create", "system"},
		{"transit/keys/acme/config", "update", "system"},
		{"transit/keys/acme/rotate", "update", "system"},
		{"transit/backup/*", "read", "system"},
		{"transit/backup/acme", "read", "system"},
		{"transit/restore", "update", "system"},
		{"transit/export/encryption-key/acme", "read", "privileged"},
		{"transit/+/acme", "update", "system"},
		{"transit/*", "update", "system"},
		// What gives out access.
		{"db/creds/reports", "read", "data"},
		{"db/static-creds/reports", "read", "data"},
		{"db/creds/+", "read", "privileged"},
		{"db/config/+", "read", "system"},
		{"db/rotate-root/main", "update", "system"},
		{"ssh/sign/ops", "update", "privileged"},
		{"ssh/creds/ops", "update", "privileged"},
		{"ssh/roles/ops", "update", "system"},
		{"ssh/config/ca", "update", "system"},
		{"aws/sts/reports", "update", "privileged"},
		{"aws/sts/*", "update", "system"},
		{"aws/sts/+", "update", "privileged"},
		{"aws/creds/reports", "read", "privileged"},
		{"aws/config/root", "update", "system"},
		{"aws/roles/+", "read", "system"},
		{"totp/code/acme", "read", "data"},
		{"totp/keys/acme", "read", "system"},
		// What is not known.
		{"magic/acme/*", "read", "unknown"},
		{"magic", "read", "unknown"},
		{"vault/data/acme/*", "read", "unknown"},
		{"vault/acme/*", "read", "unknown"},
		{"plugged/issue/shop", "update", "unknown"},
	} {
		if r := g.reach(c.resource, strings.Fields(c.actions)); verdict(r) != c.want {
			t.Errorf("%s on %s: %s, want %s: %+v", c.actions, c.resource, verdict(r), c.want, r)
		}
	}
}

func TestAGrantThatOpensNothingIsToldWhatToWrite(t *testing.T) {
	g := village()
	for resource, want := range map[access.Pattern]string{
		"secret/acme/prod/*": "For the values, write secret/data/acme/prod/*. For the names, write " +
			"secret/metadata/acme/prod/* with list in another grant.",
		"secret/+/acme/*": "For the values, write secret/data/acme/*. For the names, write secret/metadata/acme/* " +
			"with list in another grant.",
		"secret/*": "For the values, write secret/data/*. For the names, write secret/metadata/* with list " +
			"in another grant.",
		"secret": "For the values, write secret/data/*. For the names, write secret/metadata/* with list " +
			"in another grant.",
		"nowhere/acme/*": "Begin resource with what is mounted (aws/, db/, infra/kv/, infra/pki/, lone/kv/, " +
			"magic/, old/, orders/, others), or mount the engine first.",
		"lone/*": "Begin resource with lone/kv/.",
	} {
		if r := g.reach(resource, []string{"read", "list"}); r.Instead != want {
			t.Errorf("%s: %q, want %q", resource, r.Instead, want)
		}
	}
}

// A mount of several segments is one place, and so is the word data of a KV store: who grants secret/data/* has said no
// more than who grants orders/*.
func TestTheNameOfAPlaceFixesAsMuchAsOneSegment(t *testing.T) {
	g := village()
	for resource, want := range map[access.Pattern]int{
		"orders/acme/*": 1, "infra/kv/acme/*": 2, "secret/data/*": 2, "secret/metadata/acme/*": 2,
		"transit/encrypt/+":           2,
		"transit/datakey/plaintext/+": 3, "ssh/sign/+": 2,
	} {
		if r := g.reach(resource, []string{"update"}); r.Place != want {
			t.Errorf("%s: %d, want %d", resource, r.Place, want)
		}
	}
}

// Of two mounts, one below the other, OpenBao routes a path to the longer one.
func TestTheLongestMountDecides(t *testing.T) {
	g := village(func(m map[string]mounted) { m["orders/ca/"] = mounted{Type: "pki"} })
	for resource, want := range map[access.Pattern]string{
		"orders/acme/*": "data", "orders/ca/roles/x": "system", "orders/ca/issue/x": "privileged", "orders/*": "system",
		"orders/+/issue/x": "system",
		"orders/ca":        "nothing", "orders/cab": "data",
	} {
		if r := g.reach(resource, []string{"update"}); verdict(r) != want {
			t.Errorf("%s: %s, want %s: %+v", resource, verdict(r), want, r)
		}
	}
}

// A login that may not list the child namespaces does not know what a path opens that no mount covers.
func TestWhereNamespacesCannotBeListedNothingIsTakenForGranted(t *testing.T) {
	g := Open(Options{}).lay(map[string]mounted{"orders/": {Type: "kv"}}, nil, true, nil)
	if r := g.reach("orders/acme/*", []string{"read"}); verdict(r) != "data" {
		t.Errorf("%+v", r)
	}
	if r := g.reach("team-a/orders/acme", []string{"read"}); verdict(r) != "system" ||
		!strings.Contains(r.System, "sys/namespaces") {
		t.Errorf("%+v", r)
	}
}
