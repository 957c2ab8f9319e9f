package openbao

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// trust is whose tokens an auth method takes, as it is configured there.
type trust struct {
	Discovery   string   `json:"oidc_discovery_url"`
	DiscoveryCA string   `json:"oidc_discovery_ca_pem"`
	JWKS        string   `json:"jwks_url"`
	JWKSCA      string   `json:"jwks_ca_pem"`
	Keys        []string `json:"jwt_validation_pubkeys"`
	Issuer      string   `json:"bound_issuer"`

	// unread: the login may not read it. gone: the auth method itself is not there.
	unread, gone bool
}

// trustOf reads how an issuer's auth method is configured, once in a process.
func (fed *federation) trustOf(ctx context.Context, issuer string) (trust, error) {
	mount := fed.jwtMount(issuer)
	fed.trusting.Lock()
	defer fed.trusting.Unlock()
	if t, known := fed.trusts[mount]; known {
		return t, nil
	}
	var t trust
	err := fed.client.Get(ctx, "auth/"+mount+"/config", &t)
	switch {
	case errors.Is(err, access.ErrNotPermitted):
		t.unread = true
	case errors.Is(err, access.ErrUnsupported):
		t.gone = true
	case client.Gone(err) != nil:
		return trust{}, err
	}
	fed.trusts[mount] = t
	return t, nil
}

// configure lets an auth method take an issuer's tokens, and no others.
func (fed *federation) configure(ctx context.Context, issuer string) error {
	mount, t := fed.jwtMount(issuer), trust{Discovery: issuer, Issuer: issuer}
	err := fed.client.Put(ctx, "auth/"+mount+"/config", map[string]any{"oidc_discovery_url": t.Discovery, "bound_issuer": t.Issuer}, nil)
	fed.trusting.Lock()
	defer fed.trusting.Unlock()
	if delete(fed.trusts, mount); err == nil {
		fed.trusts[mount] = t // a standby may not have heard of it
	}
	return err
}

// configured says whether it takes anybody's tokens.
func (t trust) configured() bool {
	return t.unread || t.Discovery != "" || t.JWKS != "" || len(t.Keys) > 0
}

// fault says why the auth method does not take the issuer's tokens, or takes others' as well; "" where it does what it should.
func (t trust) fault(mount, issuer string) string {
	switch {
	case t.gone:
		return fmt.Sprintf("nothing is mounted at auth/%s: nobody can log in", mount)
	case t.unread:
		return fmt.Sprintf("whether auth/%s is bound to the issuer %s could not be read: the login lacks read on auth/%[1]s/config", mount, issuer)
	case !t.configured():
		return fmt.Sprintf("auth/%s was never configured: nobody can log in", mount)
	case t.Discovery != "" && !sameIssuer(t.Discovery, issuer):
		return fmt.Sprintf("auth/%s takes its keys from %s, where %s belongs: whoever signs there could log in, and nobody else", mount, t.Discovery, issuer)
	case t.Issuer == "":
		return fmt.Sprintf("auth/%s is bound to no issuer, where %s belongs: only the program of each role refuses others' tokens", mount, issuer)
	case !sameIssuer(t.Issuer, issuer):
		return fmt.Sprintf("auth/%s takes tokens of the issuer %s, where %s belongs: nobody can log in", mount, t.Issuer, issuer)
	}
	return ""
}

// keys is a digest of where the keys come from that tokens are checked with.
func (t trust) keys() string {
	t.Issuer, t.Keys = "", append([]string{}, t.Keys...)
	for n := range t.Keys {
		t.Keys[n] = strings.TrimSpace(t.Keys[n])
	}
	slices.Sort(t.Keys)
	text, err := json.Marshal(t)
	if err != nil {
		panic(err) // texts
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// issuers are the spellings of an issuer in its tokens that are taken: as it is declared, as the auth method is bound, and
// with or without a slash at the end.
func (t trust) issuers(issuer string) []string {
	all := []string{issuer, strings.TrimRight(issuer, "/"), strings.TrimRight(issuer, "/") + "/"}
	if t.Issuer != "" && sameIssuer(t.Issuer, issuer) {
		all = append(all, t.Issuer)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// sameIssuer says whether two URLs mean the same issuer: case of the host, a port that goes without saying and a slash at
// the end make no difference.
func sameIssuer(a, b string) bool { return plainIssuer(a) == plainIssuer(b) }

func plainIssuer(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return text
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	if port := u.Port(); port == map[string]string{"https": "443", "http": "80"}[u.Scheme] {
		u.Host = strings.TrimSuffix(u.Host, ":"+port)
	}
	return strings.TrimRight(u.String(), "/")
}

// trusting is the command that lets an auth method take an issuer's tokens, and nobody else's.
func trusting(mount, issuer string) string {
	return fmt.Sprintf("bao write auth/%s/config oidc_discovery_url=%s bound_issuer=%[2]s", mount, shellWord(issuer))
}

// shellWord is a text as one word of a shell.
func shellWord(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune(plainInShells, r) }) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

const plainInShells = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/:._-"

// issuerMount is the accessor of an issuer's auth method, which takes this issuer's tokens. known: the credential logs in
// there already, and what is to be changed is changed, whatever is wrong with the mount: that is drift.
func (fed *federation) issuerMount(ctx context.Context, issuer string, known bool) (accessor string, err error) {
	mount, configure := fed.jwtMount(issuer), func(ctx context.Context) error { return fed.configure(ctx, issuer) }
	accessor, err = fed.mounts.authMount(ctx, mount, "jwt", configure, trusting(mount, issuer))
	if err != nil {
		return "", err
	}
	t, err := fed.trustOf(ctx, issuer)
	if err == nil && !t.configured() && fed.options.Bootstrap { // a bootstrap made it that could not reach the issuer
		err = fed.configure(ctx, issuer)
		t = trust{Discovery: issuer, Issuer: issuer}
	}
	if known {
		return accessor, nil
	}
	if fault := t.fault(mount, issuer); err == nil && fault != "" && !t.unread {
		err = fmt.Errorf("%w: %s. To let this issuer's tokens in, and no others, run\n\n    %s", access.ErrUnsupported, fault, trusting(mount, issuer))
	}
	return accessor, err
}

// trustDrift says what differs in the auth method of an issuer, and in the keys that it takes since a role was written.
func (fed *federation) trustDrift(ctx context.Context, issuer string, want, got map[string]any) (drift []string, err error) {
	t, err := fed.trustOf(ctx, issuer)
	if err != nil {
		return nil, err
	}
	if fault := t.fault(fed.jwtMount(issuer), issuer); fault != "" {
		fault = strings.ToUpper(fault[:1]) + fault[1:]
		if t.unread {
			return append(drift, fault+"."), nil
		}
		return append(drift, fault+". Run: "+trusting(fed.jwtMount(issuer), issuer)), nil
	}
	if before := keysIn(got); got != nil && before != "" && before != keysIn(want) {
		drift = append(drift, fmt.Sprintf("The keys that auth/%s takes tokens by were changed since this was last applied: whoever holds the new ones "+
			"logs in. Applying it takes them as right.", fed.jwtMount(issuer)))
	}
	return drift, nil
}

// keysIn is the digest of the keys that a role was written for.
func keysIn(role map[string]any) string {
	text, err := json.Marshal(role["cel_program"])
	var program struct {
		Variables []struct{ Name, Expression string }
	}
	if err != nil || json.Unmarshal(text, &program) != nil {
		return ""
	}
	for _, v := range program.Variables {
		if v.Name == keysVariable {
			return cmp.Or(strings.Trim(v.Expression, `"`), "none")
		}
	}
	return ""
}

// keysVariable is the variable of a role's program that remembers for which keys it was written. Nothing reads it at a login.
const keysVariable = "keys_of_issuer"
