// SPDX-License-Identifier: MPL-2.0

package material

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// checkBlanks refuses white space and what is invisible: any at an edge, and all but spaces within.
func checkBlanks(what, text string) error {
	runes := []rune(text)
	for _, edge := range []struct {
		c     rune
		where string
	}{{runes[0], "begins with"}, {runes[len(runes)-1], "ends in"}} {
		if blank(edge.c) {
			return fmt.Errorf("%s %+q %s %s, which no token has: write %+q, or trimspace(file(...)) where it comes "+
				"from a file", what, text, edge.where, Named(edge.c), trimmed(text))
		}
	}
	for _, c := range runes {
		if blank(c) && c != ' ' {
			return fmt.Errorf("%s %+q holds %s, which no token has: write it without", what, text, Named(c))
		}
	}
	return nil
}

// checkClaim refuses what no claim of a token can equal, since trust is compared byte by byte: white space or something
// invisible at an edge, and line ends anywhere.
func checkClaim(what, text string) error {
	if text == "" {
		return nil // a rule says more
	}
	if err := checkBlanks(what, text); err != nil {
		return err
	}
	if inner := unquoted(text); inner != text && inner != "" {
		return fmt.Errorf("%s %q is in quotes, which no token has: write %q, and not what jsonencode makes of it", what,
			text, inner)
	}
	if what != "issuer" && placeholder.MatchString(text) {
		return fmt.Errorf("%s %q has a placeholder in it, %s, and tokens have what stands for it: write that", what,
			text, placeholder.FindString(text))
	}
	return nil
}

// placeholder is what manuals and templates write for what is to be put in.
var placeholder = regexp.MustCompile(`[$%]?\{\{?[^{}]*\}\}?|^<[^<>]+>$|<[A-Za-z][A-Za-z0-9 _-]*>`)

// blank reports whether a character shows nothing: white space, or what is invisible.
func blank(c rune) bool { return unicode.IsSpace(c) || invisible(c) }

func trimmed(text string) string { return strings.TrimFunc(text, blank) }

// ParseAudience reads one audience, and refuses what no token has: an edge of white space, or several in one text.
func ParseAudience(text string) (string, error) {
	if text == "" {
		return "", errors.New("an empty text says nothing: write an audience, such as orders.example.com")
	}
	if err := checkClaim("audience", text); err != nil {
		return "", err
	}
	if strings.ContainsAny(text, ",; []\"") {
		parts := strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(",; []\"", c) })
		for i, p := range parts {
			parts[i] = strconv.Quote(p)
		}
		return "", fmt.Errorf("audience %q is several in one text: write audiences = [%s]", text,
			strings.Join(parts, ", "))
	}
	return text, nil
}

// ParseSubject reads the subject of a token.
func ParseSubject(text string) (string, error) {
	if err := checkClaim("subject", text); err != nil {
		return text, err
	}
	if account, ok := strings.CutPrefix(text, "system:serviceaccount:"); ok && !serviceAccount.MatchString(account) {
		return text, fmt.Errorf("subject %q is no service account of Kubernetes, and no token names it: write "+
			"system:serviceaccount:NAMESPACE:NAME", text)
	}
	return text, nil
}

// serviceAccount is a namespace and a name. An asterisk is for a rule to refuse.
var serviceAccount = regexp.MustCompile(`^[a-z0-9*?-]+:[a-z0-9.*?-]+$`)

// ParseIssuer reads the address of an OIDC issuer, as the tokens' iss names it. What no token can name is refused;
// whether it may be trusted is for a rule to judge.
func ParseIssuer(text string) (string, error) {
	if err := checkClaim("issuer", text); err != nil {
		return "", err
	}
	if strings.Count(text, "://") > 1 {
		return "", fmt.Errorf("issuer %q is several in one text: write one, and a credential of an identity of its "+
			"own for each other one", text)
	}
	if strings.ContainsAny(text, " {}<>$\\\"") {
		return "", fmt.Errorf("issuer %q is a pattern or has a placeholder in it, and tokens name one address: write "+
			"the issuer's own, with what stands for the placeholder", text)
	}
	scheme, rest, found := strings.Cut(text, "://")
	if !found {
		return text, nil // a rule says that it is not https
	}
	authority, path, hasPath := strings.Cut(rest, "/")
	if before, _, ok := strings.Cut(path, ".well-known/"); ok {
		return "", fmt.Errorf("issuer %q is the address of the issuer's discovery document, and tokens name the "+
			"issuer: write %q", text, strings.TrimRight(scheme+"://"+authority+"/"+before, "/"))
	}
	if keys.MatchString("/" + path) {
		return "", fmt.Errorf("issuer %q is the address of the issuer's keys, and tokens name the issuer: write what "+
			"its discovery document has as issuer", text)
	}
	if endpoints.MatchString("/" + path) {
		return "", fmt.Errorf("issuer %q is the address of one of the issuer's endpoints, and tokens name the "+
			"issuer: write what its discovery document has as issuer", text)
	}
	if err := checkAuthority(text, scheme, authority); err != nil {
		return "", err
	}
	return text, checkKnown(text, authority, path, hasPath)
}

var keys = regexp.MustCompile(`(?i)/(jwks?(\.json)?|jwks_uri|discovery(/v2\.0)?/keys|(v[0-9]+/)?keys|oauth2/v[0-9]+/certs|openid-connect/certs)/?$`)

// endpoints are what else a discovery document names beside the keys.
var endpoints = regexp.MustCompile(`(?i)/(oauth2?/)?(v[0-9.]+/)?(token|authorize|userinfo|introspect|revoke)/?$|/protocol/openid-connect(/|$)`)

func isPort(text string) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n >= 1 && n <= 65535 && text == strconv.Itoa(n)
}

// checkAuthority refuses hosts and ports that no address has.
func checkAuthority(text, scheme, authority string) error {
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		return nil // a rule says more
	}
	host := authority
	// brackets are around IPv6
	if at := strings.LastIndexByte(authority, ':'); at > strings.LastIndexByte(authority, ']') {
		port := authority[at+1:]
		host = authority[:at]
		if !isPort(port) {
			return fmt.Errorf("issuer %q has the port %q: ports are 1 to 65535", text, port)
		}
	}
	if strings.Contains(host, "..") || strings.HasPrefix(host, ".") {
		return fmt.Errorf("issuer %q has an empty part in its host: write it as its discovery document has it", text)
	}
	if strings.ToLower(host) != host || strings.ToLower(scheme) != scheme {
		lower := strings.ToLower(scheme) + "://" + strings.ToLower(host) + strings.TrimPrefix(text, scheme+"://"+host)
		return fmt.Errorf("issuer %q has upper case before its path, and tokens are compared byte by byte: write %q, "+
			"or as its discovery document has it", text, lower)
	}
	if strings.IndexFunc(host, func(c rune) bool { return c > '~' }) >= 0 {
		return fmt.Errorf("issuer %q has letters beyond ASCII in its host, and tokens have the form that DNS knows, "+
			"xn--...: write it as its discovery document has it", text)
	}
	if _, err := url.Parse(text); err != nil {
		return fmt.Errorf("issuer %q is not an address such as https://login.example.com", text)
	}
	return nil
}

// slashed are the hosts whose issuers are named with a slash at the end, and bare those without.
var (
	slashed = regexp.MustCompile(`(^|\.)(auth0\.com|sts\.windows\.net|b2clogin\.com|oic\.prod-aks\.azure\.com)$`)
	bare    = regexp.MustCompile(`^(accounts\.google\.com|token\.actions\.githubusercontent\.com|gitlab\.com|oidc\.circleci\.com|app\.terraform\.io|login\.microsoftonline\.(com|us)|` +
		`vstoken\.dev\.azure\.com|api\.bitbucket\.org|agent\.buildkite\.com|container\.googleapis\.com|[a-z0-9-]+\.okta(preview|-emea)?\.com|(oidc\.eks|cognito-idp)\.[a-z0-9-]+\.amazonaws\.com)$`)
	many  = regexp.MustCompile(`^(common|organizations|consumers)(/|$)`)
	entra = regexp.MustCompile(`^(login\.microsoftonline\.(com|us|de)|login\.partner\.microsoftonline\.cn|login\.windows\.net|sts\.windows\.net)$`)
)

// checkEntra refuses addresses of Entra that no token of it names: these name one tenant, by its id, and end in
// /v2.0 on the host of version 2
// (https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference, iss).
func checkEntra(text, authority, path string) error {
	tenant, rest, _ := strings.Cut(path, "/")
	switch {
	case many.MatchString(path):
		return fmt.Errorf("issuer %q is Entra's address for all tenants, and tokens name their own: write the "+
			"tenant's, https://login.microsoftonline.com/TENANT/v2.0 with its id", text)
	case strings.Contains(tenant, "."):
		return fmt.Errorf("issuer %q names the tenant by a domain, and tokens name it by its id: write "+
			"https://login.microsoftonline.com/TENANT/v2.0 with its id", text)
	case !slashed.MatchString(authority) &&
		len(tenant) == len("00000000-0000-0000-0000-000000000000") &&
		strings.Trim(rest, "/") == "":
		return fmt.Errorf("issuer %q is none that Entra's tokens name: write %q, or %q if the application takes "+
			"tokens of version 1", text,
			"https://"+authority+"/"+tenant+"/v2.0", "https://sts.windows.net/"+tenant+"/")
	}
	return nil
}

// checkKnown refuses what the great issuers are known not to name.
func checkKnown(text, authority, path string, hasPath bool) error {
	if entra.MatchString(authority) {
		if err := checkEntra(text, authority, path); err != nil {
			return err
		}
	}
	switch {
	case slashed.MatchString(authority) &&
		!strings.HasSuffix(text, "/") &&
		named(authority, path+"/") == "":
		return fmt.Errorf("issuer %q has no slash at its end, and this issuer's tokens do: write %q", text, text+"/")
	case bare.MatchString(authority) && hasPath && strings.HasSuffix(text, "/"):
		return fmt.Errorf("issuer %q has a slash at its end, and this issuer's tokens do not: write %q", text,
			strings.TrimRight(text, "/"))
	}
	if such := named(authority, path); such != "" {
		return fmt.Errorf("issuer %q is in no token: tokens of %s name %s", text, authority, such)
	}
	return nil
}

// named says what tokens of a host name; "" where nothing is known against a path on it.
func named(host, path string) string {
	for _, s := range shapes {
		if s.host.MatchString(host) && !s.path.MatchString(strings.TrimPrefix(path, "/")) {
			return s.named
		}
	}
	return ""
}

// guid is an id as Entra writes it. never matches no path: no token names the host.
const guid, never = `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`, `^\b$`

// shapes are the paths that issuers of great hosts have in tokens, behind the host and its slash, by
// what each host documents.
var shapes = []struct {
	host, path *regexp.Regexp
	named      string
}{
	{regexp.MustCompile(`^(gitlab\.com|accounts\.google\.com|app(\.eu)?\.terraform\.io|agent\.buildkite\.com|[a-z0-9.-]+\.auth0\.com)$`), regexp.MustCompile(`^$`), "the host alone"},
	{regexp.MustCompile(`^token\.actions\.githubusercontent\.com$`), regexp.MustCompile(`^[A-Za-z0-9-]*$`),
		"the host alone, or with an enterprise behind it"},
	{regexp.MustCompile(`^login\.microsoftonline\.(com|us)$`), regexp.MustCompile(`^` + guid + `/v2\.0$`),
		"the host with the tenant's id in small letters and /v2.0 behind it"},
	{regexp.MustCompile(`^sts\.windows\.net$`), regexp.MustCompile(`^` + guid + `/$`),
		"the host with the tenant's id in small letters and a slash behind it"},
	{regexp.MustCompile(`\.b2clogin\.com$`), regexp.MustCompile(`^(tfp/)?` + guid + `(/[^/]+)?/v2\.0/$`),
		"the host with the tenant's id and /v2.0/ behind it"},
	{regexp.MustCompile(`^vstoken\.dev\.azure\.com$`), regexp.MustCompile(`^` + guid + `$`),
		"the host with the organization's id behind it"},
	{regexp.MustCompile(`^oidc\.circleci\.com$`), regexp.MustCompile(`^org/` + guid + `$`),
		"the host with /org/ and the organization's id behind it"},
	{regexp.MustCompile(`^oidc\.eks\.[a-z0-9-]+\.amazonaws\.com$`), regexp.MustCompile(`^id/[0-9A-F]+$`),
		"the host with /id/ and the cluster's id in capitals behind it"},
	{regexp.MustCompile(`^cognito-idp\.[a-z0-9-]+\.amazonaws\.com$`), regexp.MustCompile(`^[a-z0-9-]+_[A-Za-z0-9]+$`),
		"the host with the user pool's id behind it"},
	{regexp.MustCompile(`-admin\.okta(preview|-emea)?\.com$`), regexp.MustCompile(never), "the address without -admin"},
	{regexp.MustCompile(`^[a-z0-9-]+\.okta(preview|-emea)?\.com$`), regexp.MustCompile(`^(oauth2/[A-Za-z0-9]+)?$`),
		"the host alone, or /oauth2/ and an authorization server's id behind it"},
	{regexp.MustCompile(`\.amazoncognito\.com$`), regexp.MustCompile(never),
		"https://cognito-idp.REGION.amazonaws.com/POOL"},
	{regexp.MustCompile(`\.eks\.amazonaws\.com$`), regexp.MustCompile(never),
		"https://oidc.eks.REGION.amazonaws.com/id/ID, as aws eks describe-cluster prints it"},
}
