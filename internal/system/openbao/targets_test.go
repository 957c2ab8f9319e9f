// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// encounter is two grants, as pattern and actions: "secret/data/acme/*: read".
type encounter struct {
	one, other string
	// meets is the kind and the path of what both reach, "" for nothing.
	meets string
	// crime is what the other grant does to what the one is for, on a real server: "GET secret/metadata/acme/1".
	crime string
}

// encounters are pairs of patterns that share no path.
func encounters() []encounter {
	return []encounter{
		// A secret of a KV store, by its values, its names, its history and its end.
		{"secret/data/acme/*: read", "secret/metadata/acme/*: read", "secret secret/acme/*",
			"GET secret/metadata/acme/1"},
		{"secret/data/acme/*: read", "secret/metadata/acme/*: delete", "secret secret/acme/*",
			"DELETE secret/metadata/acme/none"},
		{"secret/data/acme/*: read", "secret/subkeys/acme/1: read", "secret secret/acme/1",
			"GET secret/subkeys/acme/1"},
		{"secret/data/acme/*: read", "secret/detailed-metadata/acme: list", "secret secret/acme/+",
			"LIST secret/detailed-metadata/acme"},
		{"secret/data/acme/*: read", "secret/delete/acme/1: update", "secret secret/acme/1",
			"POST secret/delete/acme/1"},
		{"secret/data/acme/*: read", "secret/undelete/acme/+: update", "secret secret/acme/+",
			"POST secret/undelete/acme/1"},
		{"secret/metadata/acme/*: list", "secret/destroy/acme/1: update", "secret secret/acme/1",
			"POST secret/destroy/acme/1"},
		{"secret/data/acme/*: read", "secret/metadata/acme: list", "secret secret/acme/+", "LIST secret/metadata/acme"},
		{"secret/data/acme/*: read", "secret/metadata/+: list", "secret secret/acme/+", "LIST secret/metadata/acme"},
		{"team/docs/data/acme/*: read", "team/docs/subkeys/acme/*: read", "secret team/docs/acme/*",
			"GET team/docs/subkeys/acme/1"},
		{"orders/acme/*: read", "orders/acme: list", "secret orders/acme/+", "LIST orders/acme"},
		{"infra/store/acme/*: read", "infra/store/+: list", "secret infra/store/acme/+", "LIST infra/store/acme"},
		// A key, whatever is done with it.
		{"transit/encrypt/acme: update", "transit/decrypt/acme: update", "key transit/acme",
			"POST transit/decrypt/acme"},
		{"transit/encrypt/acme: update", "transit/sign/acme/sha2-512: update", "key transit/acme",
			"POST transit/sign/acme/sha2-512"},
		{"transit/decrypt/acme: update", "transit/datakey/plaintext/acme: update", "key transit/acme",
			"POST transit/datakey/plaintext/acme"},
		{"transit/hmac/acme: update", "transit/export/encryption-key/acme: read", "key transit/acme",
			"GET transit/export/encryption-key/acme"},
		{"transit/hmac/acme: update", "transit/export/+/acme/1: read", "key transit/acme",
			"GET transit/export/encryption-key/acme/1"},
		{"transit/rewrap/acme: update", "transit/keys/acme: read", "key transit/acme", "GET transit/keys/acme"},
		{"transit/rewrap/acme: update", "transit/byok-export/mine/acme: read", "key transit/acme",
			"GET transit/byok-export/mine/acme"},
		// A seed, a role.
		{"codes/code/acme: read", "codes/keys/acme: read", "key codes/acme", "GET codes/keys/acme"},
		{"db/creds/acme: read", "db/static-creds/acme: read", "role db/acme", "GET db/static-creds/acme"},
		{"web/issue/shop: update", "web/sign/shop: update", "role web/shop", "POST web/sign/shop"},
		{"web/issue/shop: update", "web/issuer/default/issue/shop: update", "role web/shop",
			"POST web/issuer/default/issue/shop"},
		{"ssh-eu/sign/ops: update", "ssh-eu/issue/ops: update", "role ssh-eu/ops", "POST ssh-eu/issue/ops"},
		{"clusters/creds/shop: update", "clusters/roles/Shop: read", "role clusters/shop", "GET clusters/roles/Shop"},
		// Others have their own.
		{"secret/data/acme/*: read", "secret/metadata/globex/*: list read delete", "", "GET secret/metadata/acme/1"},
		{"secret/data/acme/*: read", "secret/metadata/acme: read", "", "LIST secret/metadata/acme"},
		{"secret/data/acme/*: read", "team/docs/metadata/acme/*: read", "", "GET secret/metadata/acme/1"},
		{"secret/data/acme/x/*: read", "secret/metadata/acme: list", "", "GET secret/metadata/acme/x/1"},
		{"secret/data/acme/*: read", "secret/metadata: list", "", "LIST secret/metadata/acme"},
		{"orders/acme/*: read", "orders/globex: list", "", "LIST orders/acme"},
		{"orders/acme/*: read", "orders/acme: read", "", "GET orders/acme/1"},
		{"transit/encrypt/acme: update", "transit/decrypt/globex: update", "", "POST transit/decrypt/acme"},
		{"transit/encrypt/acme: update", "transit/random/32: update", "", "POST transit/decrypt/acme"},
		{"web/issue/shop: update", "infra/pki/sign/shop: update", "", "POST web/sign/shop"},
		{"web/cel/issue/shop: update", "web/sign/shop: update", "", "POST web/cel/issue/shop"},
		{"ssh-eu/sign/ops: update", "db/creds/ops: read", "", "POST ssh-eu/sign/ops"},
	}
}

// wordsOf reads a grant of an encounter.
func wordsOf(text string) (access.Pattern, []string) {
	resource, actions, _ := strings.Cut(text, ": ")
	return access.Pattern(resource), strings.Fields(actions)
}

// meets is what two grants both reach beside the paths that they share.
func meets(reaching access.Reaching, one, other string) string {
	p, a := wordsOf(one)
	q, b := wordsOf(other)
	if p.Overlaps(q) {
		return "they share a path"
	}
	for _, t := range reaching(p, a).Targets {
		for _, u := range reaching(q, b).Targets {
			if t.Kind == u.Kind && t.Path.Overlaps(u.Path) {
				return fmt.Sprintf("%s %s", t.Kind, t.Path.Meet(u.Path))
			}
		}
	}
	return ""
}

// Two patterns that share no path reach one thing all the same. On a real server, a token that has the other grant and
// nothing else does with it what the verdict says: something where they meet, nothing where they do not.
func TestTwoPartnersMeetOnAThingAndNotOnlyOnAPath(t *testing.T) {
	tn := buildTown(t)
	reaching, err := tn.system.Reaching(t.Context(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for n, e := range encounters() {
		t.Run(e.one+" and "+e.other, func(t *testing.T) {
			t.Parallel()
			for _, pair := range [][2]string{{e.one, e.other}, {e.other, e.one}} {
				if got := meets(reaching, pair[0], pair[1]); got != e.meets {
					t.Errorf("they meet on %q, want %q", got, e.meets)
				}
			}
			resource, actions := wordsOf(e.other)
			token := tn.granted(t, fmt.Sprintf("meets-%d", n), resource, actions)
			method, path, _ := strings.Cut(e.crime, " ")
			if did := tn.done(t, token, deed{method, path,
				map[string]any{"plaintext": "AA==", "versions": []int{9}}}); did != (e.meets != "") {
				t.Errorf("%s: allowed: %v", e.crime, did)
			}
		})
	}
}

// The way is the part of the grant's pattern that reaches a part of what it reaches: what has to be shared for
// partners to meet there.
func TestTheWayToATarget(t *testing.T) {
	g := village()
	for _, c := range []struct {
		grant      string
		part, want access.Pattern
	}{
		{"secret/data/acme/*: read", "secret/acme/x", "secret/data/acme/x"},
		{"secret/metadata/acme: list", "secret/acme/x", "secret/metadata/acme"},
		{"transit/sign/acme/sha2-512: update", "transit/acme", "transit/sign/acme/sha2-512"},
		{"transit/datakey/+/+: update", "transit/acme", "transit/datakey/+/acme"},
		{"infra/pki/issuer/default/issue/shop: update", "infra/pki/shop", "infra/pki/issuer/default/issue/shop"},
		{"infra/kv/acme: list", "infra/kv/acme/x", "infra/kv/acme"},
	} {
		all := g.reach(wordsOf(c.grant)).Targets
		found := false
		for _, target := range all {
			found = found || (target.Path.Overlaps(c.part) && target.Way(c.part) == c.want)
		}
		if !found {
			t.Errorf("%s to %s: no way is %s: %+v", c.grant, c.part, c.want, all)
		}
	}
}

// A path that gives out access or data has a name in it, and what it names is known: else two partners
// could meet there unseen.
func TestEachRouteOfAnEngineNamesWhatItReaches(t *testing.T) {
	nobodys := []access.Pattern{ // there nothing is anybody's: public keys, lists of what is revoked, random numbers
		"ca", "ca/pem", "ca_chain", "crl", "crl/pem", "crl/delta", "crl/delta/pem", "issuer/+/json", "issuer/+/der",
		"issuer/+/pem", "issuer/+/crl",
		"issuer/+/crl/*", "issuers", "ocsp/*", "public_key", "issuer/+/public_key", "wrapping_key", "random",
		"random/+", "random/+/+", "hash", "hash/+",
		"metadata", "detailed-metadata",
	}
	for kind, e := range engines() {
		for _, r := range append(append([]route{}, e.data...), e.privileged...) {
			named := false
			for _, n := range namings()[kind] {
				named = named || n.path.Contains(r.path)
			}
			for _, p := range nobodys {
				named = named || p == r.path
			}
			if !named {
				t.Errorf("%s: nobody says what is reached on %s", kind, r.path)
			}
		}
	}
}

// Another configuration calls its authority what it likes, and says nowhere what it is. It is told by what it signed:
// whoever signs there logs in as that one's partner, with any name that a role lets through.
func TestAnAuthorityOfAnotherConfigurationIsToldByWhatItSigned(t *testing.T) {
	st := startStage(t)
	for _, ca := range []string{"plain/ca", "web"} {
		st.must("POST", "sys/mounts/"+ca, map[string]any{"type": "pki"})
		st.must("POST", ca+"/root/generate/internal",
			map[string]any{"common_name": ca, "key_type": "ec", "key_bits": 256, "ttl": "1000h"})
	}
	theirs := st.options()
	theirs.Mounts = Mounts{Cert: "doors", PKI: "plain/ca"}
	other := Open(theirs)
	for _, o := range []access.Object{identityOf("feed"), st.credentialOf("feed", access.Certificate)} {
		if _, err := other.Put(t.Context(), st.change(o)); err != nil {
			t.Fatal(err)
		}
	}
	st.below(t, "below", "plain/ca")
	reaching, err := st.open().Reaching(t.Context(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for resource, want := range map[access.Pattern]string{
		"plain/ca/issue/shop": "system", "plain/ca/sign/shop": "system", "below/issue/shop": "system",
		"web/issue/shop": "privileged",
	} {
		if r := reaching(resource, []string{"update"}); verdict(r) != want {
			t.Errorf("%s: %s, want %s: %+v", resource, verdict(r), want, r)
		}
	}
}
