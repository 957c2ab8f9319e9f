package provider

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/objectvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

func openbaoAttribute() schema.Attribute {
	text := func(description string) schema.Attribute {
		return schema.StringAttribute{Optional: true, MarkdownDescription: description, Validators: []validator.String{someText()}}
	}
	secret := func(description string) schema.Attribute {
		return schema.StringAttribute{Optional: true, Sensitive: true, MarkdownDescription: description, Validators: []validator.String{longText()}}
	}
	login := []validator.Object{objectvalidator.ConflictsWith(path.MatchRoot("openbao").AtName("token"))}
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "An OpenBao cluster, 2.6 or later, in place of the embedded system. Needs `stack`. See the guide to OpenBao.",
		Validators:          []validator.Object{objectvalidator.ConflictsWith(path.MatchRoot("embedded"))},
		Attributes: map[string]schema.Attribute{
			"address":          text("Where it is: `https://host:8200`. Default: the environment's `BAO_ADDR`, else `VAULT_ADDR`. Without TLS only on loopback."),
			"namespace":        text("The namespace that partner access lives in; one of its own is best. Default: `BAO_NAMESPACE`, else `VAULT_NAMESPACE`."),
			"ca_cert_file":     text("A file with the CA certificates, in PEM, to trust instead of the machine's. Default: `BAO_CACERT`, else `VAULT_CACERT`."),
			"ca_cert_pem":      schema.StringAttribute{Optional: true, MarkdownDescription: "The same as text.", Validators: []validator.String{longText()}},
			"client_cert_file": text("A client certificate for TLS, in PEM. Default: `BAO_CLIENT_CERT`, else `VAULT_CLIENT_CERT`."),
			"client_key_file":  text("Its private key, in PEM. Default: `BAO_CLIENT_KEY`, else `VAULT_CLIENT_KEY`."),
			"token":            secret("A token to use. Default, where no other login is given: `BAO_TOKEN`, else `VAULT_TOKEN`. It is renewed while in use."),
			"approle": schema.SingleNestedAttribute{
				Optional: true, Validators: login, MarkdownDescription: "Logs in with an AppRole.",
				Attributes: map[string]schema.Attribute{
					"mount":     text("Where it is mounted, without `auth/`. Default `approle`."),
					"role_id":   schema.StringAttribute{Required: true, MarkdownDescription: "The role's id.", Validators: []validator.String{someText()}},
					"secret_id": secret("The secret id. Default: `PARTNER_OPENBAO_SECRET_ID`, which keeps it out of the configuration."),
				},
			},
			"jwt": schema.SingleNestedAttribute{
				Optional:            true,
				Validators:          append(login, objectvalidator.ConflictsWith(path.MatchRoot("openbao").AtName("approle"))),
				MarkdownDescription: "Logs in with a signed token, such as the workload identity of a CI system.",
				Attributes: map[string]schema.Attribute{
					"mount":      text("Where it is mounted, without `auth/`. Default `jwt`."),
					"role":       schema.StringAttribute{Required: true, MarkdownDescription: "The role to log in as.", Validators: []validator.String{someText()}},
					"token":      secret("The token. Default: `PARTNER_OPENBAO_JWT`."),
					"token_file": text("A file with the token, read at each login."),
				},
			},
			"bootstrap": schema.BoolAttribute{
				Optional: true, MarkdownDescription: "Make the mounts that are missing, with an authority for certificates, the trust in a partner's issuer " +
					"and the workflow that bundles requests. Needs a login that may do so. Default `false`: what is missing is an error with the commands.",
			},
			"mounts": schema.SingleNestedAttribute{
				Optional: true, MarkdownDescription: "Where things are mounted, auth methods without `auth/`.",
				Attributes: map[string]schema.Attribute{
					"approle": text("The AppRole of partners' secrets. Default `partner-approle`."),
					"cert":    text("The auth method of partners' certificates. Default `partner-cert`."),
					"pki":     text("The engine that signs them. Default `partner-pki`."),
					"jwt": schema.MapAttribute{
						Optional: true, ElementType: types.StringType,
						MarkdownDescription: "The auth method of a partner's issuer, by the issuer's URL. Default `partner-jwt-` and 12 digits of the SHA-256 of the URL.",
					},
				},
			},
			"session": schema.StringAttribute{
				Optional: true, Validators: []validator.String{span()},
				MarkdownDescription: "How long a partner's login lasts. Default `10m`. A shorter one ends sooner after a credential was taken away at its end.",
			},
			"concurrency": schema.Int64Attribute{
				Optional: true, Validators: []validator.Int64{int64validator.Between(1, 100)}, MarkdownDescription: "How many requests may be under way. Default 10.",
			},
			"requests_per_second": schema.Float64Attribute{Optional: true, MarkdownDescription: "How many requests may begin in a second. Default: any number."},
		},
	}
}

// openbaoOptions reads where OpenBao is, and how to log in there.
func (m *providerModel) openbaoOptions(version, stack string, diags *diag.Diagnostics) (openbao.Options, bool) {
	r := &reader{}
	v := r.object("openbao", m.OpenBao)
	text := func(name string, variables ...string) string {
		if s := r.text("openbao", v[name]); s != "" {
			return s
		}
		return firstEnv(variables...)
	}
	o := client.Options{
		Address: text("address", "BAO_ADDR", "VAULT_ADDR"), Namespace: text("namespace", "BAO_NAMESPACE", "VAULT_NAMESPACE"),
		UserAgent: "terraform-provider-partner/" + version, Concurrency: int(v["concurrency"].(types.Int64).ValueInt64()),
		RequestsPerSecond: v["requests_per_second"].(types.Float64).ValueFloat64(),
	}
	file := func(name, env string) []byte {
		path := text(name, "BAO_"+env, "VAULT_"+env)
		if path == "" {
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			r.faults = append(r.faults, fault{"openbao", fmt.Errorf("%s: %w", name, err)})
		}
		return content
	}
	if pem := r.text("openbao", v["ca_cert_pem"]); pem != "" {
		o.CACertPEM = []byte(pem)
	} else {
		o.CACertPEM = file("ca_cert_file", "CACERT")
	}
	o.ClientCertPEM, o.ClientKeyPEM = file("client_cert_file", "CLIENT_CERT"), file("client_key_file", "CLIENT_KEY")
	o.Login = r.openbaoLogin(v)
	options := openbao.Options{Stack: stack, Session: r.span("openbao", v["session"]).Duration, Bootstrap: v["bootstrap"].(types.Bool).ValueBool(), Fresh: oneWalk}
	if mounts := r.object("openbao", v["mounts"]); mounts != nil {
		options.Mounts = openbao.Mounts{
			AppRole: r.mount(mounts["approle"]), Cert: r.mount(mounts["cert"]), PKI: r.mount(mounts["pki"]), JWT: map[string]string{},
		}
		for issuer, e := range r.elements("openbao", mounts["jwt"].(types.Map)) {
			options.Mounts.JWT[issuer] = r.mount(e)
		}
	}
	c, err := client.New(o)
	if err != nil {
		r.faults = append(r.faults, fault{"openbao", err})
	}
	for _, f := range r.faults {
		diags.AddError("Not a way to OpenBao", sentence(f.err)+".") // no path: with one, the CLI would print what stands there
	}
	options.Client = c
	return options, len(r.faults) == 0
}

// oneWalk is how long a plan may take that reads OpenBao once.
const oneWalk = time.Minute

// openbaoLogin is how the provider itself logs in.
func (r *reader) openbaoLogin(v map[string]attr.Value) client.Login {
	if a := r.object("openbao", v["approle"]); a != nil {
		login := client.AppRole{Mount: r.mount(a["mount"]), RoleID: r.text("openbao", a["role_id"]), SecretID: r.text("openbao", a["secret_id"])}
		if login.SecretID == "" {
			login.SecretID = os.Getenv("PARTNER_OPENBAO_SECRET_ID")
		}
		return login
	}
	if j := r.object("openbao", v["jwt"]); j != nil {
		login := client.JWT{
			Mount: r.mount(j["mount"]), Role: r.text("openbao", j["role"]), JWT: r.text("openbao", j["token"]), File: r.text("openbao", j["token_file"]),
		}
		if login.JWT == "" && login.File == "" {
			login.JWT = os.Getenv("PARTNER_OPENBAO_JWT")
		}
		return login
	}
	token := r.text("openbao", v["token"])
	if token == "" {
		token = firstEnv("BAO_TOKEN", "VAULT_TOKEN")
	}
	return client.Token(token)
}

// mount is the path of a mount, without slashes around it.
func (r *reader) mount(v attr.Value) string {
	path := strings.Trim(r.text("openbao", v), "/")
	if path == "" {
		return ""
	}
	p, err := access.ParsePattern(path)
	if _, wild := p.Fixed(); err != nil || wild {
		r.faults = append(r.faults, fault{"openbao", fmt.Errorf("%q is not the path of a mount", path)})
	}
	return path
}

func firstEnv(variables ...string) string {
	for _, v := range variables {
		if s := os.Getenv(v); s != "" {
			return s
		}
	}
	return ""
}
