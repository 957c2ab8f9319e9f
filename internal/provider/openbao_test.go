// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// cluster is a real OpenBao that examples/openbao/setup.sh has prepared, a partner's issuer, and the CLI.
type cluster struct {
	*cli
	bao         *realtool.Bao
	issuer      string
	issuerKey   *ecdsa.PrivateKey
	recipient   *age.X25519Identity
	globexKey   *ecdsa.PrivateKey
	plan, apply string // tokens
}

// administrators' rights end with the setup: the provider's own tokens have the shipped policies and nothing else.
func newCluster(t *testing.T, options ...realtool.BaoOption) *cluster {
	t.Helper()
	bao := realtool.StartBao(t, options...)
	c := &cluster{cli: newCLI(t), bao: bao, issuerKey: newKey(t), globexKey: newKey(t)}
	c.issuer = c.startIssuer()
	var err error
	if c.recipient, err = age.GenerateX25519Identity(); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(c.folder, os.DirFS("../../examples/openbao")); err != nil {
		t.Fatal(err)
	}
	c.setUp()
	for _, engine := range []string{"orders", "invoices", "stock"} {
		c.must("POST", "sys/mounts/"+engine, map[string]any{"type": "kv"})
	}
	c.plan, c.apply = c.token("partner-plan"), c.token("partner-plan", "partner-apply")
	c.as(c.apply)
	c.variables()
	c.cli.must("get")
	return c
}

// setUp runs the administrator's script. Not by itself: a test that forks meanwhile may have it open yet.
func (c *cluster) setUp() {
	c.t.Helper()
	c.bao.Run(c.t, "sh", filepath.Join(c.folder, "setup.sh"), c.issuer)
}

// Who runs the setup again, after an error or for a new policy, made a second authority, or stopped at the first mount.
func TestTheSetupOfOpenBaoCanBeRunAgain(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	t.Parallel()
	c := newCluster(t)
	authorities := func() string {
		return fmt.Sprint(c.must("LIST", "partner-pki/issuers", nil)["data"].(map[string]any)["keys"])
	}
	before := authorities()
	c.must("DELETE", "sys/policies/acl/partner-cut", nil)
	c.must("DELETE", "sys/auth/partner-cert", nil)
	c.setUp()
	if after := authorities(); after != before {
		t.Errorf("the authorities were %v, and are %v", before, after)
	}
	for _, path := range []string{"sys/policies/acl/partner-cut", "sys/mounts/auth/partner-cert"} {
		if status, _ := c.bao.Call(t, c.bao.RootToken, "GET", path, nil); status != http.StatusOK {
			t.Errorf("%s: %d", path, status)
		}
	}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// must asks OpenBao as the administrator.
func (c *cluster) must(method, path string, body any) map[string]any {
	c.t.Helper()
	status, answer := c.bao.Call(c.t, c.bao.RootToken, method, path, body)
	if status >= http.StatusMultipleChoices && status != http.StatusNotFound {
		c.t.Fatalf("%s %s: %d %v", method, path, status, answer)
	}
	return answer
}

func (c *cluster) token(policies ...string) string {
	c.t.Helper()
	answer := c.must("POST", "auth/token/create",
		map[string]any{"policies": policies, "no_default_policy": true, "ttl": "1h"})
	token, _ := answer["auth"].(map[string]any)["client_token"].(string)
	return token
}

// as lets Terraform log in with a token.
func (c *cluster) as(token string) {
	c.env = append(c.env, "BAO_ADDR="+c.bao.Address, "BAO_CACERT="+c.bao.CAFile, "BAO_TOKEN="+token)
}

// startIssuer is the partner's OIDC issuer: its discovery document and its key.
func (c *cluster) startIssuer() string {
	keys := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{
		Key:       c.issuerKey.Public(),
		KeyID:     "k",
		Algorithm: "ES256",
		Use:       "sig",
	}}}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	c.t.Cleanup(server.Close)
	answer := func(path string, v any) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(v) })
	}
	answer("/keys", keys)
	answer("/.well-known/openid-configuration", map[string]any{
		"issuer": server.URL, "jwks_uri": server.URL + "/keys", "authorization_endpoint": server.URL + "/none",
		"id_token_signing_alg_values_supported": []string{"ES256"}, "response_types_supported": []string{"id_token"},
		"subject_types_supported": []string{"public"},
	})
	return server.URL
}

func (c *cluster) variables() {
	c.t.Helper()
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, c.globexKey)
	if err != nil {
		c.t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{
		"expires_at":        access.At(time.Now().Add(100 * 24 * time.Hour)).String(),
		"agreements_end_at": access.At(time.Now().Add(200 * 24 * time.Hour)).String(),
		"acme_issuer":       c.issuer, "globex_networks": []string{"127.0.0.0/24"},
		"initech_networks":  []string{"127.0.0.0/24"},
		"globex_csr":        string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: request})),
		"initech_recipient": c.recipient.Recipient().String(),
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.file("terraform.tfvars.json", string(text))
}

// login is a partner's login: the token that it gives, or "".
func (c *cluster) login(path string, show *tls.Certificate, body any) string {
	c.t.Helper()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(c.bao.CA))
	config := &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	if show != nil {
		config.Certificates = []tls.Certificate{*show}
	}
	text, err := json.Marshal(body)
	if err != nil {
		c.t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: config}
	defer transport.CloseIdleConnections()
	var answer struct {
		Auth struct {
			Token string `json:"client_token"`
		}
		Errors []string
	}
	for range 3 { // OpenBao answers 500 where a change of the same moment won, and its clients ask again
		answer.Errors = nil
		resp, err := (&http.Client{Transport: transport}).Post(c.bao.Address+"/v1/"+path, "application/json",
			bytes.NewReader(text))
		if err != nil {
			c.t.Fatal(err)
		}
		err = json.NewDecoder(resp.Body).Decode(&answer)
		_ = resp.Body.Close()
		if err != nil {
			c.t.Fatal(err)
		}
		if len(answer.Errors) > 0 {
			c.t.Logf("login at %s: %d %q", path, resp.StatusCode, answer.Errors)
		}
		if resp.StatusCode < http.StatusInternalServerError {
			break
		}
	}
	return answer.Auth.Token
}

// acmeJWT is a token of ACME's own issuer.
func (c *cluster) acmeJWT(environment string) string {
	c.t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: c.issuerKey},
		(&jose.SignerOptions{}).WithHeader("kid", "k"))
	if err != nil {
		c.t.Fatal(err)
	}
	now := time.Now()
	text, err := jwt.Signed(signer).Claims(jwt.Claims{
		Issuer: c.issuer, Subject: "svc-orders-" + environment, Audience: jwt.Audience{"orders.example.com"},
		IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now),
		Expiry: jwt.NewNumericDate(now.Add(5 * time.Minute)),
	}).Serialize()
	if err != nil {
		c.t.Fatal(err)
	}
	return text
}

// acme is a session of ACME in an environment.
func (c *cluster) acme(environment string) string {
	c.t.Helper()
	var logins map[string]map[string]string
	c.output("logins", &logins)
	at := logins[map[string]string{"prod": "acme", "test": "acme_test"}[environment]]
	return c.login(at["path"], nil, map[string]any{"role": at["role"], "jwt": c.acmeJWT(environment)})
}

// told is a session by the very command that the partner is told, with his files where it looks for them.
func (c *cluster) told(partner string, files map[string]string) string {
	c.t.Helper()
	var logins map[string]map[string]string
	c.output("logins", &logins)
	folder := c.t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			c.t.Fatal(err)
		}
	}
	cmd := exec.Command("sh", "-ec", logins[partner]["command"])
	cmd.Dir = folder
	cmd.Env = []string{
		"BAO_ADDR=" + logins[partner]["address"], "BAO_CACERT=" + c.bao.CAFile, "HOME=" + folder,
		"PATH=" + filepath.Dir(realtool.Find(c.t, "bao")) + ":" + filepath.Dir(realtool.Find(c.t, "age")) + ":" +
			os.Getenv("PATH"),
	}
	out, err := cmd.Output()
	if err != nil {
		c.t.Fatalf("%s: %v: %s", logins[partner]["command"], err, said(err))
	}
	return strings.TrimSpace(string(out))
}

// said is what a command wrote that failed.
func said(err error) []byte {
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return failed.Stderr
	}
	return nil
}

// globex is a session of Globex.
func (c *cluster) globex() string {
	c.t.Helper()
	return c.globexWith(c.globexShows())
}

// globexShows is Globex's certificate, with its key.
func (c *cluster) globexShows() *tls.Certificate {
	c.t.Helper()
	var text string
	c.output("globex_certificate", &text)
	show := &tls.Certificate{PrivateKey: c.globexKey}
	for block, rest := pem.Decode([]byte(text)); block != nil; block, rest = pem.Decode(rest) {
		show.Certificate = append(show.Certificate, block.Bytes)
	}
	return show
}

// initech is a session of Initech, who opens what was sealed to it, and that secret.
func (c *cluster) initech() (token, secret string) {
	c.t.Helper()
	var logins map[string]map[string]string
	c.output("logins", &logins)
	var sealed string
	c.output("initech_secret", &sealed)
	opened, err := age.Decrypt(armor.NewReader(strings.NewReader(sealed)), c.recipient)
	if err != nil {
		c.t.Fatal(err)
	}
	clear, err := io.ReadAll(opened)
	if err != nil {
		c.t.Fatal(err)
	}
	secret = strings.TrimSpace(string(clear))
	return c.login(logins["initech"]["path"], nil,
		map[string]any{"role_id": logins["initech"]["role_id"], "secret_id": secret}), secret
}

// may asks as the holder of a session.
func (c *cluster) may(who, token, method, path string, want bool) {
	c.t.Helper()
	if token == "" {
		c.t.Fatalf("%s cannot log in", who)
	}
	status, _ := c.bao.Call(c.t, token, method, path, map[string]any{"a": "b"})
	if got := status != http.StatusForbidden; got != want {
		c.t.Errorf("%s: %s %s is answered by %d; allowed should be %v", who, method, path, status, want)
	}
}

// left is all that OpenBao still has under our names.
func (c *cluster) left() (found []string) {
	c.t.Helper()
	for _, path := range []string{
		"sys/policies/acl/partner", "identity/entity/name", "identity/entity-alias/id", "auth/partner-approle/role",
		"auth/partner-cert/certs", "partner-pki/roles", "auth/partner-jwt-acme/cel/role",
	} {
		answer := c.must("LIST", path, nil)
		data, _ := answer["data"].(map[string]any)
		keys, _ := data["keys"].([]any)
		for _, k := range keys {
			// Which system it is stays, for whoever comes next, and for a year what a removed identity had.
			if name := k.(string); name == "partner/system" || strings.HasSuffix(name, "/remembered") {
				continue
			}
			found = append(found, path+": "+k.(string))
		}
	}
	return found
}

func TestACompanyWithThreePartnersOnOpenBao(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	t.Parallel()
	c := newCluster(t)
	c.cli.must("apply", "-auto-approve")
	if out := c.cli.must("plan", "-refresh-only", "-no-color"); !strings.Contains(flowing(out),
		"found no differences") {
		t.Errorf("what was planned is not what is read:\n%s", out)
	}

	prod := c.acme("prod")
	test := c.acme("test")
	globex := c.globex()
	initech, secret := c.initech()
	c.may("ACME", prod, "GET", "orders/acme/prod/1.csv", true)
	c.may("ACME", prod, "GET", "orders/acme/test/1.csv", false)
	c.may("ACME", prod, "POST", "orders/acme/prod/1.csv", false)
	c.may("ACME in test", test, "GET", "orders/acme/test/1.csv", true)
	c.may("ACME in test", test, "GET", "orders/acme/prod/1.csv", false)
	c.may("Globex", globex, "POST", "invoices/globex/inbox/2026-11.pdf", true)
	c.may("Globex", globex, "GET", "invoices/globex/inbox/2026-11.pdf", false)
	c.may("Initech", initech, "GET", "stock/initech/levels/1", true)
	c.may("Initech", initech, "GET", "orders/acme/prod/1.csv", false)

	var certificate, sealed string
	c.output("globex_certificate", &certificate)
	c.output("initech_secret", &sealed)
	key, err := x509.MarshalECPrivateKey(c.globexKey)
	if err != nil {
		t.Fatal(err)
	}
	c.may("ACME, as it was told", c.told("acme", map[string]string{"TOKENFILE": c.acmeJWT("prod")}), "GET",
		"orders/acme/prod/1.csv", true)
	c.may("Globex, as it was told", c.told("globex", map[string]string{
		"certificate.pem": certificate,
		"KEYFILE":         string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: key})),
	}), "POST", "invoices/globex/inbox/2026-11.pdf", true)
	c.may("Initech, as it was told",
		c.told("initech", map[string]string{"secret.age": sealed, "KEYFILE": c.recipient.String()}), "GET",
		"stock/initech/levels/1", true)

	c.as(c.plan) // the policy of plans is enough for one
	if out, err := c.try("plan", "-detailed-exitcode"); err != nil {
		t.Fatalf("the plan is not empty: %v\n%s", err, out)
	}
	if out, err := c.try("destroy", "-auto-approve"); err == nil || !strings.Contains(out, "permission") {
		t.Errorf("with the policy of plans, destroy says: %v\n%s", err, out)
	}

	cut := c.token("partner-cut") // the person on call, at three in the morning
	if status, answer := c.bao.Call(t, cut, "POST", "identity/entity/name/partner/acme/prod/orders-etl",
		map[string]any{"disabled": true}); status >= 300 {
		t.Fatalf("cut: %d %v", status, answer)
	}
	c.may("ACME after the cut", prod, "GET", "orders/acme/prod/1.csv", false)
	if status, _ := c.bao.Call(t, cut, "POST", "identity/entity/name/partner/acme/prod/orders-etl",
		map[string]any{"disabled": false}); status != http.StatusForbidden {
		t.Errorf("who may cut may give back, too: %d", status)
	}
	c.must("POST", "identity/entity/name/globex-support", map[string]any{"policies": []string{"default"}})
	c.as(c.apply)
	c.cli.must("apply", "-auto-approve") // the pipeline, at four: it must not undo it
	var neglected []string
	if c.output("neglected", &neglected); len(neglected) != 1 ||
		!strings.HasPrefix(neglected[0], "identity/entity/id/") {
		t.Errorf("one entity was made by hand, and the inventory tells of %q", neglected)
	}
	c.must("DELETE", "identity/entity/name/globex-support", nil)
	c.may("ACME after the pipeline", prod, "GET", "orders/acme/prod/1.csv", false)

	c.cli.must("destroy", "-auto-approve")
	const hold = "sys/policies/acl/partner: partner/acme/prod/orders-etl/" // it outlives what was held
	if left := c.left(); !slices.Equal(left, []string{hold + "held"}) {
		t.Errorf("after destroy there is %v", left)
	}
	for name, token := range map[string]string{"ACME in test": test, "Globex": globex, "Initech": initech} {
		c.may(name+" after destroy", token, "GET", "stock/initech/levels/1", false)
	}
	c.unspoken(secret, c.plan, c.apply)
	c.recorded()
}

// recorded claims that the one journal of both environments tells of the beginning and of the end of all access.
func (c *cluster) recorded() {
	c.t.Helper()
	said := told(journalLines(c.t, filepath.Join(c.folder, "journal.jsonl")))
	for _, kind := range []string{"identity", "credential", "grant"} {
		created := said["done create "+kind]
		revoked := said["done revoke "+kind]
		if created < 4 || created != revoked || said["intent create "+kind] != created {
			c.t.Errorf("of each %s the journal should tell the beginning and the end: %v", kind, said)
		}
	}
}

// unspoken claims that no file of the run, nor OpenBao's audit log, has a secret in the clear.
func (c *cluster) unspoken(secrets ...string) {
	c.t.Helper()
	files := c.files()
	log, err := os.ReadFile(c.bao.AuditLog)
	if err != nil {
		c.t.Fatal(err)
	}
	files["audit.log"] = log
	for name, text := range files {
		for _, s := range secrets {
			if len(s) < 10 || bytes.Contains(text, []byte(s)) {
				c.t.Errorf("%s has a secret in the clear", name)
			}
		}
	}
}
