// SPDX-License-Identifier: MPL-2.0

package openbao

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
	"flag"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
	"github.com/partner-access/terraform-provider-partner/internal/system/systemtest"
)

func TestContract(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	realtool.Find(t, "bao")
	systemtest.RunPart(t, 2, harness, access.SSHCertificate)
}

func harness(t *testing.T, _ *systemtest.Clock) systemtest.Harness {
	if !strings.Contains(t.Name(), "random") { // which are hard work, and in parallel with each other already
		t.Parallel()
	}
	return harnessOf(startLab(t))
}

func harnessOf(l *lab) systemtest.Harness {
	return systemtest.Harness{
		System:    l.open(),
		Second:    func() access.System { return l.open() },
		Break:     l.breakConnection,
		Advance:   time.Sleep,
		Unit:      3 * time.Second,
		ModelUnit: time.Hour,
		Allows:    l.allows,
	}
}

// lab is a server for one test, with a partner's issuer.
type lab struct {
	t      testing.TB
	bao    *realtool.Bao
	issuer *ecdsa.PrivateKey
	broken atomic.Bool
}

const issuerURL = "https://login.acme.test"

func startLab(t testing.TB) *lab {
	t.Helper()
	l := &lab{t: t, bao: realtool.StartBao(t)}
	l.furnish()
	return l
}

// furnish makes trust in the partner's issuer, and a place for what is granted.
func (l *lab) furnish() {
	t := l.t
	t.Helper()
	var err error
	if l.issuer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	mount := usualJWT(issuerURL)
	l.must("POST", "sys/auth/"+mount, map[string]any{"type": "jwt"})
	l.must("POST", "auth/"+mount+"/config", map[string]any{
		"bound_issuer": issuerURL, "jwt_supported_algs": []string{"ES256"},
		"jwt_validation_pubkeys": []string{publicPEM(t, l.issuer)},
	})
	l.must("POST", "sys/mounts/orders", map[string]any{"type": "kv"})
}

func publicPEM(t testing.TB, key *ecdsa.PrivateKey) string {
	t.Helper()
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))
}

// must asks as the administrator.
func (l *lab) must(method, path string, body any) map[string]any {
	l.t.Helper()
	status, answer := l.bao.Call(l.t, l.bao.RootToken, method, path, body)
	if status >= 300 {
		l.t.Fatalf("%s %s: %d %v", method, path, status, answer)
	}
	return answer
}

// open is another handle, as another process has.
func (l *lab) open(edits ...func(*client.Options)) *System {
	l.t.Helper()
	return Open(l.options(edits...))
}

// options are those of a handle that makes what it misses.
func (l *lab) options(edits ...func(*client.Options)) Options {
	l.t.Helper()
	o := client.Options{
		Address:   l.bao.Address,
		CACertPEM: []byte(l.bao.CA),
		Login:     client.Token(l.bao.RootToken),
		Patience:  3 * time.Second,
	}
	transport, err := o.NewTransport()
	if err != nil {
		l.t.Fatal(err)
	}
	o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
		if l.broken.Load() {
			return nil, errors.New("the cable is cut")
		}
		return transport.RoundTrip(r)
	})
	for _, edit := range edits {
		edit(&o)
	}
	c, err := client.New(o)
	if err != nil {
		l.t.Fatal(err)
	}
	// whose identities are not read ahead
	return Options{Client: c, Bootstrap: true, Session: time.Minute, Stack: "nobody"}
}

type carrier func(*http.Request) (*http.Response, error)

func (c carrier) RoundTrip(r *http.Request) (*http.Response, error) { return c(r) }

func (l *lab) breakConnection() (repair func()) {
	l.broken.Store(true)
	time.Sleep(300 * time.Millisecond) // a listing may serve reads for so long
	return func() { l.broken.Store(false) }
}

// allows logs in with a credential, and asks.
func (l *lab) allows(t testing.TB, p systemtest.Probe) bool {
	token := l.login(t, p)
	return token != "" && l.may(t, token, p.Action, p.Path)
}

// may asks with a token.
func (l *lab) may(t testing.TB, token, action, path string) bool {
	t.Helper()
	method := map[string]string{
		"read":   "GET",
		"list":   "LIST",
		"update": "POST",
		"create": "POST",
		"delete": "DELETE",
	}[action]
	status, answer := l.bao.Call(t, token, method, path, nil)
	switch status {
	case http.StatusOK, http.StatusNoContent, http.StatusNotFound, http.StatusBadRequest:
		return true
	case http.StatusForbidden:
		return false
	}
	t.Fatalf("%s %s: %d %v", method, path, status, answer)
	return false
}

// login is the partner's login; "" where it is refused.
func (l *lab) login(t testing.TB, p systemtest.Probe) string {
	t.Helper()
	id := p.Credential.IdentityID
	switch p.Credential.Kind() {
	case access.Federated:
		f := p.Credential.Federated
		return l.post(t, nil, "auth/"+usualJWT(f.Issuer)+"/cel/login",
			map[string]any{"role": roleOf(id), "jwt": l.token(t, f)})
	case access.Certificate:
		return l.post(t, l.holding(t, p), "auth/partner-cert/login", map[string]any{"name": roleOf(id)})
	default:
		return l.post(t, nil, "auth/partner-approle/login",
			map[string]any{"role_id": store.NameOf(id), "secret_id": p.Secret})
	}
}

// token is one that the partner's issuer signs.
func (l *lab) token(t testing.TB, f *access.FederatedTrust) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: l.issuer}, nil)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	text, err := jwt.Signed(signer).Claims(jwt.Claims{
		Issuer: f.Issuer, Subject: f.Subject, Audience: jwt.Audience(f.Audiences), IssuedAt: jwt.NewNumericDate(now),
		NotBefore: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(5 * time.Minute)),
	}).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// holding is a client that shows a certificate.
func (l *lab) holding(t testing.TB, p systemtest.Probe) *tls.Certificate {
	t.Helper()
	c := tls.Certificate{PrivateKey: p.Key}
	for rest := []byte(p.Certificate); ; {
		block, more := pem.Decode(rest)
		if block == nil {
			return &c
		}
		c.Certificate = append(c.Certificate, block.Bytes)
		rest = more
	}
}

func (l *lab) post(t testing.TB, show *tls.Certificate, path string, body any) (token string) {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(l.bao.CA))
	config := &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	if show != nil {
		config.Certificates = []tls.Certificate{*show}
	}
	transport := &http.Transport{TLSClientConfig: config}
	defer transport.CloseIdleConnections()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: transport}).Post(l.bao.Address+"/v1/"+path, "application/json",
		bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Auth struct {
			Token string `json:"client_token"`
		} `json:"auth"`
		Errors []string `json:"errors"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if answer.Auth.Token == "" {
		t.Logf("login at %s: %d %v", path, resp.StatusCode, answer.Errors)
	}
	return answer.Auth.Token
}

// TestMain lets more tests run side by side than there are cores: most of their time they wait for an end to come.
func TestMain(m *testing.M) {
	flag.Parse()
	_ = flag.Set("test.parallel", "16")
	os.Exit(m.Run())
}
