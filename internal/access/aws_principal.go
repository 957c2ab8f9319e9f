// SPDX-License-Identifier: MPL-2.0

package access

import (
	"cmp"
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

// What IAM takes as the name of a role or user, and as their path (IAM and STS quotas).
const (
	mostName = 64
	mostPath = 512
)

// ParseAWSPrincipal reads the ARN of a role, a user or an account.
func ParseAWSPrincipal(text string) (AWSPrincipal, error) {
	parts := awsPrincipal.FindStringSubmatch(text)
	if parts == nil {
		return AWSPrincipal{}, fmt.Errorf("%q names no role, user or account of AWS: %s", text, meantPrincipal(text))
	}
	if strings.HasSuffix(parts[3], "/") || strings.Contains(parts[3], "//") {
		return AWSPrincipal{}, fmt.Errorf("%q has an empty name, or an empty part of a path: write "+
			"arn:aws:iam::ACCOUNT:role/NAME", text)
	}
	_, named, _ := strings.Cut(parts[3], "/")
	path := named[:strings.LastIndex(named, "/")+1]
	if len(named)-len(path) > mostName || len("/"+path) > mostPath {
		return AWSPrincipal{}, fmt.Errorf("%q names nobody: AWS has names of at most %d characters, and paths "+
			"of at most %d", text, mostName, mostPath)
	}
	return AWSPrincipal{Partition: parts[1], Account: parts[2], Who: parts[3]}, nil
}

var (
	accountAlone  = regexp.MustCompile(`^([0-9]{4})[- ]?([0-9]{4})[- ]?([0-9]{4})$`)
	accountParts  = regexp.MustCompile(`^(arn:aws[a-z-]*:iam::)([0-9]{4})[- ]([0-9]{4})[- ]([0-9]{4}):(.+)$`)
	awsSession    = regexp.MustCompile(`^arn:(aws[a-z-]*):sts::([0-9]{12}):(assumed-role|federated-user)/([^/]+)`)
	awsUniqueID   = regexp.MustCompile(`^A(ROA|IDA|IPA|GPA|NPA|SIA|KIA)[A-Z0-9]{12,}(:|$)`)
	rootMeant     = regexp.MustCompile(`^(arn:aws[a-z-]*:iam::[0-9]{12}):(?i:root)/?$`)
	awsService    = regexp.MustCompile(`^[a-z0-9.-]+\.amazonaws\.com(\.cn)?$`)
	otherResource = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:(instance-profile|group|policy|saml-provider|oidc-provider|mfa|server-certificate)/`)
)

// meantPrincipal says what to write for what is no principal, where one can tell what is meant; else what one is like.
func meantPrincipal(text string) string {
	plain := strings.TrimFunc(text, func(c rune) bool {
		return c <= ' ' ||
			c > '~' ||
			strings.ContainsRune("\"'`,", c)
	})
	if plain != text {
		if p, err := ParseAWSPrincipal(plain); err == nil {
			return "write " + p.String()
		}
	}
	return cmp.Or(lowerMeant(plain), accountMeant(plain), sessionMeant(plain), otherMeant(plain),
		"write arn:aws:iam::ACCOUNT:role/NAME")
}

// lowerMeant reads an ARN in capitals. Its last part keeps them: it is a name, and ARNs are compared to the letter.
func lowerMeant(plain string) string {
	if !strings.HasPrefix(strings.ToLower(plain), "arn:") || strings.HasPrefix(plain, "arn:aws") {
		return ""
	}
	if parts := strings.SplitN(plain, ":", 6); len(parts) == 6 {
		return "write its first parts in small letters, " + strings.ToLower(strings.Join(parts[:5], ":")) + ":" +
			parts[5]
	}
	return ""
}

// accountMeant reads the number of an account in groups of four, as the console of AWS shows it.
func accountMeant(plain string) string {
	if n := accountAlone.FindStringSubmatch(plain); n != nil {
		account := "arn:aws:iam::" + n[1] + n[2] + n[3] + ":"
		return "write " + account + "role/NAME for one role of the account, or " + account + "root for all of it"
	}
	if p := accountParts.FindStringSubmatch(plain); p != nil {
		return "write " + p[1] + p[2] + p[3] + p[4] + ":" + p[5]
	}
	return ""
}

// sessionMeant reads the ARN of a session, as aws sts get-caller-identity prints it. It leaves
// out the path of the role.
func sessionMeant(plain string) string {
	s := awsSession.FindStringSubmatch(plain)
	switch {
	case s == nil:
		return ""
	case s[3] == "assumed-role":
		return "it is a session of a role, write the role itself, arn:" + s[1] + ":iam::" + s[2] + ":role/" + s[4] +
			", with its path where it has one"
	}
	return "it is a session of a user, write the user itself, arn:" + s[1] + ":iam::" + s[2] + ":user/" + s[4]
}

// otherMeant tells of what AWS names and nobody comes in as.
func otherMeant(plain string) string {
	const askFor = ": write arn:aws:iam::ACCOUNT:role/NAME"
	switch other := otherResource.FindStringSubmatch(plain); {
	case rootMeant.MatchString(plain):
		return "write " + rootMeant.FindStringSubmatch(plain)[1] + ":root"
	case awsService.MatchString(plain):
		return "a service of AWS is no partner" + askFor
	case awsUniqueID.MatchString(plain):
		return "it is a unique id, which nobody can read: write the ARN, arn:aws:iam::ACCOUNT:role/NAME"
	case other != nil:
		return "nobody comes in as " + strings.ReplaceAll(other[1], "-", " ") + ", but as a role" + askFor
	case strings.HasPrefix(plain, "arn:aws") && !strings.Contains(plain, ":iam:"):
		return "nobody comes in as that, but as the role that it runs as" + askFor
	}
	return ""
}

var awsExternalID = regexp.MustCompile(`^[A-Za-z0-9_+=,.@:/-]+$`)

// CheckExternalID returns an error where AWS takes no such external id (API reference of STS, AssumeRole).
func CheckExternalID(text string) error {
	if len(text) < 2 || len(text) > 1224 || !awsExternalID.MatchString(text) {
		return fmt.Errorf("%q is not an external id: it has 2 to 1224 of A-Z a-z 0-9 _ + = , . @ : / -", text)
	}
	return nil
}

// Named returns whom a trust names, in the words of a token: an issuer, a subject, and audiences. Of a principal of AWS
// its account stands for the issuer, and the external id for the audience.
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
	return fmt.Errorf("%s trusts issuers of OIDC, and no aws_principal: write issuer, subject and audiences of the "+
		"partner's workload", system)
}
