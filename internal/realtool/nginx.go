// SPDX-License-Identifier: MPL-2.0

package realtool

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// NginxConf names the published files that nginx admits clients by.
type NginxConf struct {
	ClientCA string // ssl_client_certificate
	CRL      string // ssl_crl; none when empty
}

// Nginx is a running TLS server that asks for a client certificate and answers with the subject of the one it admitted.
type Nginx struct {
	Addr  string         // 127.0.0.1:port
	Roots *x509.CertPool // trusts the server's own certificate

	server *server
	socket string // plain HTTP, tells the worker's process id
}

// StartNginx starts nginx until the end of the test. nginx reads its files now and at Reload only.
func StartNginx(t testing.TB, conf NginxConf) *Nginx {
	t.Helper()
	return startNginx(t, "nginx", conf.block)
}

// StartNginxOf starts one of the versions that scripts/tools gets, with a configuration of the http context: where
// listens is what to listen on, and server.pem and server.key in dir are the server's own.
func StartNginxOf(t testing.TB, version string, http func(listens, dir string) string) *Nginx {
	t.Helper()
	return startNginx(t, version, http)
}

// startNginx starts an nginx on a free address. It is up once a worker answers on its own socket, which says the
// worker's process id: a reload is done when that is another one.
func startNginx(t testing.TB, version string, http func(addr, dir string) string) *Nginx {
	t.Helper()
	program := Find(t, version)
	dir := shortTempDir(t)
	n := &Nginx{socket: filepath.Join(dir, "s"), Roots: serverCertificate(t, dir)}
	begin := func(addr string) *server {
		file := write(t, filepath.Join(dir, "nginx.conf"), n.config(t, dir, http(addr, dir)))
		_ = os.Remove(n.socket) // of an attempt before
		log := filepath.Join(dir, "error.log")
		args := []string{"-p", dir, "-c", file}
		if version == "nginx" {
			args = append(args, "-e", log) // since 1.19.5: before, the compiled-in file is tried first
		}
		return start(t, exec.Command(program, args...), log)
	}
	n.server, n.Addr = startOnFreeAddr(t, begin, func(string) bool { return n.worker() != "" })
	return n
}

// block returns a server that only tells who it admitted.
func (conf NginxConf) block(addr, dir string) string {
	crl := ""
	if conf.CRL != "" {
		crl = fmt.Sprintf("ssl_crl %q;", conf.CRL)
	}
	return fmt.Sprintf(`access_log off;
	server {
		listen %[2]s ssl;
		ssl_certificate %[1]s/server.pem;
		ssl_certificate_key %[1]s/server.key;
		ssl_client_certificate %[3]q;
		%[4]s
		ssl_verify_client on;
		return 200 $ssl_client_s_dn;
	}`, dir, addr, conf.ClientCA, crl)
}

// config returns the whole configuration around the part that a test is about. Everything that nginx writes is in a
// directory of the test's.
func (n *Nginx) config(t testing.TB, dir, http string) string {
	t.Helper()
	return fmt.Sprintf(`daemon off;
error_log %[2]s/error.log;
%[1]s
worker_processes 1;
worker_shutdown_timeout 1s;
pid %[2]s/pid;
events {}
http {
	client_body_temp_path %[2]s/body;
	proxy_temp_path %[2]s/proxy;
	fastcgi_temp_path %[2]s/fastcgi;
	uwsgi_temp_path %[2]s/uwsgi;
	scgi_temp_path %[2]s/scgi;
	default_type text/plain;
	server {
		listen unix:%[3]s;
		access_log off;
		return 200 $pid;
	}
	%[4]s
}
`, workerUser(t), dir, n.socket, http)
}

// workerUser keeps the workers of a root's nginx root, or they could not read the test's files.
func workerUser(t testing.TB) string {
	t.Helper()
	if os.Getuid() != 0 {
		return ""
	}
	group, err := user.LookupGroupId("0")
	if err != nil {
		t.Fatal(err)
	}
	return "user root " + group.Name + ";"
}

// worker returns the process id of the worker that answers now; empty when none does.
func (n *Nginx) worker() string {
	client := &http.Client{Timeout: patience, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", n.socket)
		},
	}}
	resp, err := client.Get("http://worker/")
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	pid, err := io.ReadAll(resp.Body)
	if err != nil {
		return ""
	}
	return string(pid)
}

// Reload makes nginx read its files again, and returns when no worker with the old ones is left.
func (n *Nginx) Reload(t testing.TB) {
	t.Helper()
	old := n.worker()
	var pid int
	if _, err := fmt.Sscan(old, &pid); err != nil {
		t.Fatalf("nginx does not answer before its reload: %v", err)
	}
	if err := n.server.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatalf("reload nginx: %v", err)
	}
	gone := func() bool { return syscall.Kill(pid, 0) != nil }
	if !n.server.until(func() bool { return gone() && n.worker() != old }) {
		t.Fatalf("nginx did not take its files at reload; it said:\n%s", n.server.said())
	}
}

// Get asks as a client with this certificate, nil for none: 200 and the subject when nginx admits it, else 400 and why.
func (n *Nginx) Get(t testing.TB, certificate *tls.Certificate) (status int, body string) {
	t.Helper()
	return n.Ask(t, certificate, http.MethodGet, "/")
}

// Ask asks for a path, as it stands here, as a client with this certificate, nil for none.
func (n *Nginx) Ask(t testing.TB, certificate *tls.Certificate, method, path string) (status int, body string) {
	t.Helper()
	trust := &tls.Config{RootCAs: n.Roots, MinVersion: tls.VersionTLS12}
	if certificate != nil {
		trust.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return certificate, nil
		}
	}
	client := &http.Client{Timeout: patience,
		Transport: &http.Transport{TLSClientConfig: trust, DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(context.Background(), method, "https://"+n.Addr+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.URL.Opaque = "//" + n.Addr + path // else Go would write the path in its own way
	resp, err := client.Do(req)
	if err != nil {
		t.Fatalf("ask nginx: %v", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("ask nginx: %v", err)
	}
	return resp.StatusCode, strings.TrimSpace(string(text))
}

// serverCertificate writes server.pem and server.key, and returns a pool that trusts them.
func serverCertificate(t testing.TB, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "gateway"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	write(t, filepath.Join(dir, "server.pem"), string(public))
	write(t, filepath.Join(dir, "server.key"),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(public)
	return pool
}

// shortTempDir returns a folder for sockets, whose path may have some 100 characters only; a test's
// own folder can be longer.
func shortTempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "rt")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
