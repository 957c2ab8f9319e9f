// SPDX-License-Identifier: MPL-2.0

package signed

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

var now = time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)

const content = "acme/prod/orders/daily,keep,2027-03-31,Still needed\n"

// decider is somebody with keys, a year from now.
func decider(address string, keys ...string) access.Decider {
	d := access.Decider{Address: address, Until: access.At(now.AddDate(1, 0, 0))}
	for _, k := range keys {
		d.Keys = append(d.Keys, access.DeciderKey{Key: k})
	}
	return d
}

// keyPair makes a key with the real ssh-keygen, and returns the file of its private half and the
// line of its public one.
func keyPair(t *testing.T, args ...string) (file, public string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "key")
	keygen(t, "ssh-keygen", "", append([]string{"-q", "-N", "", "-C", "jane@laptop", "-f", file}, args...)...)
	line, err := os.ReadFile(file + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	return file, string(line)
}

func keygen(t *testing.T, program, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.Command(realtool.Find(t, program), args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// sign signs as a person does: with the real ssh-keygen.
func sign(t *testing.T, program, file, namespace, text string) string {
	t.Helper()
	return keygen(t, program, text, "-Y", "sign", "-n", namespace, "-f", file)
}

// parts are what a signature is made of, to be forged one by one.
type parts struct {
	magic     string
	version   uint32
	public    []byte
	namespace string
	reserved  string
	hash      string
	// over is what the hash is of, inner the signature itself; signs makes it of what is signed.
	over   string
	signs  func(data []byte) []byte
	behind string
	armor  func(string) string
}

func (p parts) make() string {
	sum := sha512.Sum512([]byte(p.over))
	digest := sum[:]
	if p.hash == "sha256" {
		short := sha256.Sum256([]byte(p.over))
		digest = short[:]
	}
	body := ssh.Marshal(struct {
		Namespace, Reserved, Hash string
		Sum                       []byte
	}{p.namespace, p.reserved, p.hash, digest})
	inner := p.signs(append([]byte(magic), body...))
	blob := append([]byte(p.magic), ssh.Marshal(struct {
		Version                                      uint32
		Public, Namespace, Reserved, Hash, Signature string
	}{p.version, string(p.public), p.namespace, p.reserved, p.hash, string(inner)})...)
	text := armor(append(blob, p.behind...))
	if p.armor != nil {
		return p.armor(text)
	}
	return text
}

func armor(blob []byte) string {
	body := base64.StdEncoding.EncodeToString(blob)
	var lines []string
	for len(body) > 70 {
		lines = append(lines, body[:70])
		body = body[70:]
	}
	return begin + "\n" + strings.Join(append(lines, body), "\n") + "\n" + end + "\n"
}

// sound are the parts of a signature that counts, by a key that is made here.
func sound(key *signingKey) parts {
	return parts{
		magic:     magic,
		version:   1,
		public:    key.public.Marshal(),
		namespace: Namespace,
		hash:      "sha512",
		over:      content,
		signs:     key.signs,
	}
}

// signingKey is a key whose signatures are made here, byte by byte.
type signingKey struct {
	public ssh.PublicKey
	signs  func(data []byte) []byte
}

func (k *signingKey) line() string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k.public)))
}

func inner(format string, blob, rest []byte) []byte {
	return append(ssh.Marshal(struct {
		Format string
		Blob   []byte
	}{format, blob}), rest...)
}

func plainKey(t *testing.T) *signingKey {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return &signingKey{key, func(data []byte) []byte {
		return inner(ssh.KeyAlgoED25519, ed25519.Sign(private, data), nil)
	}}
}

// said is what a hardware key says beside a signature: its flags and its counter.
func said(flags byte) []byte { return []byte{flags, 0, 0, 0, 7} }

// asked is what a hardware key signs (PROTOCOL.u2f).
func asked(application string, beside, data []byte) []byte {
	app := sha256.Sum256([]byte(application))
	sum := sha256.Sum256(data)
	return append(append(app[:], beside...), sum[:]...)
}

// hardwareKey is what an ed25519-sk key does, without the hardware.
func hardwareKey(t *testing.T, beside []byte) *signingKey {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParsePublicKey(ssh.Marshal(struct {
		Kind        string
		Key         []byte
		Application string
	}{ssh.KeyAlgoSKED25519, public, "ssh:"}))
	if err != nil {
		t.Fatal(err)
	}
	return &signingKey{key, func(data []byte) []byte {
		return inner(ssh.KeyAlgoSKED25519, ed25519.Sign(private, asked("ssh:", beside, data)), beside)
	}}
}

// hardwareCurve is what an ecdsa-sk key does, without the hardware.
func hardwareCurve(t *testing.T, beside []byte) *signingKey {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := private.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParsePublicKey(ssh.Marshal(struct {
		Kind, Curve string
		Point       []byte
		Application string
	}{ssh.KeyAlgoSKECDSA256, "nistp256", point, "ssh:"}))
	if err != nil {
		t.Fatal(err)
	}
	return &signingKey{key, func(data []byte) []byte {
		sum := sha256.Sum256(asked("ssh:", beside, data))
		r, s, err := ecdsa.Sign(rand.Reader, private, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return inner(ssh.KeyAlgoSKECDSA256, ssh.Marshal(struct{ R, S *big.Int }{r, s}), beside)
	}}
}

// signerOf signs with a private key that ssh-keygen wrote, by an algorithm that it would not choose.
func signerOf(t *testing.T, file, algorithm string) *signingKey {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return &signingKey{signer.PublicKey(), func(data []byte) []byte {
		s, err := signer.(ssh.AlgorithmSigner).SignWithAlgorithm(rand.Reader, data, algorithm)
		if err != nil {
			t.Fatal(err)
		}
		return inner(s.Format, s.Blob, nil)
	}}
}
