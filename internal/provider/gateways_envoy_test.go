// SPDX-License-Identifier: MPL-2.0

//go:build unix

package provider_test

import (
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// Envoy reads the same files as nginx, each time that one of them is renamed, and its TLS is not OpenSSL's: it, too,
// takes the newest list of a certificate's identity after a cut by hand.
func TestTheEnvoyExampleAdmitsUntilTheCut(t *testing.T) {
	t.Parallel()
	j := newJudged(t)
	w := newWorkload(t, "stock-feed", newKey(t), nil)
	other := newWorkload(t, "other", newKey(t), nil)
	stays := newWorkload(t, "stays", newKey(t), nil)
	globex := args{"partner": `"globex"`}
	j.apply(w.blocks(j, nil, nil), other.blocks(j, globex, nil), stays.blocks(j, globex, nil))

	behind := newBehind(t)
	address := "127.0.0.1:" + freePort(t)
	_, port, _ := strings.Cut(address, ":")
	_, behindPort, _ := strings.Cut(strings.TrimPrefix(behind.URL, "http://"), ":")
	folder := filepath.Dir(j.save("envoy/server.pem", ""))
	server := filepath.Join(folder, "server.pem")
	trusted := serverKeyPair(t, server)
	secret := j.save("envoy/partners.yaml", example(t, "envoy/partners.yaml", "/srv/partner/publish", j.published("")))
	config := example(t, "envoy/envoy.yaml", "0.0.0.0, port_value: 443", "127.0.0.1, port_value: "+port,
		"/etc/envoy/tls/server.pem", server,
		"/etc/envoy/tls/server.key", server, "/etc/envoy/partners.yaml", secret, "port_value: 8080",
		"port_value: "+behindPort, "600s", "1s")
	run := func(name, config string) {
		background(t, exec.Command(realtool.Find(t, "envoy"), "-c", j.save(name, config), "--concurrency", "1",
			"--use-dynamic-base-id", "-l", "error"))
	}
	run("envoy/envoy.yaml", config)
	balancedPort := freePort(t)
	run("envoy/balanced.yaml", uncommented(t,
		"listener_filters|  - name: envoy.filters.listener|    typed_config.*listener",
		strings.Replace(config, "port_value: "+port, "port_value: "+balancedPort, 1)))
	admits := func(c *tls.Certificate) bool { return newConnection(address, trusted, c, "h2").admits() }

	eventually(t, "Envoy lets in what is declared", func() bool {
		status, err := newConnection(address, trusted, w.presents(j), "http/1.1").ask("X-Forwarded-Client-Cert",
			"X-Ip: 10.9.9.9", "X-Forwarded-For: 10.9.9.9",
			"X.Ip", "X.Forwarded.Client.Cert", "X.Forwarded.Client-Cert", "X.Forwarded-Client.Cert",
			"X.Forwarded-Client-Cert",
			"X-Forwarded.Client.Cert", "X-Forwarded.Client-Cert", "X-Forwarded-Client.Cert", "X-Other.Header")
		return err == nil && status == http.StatusOK
	})
	hash := fmt.Sprintf("%x", sha256.Sum256(w.issued(j)[0]))
	_, h := behind.took()
	if ip := h.Values("X-Ip"); len(ip) != 1 || ip[0] != "127.0.0.1" {
		t.Errorf("the server behind is told of the client's address %q", ip)
	}
	for name := range h {
		if strings.Contains(name, ".") && name != "X-Other.header" {
			t.Errorf("the server behind is told by the client what to many servers is another header: %s", name)
		}
	}
	if h.Get("X-Other.header") == "" {
		t.Error("no header with a dot arrives: this proves nothing")
	}
	if said := strings.Join(h.Values("X-Forwarded-Client-Cert"),
		"; "); said != "Hash="+hash+`;Subject="CN=acme/prod/stock-feed"` {
		t.Errorf("the server behind is told %s, and the certificate's SHA-256 is %s", said, hash)
	}
	if status, err := newConnection(address, trusted, w.presents(j),
		"http/1.1").ask("X_Forwarded_Client_Cert"); err != nil || status != http.StatusBadRequest {
		t.Errorf("a header that is the same to many servers: %d, %v", status, err)
	}
	resumesNothing(t, address, trusted, w.presents(j))
	for _, c := range []proxied{{theBalancer, "198.51.100.7", 200, "198.51.100.7"},
		{theBalancer, "2001:db8::7", 200, "2001:db8::7"}, {theBalancer, "", 0, ""}} {
		c.check(t, "127.0.0.1:"+balancedPort, trusted, w.presents(j), behind)
	}
	if admits(stranger(t, "acme/prod/stock-feed")) {
		t.Error("a stranger with the partner's name is let in")
	}

	opened := map[string]*connection{}
	for _, protocol := range []string{"http/1.1", "h2"} {
		opened[protocol] = newConnection(address, trusted, w.presents(j), protocol)
		if !opened[protocol].isKeptOpen() {
			t.Errorf("a connection of %s is not kept open: this proves nothing", protocol)
		}
	}
	cut := w.presents(j)
	for _, id := range []string{"acme/prod/stock-feed", "globex/prod/other"} { // each adds a list
		if out, err := exec.Command("sh", j.published("cut.sh"), id).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	eventually(t, "Envoy refuses what was cut by hand",
		func() bool { return !admits(cut) && !admits(other.presents(j)) })
	for protocol, c := range opened {
		eventually(t, "Envoy ends what was open, "+protocol, func() bool { return !c.admits() })
	}
	if !admits(stays.presents(j)) {
		t.Error("with them somebody else was cut")
	}
	revoked := stays.presents(j)
	j.apply(w.blocks(j, nil, nil))
	eventually(t, "Envoy refuses what was revoked", func() bool { return !admits(revoked) })
}
