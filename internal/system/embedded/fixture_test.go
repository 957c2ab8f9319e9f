// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

var (
	start = time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC)
	acme  = access.IdentityID{Partner: "acme", Environment: "prod", Name: "etl"}
)

// world is a directory, a clock that a test moves, and a System on them.
type world struct {
	testing.TB
	*System
	dir     string
	elapsed *atomic.Int64
}

func newWorld(t testing.TB) *world {
	w := &world{TB: t, dir: filepath.Join(t.TempDir(), ".partner", "prod"), elapsed: new(atomic.Int64)}
	w.restart()
	return w
}

func (w *world) clock() time.Time { return start.Add(time.Duration(w.elapsed.Load())) }

func (w *world) wait(d time.Duration) { w.elapsed.Add(int64(d)) }

// restart is a new process on the same directory.
func (w *world) restart() {
	w.System = Open(w.dir, Options{Clock: w.clock, Environment: "prod", LockWait: 5 * time.Second})
	_, bench := w.TB.(*testing.B)
	w.disk.Unsynced = !bench
}

func (w *world) ctx() context.Context { return context.Background() }

// change is a create of an object by the stack "default", which ends with its expiry.
func change(o access.Object) access.Change {
	return access.Change{Object: o, Stack: "default", EndsAt: o.Common().ExpiresAt.Time, Seal: seal}
}

func seal(secret []byte) (string, error) { return "sealed:" + string(secret[len(secret)-4:]), nil }

func (w *world) put(o access.Object, edits ...func(*access.Change)) *access.Record {
	w.Helper()
	r, err := w.try(o, edits...)
	if err != nil {
		w.Fatal(err)
	}
	return r
}

func (w *world) try(o access.Object, edits ...func(*access.Change)) (*access.Record, error) {
	c := change(o)
	for _, edit := range edits {
		edit(&c)
	}
	return w.Put(w.ctx(), c)
}

// update is a change of what a record tells of.
func update(r *access.Record) func(*access.Change) {
	return func(c *access.Change) {
		c.UID, c.Cuts.Last = r.UID, time.Now().AddDate(9, 0, 0) // what was cut by hand was seen, by whatever clock
	}
}

func by(stack string) func(*access.Change) { return func(c *access.Change) { c.Stack = stack } }

func issuing(i access.Issue) func(*access.Change) { return func(c *access.Change) { c.Issue = i } }

func (w *world) get(ref access.Ref) *access.Record {
	w.Helper()
	r, err := w.Get(w.ctx(), ref)
	if err != nil {
		w.Fatal(err)
	}
	return r
}

func terms(days int) access.Terms {
	return access.Terms{Owner: "jane@example.com", ExpiresAt: access.At(start.AddDate(0, 0, days))}
}

func identity(id access.IdentityID, days int) *access.Identity {
	return &access.Identity{ID: id, Terms: terms(days), Purpose: "Nightly order feed"}
}

func child(of access.IdentityID, name string, days int) *access.Identity {
	i := identity(access.IdentityID{Partner: "sub", Environment: "prod", Name: name}, days)
	i.ParentID = of
	return i
}

func grant(of access.IdentityID, name, resource string, days int, actions ...string) *access.Grant {
	return &access.Grant{
		IdentityID: of,
		Name:       name,
		Terms:      terms(days),
		Resource:   access.Pattern(resource),
		Actions:    actions,
		Purpose:    "Read the daily files",
	}
}

func federated(of access.IdentityID, days int) *access.Credential {
	return &access.Credential{IdentityID: of, Terms: terms(days), Federated: &access.FederatedTrust{
		Issuer: "https://login.acme.test", Subject: "svc-" + of.Name, Audiences: []string{"orders.example.com"},
	}}
}

func secret(of access.IdentityID, days int) *access.Credential {
	return &access.Credential{
		IdentityID: of,
		Terms:      terms(days),
		Secret:     &access.SecretRequest{Recipient: "age1partner"},
	}
}

func certificate(of access.IdentityID, days int) *access.Credential {
	return &access.Credential{IdentityID: of, Terms: terms(days), Certificate: &access.CertificateRequest{CSR: csr()}}
}

func sshCertificate(of access.IdentityID, days int) *access.Credential {
	return &access.Credential{
		IdentityID:     of,
		Terms:          terms(days),
		SSHCertificate: &access.SSHRequest{PublicKey: publicKey()},
	}
}

func rotating(c *access.Credential, every, overlap string) *access.Credential {
	c.Rotation = &access.Rotation{}
	c.Rotation.Every, _ = access.ParseSpan(every)
	c.Rotation.Overlap, _ = access.ParseSpan(overlap)
	return c
}

var csr = sync.OnceValue(newCSR)

func newCSR() string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

var publicKey = sync.OnceValue(newPublicKey)

func newPublicKey() string {
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		panic(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

// read is a file of the directory; "" where there is none.
func (w *world) read(name string) string {
	text, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil && !os.IsNotExist(err) {
		w.Fatal(err)
	}
	return string(text)
}

// files are all files of the directory with their modes and contents, but for the lock and empty folders.
func (w *world) files(under string) map[string]string {
	w.Helper()
	all := map[string]string{}
	root := filepath.Join(w.dir, under)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil || d.IsDir() || strings.Contains(d.Name(), "ledger.") {
			return err
		}
		text, err := os.ReadFile(path)
		info, _ := d.Info()
		name, _ := filepath.Rel(root, path)
		all[name] = info.Mode().String() + info.ModTime().String() + "\n" + string(text)
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return all
}

// data is the published policy data.
type data struct {
	Certificates map[string]struct{ Identity, Serial, EndsAt string }
	Secrets      map[string]struct {
		Identity string
		EndsAt   time.Time `json:"ends_at"`
	}
	Identities map[string]struct {
		EndsAt    time.Time `json:"ends_at"`
		Suspended bool
		Grants    []struct {
			Name   string
			EndsAt time.Time `json:"ends_at"`
		}
	}
	Trust map[string]map[string][]struct{ Identity string }
}

func (w *world) data() data {
	w.Helper()
	var d struct{ Partner struct{ Published data } }
	if err := json.Unmarshal([]byte(w.read("publish/policy/data.json")), &d); err != nil {
		w.Fatal(err)
	}
	return d.Partner.Published
}

// crl are the serials of the published revocation list.
func (w *world) crl() map[string]int {
	w.Helper()
	block, _ := pem.Decode([]byte(w.read("publish/crl.pem")))
	list, err := x509.ParseRevocationList(block.Bytes)
	if err != nil {
		w.Fatal(err)
	}
	serials := map[string]int{}
	for _, r := range list.RevokedCertificateEntries {
		serials[pad(r.SerialNumber.Text(16))] = r.ReasonCode
	}
	return serials
}

func pad(serial string) string { return strings.Repeat("0", max(0, 32-len(serial))) + serial }
