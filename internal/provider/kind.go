// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"reflect"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
)

// What Terraform sees of each kind of credential: a nested attribute that is called as the kind is, of which exactly
// one is set. A new kind is an attribute here, a field of access.Credential, and a row in access/kind.go.

// kindModel is the nested attributes of the kinds: all but one are null.
type kindModel struct {
	Federated      types.Object `tfsdk:"federated"`
	Certificate    types.Object `tfsdk:"certificate"`
	SSHCertificate types.Object `tfsdk:"ssh_certificate"`
	Secret         types.Object `tfsdk:"secret"`
}

// kinds returns the attributes in the order of access.Kinds, so that an index says the kind.
func (m *kindModel) kinds() []types.Object {
	return []types.Object{m.Federated, m.Certificate, m.SSHCertificate, m.Secret}
}

var (
	federatedType = with(textTypes("issuer", "subject", "aws_principal", "external_id"),
		map[string]attr.Type{"audiences": textSetType})
	certificateType = textTypes("csr")
	sshType         = textTypes("public_key")
	secretType      = textTypes("recipient")

	kindTypes = map[string]attr.Type{
		"federated":       types.ObjectType{AttrTypes: federatedType},
		"certificate":     types.ObjectType{AttrTypes: certificateType},
		"ssh_certificate": types.ObjectType{AttrTypes: sshType},
		"secret":          types.ObjectType{AttrTypes: secretType},
	}
)

// kindsInCode lists the kinds as a description of Markdown does, best first.
func kindsInCode() string {
	return "`" + strings.NewReplacer(", ", "`, `", " or ", "` and `").Replace(access.OneOf(access.Kinds())) + "`"
}

// filesOfPartners are the arguments that take a file as a partner sent it: its own parser takes a byte
// order mark, or refuses it.
var filesOfPartners = []string{"certificate.csr", "ssh_certificate.public_key", "secret.recipient"}

// withKinds adds the schema of each kind to the attributes of a credential.
func withKinds(attributes map[string]schema.Attribute) map[string]schema.Attribute {
	attributes["federated"] = federatedAttribute()
	attributes["certificate"] = keyAttribute("csr", signingRequest(),
		"An X.509 certificate, signed from the partner's own request. Only its public key is taken.",
		"The partner's PKCS #10 request, PEM.")
	attributes["ssh_certificate"] = keyAttribute("public_key", sshKey(),
		"An OpenSSH certificate, signed from the partner's own public key.",
		"The partner's SSH public key, as a line of `authorized_keys`.")
	attributes["secret"] = keyAttribute("recipient", recipient(),
		"An API key, made by the system and sealed to the partner's own key. The last resort.",
		"The partner's age recipient (`age1...`) or SSH public key (`ssh-ed25519`, `ssh-rsa`).")
	return attributes
}

// federatedAttribute returns the schema of trust in a workload. Which of its arguments go together, validateTrust says,
// and whom it may name, the rules.
func federatedAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "Trust in one workload of the partner's own: no secret at all. Write `issuer`, " +
			"`subject` and `audiences` for its OIDC issuer, or on AWS `aws_principal` for its own account there.",
		Attributes: map[string]schema.Attribute{
			"issuer": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "The issuer's URL, https.",
				Validators:          []validator.String{someText(), issuer()},
			},
			"subject": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "The one subject (`sub`) that is trusted.",
				Validators:          []validator.String{anyText(), subject()},
			},
			"audiences": schema.SetAttribute{
				Optional: true, ElementType: types.StringType,
				Validators:          []validator.Set{setvalidator.ValueStringsAre(anyText(), audience())},
				MarkdownDescription: "The audiences (`aud`). A token must name at least one of them.",
			},
			"aws_principal": schema.StringAttribute{
				Optional: true, Validators: []validator.String{anyText(), awsPrincipal()},
				MarkdownDescription: "The role in the partner's own AWS account that is trusted, such as " +
					"`arn:aws:iam::444455556666:role/acme-etl`.",
			},
			"external_id": schema.StringAttribute{
				Optional: true, Validators: []validator.String{externalID()},
				MarkdownDescription: "The external id that a vendor brings. Default: the provider makes one, and " +
					"`login` shows it. It is not secret.",
			},
		},
	}
}

// keyAttribute returns a kind of credential that takes one public thing of the partner's.
func keyAttribute(name string, v validator.String, description, argument string) schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true, MarkdownDescription: description,
		Attributes: map[string]schema.Attribute{
			name: schema.StringAttribute{
				Required:            true,
				MarkdownDescription: argument,
				Validators:          []validator.String{v},
			},
		},
	}
}

// readKind puts what is asked for into a credential; the reader notes what of it is unknown or wrong. If several kinds
// are set, which ValidateConfig refuses, all are read.
func (m *kindModel) readKind(r *reader, c *access.Credential) {
	if v := r.object("federated", m.Federated); v != nil {
		c.Federated = &access.FederatedTrust{
			Issuer: r.text("federated", v["issuer"]), Subject: r.text("federated", v["subject"]),
			Audiences:    r.texts("federated", v["audiences"]),
			AWSPrincipal: r.text("federated", v["aws_principal"]), ExternalID: r.text("federated", v["external_id"]),
		}
	}
	if v := r.object("certificate", m.Certificate); v != nil {
		c.Certificate = &access.CertificateRequest{CSR: r.text("certificate", v["csr"])}
	}
	if v := r.object("ssh_certificate", m.SSHCertificate); v != nil {
		c.SSHCertificate = &access.SSHRequest{PublicKey: r.text("ssh_certificate", v["public_key"])}
	}
	if v := r.object("secret", m.Secret); v != nil {
		c.Secret = &access.SecretRequest{Recipient: r.text("secret", v["recipient"])}
	}
}

// declareKind sets the attribute of a credential's kind, and no other.
func (m *kindModel) declareKind(c *access.Credential) {
	one := func(name, text string) map[string]attr.Value {
		return map[string]attr.Value{name: types.StringValue(text)}
	}
	*m = kindModel{types.ObjectNull(federatedType), types.ObjectNull(certificateType), types.ObjectNull(sshType),
		types.ObjectNull(secretType)}
	switch {
	case c.Federated != nil:
		m.Federated = trustValue(c.Federated)
	case c.Certificate != nil:
		m.Certificate = types.ObjectValueMust(certificateType, one("csr", c.Certificate.CSR))
	case c.SSHCertificate != nil:
		m.SSHCertificate = types.ObjectValueMust(sshType, one("public_key", c.SSHCertificate.PublicKey))
	case c.Secret != nil:
		m.Secret = types.ObjectValueMust(secretType, one("recipient", c.Secret.Recipient))
	}
}

// trustValue returns whom a credential trusts, as its attribute. Trust in an account of AWS has no issuer, subject and
// audiences: these are null, and not empty.
func trustValue(f *access.FederatedTrust) types.Object {
	v := map[string]attr.Value{
		"issuer": types.StringValue(f.Issuer), "subject": types.StringValue(f.Subject),
		"audiences":     textSet(f.Audiences),
		"aws_principal": optionalText(f.AWSPrincipal), "external_id": optionalText(f.ExternalID),
	}
	if f.Account() {
		v["issuer"], v["subject"], v["audiences"] = types.StringNull(), types.StringNull(),
			types.SetNull(types.StringType)
	}
	return types.ObjectValueMust(federatedType, v)
}

// replacedKinds returns the names of the kinds that a plan has and the state has not, or the other way round: another
// kind is another credential, since the kind is the last part of its id.
func (m *kindModel) replacedKinds(state *kindModel) (names []string) {
	is, was := m.kinds(), state.kinds()
	for i, kind := range access.Kinds() {
		if is[i].IsNull() != was[i].IsNull() {
			names = append(names, string(kind))
		}
	}
	return names
}

// refuseUnissuable refuses a key or a request that the system could not sign, if it is a new one: what stands harms
// nobody. It speaks after the rules, which say why such a key is weak, and also if a rule was waived or set to warn:
// the apply failed then, after it had made the identity. See TestTheAuthorityFollowsTheWaiverThatThePlanHonours.
func refuseUnissuable(s *session, subject guardrail.Subject, diags *diag.Diagnostics) {
	c, ok := subject.Object.(*access.Credential)
	if !ok || hasAny(subject.Unknown, "certificate", "ssh_certificate", "federated") {
		return
	}
	if was, ok := subject.Before.(*access.Credential); ok && reflect.DeepEqual(was.Certificate, c.Certificate) &&
		reflect.DeepEqual(was.SSHCertificate, c.SSHCertificate) && !access.Widened(was, c, "federated") {
		return
	}
	if err := s.system.Capabilities().CheckCredential(c); err != nil {
		diags.AddAttributeError(path.Root(string(c.Kind())), "This system cannot issue this",
			sentence(err)+". No waiver and no setting changes that.")
	}
}

// howToLogIn says to the partner, in the handover, how it proves to be an identity.
func howToLogIn(k access.Kind) (title, text string) {
	switch k {
	case access.Federated:
		return "With your own issuer", "Present a token of your own OIDC issuer: there is no secret."
	case access.Certificate:
		return "With a certificate", "Present the X.509 certificate below, which we signed from your request, with " +
			"the private key that you kept. Save it as `certificate.pem`."
	case access.SSHCertificate:
		return "With an SSH certificate",
			"Log in with the OpenSSH certificate below, which we signed from your public key: save it beside your " +
				"private key as `KEYFILE-cert.pub`."
	}
	return "With an API key", "Present the API key that is sealed below. Save the block as `secret.age`: it opens " +
		"with the private key of the recipient that you gave us."
}
