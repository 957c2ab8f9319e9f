// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

// Every argument rejects at validate what it cannot mean.
func TestWhatDoesNotParseIsRefusedAtValidate(t *testing.T) {
	slow(t)
	t.Parallel()
	w := newWorld(t)
	damaged := strings.Replace(partnerCSR, "\n", "\nAAAA", 1)
	for name, c := range map[string]struct{ config, want string }{
		"a partner that climbs":          {identity(args{"partner": `"../x"`}), `partner = |a partner's name`},
		"a partner with a slash":         {identity(args{"partner": `"a/b"`}), `a partner's name`},
		"a partner in upper case":        {identity(args{"partner": `"Acme"`}), `a partner's name`},
		"a name with a space":            {identity(args{"name": `"orders etl"`}), `an identity's name`},
		"a name with a percent sign":     {identity(args{"name": `"a%2e"`}), `an identity's name`},
		"a name that looks like another": {identity(args{"name": `"оrders"`}), `an identity's name`},
		"an environment of dots":         {identity(args{"environment": `".."`}), `an environment's name`},
		"a name of 64 characters": {identity(args{"name": fmt.Sprintf("%q", strings.Repeat("a", 64))}),
			`an identity's name`},
		"a date without a time":       {identity(args{"expires_at": `"2027-03-31"`}), `RFC 3339`},
		"a moment without a zone":     {identity(args{"expires_at": `"2027-03-31T00:00:00"`}), `RFC 3339`},
		"an empty ceiling":            {identity(args{"ceiling": `[]`}), `write null for no ceiling`},
		"a ceiling with an open word": {identity(args{"ceiling": `["acme*"]`}), `a pattern of resources`},
		"a parent that is no id":      {identity(args{"parent_id": `"acme/prod"`}), `an identity's id`},
		"a publication that lasts for ever": {identity(args{"provider": `partner.other`}) +
			"provider \"partner\" {\n  alias = \"other\"\n  environment = \"prod\"\n" +
			"  embedded = { publication_life = \"2562047h\" }\n}\n", `8784h`},
		"a duration in days": {identity(args{"expected_use": `"30d"`}), `a duration`},
		"an agreement without a zone": {identity(args{"agreement": `{ reference = "x", ends_at = "2027-01-01" }`}),
			`RFC 3339`},
		"an owner with a control character": {identity(args{"owner": `"jane\u0007@example.com"`}),
			`a control character`},
		"a purpose shown in another order": {identity(args{"purpose": `"Nightly \u202eorder feed"`}),
			`a right-to-left override`},
		"a release with a space behind it": {identity(args{"hold_released": `"INC-7 "`}),
			`has white space that nobody sees: write "INC-7"`},
		"a release with a wide space": {identity(args{"hold_released": `"INC\u20037"`}),
			`has white space that nobody sees: write "INC 7"`},
		"a waiver with a C1 control": {identity(args{"waivers": `{ "purpose/vague" = { reason = "because\u0085", approver = "a@example.com", until = "2027-01-01T00:00:00Z" } }`}), `U\+0085`},
		"an audience with a byte order mark": {identity(nil) +
			credential("federated", args{"federated": `{ issuer = "https://login.acme.test", subject = "svc", audiences = ["\ufefforders"] }`}), `a byte order mark`},
		"an issuer of all tenants": {identity(nil) +
			credential("federated", args{"federated": `{ issuer = "https://login.microsoftonline.com/common/v2.0", subject = "svc", audiences = ["a"] }`}), `TENANT/v2.0`},
		"an issuer with a line end": {identity(nil) +
			credential("federated", args{"federated": `{ issuer = "https://login.acme.test\n", subject = "svc", audiences = ["a"] }`}), `trimspace`},
		"a subject with a no-break space": {identity(nil) +
			credential("federated", args{"federated": `{ issuer = "https://login.acme.test", subject = "svc\u00a0", audiences = ["a"] }`}), `no-break space`},
		"a resource that climbs": {identity(nil) + grant(args{"resource": `"orders/../acme"`}),
			`a pattern of resources`},
		"a resource with an empty segment": {identity(nil) + grant(args{"resource": `"orders//acme"`}),
			`a pattern of resources`},
		"an action in upper case":    {identity(nil) + grant(args{"actions": `["Read"]`}), `an action`},
		"no action":                  {identity(nil) + grant(args{"actions": `[]`}), `Name at least one`},
		"an identity_id that climbs": {grant(args{"identity_id": `"acme/../x"`}), `an identity's id`},
		"two kinds of credential": {identity(nil) +
			credential("federated", args{"secret": `{ recipient = "age1" }`}), `Both federated and secret are set`},
		"a rotation of what cannot rotate": {identity(nil) +
			credential("federated", args{"rotation": `{ every = "720h" }`}), `Nothing to rotate`},
		"no kind of credential": {identity(nil) + credential("federated", args{"federated": ""}),
			`exactly one of federated`},
		"trust that names nobody": {identity(nil) +
			credential("federated", args{"federated": `{ issuer = "https://login.acme.test", audiences = ["a"] }`}),
			`federated has neither subject nor aws_principal`},
		"trust in nobody": {identity(nil) + credential("federated", args{"federated": `{}`}),
			`federated has neither issuer nor aws_principal`},
		"two kinds of trust": {identity(nil) +
			credential("federated", args{"federated": `{ aws_principal = "arn:aws:iam::444455556666:root", subject = "svc" }`}), `Two kinds of trust`},
		"an external id of a token": {identity(nil) +
			credential("federated", args{"federated": `{ issuer = "https://login.acme.test", subject = "svc", audiences = ["a"], external_id = "x7" }`}), `Unused external id`},
		"an external id with a space": {identity(nil) +
			credential("federated", args{"federated": `{ aws_principal = "arn:aws:iam::444455556666:role/etl", external_id = "x 7" }`}), `is not an external id`},
		"an account by its number": {identity(nil) +
			credential("federated", args{"federated": `{ aws_principal = "4444-5555-6666" }`}),
			`write arn:aws:iam::444455556666:role/NAME`},
		"an owner that is null": {identity(args{"owner": `null`}),
			`The argument owner is null, and it has no default. Write a value`},
		"an agreement without its name": {identity(args{"agreement": `{ reference = null, ends_at = "2027-01-01T00:00:00Z" }`}), `The argument agreement.reference is null`},
		"a rotation after a nanosecond": {identity(nil) +
			credential("secret", args{"rotation": `{ every = "1ns" }`}), `is shorter than a second`},
		"an end before there were computers": {identity(args{"expires_at": `"0001-01-01T00:00:00Z"`}),
			`not in the years 1970 to 9999`},
		"an account of AWS on this machine": {identity(nil) +
			credential("federated", args{"federated": `{ aws_principal = "arn:aws:iam::444455556666:role/etl" }`}),
			`trusts issuers of OIDC, and no aws_principal`},
		"a CSR that is none": {identity(nil) +
			credential("certificate", args{"certificate": `{ csr = "hello" }`}), `a certificate signing request`},
		"a CSR that was damaged": {identity(nil) +
			credential("certificate", args{"certificate": fmt.Sprintf("{ csr = %q }", damaged)}),
			`a certificate signing request`},
		"a CSR with another one's signature": {identity(nil) +
			credential("certificate", args{"certificate": fmt.Sprintf("{ csr = %q }", forgedCSR())}), `signature`},
		"an SSH key that is none": {identity(nil) +
			credential("ssh_certificate", args{"ssh_certificate": `{ public_key = "ssh-ed25519 xyz" }`}),
			`an SSH public key`},
		"an SSH key with options": {identity(nil) +
			credential("ssh_certificate", args{"ssh_certificate": fmt.Sprintf("{ public_key = %q }",
				"no-pty "+partnerSSHKey)}), `options`},
		"a recipient that is none": {identity(nil) +
			credential("secret", args{"secret": `{ recipient = "age1xyz" }`}), `an age or SSH recipient`},
		"a network with host bits": {identity(nil) +
			credential("secret", args{"allowed_cidrs": `["203.0.113.7/24"]`}), `canonical`},
		"a network that is none": {identity(nil) +
			credential("secret", args{"allowed_cidrs": `["203.0.113.0"]`}), `a network`},
		"no network": {identity(nil) + credential("secret", args{"allowed_cidrs": `[]`}),
			`write null for no limit`},
		"a rotation of nothing": {identity(nil) +
			credential("secret", args{"rotation": `{ every = "0s" }`}), `a duration`},
		"a negative overlap": {identity(nil) +
			credential("secret", args{"rotation": `{ every = "720h", overlap = "-1h" }`}), `negative`},
	} {
		t.Run(name, func(t *testing.T) {
			resource.UnitTest(t, resource.TestCase{ProtoV6ProviderFactories: w.providers(), Steps: []resource.TestStep{{
				Config: w.config(c.config), PlanOnly: true,
				ExpectError: regexp.MustCompile(`(?s)` + strings.ReplaceAll(c.want, " ", `\s+`)),
			}}})
		})
	}
}

// The empty defaults of a module mean none, and stay as they are written.
func TestEmptyDefaultsOfAModuleMeanNone(t *testing.T) {
	slow(t)
	t.Parallel()
	w := newWorld(t)
	empty := w.config(identity(args{"waivers": "{}"}),
		credential("secret", args{"waivers": "{}", "rotation": `{ every = "480h", trigger = {} }`}),
		grant(args{"waivers": "{}"}))
	null := w.config(identity(nil), credential("secret", args{"rotation": `{ every = "480h" }`}), grant(nil))
	var sealed string
	same := resource.TestCheckResourceAttrWith("partner_credential.orders", "sealed_secret", func(now string) error {
		if sealed != "" && now != sealed {
			return errors.New("it was issued anew")
		}
		sealed = now
		return nil
	})
	w.run(
		resource.TestStep{Config: empty, Check: same},
		resource.TestStep{Config: empty, ConfigPlanChecks: emptyPlan()},
		resource.TestStep{Config: null, Check: same},
		resource.TestStep{Config: null, ConfigPlanChecks: emptyPlan()},
		resource.TestStep{Config: empty, Check: same},
	)
}

// An element that is null was left out, so that a ceiling of [null] was no ceiling, networks of [null] were anywhere,
// and a grant of [null] was one of nothing.
func TestAnElementThatIsNullIsRefused(t *testing.T) {
	slow(t)
	t.Parallel()
	w := newWorld(t)
	for name, text := range map[string]string{
		"the argument ceiling of a partner_identity": identity(args{"ceiling": `[null]`}),
		"the argument allowed_cidrs of a partner_credential": identity(nil) +
			credential("federated", args{"allowed_cidrs": `["203.0.113.0/24", null]`}),
		"the argument actions of a partner_grant": identity(nil) + grant(args{"actions": `[null]`}),
		"the argument federated.audiences of": identity(nil) +
			credential("federated", args{"federated": `{ issuer = "https://login.acme.test", subject = "svc-orders", audiences = ["orders.example.com", null] }`}),
		"the argument waivers of a partner_identity": identity(args{"waivers": `{ "purpose/vague" = null }`}),
		"the argument guardrails.active_owners of":   `guardrails = { active_owners = ["jane.doe@example.com", null] }`,
		"the argument guardrails.levels of":          `guardrails = { levels = { "purpose/vague" = null } }`,
		"the argument partners of":                   `partners = { acme = null }`,
		"the argument aws.actions of":                `aws = { actions = { observe = null } }`,
		"the argument openbao.mounts.jwt of":         `openbao = { mounts = { jwt = { "https://login.acme.test" = null } } }`,
	} {
		t.Run(name, func(t *testing.T) {
			provider := ""
			if !strings.Contains(text, "resource ") {
				provider, text = text, identity(nil)
			}
			resource.UnitTest(t, resource.TestCase{ProtoV6ProviderFactories: w.providers(), Steps: []resource.TestStep{{
				Config: w.providerBlock(provider) + text, PlanOnly: true,
				ExpectError: regexp.MustCompile(`(?is)An element is null.*` +
					strings.ReplaceAll(regexp.QuoteMeta(name), " ", `\s+`)),
			}}})
		})
	}
}

// The framework called a number with a fraction an error of the provider, to be reported, and showed a type of Go.
func TestANumberThatCountsNothingIsRefused(t *testing.T) {
	slow(t)
	t.Parallel()
	w := newWorld(t)
	for text, want := range map[string]string{
		`subcontractors = { allowed = true, max_depth = 1.5 }`:                  `The argument subcontractors.max_depth of a partner_identity is 1.5: write a whole number, such as 1.`,
		`subcontractors = { allowed = true, max_depth = 99999999999999999999 }`: `is 1e+20: write a whole number`,
		`guardrails = { max_grants = 2.5 }`:                                     `The argument guardrails.max_grants of the provider's configuration is 2.5: write a whole number, such as 2.`,
	} {
		t.Run(text, func(t *testing.T) {
			provider, arguments := "", args{}
			if name, value, _ := strings.Cut(text, " = "); name == "guardrails" {
				provider = text
			} else {
				arguments[name] = value
			}
			resource.UnitTest(t, resource.TestCase{ProtoV6ProviderFactories: w.providers(), Steps: []resource.TestStep{{
				Config: w.providerBlock(provider) + identity(arguments), PlanOnly: true,
				ExpectError: regexp.MustCompile(`(?s)Not a whole number.*` +
					strings.ReplaceAll(regexp.QuoteMeta(want), " ", `\s+`)),
			}}})
		})
	}
}

func TestWhatTheProviderBlockCannotMean(t *testing.T) {
	slow(t)
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct{ settings, want string }{
		"an unknown rule":      {`guardrails = { levels = { "expiry/to-long" = "warn" } }`, `expiry/too-long`},
		"a fixed rule lowered": {`guardrails = { levels = { "owner/missing" = "warn" } }`, `fixed`},
		"a level that is none": {`guardrails = { levels = { "expiry/soon" = "loud" } }`, `[Nn]ot a level`},
		"a life over the ceiling": {`guardrails = { max_lifetime = { grant = "9000h" } }`,
			`no configuration can raise`},
		"a pattern that is none": {`guardrails = { shared = ["a*"] }`, `a pattern of resources`},
		"a partner's name":       {`partners = { "Acme Inc" = {} }`, `not a partner's name`},
		"a partner's kind":       {`partners = { acme = { kind = "friend" } }`, `value must be one of`},
		"a mount of no issuer": {`openbao = { mounts = { jwt = { "acme" = "partner-jwt-acme" } } }`,
			`"acme" is not an issuer`},
		"an issuer in capitals": {`openbao = { mounts = { jwt = { "https://Login.acme.test" = "partner-jwt-acme" } } }`,
			`write "https://login.acme.test"`},
		"an issuer without mount": {`openbao = { mounts = { jwt = { "https://login.acme.test" = "" } } }`,
			`the text is empty`},
		"a domain with an at": {`partners = { acme = { domains = ["@acme.test"] } }`, `not a domain`},
		"a path with a tilde": {`journal = { path = "~/journal.jsonl" }`, `pathexpand\("~/journal.jsonl"\)`},
		"a blank contact":     {`partners = { acme = { contact = " — " } }`, `neither a letter nor a digit`},
		"an agreement with no end": {`partners = { acme = { agreement = { reference = "x", ends_at = "soon" } } }`,
			`RFC 3339`},
	} {
		t.Run(name, func(t *testing.T) {
			block := w.providerBlock(c.settings)
			if strings.HasPrefix(c.settings, "openbao") {
				block = regexp.MustCompile(`embedded = .*`).ReplaceAllString(block, `journal = { path = "j" }`)
			}
			resource.UnitTest(t, resource.TestCase{ProtoV6ProviderFactories: w.providers(), Steps: []resource.TestStep{{
				Config: block + identity(nil), PlanOnly: true,
				ExpectError: regexp.MustCompile(`(?s)` + strings.ReplaceAll(c.want, " ", `\s+`)),
			}}})
		})
	}
}
