package openbao

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// role is something that OpenBao keeps for a credential: what may log in, or what may be signed.
type role struct {
	path string
	body map[string]any
}

// clockSkew is how far an issuer's clock may be from the server's.
const clockSkew = 30 * time.Second

// longestToken is the longest life of an issuer's token that is accepted: one that lives for years is a secret of its own.
const longestToken = 24 * time.Hour

// federation lets in by the tokens of a partner's own issuer.
type federation struct {
	*server
	mounts *mounting

	trusting sync.Mutex       // held while the configuration of an issuer's auth method is read
	trusts   map[string]trust // by mount
}

// federatedRole is the CEL role of an identity on its issuer's mount. The mount has checked the
// signature, with keys that several issuers may share, and the issuer where it is bound to one; the program checks the
// issuer and the rest, and caps the session at the end; one of the last second lives for a second, and its paths end. It
// names the alias, without which a login would be nobody's.
//
// A role of the plain kind has no end, and knows neither the time nor the life of the token.
func (fed *federation) federatedRole(c *access.Credential, end time.Time, t trust) role {
	f := c.Federated
	in := listOf(f.Audiences)
	variable := func(name, expression string) map[string]any {
		return map[string]any{"name": name, "expression": expression}
	}
	auth := fmt.Sprintf(`pb.Auth{display_name: %[1]s, alias: logical.Alias{name: %[1]s, metadata: {"last_login": string(now)}}, no_default_policy: true, `+
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
				variable("life", fmt.Sprintf("(left < 1 ? 1 : left < %[1]d ? left : %[1]d) * 1000000000", int(fed.options.Session.Seconds()))),
				variable(keysVariable, quote(t.keys())),
				variable("right_issuer", "has(claims.iss) && type(claims.iss) == string && claims.iss in "+listOf(t.issuers(f.Issuer))),
				variable("right_subject", "has(claims.sub) && type(claims.sub) == string && claims.sub == "+quote(f.Subject)),
				variable("right_audience", "has(claims.aud) && (type(claims.aud) == string ? claims.aud in "+in+
					" : type(claims.aud) == list && claims.aud.exists(a, a in "+in+"))"),
				variable("fresh", fmt.Sprintf("has(claims.exp) && timestamp(int(claims.exp)) > now && (!has(claims.iat) || int(claims.exp) - int(claims.iat) <= %d)",
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

// boundNetworks binds the session of a login to the credential's networks.
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

// quote writes a text as a string of CEL, whose escapes are those of Go for what is ASCII; all else is escaped.
func quote(text string) string { return strconv.QuoteToASCII(text) }
