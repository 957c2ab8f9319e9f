// SPDX-License-Identifier: MPL-2.0

package realtool

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// SSHDConf names the published files that sshd admits users by.
type SSHDConf struct {
	TrustedUserCAKeys        string   // file
	RevokedKeys              string   // file; none when empty
	AuthorizedPrincipalsFile string   // file, with %u for the login
	Logins                   []string // login names that exist on this server

	Version string // one that scripts/tools gets; sshd when empty
	Home    string // of every login; a folder of its own when empty. With it, StrictModes is on for files in there.
	Zone    string // the time zone that it runs in; the machine's when empty
	More    string // lines after these
}

// SSHD is a running OpenSSH server. It reads its files anew for every login.
type SSHD struct {
	Addr string // 127.0.0.1:port

	server *server
	dir    string // known_hosts
}

// StartSSHD starts sshd until the end of the test, as no user of the machine: it has only the logins of conf, all of
// them the user who runs the test, and cannot become another.
func StartSSHD(t testing.TB, conf SSHDConf) *SSHD {
	t.Helper()
	program := Find(t, cmp.Or(conf.Version, "sshd"))
	wrapper := nssWrapper(t)
	s := &SSHD{dir: t.TempDir()}
	s.hostKey(t)
	env := append(os.Environ(),
		"LD_PRELOAD="+wrapper,
		"NSS_WRAPPER_PASSWD="+s.passwd(t, conf),
		"TZ="+cmp.Or(conf.Zone, os.Getenv("TZ"), "UTC"),
		"NSS_WRAPPER_GROUP="+write(t, s.path("group"), fmt.Sprintf("partners:x:%d:\n", sshdID())),
	)
	begin := func(addr string) *server {
		file := write(t, s.path("sshd_config"), s.config(conf, addr))
		cmd := exec.Command(program, "-D", "-e", "-f", file)
		cmd.Env = env
		cmd.SysProcAttr = unprivileged()
		return start(t, cmd, s.path("sshd.log"))
	}
	s.server, s.Addr = startOnFreeAddr(t, begin, greets)
	host, port, _ := strings.Cut(s.Addr, ":")
	public, err := os.ReadFile(s.path("host_key.pub"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, s.path("known_hosts"), fmt.Sprintf("[%s]:%s %s", host, port, public))
	return s
}

func (s *SSHD) path(name string) string { return filepath.Join(s.dir, name) }

// Said returns what the server has logged so far.
func (s *SSHD) Said() string { return s.server.said() }

// config turns StrictModes off where a test's files lie below a temporary folder that everybody may write to.
func (s *SSHD) config(conf SSHDConf, addr string) string {
	lines := []string{
		"ListenAddress " + addr,
		"HostKey " + s.path("host_key"),
		"PidFile none",
		"StrictModes " + map[bool]string{true: "no", false: "yes"}[conf.Home == ""],
		"UsePAM no",
		"AuthenticationMethods publickey",
		"AuthorizedKeysFile none",
		"LogLevel VERBOSE",
		fmt.Sprintf("TrustedUserCAKeys %q", conf.TrustedUserCAKeys),
		fmt.Sprintf("AuthorizedPrincipalsFile %q", conf.AuthorizedPrincipalsFile),
	}
	if conf.RevokedKeys != "" {
		lines = append(lines, fmt.Sprintf("RevokedKeys %q", conf.RevokedKeys))
	}
	if conf.Version == "" {
		lines = append(lines, s.sessionPrograms()...)
	}
	return strings.Join(append(lines, conf.More), "\n") + "\n"
}

// sessionPrograms names the unpacked helpers of OpenSSH 9.8 and later, whose place is else compiled in.
func (s *SSHD) sessionPrograms() []string {
	var lines []string
	for keyword, name := range map[string]string{"SshdSessionPath": "sshd-session", "SshdAuthPath": "sshd-auth"} {
		path := filepath.Join(repository(), ".tools", "debian", "usr", "lib", "openssh", name)
		if executable(path) {
			lines = append(lines, keyword+" "+path)
		}
	}
	return lines
}

// hostKey makes the key by which clients know the server.
func (s *SSHD) hostKey(t testing.TB) {
	t.Helper()
	cmd := exec.Command(Find(t, "ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", s.path("host_key"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make a host key: %v\n%s", err, out)
	}
}

// passwd writes a user database of the logins that a test needs, and returns its path.
func (s *SSHD) passwd(t testing.TB, conf SSHDConf) string {
	t.Helper()
	var text strings.Builder
	for _, login := range conf.Logins {
		fmt.Fprintf(&text, "%s:x:%d:%d::%s:/bin/sh\n", login, sshdID(), sshdID(), cmp.Or(conf.Home, s.dir))
	}
	return write(t, s.path("passwd"), text.String())
}

// nssWrapper returns the library that gives sshd its own users, instead of the machine's.
func nssWrapper(t testing.TB) string {
	t.Helper()
	for _, pattern := range []string{
		filepath.Join(repository(), ".tools", "debian", "usr", "lib", "*", "libnss_wrapper.so"),
		"/usr/lib/*/libnss_wrapper.so",
		"/usr/lib64/libnss_wrapper.so",
	} {
		if found, err := filepath.Glob(pattern); err == nil && len(found) > 0 {
			return found[0]
		}
	}
	missing(t, "no libnss_wrapper.so, which gives sshd logins of its own: `make tools` gets it where there is apt-get")
	return ""
}

// greets reports whether an SSH server answers.
func greets(addr string) bool {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	defer conn.Close()
	if conn.SetReadDeadline(time.Now().Add(time.Second)) != nil {
		return false
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	return err == nil && strings.HasPrefix(line, "SSH-2.0-")
}

// Run runs a command with the real ssh, as login, with a private key file and its certificate: what the command
// printed, or an error with what ssh said when it is refused.
func (s *SSHD) Run(t testing.TB, login, key, certificate, command string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	host, port, _ := strings.Cut(s.Addr, ":")
	cmd := exec.CommandContext(ctx, Find(t, "ssh"), "-F", "none", "-T", "-n", "-p", port, "-l", login,
		"-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o",
		"PreferredAuthentications=publickey",
		"-o", "UserKnownHostsFile="+s.path("known_hosts"), "-o", "GlobalKnownHostsFile=none", "-o",
		"StrictHostKeyChecking=yes",
		"-o", "LogLevel=ERROR", "-i", key, "-o", "CertificateFile="+certificate, host, command)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", errors.Join(fmt.Errorf("ssh %s@%s: %w", login, s.Addr, err),
			errors.New(strings.TrimSpace(said.String())))
	}
	return string(out), nil
}
