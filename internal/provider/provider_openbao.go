// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/objectvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// openbaoBlock returns OpenBao as a system that a configuration can name.
func openbaoBlock() systemBlock {
	return systemBlock{
		name: "openbao", title: "OpenBao", schema: openbaoAttribute(), shared: true,
		is:   func(m *providerModel) bool { return !m.OpenBao.IsNull() },
		open: openOpenBao,
	}
}

// openbaoAttribute returns the schema of the openbao block. Three ways to log in exclude each other: a token, an
// AppRole, a signed token. Secrets among the arguments are marked as sensitive; each has a variable, which keeps it out
// of the configuration.
func openbaoAttribute() schema.Attribute {
	text := func(description string) schema.Attribute {
		return schema.StringAttribute{
			Optional:            true,
			MarkdownDescription: description,
			Validators:          []validator.String{someText()},
		}
	}
	secret := func(description string) schema.Attribute {
		return schema.StringAttribute{
			Optional:            true,
			Sensitive:           true,
			MarkdownDescription: description,
			Validators:          []validator.String{longText()},
		}
	}
	// a token beside another way to log in would say two things; what the environment has beside it gives way
	login := []validator.Object{objectvalidator.ConflictsWith(path.MatchRoot("openbao").AtName("token"))}
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "An OpenBao cluster, 2.6 or later, in place of the embedded system. Needs `stack`. See " +
			"the guide to OpenBao.",
		Validators: []validator.Object{objectvalidator.ConflictsWith(path.MatchRoot("embedded"))},
		Attributes: map[string]schema.Attribute{
			"address": text("The address: `https://host:8200`. Default: `BAO_ADDR`, else `VAULT_ADDR`. " +
				"Without TLS only on loopback."),
			"partner_address": text("The address for partners, if it differs from the provider's: a balancer, or a " +
				"name in their network. Default: `PARTNER_OPENBAO_PARTNER_ADDRESS`, else `address`."),
			"namespace": text("The namespace for partner access, best one of its own. Default: " +
				"`BAO_NAMESPACE`, else `VAULT_NAMESPACE`."),
			"ca_cert_file": text("A file with the CA certificates, in PEM, to trust instead of the machine's. " +
				"Default: `BAO_CACERT`, else `BAO_CACERT_BYTES` or the folder `BAO_CAPATH`, each also as `VAULT_`."),
			"ca_cert_pem": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "The CA certificates as text.",
				Validators:          []validator.String{longText()},
			},
			"client_cert_file": text("A client certificate for TLS, in PEM. Default: `BAO_CLIENT_CERT`, else " +
				"`VAULT_CLIENT_CERT`."),
			"client_key_file": text("Its private key, in PEM. Default: `BAO_CLIENT_KEY`, else `VAULT_CLIENT_KEY`."),
			"token": secret("A token to use. Default, where no other login is given: `BAO_TOKEN`, else " +
				"`VAULT_TOKEN`. It is renewed while in use."),
			"approle": schema.SingleNestedAttribute{
				Optional: true, Validators: login, MarkdownDescription: "Logs in with an AppRole.",
				Attributes: map[string]schema.Attribute{
					"mount":   text("Where it is mounted, without `auth/`. Default `approle`."),
					"role_id": text("The role's id. Default: `PARTNER_OPENBAO_ROLE_ID`."),
					"secret_id": secret("The secret id. Default: `PARTNER_OPENBAO_SECRET_ID`, which keeps it out of " +
						"the configuration."),
				},
			},
			"jwt": schema.SingleNestedAttribute{
				Optional: true,
				Validators: append(login,
					objectvalidator.ConflictsWith(path.MatchRoot("openbao").AtName("approle"))),
				MarkdownDescription: "Logs in with a signed token, such as the workload identity of a CI system.",
				Attributes: map[string]schema.Attribute{
					"mount":      text("Where it is mounted, without `auth/`. Default `jwt`."),
					"role":       text("The role to log in as. Default: `PARTNER_OPENBAO_ROLE`."),
					"token":      secret("The token. Default: `PARTNER_OPENBAO_JWT`."),
					"token_file": text("A file with the token, read at each login."),
				},
			},
			// Off by default: a login that may make mounts is far more than one that only declares access.
			"bootstrap": schema.BoolAttribute{
				Optional: true, MarkdownDescription: "Creates missing mounts, with an authority for certificates, " +
					"the trust in a partner's issuer, and the workflow that bundles requests. Needs a login that may " +
					"do so. Default `false`: what is missing is an error that names the commands.",
			},
			"mounts": schema.SingleNestedAttribute{
				Optional: true, MarkdownDescription: "Where the mounts are; auth methods without `auth/`.",
				Attributes: map[string]schema.Attribute{
					"approle": text("The AppRole of partners' secrets. Default `partner-approle`."),
					"cert":    text("The auth method of partners' certificates. Default `partner-cert`."),
					"pki":     text("The engine that signs partners' certificates. Default `partner-pki`."),
					"jwt": schema.MapAttribute{
						Optional: true, ElementType: types.StringType,
						Validators: []validator.Map{mapvalidator.KeysAre(issuerAddress()),
							mapvalidator.ValueStringsAre(someText())},
						MarkdownDescription: "The auth method of a partner's issuer, by the issuer's URL. Default " +
							"`partner-jwt-` and 12 digits of the SHA-256 of the URL.",
					},
				},
			},
			"session": schema.StringAttribute{
				Optional: true, Validators: []validator.String{span()},
				MarkdownDescription: "How long a partner's session lasts. Default `10m`.",
			},
			"concurrency": schema.Int64Attribute{
				Optional: true, Validators: []validator.Int64{int64validator.Between(1, 100)},
				MarkdownDescription: "How many requests may be in progress at once. Default 10.",
			},
			"requests_per_second": schema.Float64Attribute{Optional: true,
				MarkdownDescription: "How many requests may start per second. Default: any number."},
		},
	}
}

// oneWalk is how long a plan may take that reads a server once: for as long, what was read is not read again.
const oneWalk = time.Minute

// mount returns the path of a mount, without slashes around it; "" if there is none. A path with a wildcard or an empty
// segment is a fault.
func (r *reader) mount(v attr.Value) string {
	path := strings.Trim(r.text("openbao", v), "/")
	if path == "" {
		return ""
	}
	p, err := access.ParsePattern(path)
	if _, wild := p.Fixed(); err != nil || wild {
		r.faults = append(r.faults, fault{"openbao", fmt.Errorf("%q is not the path of a mount: write it as bao auth "+
			"list or bao secrets list prints it, such as partner-pki", path)})
	}
	return path
}

// firstEnv returns the value of the first variable that is set and not empty; "" if none is.
func firstEnv(variables ...string) string {
	value, _ := envNamed(variables...)
	return value
}

// envNamed returns the value of the first variable that is set, and which one that is, for errors: whoever set
// BAO_CACERT never wrote ca_cert_file.
func envNamed(variables ...string) (value, name string) {
	for _, v := range variables {
		if s := os.Getenv(v); s != "" {
			return s, v
		}
	}
	return "", ""
}
