package provider

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// handover is what to send to the partner, in Markdown. Nothing in it is secret: what is sealed only the partner opens.
func handover(seen observed, sealed string) string {
	c, ok := seen.Object.(*access.Credential)
	if !ok {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Access for %s\n\n%s\n\n", c.IdentityID, howToLogIn(c.Kind()))
	for _, name := range slices.Sorted(maps.Keys(seen.Login)) {
		if name != "command" {
			fmt.Fprintf(&b, "- %s: `%s`\n", name, seen.Login[name])
		}
	}
	if sealed != "" {
		fmt.Fprintf(&b, "\nSave this block as `secret.age` and open it with the private key of the recipient that you gave us:\n\n"+
			"    age --decrypt --identity KEYFILE secret.age\n\n```\n%s\n```\n\n", strings.TrimSpace(sealed))
	}
	if command := seen.Login["command"]; command != "" {
		fmt.Fprintf(&b, "\nThis logs in, and prints the token for the requests that follow:\n\n    %s\n\n", command)
	}
	fmt.Fprintf(&b, "- Ends on: %s\n", access.At(seen.EndsAt))
	if seen.Issued != nil && !seen.Issued.RotatesAt.IsZero() {
		fmt.Fprintf(&b, "- Issued anew on: %s; this one ends on %s at the latest\n", access.At(seen.Issued.RotatesAt), access.At(seen.Issued.Until))
	}
	if len(c.AllowedCIDRs) > 0 {
		fmt.Fprintf(&b, "- Usable from: %s\n", join(c.AllowedCIDRs))
	}
	fmt.Fprintf(&b, "- Questions, or lost or stolen: %s\n", c.Owner)
	return b.String()
}

func howToLogIn(k access.Kind) string {
	switch k {
	case access.Federated:
		return "Present a token of your own OIDC issuer: there is no secret."
	case access.Certificate:
		return "Present the X.509 certificate that we signed from your request, with the private key that you kept. Save it as `certificate.pem`."
	case access.SSHCertificate:
		return "Log in with the OpenSSH certificate that we signed from your public key: save it beside your private key as `KEYFILE-cert.pub`."
	}
	return "Present the API key that is sealed to your own public key below."
}

func join[T any](values []T) string {
	texts := make([]string, 0, len(values))
	for _, v := range values {
		texts = append(texts, fmt.Sprint(v))
	}
	return strings.Join(texts, ", ")
}
