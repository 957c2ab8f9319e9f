// SPDX-License-Identifier: MPL-2.0

package access

import (
	"net/url"
	"strings"
)

// Workload returns what tells one workload from another: the issuer and the subject; of AWS the principal, and of a
// whole account also the external id, by which a vendor tells one use of it from another. It is empty where one of them
// is missing. An account has one role of a name, whatever its case and its path (IAM User Guide, "IAM names").
func (f *FederatedTrust) Workload() string {
	if f.Account() {
		p, err := ParseAWSPrincipal(f.AWSPrincipal)
		switch {
		case err != nil:
			return "aws\n" + f.AWSPrincipal
		case p.Whole():
			return "aws\n" + f.AWSPrincipal + "\n" + f.ExternalID
		}
		kind, name, _ := strings.Cut(strings.ToLower(p.Who), "/")
		p.Who = kind + "/" + name[strings.LastIndex(name, "/")+1:]
		return "aws\n" + p.String()
	}
	issuer := PlainIssuer(f.Issuer)
	if issuer == "" || f.Subject == "" {
		return ""
	}
	return issuer + "\n" + f.Subject
}

// PlainIssuer returns the address of an issuer in the one spelling that all of its spellings have in common: case of
// the host, a port that goes without saying and a slash at the end make no difference.
func PlainIssuer(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return text
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	if port := u.Port(); port == "" || port == map[string]string{"https": "443", "http": "80"}[u.Scheme] {
		u.Host = strings.TrimSuffix(u.Host, ":"+port)
	}
	return strings.TrimRight(u.String(), "/")
}
