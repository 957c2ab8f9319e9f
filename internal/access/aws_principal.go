// SPDX-License-Identifier: MPL-2.0

package access

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// AWSPrincipal is a role, a user, or the whole of an AWS account.
type AWSPrincipal struct {
	Partition, Account string
	// Who is role/NAME or user/NAME, with a path where it has one; root is the whole account.
	Who string
}

// String returns the ARN of the principal.
func (p AWSPrincipal) String() string {
	return "arn:" + p.Partition + ":iam::" + p.Account + ":" + p.Who
}

// Whole reports whether it is the whole account: whomever that account lets do it.
func (p AWSPrincipal) Whole() bool { return p.Who == "root" }

var awsPrincipal = regexp.MustCompile(`^arn:(aws(?:-[a-z]+)*):iam::([0-9]{12}):(root|(?:role|user)/[A-Za-z0-9+=,.@_/-]+)$`)

// ParseAWSPrincipal reads the ARN of a role, a user or an account.
func ParseAWSPrincipal(text string) (AWSPrincipal, error) {
	parts := awsPrincipal.FindStringSubmatch(text)
	if parts == nil {
		return AWSPrincipal{}, fmt.Errorf("%q names no role, user or account of AWS: write arn:aws:iam::ACCOUNT:role/NAME", text)
	}
	if strings.HasSuffix(parts[3], "/") || strings.Contains(parts[3], "//") {
		return AWSPrincipal{}, fmt.Errorf("%q has an empty name, or an empty part of a path: write arn:aws:iam::ACCOUNT:role/NAME", text)
	}
	return AWSPrincipal{Partition: parts[1], Account: parts[2], Who: parts[3]}, nil
}

var awsExternalID = regexp.MustCompile(`^[A-Za-z0-9_+=,.@:/-]+$`)

// CheckExternalID returns an error where AWS takes no such external id (API reference of STS, AssumeRole).
func CheckExternalID(text string) error {
	if len(text) < 2 || len(text) > 1224 || !awsExternalID.MatchString(text) {
		return fmt.Errorf("%q is not an external id: it has 2 to 1224 of A-Z a-z 0-9 _ + = , . @ : / -", text)
	}
	return nil
}

// Named returns whom a trust names, in the words of a token: an issuer, a subject, and audiences. Of a principal of AWS its account
// stands for the issuer, and the external id for the audience.
func (f *FederatedTrust) Named() (issuer, subject string, audiences []string) {
	if !f.Account() {
		return f.Issuer, f.Subject, slices.Sorted(slices.Values(f.Audiences))
	}
	issuer = "AWS"
	if p, err := ParseAWSPrincipal(f.AWSPrincipal); err == nil {
		issuer = "AWS account " + p.Account
	}
	if f.ExternalID != "" {
		audiences = []string{f.ExternalID}
	}
	return issuer, f.AWSPrincipal, audiences
}

// SameWorkload reports whether two trusts are in the same workload, for whatever audiences.
func (f *FederatedTrust) SameWorkload(g *FederatedTrust) bool {
	return f.Issuer == g.Issuer && f.Subject == g.Subject && f.AWSPrincipal == g.AWSPrincipal
}

// RefuseAccount returns an error where a credential trusts a principal of AWS, for a system that is elsewhere.
func RefuseAccount(system string, c *Credential) error {
	if !c.Federated.Account() {
		return nil
	}
	return fmt.Errorf("%s trusts issuers of OIDC, and no aws_principal: write issuer, subject and audiences of the partner's workload", system)
}
