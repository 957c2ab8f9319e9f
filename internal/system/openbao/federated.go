// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// Federation. The partner shows a token of its own OIDC issuer; the JWT auth method checks its signature, and a CEL
// program for each identity checks the rest and gives the session its end. OpenBao evaluates the program at every
// login, with the token's claims and the time ("now"; internal/builtin/credential/jwt/path_cel_login.go): a result that
// is a text refuses the login with it, and one that is a pb.Auth lets in.
//
// Each issuer has a mount of its own, so one can be turned off for all who come from there. trust.go judges how it is
// configured.

// clockSkew is how far an issuer's clock may be from the server's.
const clockSkew = 30 * time.Second

// longestToken is the longest life of an issuer's token that is accepted: one that lives for years is a secret of its
// own.
const longestToken = 24 * time.Hour

// federation lets in by the tokens of a partner's own issuer.
type federation struct {
	*server
	mounts *mounting

	// trusting guards trusts, and is held while the configuration of an issuer's auth method is read.
	trusting sync.Mutex
	// trusts is how each auth method is configured, by mount, as it was read or written last in this process.
	trusts map[string]trust
}

// federatedRole returns the CEL role of an identity on its issuer's mount. The mount has checked the signature, with
// keys that several issuers may share, and the issuer if it is bound to one. So the program checks the issuer itself
// (see TestATokenOfAnotherIssuerNeverLogsInWhateverTheMountIsBoundTo), the subject, the audience, and that the token
// has an end and no long life.
//
// It caps the session at the end of the access. A login of the last second lives for a second, since a life of 0 would
// mean the mount's; its paths end. It names the alias, without which a login would be nobody's. keys_of_issuer decides
// nothing.
//
// A role of the plain kind has no end, and knows neither the time nor the life of the token.
func (fed *federation) federatedRole(c *access.Credential, end time.Time, t trust) role {
	f := c.Federated
	in := listOf(f.Audiences)
	variable := func(name, expression string) map[string]any {
		return map[string]any{"name": name, "expression": expression}
	}
	auth :=
		fmt.Sprintf(`pb.Auth{display_name: %[1]s, alias: logical.Alias{name: %[1]s, metadata: {"last_login": string(now)}}, no_default_policy: true, `+
			`%[2]slease_options: pb.LeaseOptions{TTL: life, MaxTTL: life, renewable: false, issue_time: now}, explicit_max_ttl: life}`,
			quote(store.NameOf(c.IdentityID)), boundNetworks(c))
	return role{"auth/" + fed.jwtMount(f.Issuer) + "/cel/role/" + roleOf(c.IdentityID), map[string]any{
		"bound_audiences":   f.Audiences,
		"clock_skew_leeway": int(clockSkew.Seconds()),
		"expiration_leeway": 0,
		"not_before_leeway": 0,
		"message":           "",
		"cel_program": map[string]any{
			"variables": []any{
				variable("ends_at", "timestamp("+quote(access.At(end).String())+")"),
				variable("left", "(ends_at - now).getSeconds()"),
				variable("life", fmt.Sprintf("(left < 1 ? 1 : left < %[1]d ? left : %[1]d) * 1000000000",
					int(fed.options.Session.Seconds()))),
				variable(keysVariable, quote(t.keys())),
				variable("right_issuer", "has(claims.iss) && type(claims.iss) == string && claims.iss in "+
					listOf(t.issuers(f.Issuer))),
				variable("right_subject", "has(claims.sub) && type(claims.sub) == string && claims.sub == "+
					quote(f.Subject)),
				variable("right_audience", "has(claims.aud) && (type(claims.aud) == string ? claims.aud in "+in+
					" : type(claims.aud) == list && claims.aud.exists(a, a in "+in+"))"),
				variable("fresh", fmt.Sprintf("has(claims.exp) && timestamp(int(claims.exp)) > now && "+
					"(!has(claims.iat) || int(claims.exp) - int(claims.iat) <= %d)",
					int(longestToken.Seconds()))),
				variable("auth", auth),
			},
			"expression": `now >= ends_at ? "the access has ended" : !right_issuer ? "another issuer" : !right_subject ? "another subject" : !right_audience ? "another audience" : !fresh ? "a token without an end, or of more than a day" : auth`,
		},
	}}
}

// listOf writes texts as a list of CEL.
func listOf(texts []string) string {
	var all []string
	for _, t := range texts {
		all = append(all, quote(t))
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// boundNetworks returns the field that binds the session of a login to the credential's networks; "" if it has none.
func boundNetworks(c *access.Credential) string {
	var all []string
	for _, n := range c.AllowedCIDRs {
		all = append(all, n.String())
	}
	if len(all) == 0 {
		return ""
	}
	return "bound_cidrs: " + listOf(all) + ", "
}

// quote writes a text as a string of CEL. Its escapes are those of Go for what is ASCII, and all else is escaped, so no
// text of a declaration can end the string.
func quote(text string) string { return strconv.QuoteToASCII(text) }

// trustOf returns how an issuer's auth method is configured. It is read once in a process. A method that is gone, or
// that this login may not read, is no error, but said in it.
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

// configure makes an auth method take an issuer's tokens, and no others. OpenBao asks the issuer for its keys then, so
// it fails if that is away.
func (fed *federation) configure(ctx context.Context, issuer string) error {
	mount := fed.jwtMount(issuer)
	t := trust{Discovery: issuer, Issuer: issuer}
	err := fed.client.Put(ctx, "auth/"+mount+"/config",
		map[string]any{"oidc_discovery_url": t.Discovery, "bound_issuer": t.Issuer}, nil)
	fed.trusting.Lock()
	defer fed.trusting.Unlock()
	if delete(fed.trusts, mount); err == nil {
		fed.trusts[mount] = t // a standby may not have heard of it
	}
	return err
}

// issuerMount returns the accessor of an issuer's auth method, which takes this issuer's tokens. It is made and
// configured if the configuration says so: also one that an earlier bootstrap made and could not configure.
//
// known: the credential logs in there already. Then what is to be changed is changed, whatever is wrong with the mount:
// that is drift.
func (fed *federation) issuerMount(ctx context.Context, issuer string, known bool) (accessor string, err error) {
	mount := fed.jwtMount(issuer)
	configure := func(ctx context.Context) error { return fed.configure(ctx, issuer) }
	accessor, err = fed.mounts.authMount(ctx, mount, "jwt", configure, trusting(mount, issuer))
	if err != nil {
		return "", err
	}
	t, err := fed.trustOf(ctx, issuer)
	if err == nil &&
		!t.configured() &&
		fed.options.Bootstrap { // a bootstrap made it that could not reach the issuer
		err = fed.configure(ctx, issuer)
		t = trust{Discovery: issuer, Issuer: issuer}
	}
	switch {
	case known:
		return accessor, nil
	case err != nil:
		return accessor, err
	}
	return accessor, t.refuse(mount, issuer)
}

// suits returns an error if the auth method that is there is another one, or does not take the issuer's tokens. It
// configures nothing, as enter may: it is for a plan.
func (fed *federation) suits(ctx context.Context, issuer string) error {
	mount := fed.jwtMount(issuer)
	if _, err := fed.mounts.authMount(ctx, mount, "jwt", nil); err != nil {
		return err
	}
	t, err := fed.trustOf(ctx, issuer)
	if err != nil || !t.configured() {
		return err
	}
	return t.refuse(mount, issuer)
}

// trustDrift says what differs in the auth method of an issuer, and in the keys that it takes since the credential's
// role was written. want and got are that role's bodies, as it should be and as it is; nil if nobody looked.
func (fed *federation) trustDrift(ctx context.Context, issuer string, want, got map[string]any) (drift []string,
	err error) {
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
		drift = append(drift, fmt.Sprintf("Since the last apply, the keys by which auth/%s accepts tokens changed, "+
			"or how tokens may be signed: the new keys let in, other signatures do not. An apply accepts "+
			"this as right.", fed.jwtMount(issuer)))
	}
	if doubt := t.doubt(fed.jwtMount(issuer), issuer); doubt != "" {
		drift = append(drift, doubt)
	}
	if t.Status != "" && t.Status != "valid" {
		drift = append(drift, fmt.Sprintf("auth/%s has no keys to check tokens with (its status is %s): nobody can "+
			"log in until OpenBao reaches the source of the keys.", fed.jwtMount(issuer), t.Status))
	}
	return drift, nil
}

// keysIn returns the digest of the keys that a role was written for: "" if it has no such variable, "none" if that is
// empty.
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

// keysVariable is the variable of a role's program that remembers for which keys it was written. Nothing reads it at a
// login.
const keysVariable = "keys_of_issuer"

var _ method = (*federation)(nil)

func (fed *federation) mount(c *access.Credential) string { return fed.jwtMount(c.Federated.Issuer) }

func (*federation) aliasOf(id access.IdentityID) string { return store.NameOf(id) }

func (fed *federation) enter(ctx context.Context, c *access.Credential, known bool) (accessor string, err error) {
	return fed.issuerMount(ctx, c.Federated.Issuer, known)
}

// roles returns the one role, with a digest of the mount's keys as they are now.
func (fed *federation) roles(ctx context.Context, c *access.Credential, end time.Time, _ []ledger.Item) ([]role,
	error) {
	t, err := fed.trustOf(ctx, c.Federated.Issuer)
	return []role{fed.federatedRole(c, end, t)}, err
}

func (*federation) named(context.Context, *site, access.IdentityID) error { return nil }

func (fed *federation) paths(c *access.Credential) []string { return []string{fed.entrance(c)} }

func (fed *federation) entrance(c *access.Credential) string {
	return "auth/" + fed.mount(c) + "/cel/role/" + roleOf(c.IdentityID)
}

// everywhere returns the roles on the mounts of all issuers: nobody remembers from which one an identity came before.
func (fed *federation) everywhere(id access.IdentityID, mounts map[string]mounted) (paths []string) {
	for mount, m := range mounts {
		if mount = strings.TrimSuffix(mount, "/"); m.Type == "jwt" && fed.ours(mount) {
			paths = append(paths, "auth/"+mount+"/cel/role/"+roleOf(id))
		}
	}
	slices.Sort(paths)
	return paths
}

// tellLogin tells what the issuer has to write into its tokens, beside the role.
func (fed *federation) tellLogin(c *access.Credential, shell string, told map[string]string) {
	told["path"], told["role"] = "auth/"+fed.mount(c)+"/cel/login", roleOf(c.IdentityID)
	told["subject"], told["audiences"] = c.Federated.Subject, strings.Join(c.Federated.Audiences, " ")
	told["command"] = fmt.Sprintf("bao write%s-field=token %s role=%s jwt=- <TOKENFILE", shell, told["path"],
		told["role"])
}
