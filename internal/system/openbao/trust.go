// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/shown"
)

// How an issuer's auth method is configured, and what is wrong with it. It is judged and never believed: the role's own
// program asks for the issuer again (federated.go), so what is wrong here refuses a partner or costs one of two locks.
// A difference is drift, and an error only for a new credential.

// trust is whose tokens an auth method takes, as it is configured there (auth/MOUNT/config). OpenBao takes the keys
// from one of Discovery, JWKS, Keys and Provider.
type trust struct {
	Discovery   string   `json:"oidc_discovery_url"`
	DiscoveryCA string   `json:"oidc_discovery_ca_pem"`
	JWKS        string   `json:"jwks_url"`
	JWKSCA      string   `json:"jwks_ca_pem"`
	Keys        []string `json:"jwt_validation_pubkeys"`
	Issuer      string   `json:"bound_issuer"`
	// Algorithms are the ways in which tokens may be signed; none: however the issuer signs.
	Algorithms []string `json:"jwt_supported_algs"`
	// Names are those by which whoever gives the keys is known as well.
	Names []string `json:"override_allowed_server_names"`
	// Status says whether it has the keys; older versions do not say.
	Status string `json:"status,omitempty"`
	// Provider may be where the keys come from, with nothing else: Kubernetes, if OpenBao runs in it.
	Provider map[string]any `json:"provider_config,omitempty"`

	// unread: the login may not read it. gone: the auth method itself is not there.
	unread, gone bool
}

// configured reports whether it takes anybody's tokens. One that may not be read is taken to.
func (t trust) configured() bool {
	return t.unread ||
		t.Discovery != "" ||
		t.JWKS != "" ||
		len(t.Keys) > 0 ||
		len(t.Provider) > 0
}

// fault says why the auth method does not take the issuer's tokens, or takes others' as well; "" if it does what it
// should.
func (t trust) fault(mount, issuer string) string {
	switch {
	case t.gone:
		return fmt.Sprintf("nothing is mounted at auth/%s: nobody can log in", mount)
	case t.unread:
		return fmt.Sprintf("cannot tell whether auth/%s is bound to the issuer %s: the login lacks read on "+
			"auth/%[1]s/config", mount, issuer)
	case !t.configured():
		return fmt.Sprintf("auth/%s is not configured: nobody can log in", mount)
	case t.Discovery != "" && !sameIssuer(t.Discovery, issuer):
		return fmt.Sprintf("auth/%s takes its keys from %s instead of %s: only tokens signed there can log in", mount,
			t.Discovery, issuer)
	case t.Issuer == "":
		return fmt.Sprintf("auth/%s is bound to no issuer instead of %s: only each role's program refuses others' "+
			"tokens", mount, issuer)
	case !sameIssuer(t.Issuer, issuer):
		return fmt.Sprintf("auth/%s takes tokens of the issuer %s instead of %s: nobody can log in", mount, t.Issuer,
			issuer)
	case t.Discovery != "" && t.Discovery != t.Issuer:
		// OpenBao takes the keys of an issuer that is called just as its address
		return fmt.Sprintf("auth/%s takes its keys from %s, but only tokens of the issuer %s: the spelling differs, "+
			"so nobody can log in", mount, t.Discovery, t.Issuer)
	}
	return ""
}

// refuse returns ErrUnsupported if the auth method has a fault, with the command that mends it. What may not be read is
// no fault.
func (t trust) refuse(mount, issuer string) error {
	fault := t.fault(mount, issuer)
	if fault == "" || t.unread {
		return nil
	}
	return fmt.Errorf("%w: %s. To accept this issuer's tokens only, run\n\n    %s", access.ErrUnsupported, fault,
		trusting(mount, issuer))
}

// doubt says that the auth method takes one spelling of the issuer and another one is declared, if nothing tells which
// one tokens have; "" otherwise.
func (t trust) doubt(mount, issuer string) string {
	if t.Discovery != "" || t.Issuer == issuer {
		return ""
	}
	return fmt.Sprintf("The issuer is %s at auth/%s, but %s in the declaration. If tokens name it as declared, "+
		"nobody can log in. Declare the issuer as its tokens name it, and bind the auth method to the same name.",
		t.Issuer, mount, issuer)
}

// keys returns a digest of where the keys come from that tokens are checked with, and of how these may be signed. It is
// the same for the same configuration in another order, and whatever the issuer is called.
func (t trust) keys() string {
	t.Issuer, t.Status = "", ""
	if t.Discovery != "" || t.JWKS != "" || len(t.Keys) > 0 {
		t.Provider = nil // it tells groups apart, and gives no keys
	}
	t.Keys, t.Algorithms, t.Names = append([]string{}, t.Keys...), append([]string{}, t.Algorithms...),
		append([]string{}, t.Names...)
	for n := range t.Keys {
		t.Keys[n] = strings.TrimSpace(t.Keys[n])
	}
	slices.Sort(t.Keys)
	slices.Sort(t.Algorithms)
	text, err := json.Marshal(t)
	if err != nil {
		panic(err) // texts
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// issuers returns the spellings of an issuer in its tokens that are taken, sorted: as it is declared, as the auth
// method is bound, and with or without a slash at the end.
func (t trust) issuers(issuer string) []string {
	all := []string{issuer, strings.TrimRight(issuer, "/"), strings.TrimRight(issuer, "/") + "/"}
	if t.Issuer != "" && sameIssuer(t.Issuer, issuer) {
		all = append(all, t.Issuer)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// sameIssuer reports whether two URLs mean the same issuer: case of the host, a port that goes without saying and a
// slash at the end make no difference.
func sameIssuer(a, b string) bool { return access.PlainIssuer(a) == access.PlainIssuer(b) }

// trusting returns the command that makes an auth method take an issuer's tokens, and nobody else's.
func trusting(mount, issuer string) string {
	return fmt.Sprintf("bao write auth/%s/config oidc_discovery_url=%s bound_issuer=%[2]s", mount, shown.Word(issuer))
}
