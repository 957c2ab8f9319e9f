// SPDX-License-Identifier: MPL-2.0

package realtool

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Cloud is a running server that speaks as AWS does, that nobody else knows. Nothing is in it.
type Cloud struct {
	IAM, S3 string // URLs
	STS     string // "" where the server has none
	// Access and Secret are the key of the administrator. On ministack the number of any account is a key of
	// its root user: see In.
	Access, Secret string

	server *server
}

const (
	cloudAccess = "AKIAADMINISTRATOR000"
	cloudSecret = "a-secret-that-everybody-knows-0000000000"
)

// StartVersityGW starts versitygw until the end of the test: S3 with users as IAM has them, and its quotas. It has no
// sessions, and takes no roles on.
func StartVersityGW(t testing.TB) *Cloud {
	t.Helper()
	program := Find(t, "versitygw")
	dir, err := os.MkdirTemp("", "vgw") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	for _, sub := range []string{"iam", "meta", "data"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	c := &Cloud{Access: cloudAccess, Secret: cloudSecret}
	socket := filepath.Join(dir, "p.sock")
	login := []string{"--access", c.Access, "--secret", c.Secret}
	run := func(log string, args ...string) *server {
		cmd := exec.Command(program, append(login, args...)...)
		cmd.Dir = dir
		cmd.Env = withoutAWS(os.Environ())
		return start(t, cmd, filepath.Join(dir, log))
	}
	_, addr := startOnFreeAddr(t, func(addr string) *server {
		_ = os.Remove(socket)
		return run("iam.log", "--port", addr, "iam", "--dir", filepath.Join(dir, "iam"), "--private-ports", socket)
	}, answersHTTP)
	c.IAM = "http://" + addr
	c.server, addr = startOnFreeAddr(t, func(addr string) *server {
		return run("s3.log", "--port", addr, "--iam-cache-disable", "--iam-standalone-endpoint", socket,
			"posix", "--sidecar", filepath.Join(dir, "meta"), filepath.Join(dir, "data"))
	}, answersHTTP)
	c.S3 = "http://" + addr
	return c
}

// StartMinistack starts ministack until the end of the test: IAM with roles, STS with sessions, and S3. It counts no
// quotas, and takes web identity tokens without looking who signed them.
func StartMinistack(t testing.TB) *Cloud {
	t.Helper()
	program, dir := Find(t, "ministack"), t.TempDir()
	c := &Cloud{Access: "111122223333", Secret: cloudSecret}
	_, addr := startOnFreeAddr(t, func(addr string) *server {
		cmd := exec.Command(program)
		cmd.Dir = dir
		_, port, _ := strings.Cut(addr, ":")
		// else it opens ports to everybody
		cmd.Env = append(withoutAWS(os.Environ()), "HOME="+dir, "TMPDIR="+dir, "AUTH=true", "BIND_HOST=127.0.0.1",
			"GATEWAY_PORT="+port,
			"IOT_MTLS_ENABLED=0", "SFTP_ENABLED=0", "DOCKER_HOST=unix:///nonexistent")
		s := start(t, cmd, filepath.Join(dir, "ministack.log"))
		c.server = s
		return s
	}, answersHTTP)
	c.IAM = "http://" + addr
	c.STS = "http://" + addr
	c.S3 = "http://" + addr
	// It loads a service when that is first asked, which took twenty seconds on a busy machine: longer
	// than the provider waits.
	if !c.Ask(t, c.Root(), "sts", "GetCallerIdentity", nil, nil) || !c.Ask(t, c.Root(), "iam", "ListUsers", nil, nil) {
		t.Fatal("ministack loads no services")
	}
	return c
}

// In returns the cloud as the root user of an account sees it. Accounts share nothing.
func (c *Cloud) In(account string) *Cloud {
	other := *c
	other.Access = account
	return &other
}

// answersHTTP reports whether somebody answers at an address, whatever he says.
func answersHTTP(addr string) bool {
	request, err := http.NewRequest(http.MethodGet, "http://"+addr+"/", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultTransport.RoundTrip(request) // which follows no answer to elsewhere
	if err != nil {
		return false
	}
	return resp.Body.Close() == nil
}

// withoutAWS drops the variables that would make a server, or a login, another one than the test's.
func withoutAWS(environ []string) []string {
	var out []string
	for _, variable := range environ {
		if !strings.HasPrefix(variable, "AWS_") &&
			!strings.HasPrefix(variable, "VGW_") &&
			!strings.HasPrefix(variable, "ROOT_") {
			out = append(out, variable)
		}
	}
	return out
}

// CloudLogin is what somebody logs in to a cloud with.
type CloudLogin struct{ Access, Secret, Token string }

// Root returns the login of the administrator.
func (c *Cloud) Root() CloudLogin { return CloudLogin{Access: c.Access, Secret: c.Secret} }

// Call sends a signed request to a service of the cloud: s3 with a path, iam or sts with a form in the body.
func (c *Cloud) Call(t testing.TB, as CloudLogin, service, method, path, body string) (status int, answer []byte) {
	t.Helper()
	base := map[string]string{"s3": c.S3, "iam": c.IAM, "sts": c.STS}[service]
	req, err := http.NewRequest(method, base+"/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(body))
	hash := hex.EncodeToString(sum[:])
	if service == "s3" {
		req.Header.Set("X-Amz-Content-Sha256", hash)
	} else {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	}
	login := aws.Credentials{AccessKeyID: as.Access, SecretAccessKey: as.Secret, SessionToken: as.Token}
	err = v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" }).
		SignHTTP(t.Context(), login, req, hash, service, "us-east-1", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if answer, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, answer
}

// Ask sends an action to IAM or STS, and reads the answer into out, where that is not nil. It
// reports whether it was done.
func (c *Cloud) Ask(t testing.TB, as CloudLogin, service, action string, in map[string]string, out any) (done bool) {
	t.Helper()
	form := url.Values{"Action": {action},
		"Version": {map[string]string{"iam": "2010-05-08", "sts": "2011-06-15"}[service]}}
	for name, value := range in {
		form.Set(name, value)
	}
	status, answer := c.Call(t, as, service, http.MethodPost, "", form.Encode())
	if status != http.StatusOK {
		t.Logf("%s: %d %s", action, status, answer)
		return false
	}
	if out != nil {
		if err := xml.Unmarshal(answer, out); err != nil {
			t.Fatal(err)
		}
	}
	return true
}
