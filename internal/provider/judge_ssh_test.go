// SPDX-License-Identifier: MPL-2.0

//go:build unix

package provider_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// operator is somebody at the partner's with an SSH key, and the certificates for it that came from us.
type operator struct {
	name, key, public string
}

func newOperator(t *testing.T, j *judged, name string) *operator {
	t.Helper()
	public, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(secret, "")
	if err != nil {
		t.Fatal(err)
	}
	line, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return &operator{name, j.save("id_"+rand.Text(), string(pem.EncodeToMemory(block))),
		strings.TrimSpace(string(ssh.MarshalAuthorizedKey(line)))}
}

func (o *operator) blocks(j *judged, identity, credential args) string {
	return j.identity(o.name, identity) +
		j.credential(o.name, "ssh_certificate", `{ public_key = "`+o.public+`" }`, credential)
}

// certificate is a file with the certificate that was last issued.
func (o *operator) certificate(j *judged) string {
	j.t.Helper()
	return j.save(rand.Text()+"-cert.pub", j.attribute("partner_credential."+o.name+"-ssh_certificate", "issued")+"\n")
}

// login is one way into a server.
type login struct {
	by          *operator
	certificate string
	as          string
}

// shells are an SSH server that admits by what is published, and servers without one of its protections each.
type shells struct {
	t *testing.T
	published,
	unrevoked, // has no RevokedKeys
	unbound *realtool.SSHD // has no RevokedKeys, and lets every principal that it knows into every login, for ever
}

func newShells(t *testing.T, j *judged, principals ...string) *shells {
	t.Helper()
	conf := realtool.SSHDConf{
		TrustedUserCAKeys: j.published("ssh/ca.pub"), RevokedKeys: j.published("ssh/revoked_keys"),
		AuthorizedPrincipalsFile: j.published("ssh/principals") + "/%u",
		Logins:                   []string{"deploy", "backup", "support", "tunnel", "root"},
	}
	s := &shells{t: t, published: realtool.StartSSHD(t, conf)}
	conf.RevokedKeys = ""
	s.unrevoked = realtool.StartSSHD(t, conf)
	conf.AuthorizedPrincipalsFile = j.save("everybody", strings.Join(principals, "\n")+"\n")
	s.unbound = realtool.StartSSHD(t, conf)
	return s
}

// admits asks one server.
func (s *shells) admits(t *testing.T, server *realtool.SSHD, l login) bool {
	t.Helper()
	out, err := server.Run(t, l.as, l.by.key, l.certificate, "echo in")
	if err == nil && out != "in\n" {
		t.Fatalf("the login %s gives %q", l.as, out)
	}
	return err == nil
}

// want asks all three.
func (s *shells) want(t *testing.T, when string, l login, published, unrevoked, unbound bool) {
	t.Helper()
	for _, server := range []struct {
		what string
		*realtool.SSHD
		want bool
	}{{"sshd", s.published, published}, {"sshd without RevokedKeys", s.unrevoked, unrevoked},
		{"sshd without both", s.unbound, unbound}} {
		if got := s.admits(t, server.SSHD, l); got != server.want {
			t.Errorf("%s: %s lets %s in as %s: %v, want %v", when, server.what, l.by.name, l.as, got, server.want)
		}
	}
}

// ssh runs the real client with more options, and returns what it and the other side said.
func (l login) ssh(t *testing.T, server *realtool.SSHD, args ...string) string {
	t.Helper()
	host, port, _ := strings.Cut(server.Addr, ":")
	common := []string{"-F", "none", "-p", port, "-l", l.as, "-i", l.by.key, "-o", "CertificateFile=" + l.certificate,
		"-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "StrictHostKeyChecking=no",
		"-o", "UserKnownHostsFile=" + filepath.Join(t.TempDir(), "hosts"), "-o", "GlobalKnownHostsFile=none", "-o",
		"ConnectTimeout=20"}
	cmd := exec.Command(realtool.Find(t, "ssh"),
		append(append(common, args[:len(args)-1]...), host, args[len(args)-1])...)
	out, _ := cmd.CombinedOutput() // what it says tells
	return string(out)
}

// hasTerminal says whether a login gets one.
func (l login) hasTerminal(t *testing.T, server *realtool.SSHD) bool {
	t.Helper()
	out := l.ssh(t, server, "-tt", "tty")
	has := strings.Contains(out, "/dev/")
	hasNot := strings.Contains(out, "PTY allocation request failed")
	if has == hasNot {
		t.Errorf("%s as %s: is this a terminal? %s", l.by.name, l.as, out)
	}
	return has
}

// reaches says whether a login reaches an address behind the server.
func (l login) reaches(t *testing.T, server *realtool.SSHD, address, greeting string) bool {
	t.Helper()
	out := l.ssh(t, server, "-W", address, "-v")
	has := strings.Contains(out, greeting)
	hasNot := strings.Contains(out, "administratively prohibited")
	if has == hasNot {
		t.Errorf("%s as %s: is this a way through? %s", l.by.name, l.as, out)
	}
	return has
}

// greeter is a server that only sshd's machine reaches.
func greeter(t *testing.T, greeting string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, greeting)
			_ = c.Close()
		}
	}()
	return l.Addr().String()
}

func TestSSHDAdmitsWhatIsGrantedUntilItsEnd(t *testing.T) {
	t.Parallel()
	j := newJudged(t)
	here := args{"allowed_cidrs": `["127.0.0.0/8"]`}
	orders := newOperator(t, j, "orders-etl")
	elsewhere := newOperator(t, j, "elsewhere")
	brief := newOperator(t, j, "brief-visit")
	deploy := j.grant("orders-etl", "deploy", "ssh/deploy", `["login"]`, nil)
	base := func(orders *operator, credential args, grants ...string) string {
		return orders.blocks(j, nil, credential) + strings.Join(grants, "") +
			j.grant("orders-etl", "support", "ssh/support", `["login-pty"]`, nil) +
			j.grant("orders-etl", "tunnel", "ssh/tunnel", `["login-forward"]`, nil) +
			elsewhere.blocks(j, nil, nil) + j.grant("elsewhere", "deploy", "ssh/deploy", `["login"]`, nil)
	}

	j.apply(base(orders, here, deploy))
	s := newShells(t, j, "acme/prod/orders-etl", "acme/prod/elsewhere", "acme/prod/brief-visit")
	first := orders.certificate(j)
	in := func(as string) login { return login{orders, first, as} }
	s.want(t, "granted", in("deploy"), true, true, true)
	s.want(t, "not granted", in("backup"), false, false, true)
	s.want(t, "not granted", in("root"), false, false, true)
	// Its certificate is good for 203.0.113.0/24 only; every server reads that from the certificate itself, and for
	// 127.0.0.0/8 the same line of the same file lets the other one in.
	s.want(t, "from another network", login{elsewhere, elsewhere.certificate(j), "deploy"}, false, false, false)

	j.phase("terminals and forwarding", func(t *testing.T) {
		for as, want := range map[string]bool{"deploy": false, "support": true, "tunnel": false} {
			if got := in(as).hasTerminal(t, s.published); got != want {
				t.Errorf("%s has a terminal: %v, want %v", as, got, want)
			}
		}
		address := greeter(t, "welcome behind")
		for as, want := range map[string]bool{"deploy": false, "support": false, "tunnel": true} {
			if got := in(as).reaches(t, s.published, address, "welcome behind"); got != want {
				t.Errorf("%s forwards: %v, want %v", as, got, want)
			}
		}
		if !in("deploy").hasTerminal(t, s.unbound) || !in("deploy").reaches(t, s.unbound, address, "welcome behind") {
			t.Error("where the principals are not restricted there should be a terminal and a way through")
		}
	})

	j.phase("ended", func(t *testing.T) {
		end := j.shortly()
		j.apply(base(orders, here, deploy),
			j.grant("orders-etl", "backup", "ssh/backup", `["login"]`, args{"expires_at": stamp(end)}),
			brief.blocks(j, nil, args{"allowed_cidrs": here["allowed_cidrs"], "expires_at": stamp(end)}),
			j.grant("brief-visit", "deploy", "ssh/deploy", `["login"]`, nil))
		short := login{brief, brief.certificate(j), "deploy"}
		on := func(server *realtool.SSHD, l login) func() bool {
			return func() bool { return s.admits(t, server, l) }
		}
		endByThemselves(t,
			ending{"the grant", end, on(s.published, in("backup"))},
			ending{"the certificate", end, on(s.published, short)},
			ending{"the certificate, without principals and RevokedKeys", end, on(s.unbound, short)},
		)
		s.want(t, "after the end of the grant", in("backup"), false, false, true)
		s.want(t, "another grant", in("deploy"), true, true, true)

		// What was refused was the end of the certificate: under the same grant, one that ends later is admitted.
		later := stamp(j.began.Add(20 * day))
		review := `{ at = ` + stamp(time.Now().Add(-time.Hour)) +
			`, by = "jane.doe@example.com", reason = "Still feeds the ERP" }`
		j.apply(base(orders, here, deploy),
			brief.blocks(j, nil, args{"allowed_cidrs": here["allowed_cidrs"], "expires_at": later, "review": review}),
			j.grant("brief-visit", "deploy", "ssh/deploy", `["login"]`, nil))
		s.want(t, "renewed", login{brief, brief.certificate(j), "deploy"}, true, true, true)
		s.want(t, "the ended certificate of the renewed", short, false, false, false)
	})

	j.phase("grant removed", func(t *testing.T) {
		j.apply(base(orders, here))
		s.want(t, "no grant", in("deploy"), false, false, true)
		s.want(t, "another grant", in("support"), true, true, true)
		j.apply(base(orders, here, deploy))
		s.want(t, "granted again", in("deploy"), true, true, true)
	})

	j.phase("certificate revoked", func(t *testing.T) {
		stolen := args{"allowed_cidrs": here["allowed_cidrs"], "revoke_issued_before": stamp(time.Now())}
		j.apply(base(orders, stolen, deploy))
		second := orders.certificate(j)
		s.want(t, "revoked", in("deploy"), false, true, true)
		s.want(t, "issued after the revocation", login{orders, second, "deploy"}, true, true, true)
		revoked(t, j, first, true)
		revoked(t, j, second, false)

		anew := newOperator(t, j, "orders-etl")
		j.apply(base(anew, stolen, deploy))
		third := anew.certificate(j)
		s.want(t, "another key was given", login{orders, second, "deploy"}, false, true, true)
		s.want(t, "with the other key", login{anew, third, "deploy"}, true, true, true)
		revoked(t, j, second, true)
		revoked(t, j, third, false)

		j.destroy()
		s.want(t, "destroyed", login{anew, third, "deploy"}, false, false, true)
		revoked(t, j, third, true)
		if left, _ := filepath.Glob(j.published("ssh/principals/*")); len(left) > 0 {
			t.Errorf("destroyed, and sshd still reads %v", left)
		}
	})
}

// revoked asks ssh-keygen about a certificate.
func revoked(t *testing.T, j *judged, certificate string, want bool) {
	t.Helper()
	out, _ := run(realtool.Find(t, "ssh-keygen"), "-Q", "-f", j.published("ssh/revoked_keys"), certificate)
	if got := strings.Contains(out, "REVOKED"); got != want || out == "" {
		t.Errorf("ssh-keygen -Q says %q; revoked should be %v", strings.TrimSpace(out), want)
	}
}
