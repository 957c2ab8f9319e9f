// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// openTrust finds trust that more than one workload could use: an issuer that is not one https host, a subject that is
// blank or a pattern, audiences that are empty or patterns. Each mistake is a problem of its own, so that one plan
// shows all.
func openTrust(_ *Context, s *Subject) []problem {
	trust := s.credential().Federated
	if trust == nil {
		return nil
	}
	if trust.Account() {
		return openAccount(s, trust)
	}
	var found []problem
	add := func(attribute, why string) {
		found = append(found, problem{attribute: attribute, text: say("%s: %s", s, why)})
	}
	if why := openIssuer(trust.Issuer); why != "" {
		add("federated.issuer", say("issuer %s %s", shown(trust.Issuer), why))
	}
	if strings.TrimSpace(trust.Subject) == "" || strings.ContainsAny(trust.Subject, "*?") {
		add("federated.subject", say("subject %s does not name exactly one workload", shown(trust.Subject)))
	}
	open := func(a string) bool { return strings.TrimSpace(a) == "" || strings.Contains(a, "*") }
	if len(trust.Audiences) == 0 {
		add("federated.audiences", "audiences is empty, so that a token for anybody else would do")
	} else if slices.ContainsFunc(trust.Audiences, open) {
		add("federated.audiences", say("audiences holds %s, of which one stands for any audience",
			list(slices.Sorted(slices.Values(trust.Audiences)))))
	}
	return found
}

// openAccount judges trust in a principal of AWS. A whole account that says an id is what vendors of software
// need, and another rule's.
func openAccount(s *Subject, trust *access.FederatedTrust) []problem {
	p, err := access.ParseAWSPrincipal(trust.AWSPrincipal)
	switch {
	case err != nil:
		return one("federated.aws_principal",
			say("%s: aws_principal %s does not name one role, user or account", s, shown(trust.AWSPrincipal)),
			"Name the role of the partner's that comes in, as in arn:aws:iam::444455556666:role/acme-etl.")
	case p.Whole() && trust.ExternalID == "":
		return one("federated.aws_principal",
			say("%s: aws_principal %s is all of an account, and nothing but an external_id tells one use of it "+
				"from another", s, p),
			"Name the role of the partner's that comes in. Where a vendor can only name its account, set external_id "+
				"to the one that it gave you.")
	}
	return nil
}

// wholeAccount warns of trust in all of an AWS account that is told apart by an external id. Without one it is refused,
// by openAccount.
func wholeAccount(_ *Context, s *Subject) []problem {
	trust := s.credential().Federated
	if !trust.Account() || trust.ExternalID == "" {
		return nil
	}
	p, err := access.ParseAWSPrincipal(trust.AWSPrincipal)
	if err != nil || !p.Whole() {
		return nil
	}
	return one("federated.aws_principal",
		say("%s trusts all of the AWS account %s that knows the external id", s, p.Account), "")
}

// openIssuer says why nobody could be sure who speaks for the issuer, or "".
func openIssuer(text string) string {
	scheme, rest, _ := strings.Cut(text, "://")
	end := strings.IndexAny(rest+"/", "/?#")
	authority := rest[:end]
	user := strings.LastIndexByte(authority, '@')
	host := hostname(authority[user+1:])
	switch {
	case !staysPrivate(scheme, host):
		return "is not https"
	case host == "" || strings.Contains(host, "*"):
		return "names no one host"
	case user >= 0:
		return "holds user info"
	case strings.Contains(rest, "?"):
		return "holds a query"
	case strings.Contains(rest, "#"):
		return "holds a fragment"
	}
	return ""
}

// staysPrivate reports whether nobody on the way to a host could answer in its place: by TLS, or since the way does
// not leave the machine.
func staysPrivate(scheme, host string) bool {
	if strings.EqualFold(scheme, "https") {
		return true
	}
	address, err := netip.ParseAddr(host)
	loopback := host == "localhost" || (err == nil && address.IsLoopback())
	return strings.EqualFold(scheme, "http") && loopback
}

// hostname returns the host of host:port, without the brackets of IPv6.
func hostname(authority string) string {
	if inner, bracketed := strings.CutPrefix(authority, "["); bracketed {
		host, _, _ := strings.Cut(inner, "]")
		return host
	}
	host, _, _ := strings.Cut(authority, ":")
	return strings.ToLower(host)
}
