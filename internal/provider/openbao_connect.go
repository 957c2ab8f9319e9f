// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// The way to OpenBao: where it is, what it is known by, and how the provider logs in. Arguments and variables are those
// of the program bao, so that a shell in which that works is enough; VAULT_ stands in for BAO_ as it does there. What
// is set for the program and means nothing here is named if the way does not lead there (notTaken).

// openOpenBao reads the block and the environment, and opens the system; it asks no server before enter does.
func openOpenBao(p *partnerProvider, m *providerModel, a opening, diags *diag.Diagnostics) (opened, bool) {
	options, ok := m.openbaoOptions(p.version, a.stack, diags)
	if !ok {
		return opened{}, false
	}
	system := openbao.Open(options)
	return opened{system: system, enter: func(ctx context.Context, diags *diag.Diagnostics) bool {
		return enter(ctx, system, diags)
	}}, true
}

// openbaoOptions reads where OpenBao is, and how to log in there. Mistakes are said without a path: with one, the CLI
// would print what stands there.
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
		Address:     text("address", "BAO_ADDR", "VAULT_ADDR"),
		Namespace:   text("namespace", "BAO_NAMESPACE", "VAULT_NAMESPACE"),
		UserAgent:   "terraform-provider-partner/" + version,
		Concurrency: int(v["concurrency"].(types.Int64).ValueInt64()), Log: requestLog(),
		ServerName:        firstEnv("BAO_TLS_SERVER_NAME", "VAULT_TLS_SERVER_NAME"),
		RequestsPerSecond: v["requests_per_second"].(types.Float64).ValueFloat64(),
	}
	o.CACertPEM = r.openbaoAuthorities(v)
	o.ClientCertPEM = r.openbaoFile(v, "client_cert_file", "CLIENT_CERT")
	o.ClientKeyPEM = r.openbaoFile(v, "client_key_file", "CLIENT_KEY")
	o.Login = r.openbaoLogin(v)
	options := openbao.Options{
		Stack:     stack,
		Session:   r.span("openbao", v["session"]).Duration,
		Bootstrap: v["bootstrap"].(types.Bool).ValueBool(),
		Fresh:     oneWalk,
	}
	options.PartnerAddress = r.partnerAddress(v["partner_address"])
	if mounts := r.object("openbao", v["mounts"]); mounts != nil {
		options.Mounts = openbao.Mounts{
			AppRole: r.mount(mounts["approle"]), Cert: r.mount(mounts["cert"]), PKI: r.mount(mounts["pki"]),
			JWT: map[string]string{},
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
		// no path: with one, the CLI would print what stands there
		diags.AddError("Invalid openbao configuration", sentence(f.err)+".")
	}
	options.Client = c
	return options, len(r.faults) == 0
}

// openbaoFile returns what is in the file that an argument names or, as for the program bao, an environment variable
// behind BAO_ or VAULT_; nil if none does. That it cannot be read is said by the name that somebody wrote: the
// argument, or the variable.
func (r *reader) openbaoFile(v map[string]attr.Value, argument, variable string) []byte {
	path, from := r.text("openbao", v[argument]), argument
	if path == "" {
		path, from = envNamed("BAO_"+variable, "VAULT_"+variable)
	}
	if path == "" {
		return nil
	}
	content, err := os.ReadFile(path)
	if err == nil && argument == caCertFile && !holdsCertificate(content) {
		err = errNoCertificate
	}
	if err != nil {
		r.faults = append(r.faults, fault{"openbao", fmt.Errorf("the file of %s: %w", from, err)})
		return nil
	}
	return content
}

// caCertFile is the one argument whose file has to hold a certificate: the key of a client is in a file as well.
const caCertFile = "ca_cert_file"

// openbaoAuthorities returns the certificates by which the server is known, in PEM, from the first place that has any,
// in the order of the program bao; nil if none has, which means the machine's own.
func (r *reader) openbaoAuthorities(v map[string]attr.Value) []byte {
	if pem := r.text("openbao", v["ca_cert_pem"]); pem != "" {
		return []byte(pem)
	}
	if pem := r.openbaoFile(v, caCertFile, "CACERT"); len(pem) > 0 {
		return pem
	}
	if pem := firstEnv("BAO_CACERT_BYTES", "VAULT_CACERT_BYTES"); pem != "" {
		return []byte(pem)
	}
	return r.caPath(envNamed("BAO_CAPATH", "VAULT_CAPATH"))
}

// openbaoLogin returns how the provider itself logs in: by what the configuration names, else by a token of the
// environment. Each part that is left out comes from the environment.
func (r *reader) openbaoLogin(v map[string]attr.Value) client.Login {
	if a := r.object("openbao", v["approle"]); a != nil {
		return client.AppRole{
			Mount:    r.mount(a["mount"]),
			RoleID:   cmp.Or(r.text("openbao", a["role_id"]), os.Getenv(roleIDVariable)),
			SecretID: cmp.Or(r.text("openbao", a["secret_id"]), os.Getenv(secretIDVariable)),
		}
	}
	if j := r.object("openbao", v["jwt"]); j != nil {
		login := client.JWT{
			Mount: r.mount(j["mount"]),
			Role:  cmp.Or(r.text("openbao", j["role"]), os.Getenv(roleVariable)),
			JWT:   r.text("openbao", j["token"]),
			File:  r.text("openbao", j["token_file"]),
		}
		if login.JWT == "" && login.File == "" {
			login.JWT = os.Getenv(jwtVariable)
		}
		return login
	}
	token := r.text("openbao", v["token"])
	if token == "" {
		token = firstEnv("BAO_TOKEN", "VAULT_TOKEN")
	}
	return client.Token(token)
}

// errNoCertificate says that a file which is to name whom to trust names nobody.
var errNoCertificate = errors.New("it has no certificate in PEM")

// holdsCertificate reports whether there is a certificate to trust in a file.
func holdsCertificate(pem []byte) bool {
	return bytes.Contains(pem, []byte("-----BEGIN CERTIFICATE-----"))
}

// caPath returns all certificates in a folder and below it, which the program bao trusts by BAO_CAPATH; nil if no
// folder is named. Files that are no certificate do no harm beside one that is.
func (r *reader) caPath(folder, variable string) (all []byte) {
	if folder == "" {
		return nil
	}
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		all = append(append(all, content...), '\n')
		return err
	})
	if err == nil && !holdsCertificate(all) {
		err = errNoCertificate
	}
	if err != nil {
		r.faults = append(r.faults, fault{"openbao", fmt.Errorf("the folder of %s: %w", variable, err)})
	}
	return all
}

// partnerAddress returns the address that partners are told, if theirs is not the provider's; "" if it is. It is handed
// out, so it needs TLS, and must hold no password.
func (r *reader) partnerAddress(v attr.Value) string {
	text := strings.TrimSuffix(cmp.Or(r.text("openbao", v), os.Getenv(partnerAddressVariable)), "/")
	if text == "" {
		return ""
	}
	at, err := url.Parse(text)
	if err != nil ||
		at.Scheme != "https" ||
		at.Host == "" ||
		at.User != nil ||
		at.RawQuery != "" ||
		at.Fragment != "" {
		r.faults = append(r.faults, fault{"openbao", errors.New("partner_address is not an address such as " +
			"https://openbao.example.com: it is handed to partners, so it needs TLS, and no user, password, query or " +
			"fragment")})
	}
	return text
}

// enter looks at OpenBao before any resource does, so that a way that does not lead there is one error and not one for
// each resource: a wrong port cost 57 s for each, one after the other. See
// TestTwelveResourcesAndAServerThatIsAwayAreOneError.
func enter(ctx context.Context, system *openbao.System, diags *diag.Diagnostics) bool {
	err := system.Enter(ctx)
	if err == nil {
		return true
	}
	summary := "Cannot use OpenBao at " + system.Address()
	switch {
	case errors.Is(err, access.ErrLogin):
		summary = "OpenBao refuses this login at " + system.Address()
	case errors.Is(err, access.ErrUnavailable):
		summary = "Cannot reach OpenBao at " + system.Address()
	}
	lacks := ""
	if errors.Is(err, access.ErrNotPermitted) && !errors.Is(err, access.ErrLogin) {
		summary = "This login may read too little of OpenBao at " + system.Address()
		lacks = " It needs what the guide's policy plan allows, in the namespace of partner access. If that is " +
			"another namespace, set namespace or BAO_NAMESPACE."
	}
	diags.AddError(summary, sentence(err)+". Nothing was read or changed."+lacks+notTaken(err))
	return false
}

// notTaken names what is set for the program bao and means nothing here: whoever relies on it looks there first. It is
// told if the way does not lead there; SKIP_VERIFY only if a certificate is what is wrong.
func notTaken(failure error) string {
	for _, v := range []struct{ name, instead string }{
		{"SKIP_VERIFY", "the server gets the token, so it is always verified: name its authority with ca_cert_file " +
			"or BAO_CACERT"},
		{"PROXY_ADDR", "set HTTPS_PROXY and NO_PROXY for a proxy"},
		{"HTTP_PROXY", "set HTTPS_PROXY and NO_PROXY for a proxy"},
		{"AGENT_ADDR", "set the address with BAO_ADDR or openbao.address"},
	} {
		for _, prefix := range []string{"BAO_", "VAULT_"} {
			set := os.Getenv(prefix + v.name)
			if v.name == "SKIP_VERIFY" && !strings.Contains(failure.Error(), "certificate") {
				continue
			}
			if set != "" && set != "0" && !strings.EqualFold(set, "false") {
				return fmt.Sprintf("\n%s is set, but the provider ignores it: %s.", prefix+v.name, v.instead)
			}
		}
	}
	return ""
}

// requestSubsystem is under which name requests are logged; TF_LOG_PROVIDER_PARTNER_OPENBAO sets its level alone.
const requestSubsystem = "openbao"

// requestLog returns what writes each request to the provider's log; nil if nobody reads that. It has neither tokens
// nor bodies: see TestRequestsAreInTheLogWithoutSecrets.
func requestLog() func(context.Context, client.Attempt) {
	if !logs() {
		return nil
	}
	return func(ctx context.Context, a client.Attempt) {
		ctx = tflog.NewSubsystem(ctx, requestSubsystem,
			tflog.WithLevelFromEnv("TF_LOG_PROVIDER_PARTNER", requestSubsystem))
		fields := map[string]any{
			"method":  a.Method,
			"path":    a.Path,
			"status":  a.Status,
			"ms":      a.Took.Milliseconds(),
			"attempt": a.Number,
		}
		if a.Namespace != "" {
			fields["namespace"] = a.Namespace
		}
		if a.Problem != "" {
			fields["problem"] = a.Problem
		}
		tflog.SubsystemDebug(ctx, requestSubsystem, "request", fields)
	}
}

// logs reports whether anybody asked for a log. What main turns off (TF_LOG_SDK) is not asked for.
func logs() bool {
	for _, v := range os.Environ() {
		if name, level, _ := strings.Cut(v, "="); strings.HasPrefix(name, "TF_LOG") &&
			name != "TF_LOG_PATH" &&
			!strings.HasPrefix(name, "TF_LOG_SDK") &&
			level != "" {
			return true
		}
	}
	return false
}
