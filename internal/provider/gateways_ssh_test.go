// SPDX-License-Identifier: MPL-2.0

//go:build unix

package provider_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// sshGateway is a machine with a copy of the publication and the example's sshd.
type sshGateway struct {
	t    *testing.T
	j    *judged
	home string
	*realtool.SSHD
}

// newSSHGateway starts a version of sshd with more lines and the example, some of whose texts are replaced. An older
// one goes without what it does not know.
func newSSHGateway(t *testing.T, j *judged, version, more string, replaced ...string) *sshGateway {
	t.Helper()
	g := &sshGateway{t: t, j: j, home: filepath.Join(j.folder, "gateway-"+version+fmt.Sprint(len(more)))}
	if err := os.MkdirAll(filepath.Join(g.home, "publish"), 0o755); err != nil {
		t.Fatal(err)
	}
	g.pull("--chown=root:root")
	text := example(t, "sshd/sshd_config", append(replaced, "/srv/partner", g.home)...)
	zone := ""
	if version != "" {
		zone = "Etc/GMT+9"
		// the example says so
		text = regexp.MustCompile(`(?m)^ *(ChannelTimeout|UnusedConnectionTimeout) .*$`).ReplaceAllString(text, "")
	}
	g.SSHD = realtool.StartSSHD(t, realtool.SSHDConf{
		TrustedUserCAKeys: g.file("ssh/ca.pub"), RevokedKeys: g.file("ssh/revoked_keys"),
		AuthorizedPrincipalsFile: g.file("ssh/principals/%u"),
		Logins:                   []string{"diagnose", "deploy", "exchange", lastingLogin(version)}, Version: version,
		Home: g.home,
		Zone: zone, More: more + text,
	})
	return g
}

// lastingLogin is a login that no other test uses, whose connections a test can end by the login's name.
func lastingLogin(version string) string { return "kept" + strings.ReplaceAll(version, ".", "-") }

// keeps opens a connection that lasts, and returns what a session says that is started in it.
func (g *sshGateway) keeps(l login) (starts func() string) {
	g.t.Helper()
	folder, err := os.MkdirTemp("", "cm") // a socket's path is short
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { _ = os.RemoveAll(folder) })
	host, port, _ := strings.Cut(g.Addr, ":")
	socket := filepath.Join(folder, "s")
	background(g.t, exec.Command(realtool.Find(g.t, "ssh"), "-M", "-N", "-S", socket, "-F", "none", "-p", port, "-l",
		l.as, "-i", l.by.key,
		"-o", "CertificateFile="+l.certificate, "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o",
		"IdentityAgent=none",
		"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", host))
	eventually(g.t, "a connection is open", func() bool { _, err := os.Stat(socket); return err == nil })
	return func() string {
		out, _ := run(realtool.Find(g.t, "ssh"), "-F", "none", "-S", socket, "-o", "BatchMode=yes", "-p", "9", host,
			"echo in")
		return out
	}
}

// limits runs what the timer runs, with a limit of a second for one login, until it has ended a connection.
func (g *sshGateway) limits(login string, starts func() string) {
	g.t.Helper()
	unit := example(g.t, "sshd/partner-limit.service", "/usr/local/sbin/", "../../examples/gateways/sshd/",
		"3600 diagnose deploy exchange", "1 "+login)
	line := strings.Fields(regexp.MustCompile(`(?m)^ExecStart=(.*)$`).FindStringSubmatch(unit)[1])
	eventually(g.t, "the connection is ended", func() bool {
		if out, ok := run(line[0], line[1:]...); !ok {
			g.t.Fatal(out)
		}
		return !strings.Contains(starts(), "in\n")
	})
}

// The script ended well whatever became of it: without the ps of procps, or with "1h", nothing had a
// limit, and nobody knew.
func TestTheLimitOfConnectionsFailsWhereItCannotWork(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args, ps string // what ps says
		code     int
		ends     bool
	}{
		"older, by number":             {"900 deploy", "echo PID 3600 sshd: deploy [priv]", 0, true},
		"of OpenSSH 9.8, second login": {"900 diagnose deploy", "echo PID 900 sshd-session: deploy@notty", 0, true},
		"younger, by number":           {"3600 deploy", "echo PID 900 sshd: deploy@notty", 0, false},
		"of another login":             {"0 deploy", "echo PID 900 sshd: deploy-2@notty", 0, false},
		"no connection":                {"0 deploy", "echo PID 900 vim sshd: deploy@notty", 0, false},
		"no ps that works":             {"0 deploy", "echo PID 900 sshd: deploy@notty; exit 1", 1, false},
		"has ended meanwhile": {"0 deploy",
			`case $1 in -p) exit 1 ;; esac; echo 999999999 900 sshd: deploy@notty`, 0, false},
		"cannot be ended": {"0 deploy",
			`echo 999999999 900 sshd: deploy@notty; echo PID 900 sshd: deploy@notty`, 1, true},
		"no number": {"1h deploy", "echo PID 900 sshd: deploy@notty", 2, false},
		"nothing":   {"", "", 2, false},
		"no login":  {"3600", "echo PID 900 sshd: deploy@notty", 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			connection := exec.Command("sleep", "60")
			if err := connection.Start(); err != nil {
				t.Fatal(err)
			}
			folder := t.TempDir()
			ps := strings.ReplaceAll(c.ps, "PID", fmt.Sprint(connection.Process.Pid))
			// A shell writes the program: nothing that other tests start has it open to write, so it can be run.
			if out, ok := run("sh", "-c", `printf '%s\n' '#!/bin/sh' "$1" >"$2" && chmod 700 "$2"`, "sh", ps,
				filepath.Join(folder, "ps")); !ok {
				t.Fatal(out)
			}
			cmd := exec.Command("../../examples/gateways/sshd/partner_limit.sh", strings.Fields(c.args)...)
			cmd.Env = append(os.Environ(), "PATH="+folder+":"+os.Getenv("PATH"))
			out, _ := cmd.CombinedOutput()
			_ = connection.Process.Kill() // comes after a signal that ended it
			_ = connection.Wait()
			ended := strings.Contains(connection.ProcessState.String(), "terminated")
			if code := cmd.ProcessState.ExitCode(); code != c.code ||
				ended != c.ends ||
				(len(out) > 0) != (code == 2 || name == "cannot be ended") {
				t.Errorf("exit %d, ended %v, and says %q; want %d and %v", code, ended, out, c.code, c.ends)
			}
		})
	}
}

func (g *sshGateway) file(name string) string {
	return filepath.Join(g.home, "publish", filepath.FromSlash(name))
}

// pull copies the publication as the unit does; owner is what the unit says of the owner.
func (g *sshGateway) pull(owner string) {
	g.t.Helper()
	unit := example(g.t, "sshd/partner-pull.service", "publisher.example.com::partner/publish/", g.j.published("")+"/",
		"/srv/partner", g.home, "--chown=root:root", owner)
	line := regexp.MustCompile(`(?m)^ExecStart=/usr/bin/rsync (.*)$`).FindStringSubmatch(unit)
	if line == nil {
		g.t.Fatal("the unit does not pull")
	}
	if out, ok := run(realtool.Find(g.t, "rsync"), strings.Fields(line[1])...); !ok {
		g.t.Fatal(out)
	}
}

// fetches says whether a file arrives by sftp.
func (g *sshGateway) fetches(l login) (bool, string) { return g.fetchesBy("sftp", l) }

// fetchesBy says whether a file arrives by a program: sftp, scp (which is sftp in OpenSSH 9), scp of
// before ("scp -O"), or rsync.
func (g *sshGateway) fetchesBy(program string, l login) (bool, string) {
	g.t.Helper()
	const text = "the daily orders"
	if err := os.WriteFile(filepath.Join(g.home, "orders.csv"), []byte(text), 0o600); err != nil {
		g.t.Fatal(err)
	}
	to := filepath.Join(g.t.TempDir(), "orders.csv")
	host, port, _ := strings.Cut(g.Addr, ":")
	options := []string{
		"-F", "none", "-i", l.by.key, "-o", "CertificateFile=" + l.certificate, "-o", "BatchMode=yes", "-o",
		"IdentitiesOnly=yes", "-o", "IdentityAgent=none",
		"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "Port=" + port,
	}
	ssh := realtool.Find(g.t, "ssh")
	from := l.as + "@" + host + ":" + filepath.Join(g.home, "orders.csv")
	var given []string
	switch name, flag, _ := strings.Cut(program, " "); name {
	case "rsync":
		given = []string{"--rsync-path=" + realtool.Find(g.t, "rsync"), "-e", ssh + " " + strings.Join(options, " ")}
		program = name
	default:
		options = append(options, "-S", ssh)
		if flag != "" {
			options = append(options, flag)
		}
		given, program = options, name
	}
	out, _ := run(realtool.Find(g.t, program), append(given, from, to)...)
	got, _ := os.ReadFile(to) // what did not arrive is empty
	return string(got) == text, out
}

// The example and its unit, end to end: granted, not granted, file transfer, the log of use, and a cut. sshd of before
// 9.1 refused everybody, since it cannot read an end in UTC; the pull unit kept the publisher's owner, which sshd does
// not accept; and the limit on commands broke sftp.
func TestTheSSHDExampleAdmitsWhatIsGrantedAndTransfersFiles(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"", "sshd-8.4"} {
		t.Run("sshd"+strings.TrimPrefix(version, "sshd"), func(t *testing.T) {
			t.Parallel()
			j := newJudged(t)
			who := newOperator(t, j, "stock-feed")
			log, settings := filepath.Join(j.folder, "sshd.jsonl"), ""
			if version != "" {
				settings = `, sshd_time_zone = "Etc/GMT+9"` // nine hours west
			}
			if err := os.WriteFile(log, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			end := time.Time{}
			applied := func(logins ...string) {
				text := fmt.Sprintf("provider \"partner\" {\n  environment = \"prod\"\n  embedded = { use_logs = "+
					"[%q]%s }\n}\n", log, settings) +
					who.blocks(j, nil, args{"allowed_cidrs": `["127.0.0.0/8"]`})
				for _, login := range logins {
					replaced := args{}
					if login == "deploy" {
						replaced["expires_at"] = stamp(end)
					}
					text += j.grant("stock-feed", login, "ssh/"+login, `["login"]`, replaced)
				}
				j.write(text)
				begin := time.Now()
				j.must("apply", "-no-color", "-input=false", "-auto-approve")
				j.took = time.Since(begin)
			}
			kept := lastingLogin(version)
			applied("diagnose", "exchange", kept)
			own := newSSHGateway(t, j, version, "Subsystem sftp internal-sftp\nPermitTunnel yes\n")
			certificate := who.certificate(j)
			in := func(as string) login { return login{who, certificate, as} }
			admits := func(as string) bool {
				out, err := own.Run(t, as, who.key, certificate, "echo in")
				return err == nil && out == "in\n"
			}
			if !admits("diagnose") {
				t.Error("what is granted is refused")
			}
			if admits("deploy") {
				t.Error("what is not granted is let in")
			}
			for _, c := range []struct {
				program, as string
				arrives     bool
			}{
				{"sftp", "exchange", true}, {"scp", "exchange", true}, {"scp -O", "exchange", false},
				{"rsync", "exchange", false},
				{"sftp", "diagnose", false}, {"scp", "diagnose", false}, {"rsync", "diagnose", true},
			} {
				if fetched, said := own.fetchesBy(c.program, in(c.as)); fetched != c.arrives {
					t.Errorf("a file arrives by %s as %s: %v, want %v: %s", c.program, c.as, fetched, c.arrives, said)
				}
			}
			if admits("exchange") {
				t.Error("a login for file transfer runs commands")
			}
			if said := in("diagnose").ssh(t, own.SSHD, "-v", "-w", "any",
				"true"); !strings.Contains(said, "rejected tunnel device forwarding") &&
				!strings.Contains(said, "unnel device open failed") {
				t.Errorf("a tunnel is made, unless this machine has none: %s", said)
			}
			if fetched, _ := own.fetches(in("deploy")); fetched {
				t.Error("a file arrives by a login that is not granted")
			}

			lines := useLog(t, j, own)
			if err := os.WriteFile(log, lines, 0o600); err != nil {
				t.Fatal(err)
			}
			j.must("apply", "-refresh-only", "-no-color", "-input=false", "-auto-approve")
			if at, err := time.Parse(time.RFC3339,
				j.attribute("partner_credential.stock-feed-ssh_certificate", "last_used_at")); err != nil ||
				time.Since(at) > time.Minute {
				t.Errorf("by the log it was used at %s, %v:\n%s", at, err, lines)
			}

			end = j.shortly()
			applied("diagnose", "exchange", "deploy", kept)
			own.pull("--chown=root:root")
			endByThemselves(t, ending{"the grant", end, func() bool { return admits("deploy") }})
			if !admits("diagnose") {
				t.Error("another grant ended with it")
			}
			starts := own.keeps(in(kept))
			applied("exchange")
			own.pull("--chown=root:root")
			if admits("diagnose") || admits(kept) {
				t.Error("what was cut is let in")
			}
			if said := starts(); said != "in\n" {
				t.Errorf("sshd ended a connection: then the guide is wrong, and this proves nothing: %s", said)
			}
			own.limits(kept, starts)
		})
	}
}

// sshd accepts no file that belongs to another account, and the unit copied the publisher's.
func TestThePullUnitMakesTheFilesRoots(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can give files to another account")
	}
	j := newJudged(t)
	who := newOperator(t, j, "stock-feed")
	j.apply(who.blocks(j, nil, args{"allowed_cidrs": `["127.0.0.0/8"]`}),
		j.grant("stock-feed", "diagnose", "ssh/diagnose", `["login"]`, nil),
		j.grant("stock-feed", "exchange", "ssh/exchange", `["login"]`, nil))
	g := newSSHGateway(t, j, "", "Subsystem sftp "+filepath.Join("/usr/lib/openssh", "sftp-server")+"\n", "1h /bin/sh",
		"2s /bin/sh")
	err := filepath.WalkDir(j.published(""), func(path string, _ os.DirEntry, err error) error {
		if err == nil {
			err = os.Lchown(path, 4711, 4711)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	l := login{who, who.certificate(j), "diagnose"}
	admits := func() bool { return strings.Contains(l.ssh(t, g.SSHD, "echo in"), "in\n") }
	if g.pull("--no-times"); admits() {
		t.Error("sshd lets in by files of another account: this proves nothing")
	}
	if g.pull("--chown=root:root"); !admits() {
		t.Error("what is granted is refused")
	}
	if said := l.ssh(t, g.SSHD, "echo in; (sleep 3; echo over) & sleep 3; echo over"); !strings.Contains(said,
		"in\n") || strings.Contains(said, "over") {
		t.Errorf("a command, or what it started, outlives the example's limit: %s", said)
	}
	l.as = "exchange"
	if fetched, said := g.fetches(l); !fetched {
		t.Errorf("no file arrives where the subsystem is a program: %s", said)
	}
}

// useLog is what use_log.py makes of what sshd logged, and of somebody who is certified by another authority.
func useLog(t *testing.T, j *judged, g *sshGateway) []byte {
	t.Helper()
	var journal bytes.Buffer
	now := time.Now()
	telling := func(message string) request {
		return request{"MESSAGE": message, "_UID": "0", "__REALTIME_TIMESTAMP": fmt.Sprint(now.UnixMicro())}
	}
	tell := func(message string) { fmt.Fprintln(&journal, asJSON(t, telling(message))) }
	var accepted string
	for line := range strings.Lines(g.Said()) {
		tell(strings.TrimSpace(line))
		if strings.HasPrefix(line, "Accepted publickey") {
			accepted = strings.TrimSpace(line)
		}
	}
	before, _, found := strings.Cut(accepted, " CA ")
	if !found {
		t.Fatalf("sshd logs no login by certificate:\n%s", g.Said())
	}
	ours := strings.Count(journal.String(), "Accepted publickey")
	other := strings.ReplaceAll(before, "acme/prod/stock-feed", "acme/prod/somebody-else")
	tell(other + " CA ED25519 SHA256:" + strings.Repeat("A", 43))
	tell(other + accepted[len(before):] + " CA ED25519 SHA256:" + strings.Repeat("A", 43))
	for _, odd := range []string{`{"MESSAGE": [1, 2], "__REALTIME_TIMESTAMP": "1"}`, "", "-- No entries --", "\xff\xfe",
		"null", "[1]", `{"MESSAGE": null}`, `{"MESSA`,
		asJSON(t, object{"MESSAGE": accepted, "_UID": "0"}),
		asJSON(t, telling(accepted).but("__REALTIME_TIMESTAMP", "noon")),
		// logger --tag sshd
		asJSON(t, telling(strings.ReplaceAll(accepted, "stock-feed", "somebody-else")).but("_UID", "1000")),
		asJSON(t, object{"MESSAGE": accepted, "__REALTIME_TIMESTAMP": fmt.Sprint(now.UnixMicro())})} {
		fmt.Fprintln(&journal, odd)
	}
	log := j.save("use [1]/sshd.jsonl", `{"time": "2026-1`) // torn
	if err := os.Mkdir(log+".old", 0o700); err != nil {
		t.Fatal(err)
	}
	python := realtool.Find(t, "python3")
	script := "../../examples/gateways/sshd/use_log.py"
	if out, err := exec.Command(python, script, j.published("ssh/ca.pub")).CombinedOutput(); err == nil ||
		!strings.HasPrefix(string(out), "use_log.py: write") {
		t.Errorf("called as before, it says %q (%v)", out, err)
	}
	writes := func() []byte {
		t.Helper()
		cmd := exec.Command(python, script, j.published("ssh/ca.pub"), log)
		cmd.Stdin = bytes.NewReader(journal.Bytes())
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Fatalf("%v: %s", err, out)
		}
		lines, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		_, lines, _ = bytes.Cut(lines, []byte("\n"))
		return lines
	}
	lines := writes()
	admitted := bytes.Count(lines, []byte(`"admitted": true}`))
	// the log goes on: once an hour
	alive := bytes.Count(lines, []byte(`"kind": "ssh_certificate", "admitted": false}`))
	if admitted != ours ||
		alive < 1 ||
		alive > 2 ||
		bytes.Count(lines, []byte("\n")) != admitted+alive ||
		bytes.Contains(lines, []byte("somebody-else")) {
		t.Errorf("of %d logins by our certificates it tells\n%s", ours, lines)
	}
	if again := writes(); !bytes.Equal(again, lines) {
		t.Errorf("started again, it writes what was there:\n%s", again)
	}
	if err := os.Rename(log, log+".1"); err != nil {
		t.Fatal(err)
	}
	j.save("use [1]/sshd.jsonl", "")
	now = now.Add(time.Second)
	tell(accepted)
	if again := writes(); bytes.Count(again, []byte("\n")) != 1 || !bytes.Contains(again, []byte(`"admitted": true`)) {
		t.Errorf("after a rotation and one login more it writes\n%s", again)
	}
	return lines
}
