// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"golang.org/x/crypto/ssh"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// The text that a partner is sent for one identity, made of the attributes of its resources: so it shows what was read
// back from the system, and nothing that was only planned. It has all that the partner needs, each block once, and only
// what is its own. See TestAHandoverHoldsWhatThePartnerNeeds.

// handover is what to send to a partner for one identity. Nothing in it is secret: what is sealed only the partner
// opens.
type handover struct {
	identity    handedIdentity
	credentials []handedCredential
	grants      []handedGrant
}

// markdown returns the text. Grants are sorted by what they reach, so that two texts can be compared.
func (h handover) markdown() string {
	var b strings.Builder
	i := h.identity
	fmt.Fprintf(&b, "# Access for %s\n\n%s.\n\n", i.ID.ValueString(), strings.TrimRight(i.Purpose.ValueString(), "."))
	fmt.Fprintf(&b, "- Ends on: %s\n", i.EndsAt.ValueString())
	fmt.Fprintf(&b, "- Questions, or something lost or stolen: %s\n", i.Owner.ValueString())
	refused(&b, i.Status)
	if len(h.grants) > 0 {
		b.WriteString("\n## What it may do\n\n")
	}
	for _, g := range order.Sorted(slices.Values(h.grants), func(a, b handedGrant) int {
		return cmp.Or(cmp.Compare(a.Resource.ValueString(), b.Resource.ValueString()),
			cmp.Compare(a.ID.ValueString(), b.ID.ValueString()))
	}) {
		fmt.Fprintf(&b, "- `%s`: %s; until %s. %s.\n", g.Resource.ValueString(),
			strings.Join(sortedTexts(g.Actions.Elements()), ", "), g.EndsAt.ValueString(),
			strings.TrimRight(g.Purpose.ValueString(), "."))
		refused(&b, g.Status)
	}
	for _, c := range h.credentials {
		c.write(&b, i.Owner)
	}
	return b.String()
}

// refused says of what does not work now why: a partner that gets a certificate and is refused would report it as a
// fault.
func refused(b *strings.Builder, status types.String) {
	switch s := status.ValueString(); s {
	case access.StatusExpired, access.StatusHeld, access.StatusSuspended:
		fmt.Fprintf(b, "- It is refused at present: it is %s.\n", s)
	}
}

// kind returns the kind whose attribute is set; "" if none is.
func (c handedCredential) kind() access.Kind {
	for i, v := range c.kinds() {
		if !v.IsNull() {
			return access.Kinds()[i]
		}
	}
	return ""
}

// write writes a section for one credential: how to log in, what is needed for that, until when, and what was issued.
// The owner is only named if it is not the identity's.
func (c handedCredential) write(b *strings.Builder, identityOwner types.String) {
	kind, login := c.kind(), map[string]string{}
	for name, v := range c.Login.Elements() {
		login[name] = v.(types.String).ValueString()
	}
	title, text := c.intro(kind)
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n", title, text)
	for _, name := range slices.Sorted(maps.Keys(login)) {
		if name != "command" {
			fmt.Fprintf(b, "- %s: `%s`\n", name, login[name])
		}
	}
	if cidrs := sortedTexts(c.AllowedCIDRs.Elements()); len(cidrs) > 0 {
		fmt.Fprintf(b, "- Usable from: %s\n", strings.Join(cidrs, ", "))
	}
	if signed := c.signedSSH(); signed != nil {
		fmt.Fprintf(b, "- Needs: OpenSSH %s or later\n", oldestSSH(signed.Key.Type()))
	}
	fmt.Fprintf(b, "- Ends on: %s\n", c.EndsAt.ValueString())
	if rotates := c.RotatesAt.ValueString(); rotates != "" {
		fmt.Fprintf(b, "- Issued anew on: %s; this one ends on %s at the latest\n", rotates, c.until())
	}
	if !c.Owner.Equal(identityOwner) {
		fmt.Fprintf(b, "- Questions, or lost or stolen: %s\n", c.Owner.ValueString())
	}
	refused(b, c.Status)
	c.writeIssued(b, kind)
	writeCommand(b, kind, login["command"])
}

// intro returns the title of the section and how to log in. Trust in an AWS account has words of its own, since the
// partner assumes a role and has no token.
func (c handedCredential) intro(kind access.Kind) (title, text string) {
	principal, _ := c.Federated.Attributes()["aws_principal"].(types.String)
	if principal.ValueString() == "" {
		return howToLogIn(kind)
	}
	return "From your own AWS account",
		fmt.Sprintf("As `%s`, assume the role below with the external id below: there is no secret.",
			principal.ValueString())
}

// writeIssued writes what was issued. After an import it is not in the state: a system tells it once.
func (c handedCredential) writeIssued(b *strings.Builder, kind access.Kind) {
	block := cmp.Or(c.Issued.ValueString(), c.SealedSecret.ValueString())
	switch {
	case block != "":
		fmt.Fprintf(b, "\n```\n%s\n```\n", strings.TrimSpace(block))
	case kind.Issues():
		b.WriteString("\nIt is not in the state, as it was imported: what was sent before goes on, and the next " +
			"rotation issues another.\n")
	}
}

// writeCommand writes the line that logs in, if the system has one, else the one that opens what is sealed.
func writeCommand(b *strings.Builder, kind access.Kind, command string) {
	switch {
	case command != "":
		fmt.Fprintf(b, "\nThis logs in, and prints the token for the requests that follow:\n\n    %s\n", command)
	case kind.Sealed():
		b.WriteString("\nThis opens it:\n\n    age --decrypt --identity KEYFILE secret.age\n")
	}
}

// signedSSH returns the SSH certificate that was issued; nil if it is none, or not there.
func (c handedCredential) signedSSH() *ssh.Certificate {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(c.Issued.ValueString()))
	if err != nil {
		return nil
	}
	signed, _ := key.(*ssh.Certificate)
	return signed
}

// oldestSSH returns the first OpenSSH that logs in with a certificate of a kind of key. By its release notes
// (https://www.openssh.com/releasenotes.html), Ed25519, with which ours are signed, came with 6.5, certificates of RSA
// that are not used with SHA-1 with 7.8, and security keys with 8.2.
func oldestSSH(kind string) string {
	switch {
	case strings.HasPrefix(kind, "sk-"):
		return "8.2"
	case kind == ssh.KeyAlgoRSA:
		return "7.8"
	}
	return "6.5"
}

// until returns when what was issued ends: by the certificate itself or, for a secret, after its rotation and the
// overlap. The state has no attribute for it, and a certificate says it with more authority.
func (c handedCredential) until() string {
	if signed := c.signedSSH(); signed != nil {
		seconds := int64(signed.ValidBefore) //nolint:gosec // a moment, far from the limit
		return access.At(time.Unix(seconds, 0)).String()
	}
	if block, _ := pem.Decode([]byte(c.Issued.ValueString())); block != nil {
		if certificate, err := x509.ParseCertificate(block.Bytes); err == nil {
			return access.At(certificate.NotAfter).String()
		}
	}
	until := timeOf(c.RotatesAt)
	if overlap, ok := c.Rotation.Attributes()["overlap"].(types.String); ok {
		span, _ := access.ParseSpan(overlap.ValueString())
		until = until.Add(span.Duration)
	}
	return access.At(access.Earliest(until, timeOf(c.EndsAt))).String()
}

// sortedTexts returns the elements of a set or list of texts, sorted.
func sortedTexts(values []attr.Value) (texts []string) {
	for _, v := range values {
		texts = append(texts, v.(types.String).ValueString())
	}
	slices.Sort(texts)
	return texts
}
