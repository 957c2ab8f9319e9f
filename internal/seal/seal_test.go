// SPDX-License-Identifier: MPL-2.0

package seal

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"golang.org/x/crypto/ssh"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

const canary = "canary-9f1c7d-not-to-be-seen"

func edKey(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func rsaKey(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	t.Setenv("GODEBUG", "rsa1024min=0") // partners' old keys have to be made before they can be refused
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func x25519Key(t *testing.T) *age.X25519Identity {
	t.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sshLine(t *testing.T, key crypto.Signer) string {
	t.Helper()
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public)))
}

func sshPrivate(t *testing.T, key crypto.PrivateKey) string {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(block))
}

// open reads a sealed secret with the real age.
func open(t *testing.T, sealed, private string) (string, bool) {
	t.Helper()
	program := realtool.Find(t, "age")
	identity := filepath.Join(t.TempDir(), "identity")
	if err := os.WriteFile(identity, []byte(private), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-d", "-i", identity)
	cmd.Stdin = strings.NewReader(sealed)
	out, err := cmd.Output()
	return string(out), err == nil
}

func TestOnlyThePartnerOpensWhatIsSealed(t *testing.T) {
	x, ed, r := x25519Key(t), edKey(t), rsaKey(t, 2048)
	pq, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	stranger := x25519Key(t).String()
	for name, pair := range map[string][2]string{
		"age":              {x.Recipient().String(), x.String()},
		"age post-quantum": {pq.Recipient().String(), pq.String()},
		"ssh-ed25519":      {sshLine(t, ed) + " partner@example.com", sshPrivate(t, ed)},
		"ssh-rsa":          {sshLine(t, r) + " partner@example.com\n", sshPrivate(t, r)},
	} {
		t.Run(name, func(t *testing.T) {
			recipient, err := Parse(pair[0])
			if err != nil {
				t.Fatal(err)
			}
			sealed, err := recipient.Seal([]byte(canary))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(sealed, "-----BEGIN AGE ENCRYPTED FILE-----\n") ||
				!strings.HasSuffix(sealed, "-----END AGE ENCRYPTED FILE-----\n") {
				t.Errorf("no ASCII armor: %s", sealed)
			}
			if got, ok := open(t, sealed, pair[1]); !ok || got != canary {
				t.Errorf("the partner reads %q", got)
			}
			if _, ok := open(t, sealed, stranger); ok {
				t.Error("a stranger reads it")
			}
			if again, err := recipient.Seal([]byte(canary)); err != nil || again == sealed {
				t.Errorf("sealed twice to the same text: %v", err)
			}
		})
	}
}

func TestTwoSpellingsOfOneKeyAreOne(t *testing.T) {
	x := x25519Key(t).Recipient().String()
	ed := sshLine(t, edKey(t))
	for _, spellings := range [][]string{{x, " " + x + "\n", strings.ToUpper(x), x + " jane", x + " # jane\n",
		x + "," + x}, {ed, ed + " jane@example.com", ed + "\tother comment\r\n"}} {
		first, err := Parse(spellings[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range spellings {
			r, err := Parse(s)
			if err != nil ||
				r.String() != spellings[0] ||
				r.Fingerprint() != first.Fingerprint() ||
				!strings.HasPrefix(r.Fingerprint(), "SHA256:") {
				t.Errorf("%q became %q, %s: %v", s, r, r.Fingerprint(), err)
			}
		}
	}
	a, errA := Parse(x)
	b, errB := Parse(ed)
	if errA != nil || errB != nil || a.Fingerprint() == b.Fingerprint() {
		t.Errorf("two keys are one: %v %v", errA, errB)
	}
}

func TestWhatCannotBeSealedToIsRefused(t *testing.T) {
	x, ed, r := x25519Key(t), edKey(t), rsaKey(t, 2048)
	pub := x.Recipient().String()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pq, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	blob := strings.Fields(sshLine(t, ed))[1]
	for name, c := range map[string]struct{ given, says string }{
		"empty":                    {"", "empty"},
		"space":                    {" \n\t", "empty"},
		"age private key":          {x.String(), "private key"},
		"age private key, lower":   {strings.ToLower(x.String()), "private key"},
		"post-quantum private key": {pq.String(), "private key"},
		"private key file":         {"# created: 2026\n# public key: " + pub + "\n" + x.String(), "private key"},
		"plugin's private key":     {"AGE-PLUGIN-YUBIKEY-1QQPQZZZ", "private key"},
		"PEM private key":          {sshPrivate(t, ed), "private key"},
		"RSA PEM private key":      {sshPrivate(t, r), "private key"},
		"private key as comment":   {sshLine(t, ed) + " " + x.String(), "private key"},
		"plugin": {"age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t",
			"plugin"},
		"hardware tag":             {"age1tag1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t", "plugin"},
		"two age keys":             {pub + "\n" + x25519Key(t).Recipient().String(), "there are 2 keys in it (age1"},
		"two age keys in one line": {pub + "," + x25519Key(t).Recipient().String(), "there are 2 keys in it (age1"},
		"two ssh keys":             {sshLine(t, ed) + "\n" + sshLine(t, r), "there are 2 keys"},
		"junk after":               {pub + "x", "no whole age key"},
		"cut short":                {pub[:len(pub)-1], "no whole age key"},
		"one letter wrong":         {pub[:20] + flip(pub[20]) + pub[21:], "no whole age key"},
		"mixed case":               {"Age1" + pub[4:], ""},
		"point of low order": {"age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z",
			"nothing can be sealed"},
		"ssh point of low order": {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
			""},
		"ssh key cut short":       {"ssh-ed25519 " + blob[:40], "key is not whole"},
		"ssh key of another name": {"ssh-rsa " + blob, "write ssh-ed25519"},
		"ssh options":             {"no-pty " + sshLine(t, ed), "options"},
		"RSA 1024":                {sshLine(t, rsaKey(t, 1024)), "1024 bits"},
		"ECDSA":                   {sshLine(t, ec), "ECDSA"},
		"PGP":                     {"-----BEGIN PGP PUBLIC KEY BLOCK-----", "PGP"},
		"GitHub user":             {"github:jane", "nothing is fetched"},
		"NUL":                     {pub + "\x00", ""},
		"non-ASCII":               {strings.Replace(pub, "a", "а", 1), "one of"},
	} {
		got, err := Parse(c.given)
		if err == nil {
			t.Errorf("%s: became %s", name, got)
			continue
		}
		if !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want it to say %q", name, err, c.says)
		}
		if repeats(err.Error(), c.given) {
			t.Errorf("%s: the error repeats what was given: %v", name, err)
		}
	}
}

func flip(c byte) string {
	if c == 'q' {
		return "p"
	}
	return "q"
}

// repeats says whether a text holds 12 characters in a row of the key material that was given.
func repeats(text, given string) bool {
	for _, word := range strings.Fields(given) {
		for i := 0; i+12 <= len(word); i++ {
			if strings.Contains(text, word[i:i+12]) {
				return true
			}
		}
	}
	return false
}

func TestNobodyIsNoRecipient(t *testing.T) {
	_, err := Recipient{}.Seal([]byte(canary))
	if err == nil || strings.Contains(err.Error(), canary) {
		t.Errorf("sealed to nobody: %v", err)
	}
}

func FuzzParseNeverPanicsAndNeverRepeats(f *testing.F) {
	for _, seed := range []string{"", "age1", "ssh-rsa AAAA", "AGE-SECRET-KEY-1QQQQ", "age1pq1",
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, given string) {
		r, err := Parse(given)
		if err != nil {
			return
		}
		again, err := Parse(r.String())
		if err != nil || again.Fingerprint() != r.Fingerprint() {
			t.Errorf("%q became %q: %v", given, r, err)
		}
	})
}
