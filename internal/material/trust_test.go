// SPDX-License-Identifier: MPL-2.0

package material

import (
	"strings"
	"testing"
)

// A trust that no token can meet is refused with what to write.
func TestTrustThatNoTokenMeetsIsRefused(t *testing.T) {
	for _, c := range []struct{ text, says string }{
		{"https://login.acme.test\n", `issuer "https://login.acme.test\n" ends in a line end`},
		{"https://login.acme.test\n", `write "https://login.acme.test", or trimspace`},
		{" https://login.acme.test", "begins with a space"},
		{"https://login.acme.test\u00a0", "ends in a no-break space"},
		{"https://login.acme.test\ufeff", "byte order mark"},
		{"https://login.acme.test/a b", "placeholder"},
		{"https://login.microsoftonline.com/common/v2.0", "https://login.microsoftonline.com/TENANT/v2.0"},
		{"https://login.microsoftonline.com/organizations/v2.0", "TENANT"},
		{"https://login.microsoftonline.com/{tenantid}/v2.0", "placeholder"},
		{"https://login.microsoftonline.com/acme.onmicrosoft.com/v2.0", "by its id"},
		{"https://login.microsoftonline.com/acme.test/v2.0", "by its id"},
		{"https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555",
			`write "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0"`},
		{"https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/",
			`or "https://sts.windows.net/11111111-2222-3333-4444-555555555555/"`},
		{"https://dev-1.okta.com/", `write "https://dev-1.okta.com"`},
		{"https://acme.okta.com/oauth2/default/v1/token", "one of the issuer's endpoints"},
		{"https://login.acme.test/oauth2/authorize", "one of the issuer's endpoints"},
		{"https://sts.windows.net/11111111-2222-3333-4444-555555555555",
			`write "https://sts.windows.net/11111111-2222-3333-4444-555555555555/"`},
		{"https://acme.eu.auth0.com", `write "https://acme.eu.auth0.com/"`},
		{"https://accounts.google.com/", `write "https://accounts.google.com"`},
		{"https://token.actions.githubusercontent.com/", `write "https://token.actions.githubusercontent.com"`},
		{"https://login.acme.test/.well-known/openid-configuration", `write "https://login.acme.test"`},
		{"https://login.acme.test/realms/x/.well-known/openid-configuration",
			`write "https://login.acme.test/realms/x"`},
		{"https://login.acme.test/oauth2/v1/keys", "the address of the issuer's keys"},
		{"https://login.acme.test/jwks.json", "the address of the issuer's keys"},
		{"https://login.acme.test/realms/x/protocol/openid-connect/certs", "the address of the issuer's keys"},
		{"https://login.acme.test:99999", "ports are 1 to 65535"},
		{"https://login.acme.test:0", "ports are 1 to 65535"},
		{"https://login.acme.test:https", "ports are 1 to 65535"},
		{"https://login.acme.test:", "ports are 1 to 65535"},
		{"https://Login.ACME.test/Realm", `write "https://login.acme.test/Realm"`},
		{"HTTPS://login.acme.test", `write "https://login.acme.test"`},
		{"https://l\u00f6gin.acme.test", "xn--"},
		{"https://login.acme.test,https://login2.acme.test", "several in one text"},
		{"https://login.acme.test https://login2.acme.test", "several in one text"},
		{"https://login..acme.test", "empty part"},
		{`"https://login.acme.test"`, `write "https://login.acme.test"`},
		{"https://eastus.oic.prod-aks.azure.com/1/2", `write "https://eastus.oic.prod-aks.azure.com/1/2/"`},
		{"https://oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF/",
			`write "https://oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF"`},
		{"https://vstoken.dev.azure.com/11111111-2222-3333-4444-555555555555/", "has a slash at its end"},
		{"https://gitlab.com/acme", "tokens of gitlab.com name the host alone"},
		{"https://accounts.google.com/acme.test", "name the host alone"},
		{"https://app.terraform.io/app/acme", "name the host alone"},
		{"https://acme.eu.auth0.com/api/v2/", "name the host alone"},
		{"https://accounts.google.com/o/oauth2/v2/auth", "name the host alone"},
		{"https://sts.windows.net/11111111-2222-3333-4444-555555555555/v2.0", "a slash behind it"},
		{"https://sso.acme.test/realms/x/protocol/openid-connect/auth", "one of the issuer's endpoints"},
		{"https://sso.acme.test/realms/x/protocol/openid-connect", "one of the issuer's endpoints"},
		{"https://token.actions.githubusercontent.com/acme/orders", "an enterprise behind it"},
		{"https://login.microsoftonline.com", "the tenant's id"},
		{"https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/V2.0",
			"the tenant's id in small letters"},
		{"https://login.microsoftonline.com/11111111-2222-3333-4444-AAAAAAAAAAAA/v2.0",
			"the tenant's id in small letters"},
		{"https://login.microsoftonline.com/tenant", "the tenant's id"},
		{"https://login.microsoftonline.us/11111111-2222-3333-4444-555555555555/v2.0/", "has a slash at its end"},
		{"https://sts.windows.net/11111111-2222-3333-4444-555555555555/v2.0/", "a slash behind it"},
		{"https://acme.b2clogin.com/11111111-2222-3333-4444-555555555555/v2.0",
			`write "https://acme.b2clogin.com/11111111-2222-3333-4444-555555555555/v2.0/"`},
		{"https://acme.b2clogin.com/acme.onmicrosoft.com/b2c_1_in/v2.0/", "the tenant's id and /v2.0/"},
		{"https://vstoken.dev.azure.com/acme", "the organization's id"},
		{"https://oidc.circleci.com", "/org/ and the organization's id"},
		{"https://oidc.eks.eu-west-1.amazonaws.com", "/id/ and the cluster's id"},
		{"https://oidc.eks.eu-west-1.amazonaws.com/id/0123456789abcdef0123456789abcdef", "in capitals"},
		{"https://0123456789ABCDEF0123456789ABCDEF.gr7.eu-west-1.eks.amazonaws.com", "upper case"},
		{"https://0123456789abcdef0123456789abcdef.gr7.eu-west-1.eks.amazonaws.com",
			"aws eks describe-cluster prints it"},
		{"https://cognito-idp.eu-central-1.amazonaws.com", "the user pool's id"},
		{"https://acme.auth.eu-central-1.amazoncognito.com", "https://cognito-idp.REGION.amazonaws.com/POOL"},
		{"https://acme-admin.okta.com", "the address without -admin"},
		{"https://acme.okta.com/oauth2", "an authorization server's id"},
		{"https://acme.okta.com/app/UserHome", "an authorization server's id"},
		{"https://[2001:db8::7]:99999", "ports are 1 to 65535"},
		{"https://[2001:DB8::7]/", `write "https://[2001:db8::7]/"`},
		{"https://[2001:db8::7/", "is not an address"},
		{"https://login.acme.test:+443", "ports are 1 to 65535"},
		{"https://login.acme.test:0443", "ports are 1 to 65535"},
	} {
		if _, err := ParseIssuer(c.text); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: %v, want it to say %q", c.text, err, c.says)
		}
	}
	for _, text := range []string{
		"https://login.acme.test", "https://login.acme.test/", "https://login.acme.test:8443/tenant/1",
		"https://[2001:db8::7]:8443", "http://127.0.0.1:5556/dex",
		"https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0",
		"https://sts.windows.net/11111111-2222-3333-4444-555555555555/",
		"https://acme.okta.com", "https://acme.okta.com/oauth2/default",
		"https://acme.b2clogin.com/11111111-2222-3333-4444-555555555555/v2.0/",
		"https://acme.auth0.com/", "https://accounts.google.com", "https://token.actions.githubusercontent.com/acme",
		"https://gitlab.acme.test",
		"https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI",
		"https://login.acme.test/realms/Partners", "https://keys.acme.test",
		"https://gitlab.com", "https://app.eu.terraform.io", "https://acme.us.auth0.com/",
		"https://acme.auth.test/auth/v1", "https://sso.acme.test/auth", "https://acme.test/oauth2/authentic",
		"https://login.microsoftonline.us/11111111-2222-3333-4444-555555555555/v2.0",
		"https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0",
		"https://acme.b2clogin.com/tfp/11111111-2222-3333-4444-555555555555/B2C_1_in/v2.0/",
		"https://vstoken.dev.azure.com/11111111-2222-3333-4444-555555555555",
		"https://oidc.circleci.com/org/11111111-2222-3333-4444-555555555555",
		"https://acme.oktapreview.com/oauth2/aus1b2C3", "https://admin.okta.com",
		"https://kubernetes.default.svc", "https://kubernetes.default.svc.cluster.local", "https://10.0.0.1:6443",
		"https://sso.acme.test/realms/openid-connect",
		"https://oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF",
		"https://container.googleapis.com/v1/projects/p/locations/l/clusters/c",
	} {
		if _, err := ParseIssuer(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	for text, says := range map[string]string{
		`"repo:acme/feed:ref:refs/heads/main"`: `write "repo:acme/feed:ref:refs/heads/main"`, "'svc'": `write "svc"`,
		"system:serviceaccount:feed":           "NAMESPACE:NAME",
		"system:serviceaccount:acme:feed:main": "NAMESPACE:NAME", "system:serviceaccount:acme:": "NAMESPACE:NAME",
		"system:serviceaccount:acme/feed": "NAMESPACE:NAME",
	} {
		if _, err := ParseSubject(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("subject %q: %v, want it to say %q", text, err, says)
		}
	}
	for _, text := range []string{"system:serviceaccount:acme:feed", "system:serviceaccount:acme:feed.v2",
		"system:serviceaccount:acme:*", "system:serviceaccounts:acme", "a \"b\""} {
		if _, err := ParseSubject(text); err != nil {
			t.Errorf("subject %q: %v", text, err)
		}
	}
	for _, text := range []string{"svc ", "\tsvc", "svc\u00a0", "svc\u200b", "svc\n", "a\nb", "a\tb", "\ufeffsvc"} {
		if _, err := ParseSubject(text); err == nil || !strings.Contains(err.Error(), "write") {
			t.Errorf("subject %q: %v", text, err)
		}
	}
	for _, text := range []string{"${subject}", "%{subject}", "{sub}", "{{ subject }}", "<SERVICE ACCOUNT ID>",
		"system:serviceaccount:<namespace>:feed", "repo:acme/{repo}:ref:x"} {
		if _, err := ParseSubject(text); err == nil || !strings.Contains(err.Error(), "placeholder") {
			t.Errorf("subject %q: %v", text, err)
		}
		if _, err := ParseAudience(strings.ReplaceAll(text, " ", "-")); err == nil ||
			!strings.Contains(err.Error(), "placeholder") {
			t.Errorf("audience %q: %v", text, err)
		}
	}
	for _, text := range []string{"svc", "repo:acme/orders:ref:refs/heads/main", "CN=Depot feed,O=ACME",
		"system:serviceaccount:acme:feed"} {
		if _, err := ParseSubject(text); err != nil {
			t.Errorf("subject %q: %v", text, err)
		}
	}
	for text, says := range map[string]string{
		"orders.example.com,api.example.com": `write audiences = ["orders.example.com", "api.example.com"]`,
		"orders.example.com api.example.com": `["orders.example.com", "api.example.com"]`,
		`["orders.example.com","api"]`:       `["orders.example.com", "api"]`,
		"orders.example.com\n":               "ends in a line end",
		"":                                   "an empty text",
	} {
		if _, err := ParseAudience(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("audience %q: %v, want it to say %q", text, err, says)
		}
	}
	for _, text := range []string{"orders.example.com", "api://orders/.default", "https://orders.example.com/",
		"11111111-2222-3333-4444-555555555555", "*"} {
		if _, err := ParseAudience(text); err != nil {
			t.Errorf("audience %q: %v", text, err)
		}
	}
}
