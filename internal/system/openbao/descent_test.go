// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// below makes an engine with an authority that another one signed, and with a role that signs whatever it is asked for.
func (st *stage) below(t *testing.T, mount, above string) string {
	t.Helper()
	st.admin(t, "POST", "sys/mounts/"+mount, map[string]any{"type": "pki"})
	asked := st.admin(t, "POST", mount+"/intermediate/generate/internal",
		map[string]any{"common_name": mount, "key_type": "ec", "key_bits": 256})
	signed := st.admin(t, "POST", above+"/root/sign-intermediate",
		map[string]any{"csr": asked["csr"], "common_name": mount, "ttl": "100h"})
	st.admin(t, "POST", mount+"/intermediate/set-signed", map[string]any{"certificate": signed["certificate"]})
	st.admin(t, "POST", mount+"/roles/shop", map[string]any{
		"allow_any_name": true, "enforce_hostnames": false, "key_type": "any", "allowed_uri_sans": "*",
		"use_csr_sans": false, "use_csr_common_name": false,
	})
	return signed["certificate"].(string)
}

// Somebody had our authority sign one in another engine, for other things. Whoever might sign there logged in as any
// partner, and a grant of that was merely privileged.
func TestAnAuthorityBelowOursIsAsGoodAsOurs(t *testing.T) {
	st := startStage(t)
	st.complete(t, "first", access.Certificate)
	sub := st.below(t, "sub", "partner-pki")
	st.below(t, "deeper", "sub")
	st.admin(t, "POST", "sys/mounts/other", map[string]any{"type": "pki"})
	st.admin(t, "POST", "other/root/generate/internal",
		map[string]any{"common_name": "Partner access", "key_type": "ec", "key_bits": 256, "ttl": "1000h"})

	forged := st.admin(t, "POST", "sub/sign/shop", map[string]any{
		"csr": st.csr, "common_name": "acme/prod/first", "uri_sans": "partner:acme/prod/first",
		"exclude_cn_from_sans": true, "ttl": "1h",
	})
	own := tls.Certificate{PrivateKey: st.key,
		Certificate: [][]byte{certificateIn(forged["certificate"].(string)).Raw, certificateIn(sub).Raw}}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true,
		Certificates: []tls.Certificate{own}}}}
	answer, err := client.Post(st.bao.Address+"/v1/auth/partner-cert/login", "application/json",
		strings.NewReader(`{"name":"acme.prod.first"}`))
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("what the authority below signs does not log in (%d): the test shows nothing", answer.StatusCode)
	}

	reaching, err := st.open().Reaching(t.Context(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for resource, want := range map[access.Pattern]string{
		"sub/sign/shop": "system", "sub/ca/pem": "system", "deeper/issue/shop": "system",
		"other/issue/shop": "privileged", "partner-pki/issue/shop": "system",
	} {
		if r := reaching(resource, []string{"update"}); verdict(r) != want {
			t.Errorf("%s: %s, want %s: %+v", resource, verdict(r), want, r)
		}
	}

	// If one of ours does not say what it has, nobody knows what it signed.
	st.admin(t, "POST", "sys/mounts/second", map[string]any{"type": "pki", "description": mountDescription})
	for path, f := range map[string]fault{
		"/v1/partner-pki/issuers": {status: 403, body: `{"errors":["permission denied"]}`},
		"/v1/second/issuers":      {status: 403, body: `{"errors":["permission denied"]}`},
		"/v1/partner-pki/issuer/": {status: 500, body: `{"errors":["internal error"]}`},
	} {
		reaching, err := st.open(failingAt(path, f)).Reaching(t.Context(), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if r := reaching("other/issue/shop", []string{"update"}); verdict(r) != "system" {
			t.Errorf("%s: %d: any other engine is %s: %+v", path, f.status, verdict(r), r)
		}
	}
}

// failingAt lets every call below a path fail.
func failingAt(path string, f fault) func(*client.Options) {
	return func(o *client.Options) {
		o.Patience = 2 * time.Second // a busy machine takes a while to log in
		inner := o.Transport
		o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			if strings.HasPrefix(r.URL.Path, path) {
				return f.carry(r, inner)
			}
			return inner.RoundTrip(r)
		})
	}
}

// Somebody kept an authority that ours signed beside a root of his own: every engine that the root had
// signed was refused, too.
func TestARootBesideAnAuthorityBelowOursIsNotOurs(t *testing.T) {
	s := &server{options: Options{Mounts: defaultMounts()}, called: map[string]*x509.Certificate{}}
	keys := map[string]*ecdsa.PrivateKey{}
	for n, pair := range [][2]string{
		{"ours", "ours"}, {"sub", "ours"}, {"root", "root"}, {"shop", "root"}, {"deep", "sub"}, {"late", "deep"},
		{"last", "late"},
		{"second", "second"}, {"below", "second"},
	} {
		name, by := pair[0], pair[1]
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		keys[name] = key
		c := &x509.Certificate{
			SerialNumber: big.NewInt(int64(n)), Subject: pkix.Name{CommonName: name},
			NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		}
		above := cmp.Or(s.called[by], c)
		raw, err := x509.CreateCertificate(rand.Reader, c, above, key.Public(), keys[by])
		if err == nil {
			s.called[name], err = x509.ParseCertificate(raw)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	ids := map[string]map[string]string{}
	for path, names := range map[string]string{"partner-pki/": "ours", "sub/": "root sub late", "root/": "root",
		"shop/": "shop", "deep/": "deep", "last/": "last",
		"second/": "second", "below/": "below"} {
		ids[path] = map[string]string{}
		for _, name := range strings.Fields(names) {
			ids[path][name] = name
		}
	}
	for signed, want := range map[string][]string{"": {"deep/", "last/", "sub/"},
		"second": {"below/", "deep/", "last/", "sub/"}} {
		got := slices.Sorted(slices.Values(s.descendants(t.Context(), nil, ids, map[string]bool{signed: true})))
		if !slices.Equal(got, want) {
			t.Errorf("signed for a partner by %q: of ours are %q, want %q", signed, got, want)
		}
	}
}
