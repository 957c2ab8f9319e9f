// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

func day(d int) time.Time { return time.Date(2026, 7, d, 0, 0, 0, 0, time.UTC) }

func TestAPrincipalsFileNamesWhoMayLogIn(t *testing.T) {
	one := func(grants ...Grant) []Identity { return []Identity{{ID: id("etl"), EndsAt: day(30), Grants: grants}} }
	paused := one(grant("g", "ssh/deploy", day(9), "login"))
	paused[0].Suspended = true
	const etl = " acme/prod/etl\n"
	for name, c := range map[string]struct {
		identities []Identity
		deploy     string
		refresh    time.Time
	}{
		"nothing": {},
		"a login, until the last second": {one(grant("g", "ssh/deploy", day(9), "login")),
			`restrict,expiry-time="20260708235959Z"` + etl, time.Time{}},
		"in another zone": {one(grant("g", "ssh/deploy", day(9).In(time.FixedZone("", 7200)), "login")),
			`restrict,expiry-time="20260708235959Z"` + etl, time.Time{}},
		"a fraction of a second": {one(grant("g", "ssh/deploy", day(9).Add(time.Millisecond), "login")),
			`restrict,expiry-time="20260708235959Z"` + etl, time.Time{}},
		"no later than the identity": {one(grant("g", "ssh/deploy", day(31), "login")),
			`restrict,expiry-time="20260729235959Z"` + etl, time.Time{}},
		"a terminal": {one(grant("g", "ssh/deploy", day(9), "login-pty")),
			`restrict,expiry-time="20260708235959Z",pty` + etl, time.Time{}},
		"forwarding": {one(grant("g", "ssh/deploy", day(9), "login-forward")),
			`restrict,expiry-time="20260708235959Z",port-forwarding` + etl, time.Time{}},
		"all at once": {one(grant("g", "ssh/deploy", day(9), "login-forward", "login", "login-pty")),
			`restrict,expiry-time="20260708235959Z",pty,port-forwarding` + etl, time.Time{}},
		"two grants of different ends, until the first is over": {
			one(grant("a", "ssh/deploy", day(20), "login"), grant("b", "ssh/deploy", day(9), "login-pty")),
			`restrict,expiry-time="20260708235959Z",pty` + etl, day(9),
		},
		"two grants, of which the longer allows everything": {
			one(grant("a", "ssh/deploy", day(9), "login"), grant("b", "ssh/deploy", day(20), "login-pty")),
			`restrict,expiry-time="20260719235959Z",pty` + etl, time.Time{},
		},
		"an ended grant beside another": {
			one(grant("a", "ssh/deploy", day(20), "login"), grant("b", "ssh/deploy", now, "login-pty")),
			`restrict,expiry-time="20260719235959Z"` + etl, time.Time{},
		},
		"ended":  {identities: one(grant("g", "ssh/deploy", now, "login"))},
		"no end": {identities: one(grant("g", "ssh/deploy", time.Time{}, "login"))},
		"an identity without end": {identities: []Identity{{ID: id("etl"),
			Grants: []Grant{grant("g", "ssh/deploy", day(9), "login")}}}},
		"suspended":      {identities: paused},
		"another action": {identities: one(grant("g", "ssh/deploy", day(9), "read"))},
		"a pattern": {identities: one(grant("g", "ssh/+", day(9), "login"),
			grant("h", "ssh/*", day(9), "login"), grant("i", "*", day(9), "login"))},
		"something below the login": {identities: one(grant("g", "ssh/deploy/x", day(9), "login"))},
		"another resource":          {identities: one(grant("g", "rsh/deploy", day(9), "login"))},
		"two identities, sorted": {
			append([]Identity{{
				ID:     id("web"),
				EndsAt: day(9),
				Grants: []Grant{grant("g", "ssh/deploy", day(20), "login")},
			}}, one(grant("g", "ssh/deploy", day(9), "login-pty"))...),
			`restrict,expiry-time="20260708235959Z",pty` + etl +
				`restrict,expiry-time="20260708235959Z" acme/prod/web` + "\n", time.Time{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := Publication{Now: now, Identities: c.identities}
			got := Principals(p)
			if string(got["ssh/principals/deploy"]) != c.deploy || (c.deploy == "" && len(got) > 0) {
				t.Errorf("got %q, want %q", got, c.deploy)
			}
			if at := RefreshAt(p); !at.Equal(c.refresh) {
				t.Errorf("to be refreshed at %v, want %v", at, c.refresh)
			}
		})
	}
}

// sshd of before 9.1 reads its own zone only. Where the clock is set back, a time of day that comes twice is the
// earlier one for some and the later one for others: neither may be after the end.
func TestTheOlderFormIsNeverLaterThanTheEnd(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe",
		"Pacific/Kiritimati", "Africa/Casablanca", "Antarctica/Troll"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for end := day(1); end.Before(day(1).AddDate(1, 0, 0)); end = end.Add(17 * time.Minute) {
			text := expiryTime(end, zone)
			if len(text) != len("20060102150405") {
				t.Fatalf("%s: %q", name, text)
			}
			read, err := readExpiryTime(text, zone)
			if err != nil {
				t.Fatal(err)
			}
			latest := read
			for _, shift := range []time.Duration{30 * time.Minute, time.Hour, 2 * time.Hour} {
				if other := read.Add(shift); other.In(zone).Format(inZone) == text && other.After(latest) {
					latest = other
				}
			}
			if latest.After(end) || end.Sub(latest) > 2*time.Hour {
				t.Fatalf("%s: %s is written as %s, which may be %s", name, end, text, latest)
			}
		}
	}
}

func TestNoFileForWhatIsNoLogin(t *testing.T) {
	for _, login := range []string{"..", "Root", "1st", "a:b", "a@b", "-x", strings.Repeat("a", 33), "a,b", "~"} {
		if got := Principals(Publication{Now: now,
			Identities: []Identity{{
				ID:     id("etl"),
				EndsAt: day(9),
				Grants: []Grant{grant("g", "ssh/"+login, day(9), "login")},
			}}}); len(got) > 0 {
			t.Errorf("%q: got %q", login, got)
		}
	}
}

// sshServer admits the identity acme/prod/etl to the login deploy, as a principals file says.
type sshServer struct {
	*realtool.SSHD
	dir string
}

func newSSHServer(t *testing.T) sshServer {
	t.Helper()
	dir := sharedFolder(t)
	_, caKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := ssh.NewSignerFromKey(caKey)
	if err != nil {
		t.Fatal(err)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	partner, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	cert := &ssh.Certificate{
		Key: partner, CertType: ssh.UserCert, KeyId: "acme/prod/etl", ValidPrincipals: []string{"acme/prod/etl"},
		ValidAfter: uint64(time.Now().Add(-time.Minute).Unix()), ValidBefore: uint64(time.Now().Add(time.Hour).Unix()),
		Permissions: ssh.Permissions{Extensions: map[string]string{"permit-pty": "", "permit-port-forwarding": ""}},
	}
	if err := cert.SignCert(rand.Reader, ca); err != nil {
		t.Fatal(err)
	}
	put(t, dir, "key", pem.EncodeToMemory(block))
	put(t, dir, "cert.pub", ssh.MarshalAuthorizedKey(cert))
	put(t, dir, "deploy", nil)
	trusted := put(t, dir, "ca.pub", ssh.MarshalAuthorizedKey(ca.PublicKey()))
	for _, name := range []string{trusted, filepath.Join(dir, "deploy")} {
		if err := os.Chmod(name, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return sshServer{realtool.StartSSHD(t, realtool.SSHDConf{
		TrustedUserCAKeys: trusted, AuthorizedPrincipalsFile: filepath.Join(dir, "%u"), Logins: []string{"deploy"},
	}), dir}
}

// sharedFolder is a temporary folder that sshd can read as the user who logs in; a test's own is closed to others.
func sharedFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "principals")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// admits says whether the login works with a principals file.
func (s sshServer) admits(t *testing.T, principals []byte) bool {
	t.Helper()
	put(t, s.dir, "deploy", principals)
	out, err := s.Run(t, "deploy", filepath.Join(s.dir, "key"), filepath.Join(s.dir, "cert.pub"), "echo in")
	return err == nil && strings.TrimSpace(out) == "in"
}

func TestLoginEndsAtSSHDByItself(t *testing.T) {
	server := newSSHServer(t)
	ends := time.Now().Add(4 * time.Second).Truncate(time.Second)
	lines := Principals(Publication{Now: time.Now(), Identities: []Identity{{
		ID: id("etl"), EndsAt: ends, Grants: []Grant{grant("g", "ssh/deploy", ends.Add(time.Hour), "login")},
	}}})["ssh/principals/deploy"]
	if !server.admits(t, lines) {
		t.Fatal("refused before its end")
	}
	for {
		asked := time.Now()
		in := server.admits(t, lines)
		switch {
		case in && !asked.Before(ends.Add(realtool.Tick)):
			t.Fatalf("admitted %v after its end", asked.Sub(ends))
		case !in && time.Now().Before(ends):
			t.Fatal("refused before its end")
		case !in:
			return
		}
	}
}

// This is why all grants on a login become one line: sshd never gets to the second.
func TestSSHDNeverLooksBehindAnExpiredLine(t *testing.T) {
	server := newSSHServer(t)
	const live = `restrict,expiry-time="20991231235959Z" acme/prod/etl` + "\n"
	const dead = `restrict,expiry-time="20200101000000Z" acme/prod/etl` + "\n"
	if !server.admits(t, []byte(live+dead)) {
		t.Error("refused with the live line first")
	}
	if server.admits(t, []byte(dead+live)) {
		t.Error("admitted behind an expired line: then Principals can write one line for each grant")
	}
	if server.admits(t, nil) {
		t.Error("admitted without any line")
	}
}
