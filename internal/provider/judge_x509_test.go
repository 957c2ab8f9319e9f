// SPDX-License-Identifier: MPL-2.0

//go:build unix

package provider_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// workload is a partner's program that has a key, and a certificate for it from us.
type workload struct {
	name string
	key  crypto.Signer
	csr  string
}

func newWorkload(t *testing.T, name string, key crypto.Signer, err error) *workload {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	// The partner asks for another name than it gets.
	der, err := x509.CreateCertificateRequest(rand.Reader,
		&x509.CertificateRequest{DNSNames: []string{"admin.example.com"}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return &workload{name, key, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))}
}

// blocks are the workload's identity and its certificate.
func (w *workload) blocks(j *judged, identity, certificate args) string {
	return j.identity(w.name, identity) +
		j.credential(w.name, "certificate", fmt.Sprintf("{ csr = %q }", w.csr), certificate)
}

func (w *workload) address() string { return "partner_credential." + w.name + "-certificate" }

// issued is the chain that the state has, the leaf first.
func (w *workload) issued(j *judged) (chain [][]byte) {
	j.t.Helper()
	for block, rest := pem.Decode([]byte(j.attribute(w.address(),
		"issued"))); block != nil; block, rest = pem.Decode(rest) {
		chain = append(chain, block.Bytes)
	}
	return chain
}

// presents is what the workload shows to a server.
func (w *workload) presents(j *judged) *tls.Certificate {
	j.t.Helper()
	return &tls.Certificate{Certificate: w.issued(j), PrivateKey: w.key}
}

// leaf is a file with the certificate alone.
func (w *workload) leaf(j *judged) string {
	j.t.Helper()
	return j.save(w.name+".pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.issued(j)[0]})))
}

// gate is a server that admits by what is published, and the same server without its revocation list: what only the
// list keeps out, the second one lets in.
type gate struct {
	j                *judged
	listed, unlisted *realtool.Nginx
}

func newGate(j *judged) *gate {
	j.t.Helper()
	ca := j.published("ca.pem")
	return &gate{
		j:        j,
		listed:   realtool.StartNginx(j.t, realtool.NginxConf{ClientCA: ca, CRL: j.published("crl.pem")}),
		unlisted: realtool.StartNginx(j.t, realtool.NginxConf{ClientCA: ca}),
	}
}

func (g *gate) reload() {
	g.j.t.Helper()
	g.listed.Reload(g.j.t)
	g.unlisted.Reload(g.j.t)
}

// admits asks both servers.
func (g *gate) admits(c *tls.Certificate) (listed, unlisted bool) {
	g.j.t.Helper()
	with, _ := g.listed.Get(g.j.t, c)
	without, _ := g.unlisted.Get(g.j.t, c)
	return with == 200, without == 200
}

// openssl verifies a certificate with the published authority and list, and more options.
func openssl(t *testing.T, j *judged, leaf string, more ...string) (string, bool) {
	t.Helper()
	args := append([]string{"verify", "-CAfile", j.published("ca.pem"), "-CRLfile", j.published("crl.pem"), "-purpose",
		"sslclient"}, more...)
	return run(realtool.Find(t, "openssl"), append(args, leaf)...)
}

func TestNginxAndOpenSSLAdmitACertificateUntilItsEnd(t *testing.T) {
	t.Parallel()
	j := newJudged(t)
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	orders := newWorkload(t, "orders-etl", p256, err)
	rsa3072, err := rsa.GenerateKey(rand.Reader, 3072)
	legacy := newWorkload(t, "legacy-erp", rsa3072, err)
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	modern := newWorkload(t, "modern-erp", edwards, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	brief := newWorkload(t, "brief-visit", p384, err)
	all := []*workload{orders, legacy, modern}
	lasting := func(ordersIs args) string {
		return orders.blocks(j, ordersIs, nil) + legacy.blocks(j, nil, nil) + modern.blocks(j, nil, nil)
	}

	j.apply(lasting(nil))
	g := newGate(j)
	first := map[string]*tls.Certificate{}
	serials := map[string]bool{}
	for _, w := range all {
		first[w.name] = w.presents(j)
		if status, subject := g.listed.Get(t, first[w.name]); status != 200 || subject != "CN=acme/prod/"+w.name {
			t.Errorf("%s: nginx says %d %s", w.name, status, subject)
		}
		if out, ok := openssl(t, j, w.leaf(j), "-crl_check"); !ok {
			t.Errorf("%s: openssl verify: %s", w.name, out)
		}
		saysWhoItIs(t, j, w, serials)
		lint(t, w.leaf(j))
	}
	lint(t, j.published("ca.pem"))
	if status, _ := g.listed.Get(t, nil); status != 400 {
		t.Errorf("without a certificate nginx says %d", status)
	}

	j.phase("suspended and resumed", func(t *testing.T) {
		j.apply(lasting(args{"suspended": "true"}))
		g.reload()
		if listed, unlisted := g.admits(first["orders-etl"]); listed || !unlisted {
			t.Errorf("suspended: nginx admits %v, and without ssl_crl %v; want false, true", listed, unlisted)
		}
		if listed, _ := g.admits(first["legacy-erp"]); !listed {
			t.Error("the suspension of one identity cut another")
		}
		if out, ok := openssl(t, j, orders.leaf(j), "-crl_check"); ok || !strings.Contains(out, "certificate revoked") {
			t.Errorf("suspended: openssl verify -crl_check: %s", out)
		}
		out, _ := run(realtool.Find(t, "openssl"), "crl", "-in", j.published("crl.pem"), "-noout", "-text")
		if strings.Count(out, "Serial Number:") != 1 || !strings.Contains(out, "Certificate Hold") {
			t.Errorf("the list should have one entry, on hold:\n%s", out)
		}
		j.apply(lasting(nil))
		g.reload()
		if listed, _ := g.admits(first["orders-etl"]); !listed {
			t.Error("resumed: nginx does not admit the certificate that it admitted before")
		}
		if out, ok := openssl(t, j, orders.leaf(j), "-crl_check"); !ok {
			t.Errorf("resumed: openssl verify -crl_check: %s", out)
		}
	})

	j.phase("ended", func(t *testing.T) {
		end := j.shortly()
		j.apply(lasting(nil), brief.blocks(j, args{"expires_at": stamp(end)}, args{"expires_at": stamp(end)}))
		certificate := brief.presents(j)
		leaf := brief.leaf(j)
		lint(t, leaf)
		with := func(more ...string) func() bool {
			return func() bool { _, ok := openssl(t, j, leaf, more...); return ok }
		}
		// Nobody reloads anything: nginx knows the list without it.
		endByThemselves(t,
			ending{"nginx", end, func() bool { listed, _ := g.admits(certificate); return listed }},
			ending{"nginx without ssl_crl", end, func() bool { _, unlisted := g.admits(certificate); return unlisted }},
			ending{"openssl verify -crl_check", end, with("-crl_check")},
		)
		if out, _ := openssl(t, j, leaf, "-crl_check"); !strings.Contains(out, "certificate has expired") {
			t.Errorf("openssl verify: %s", out)
		}
		if !with("-crl_check", "-no_check_time")() {
			t.Error("openssl refuses the ended certificate also where it does not look at the time: it was not the " +
				"end that ended it")
		}
	})

	j.phase("destroyed", func(t *testing.T) {
		older, err := os.ReadFile(j.published("crl.pem"))
		if err != nil {
			t.Fatal(err)
		}
		leaves := map[string]string{}
		for _, w := range all {
			leaves[w.name] = w.leaf(j)
		}
		j.destroy()
		g.reload()
		old := j.save("older.pem", string(older))
		for _, w := range all {
			if listed, unlisted := g.admits(first[w.name]); listed || !unlisted {
				t.Errorf("%s: nginx admits %v, and without ssl_crl %v; want false, true", w.name, listed, unlisted)
			}
			if out, ok := openssl(t, j, leaves[w.name], "-crl_check"); ok ||
				!strings.Contains(out, "certificate revoked") {
				t.Errorf("%s: openssl verify -crl_check: %s", w.name, out)
			}
			if out, ok := openssl(t, j, leaves[w.name]); !ok {
				t.Errorf("%s: openssl verify without a look at the list: %s", w.name, out)
			}
			if out, ok := run(realtool.Find(t, "openssl"), "verify", "-CAfile", j.published("ca.pem"), "-CRLfile", old,
				"-crl_check", leaves[w.name]); !ok {
				t.Errorf("%s: openssl verify with the list of before: %s", w.name, out)
			}
		}
	})
}

// saysWhoItIs checks the names, the serial and the use that a certificate is for.
func saysWhoItIs(t *testing.T, j *judged, w *workload, serials map[string]bool) {
	t.Helper()
	leaf, err := x509.ParseCertificate(w.issued(j)[0])
	if err != nil {
		t.Fatal(err)
	}
	id := "acme/prod/" + w.name
	if leaf.Subject.String() != "CN="+id ||
		len(leaf.URIs) != 1 ||
		leaf.URIs[0].String() != "partner:"+id {
		t.Errorf("%s: subject %s, URIs %v", w.name, leaf.Subject, leaf.URIs)
	}
	if len(leaf.DNSNames)+len(leaf.EmailAddresses)+len(leaf.IPAddresses) > 0 {
		t.Errorf("%s: it has names that only the partner's request asks for: %v", w.name, leaf.DNSNames)
	}
	// 128 random bits of which the first eight are not all zero.
	if n := leaf.SerialNumber.BitLen(); n <= 120 || n > 128 || serials[leaf.SerialNumber.String()] {
		t.Errorf("%s: serial %x of %d bits, or not the only one", w.name, leaf.SerialNumber, n)
	}
	serials[leaf.SerialNumber.String()] = true
	if got := j.attribute(w.address(), "serial"); got != fmt.Sprintf("%032x", leaf.SerialNumber) {
		t.Errorf("%s: the state says the serial is %s", w.name, got)
	}
	if leaf.KeyUsage != x509.KeyUsageDigitalSignature ||
		len(leaf.ExtKeyUsage) != 1 ||
		leaf.ExtKeyUsage[0] != x509.ExtKeyUsageClientAuth ||
		leaf.IsCA {
		t.Errorf("%s: key usage %v, %v, CA %v", w.name, leaf.KeyUsage, leaf.ExtKeyUsage, leaf.IsCA)
	}
	if end := j.began.Add(20 * day).Truncate(time.Second); !leaf.NotAfter.Equal(end) {
		t.Errorf("%s: it ends at %s, want %s", w.name, leaf.NotAfter, end)
	}
	out, _ := run(realtool.Find(t, "openssl"), "x509", "-in", w.leaf(j), "-noout", "-ext", "subjectAltName")
	if !strings.Contains(out, "URI:partner:"+id+"\n") {
		t.Errorf("%s: openssl reads %s", w.name, out)
	}
}

// lintStays are the warnings of zlint that stay, each with its reason.
var lintStays = map[string]string{
	"w_distribution_point_missing_ldap_or_uri": "nothing is fetched: it ties a certificate to " +
		"the lists that cut.sh adds",
	"w_root_ca_basic_constraints_path_len_constraint_field_present": "for public roots only: ours signs leaves and " +
		"nothing else",
}

// lint fails the test at every finding of zlint that is a warning or worse.
func lint(t *testing.T, certificate string) {
	t.Helper()
	out, ok := run(realtool.Find(t, "zlint"), certificate)
	var results map[string]struct{ Result, Details string }
	if err := json.Unmarshal([]byte(out), &results); !ok || err != nil || len(results) < 15 {
		t.Fatalf("zlint said %q: %v", out, err)
	}
	for name, r := range results {
		switch r.Result {
		case "error", "fatal", "warn":
			if lintStays[name] == "" {
				t.Errorf("zlint: %s: %s: %s %s", certificate, r.Result, name, r.Details)
			}
		}
	}
}
