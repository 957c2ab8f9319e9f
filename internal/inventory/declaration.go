// SPDX-License-Identifier: MPL-2.0

package inventory

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// declaration returns resource blocks that give what a stray gives, but for who answers for it, what it is for, and
// when it ends. "" where the system does not say what it gives.
func declaration(s *access.Stray, partner string) string {
	if len(s.Trusts)+len(s.Grants)+len(s.Unsaid) == 0 {
		return ""
	}
	name := label(s.NativeID)
	holder := "partner_identity." + name
	var out strings.Builder
	fmt.Fprintf(&out, "resource \"partner_identity\" %q {\n  partner    = %s\n  name       = %s\n  owner      = \"\" "+
		"# who answers for it\n  purpose    = \"\" # what it is for\n  expires_at = \"\" # when it ends\n}\n", name,
		quoted(partner), quoted(slug(s.NativeID)))
	for n, t := range s.Trusts {
		if n > 0 {
			fmt.Fprintf(&out, "# It also trusts %q: declare an identity of its own for that.\n",
				t.AWSPrincipal+t.Issuer)
			continue
		}
		fmt.Fprintf(&out, "resource \"partner_credential\" %q {\n%s  federated   = { %s }\n}\n", name,
			hangingOn(holder), trusting(t))
	}
	for n, g := range s.Grants {
		fmt.Fprintf(&out, "resource \"partner_grant\" \"%s-%d\" {\n%s  purpose     = %s.purpose\n  resource    = "+
			"%s\n  actions     = %s\n}\n", name, n+1, hangingOn(holder), holder,
			quoted(string(g.Resource)), listed(g.Actions))
	}
	for _, what := range s.Unsaid {
		fmt.Fprintf(&out, "# Not declared: %s\n", strings.NewReplacer("\n", " ", "\r", " ").Replace(what))
	}
	return out.String()
}

// hangingOn returns the arguments of what is an identity's, and ends with it.
func hangingOn(holder string) string {
	return fmt.Sprintf("  identity_id = %[1]s.id\n  owner       = %[1]s.owner\n  expires_at  = %[1]s.expires_at\n",
		holder)
}

func trusting(t access.FederatedTrust) string {
	switch {
	case t.AWSPrincipal != "" && t.ExternalID != "":
		return "aws_principal = " + quoted(t.AWSPrincipal) + ", external_id = " + quoted(t.ExternalID)
	case t.AWSPrincipal != "":
		return "aws_principal = " + quoted(t.AWSPrincipal)
	}
	return "issuer = " + quoted(t.Issuer) + ", subject = " + quoted(t.Subject) + ", audiences = " + listed(t.Audiences)
}

func listed(texts []string) string {
	texts = slices.Clone(texts)
	for n := range texts {
		texts[n] = quoted(texts[n])
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// quoted writes a text as HCL reads it, whoever chose it.
func quoted(text string) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(strconv.QuoteToASCII(text))
}

// slug returns a name for what a native id names.
func slug(native string) string {
	name := strings.ToLower(native[strings.LastIndex(native, "/")+1:])
	name = strings.Map(func(c rune) rune {
		if (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') {
			return c
		}
		return '-'
	}, name)
	name = strings.Trim(name, "-")
	return name[:min(len(name), 63)]
}
