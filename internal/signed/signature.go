// SPDX-License-Identifier: MPL-2.0

// Package signed verifies decisions that people signed with ssh-keygen -Y sign: the signature
// (PROTOCOL.sshsig of OpenSSH), whose it is among the deciders, and what exactly was signed: a worksheet, or
// the one line of a single decision.
package signed

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Namespace is what a signature of a decision says it is for: one that was made for another purpose,
// such as a commit, is none.
const Namespace = "partner-access"

const (
	begin = "-----BEGIN SSH SIGNATURE-----"
	end   = "-----END SSH SIGNATURE-----"
	magic = "SSHSIG"
	// most is how long a signature is at most: one by an RSA key of 16384 bits is half of it.
	most = 16 << 10
)

// Signature is a signature as ssh-keygen writes it. That it was parsed says nothing of what it is over.
type Signature struct {
	key       ssh.PublicKey
	namespace string
	hash      string
	signature ssh.Signature
}

// Fingerprint returns the SHA-256 of the key that it was made with.
func (s *Signature) Fingerprint() string { return ssh.FingerprintSHA256(s.key) }

// envelope is the whole of a signature, PROTOCOL.sshsig section 2.
type envelope struct {
	Magic     [len(magic)]byte
	Version   uint32
	PublicKey []byte
	Namespace string
	Reserved  string
	Hash      string
	Signature []byte
	Trailing  []byte `ssh:"rest"`
}

// errBehind: a signature is longer than ssh-keygen writes it.
var errBehind = errors.New("it has extra bytes after the signature: sign again with ssh-keygen -Y sign")

// check refuses an envelope that is not exactly what ssh-keygen writes for our namespace.
func (e *envelope) check() error {
	switch {
	case string(e.Magic[:]) != magic:
		return errors.New("it is no SSH signature: its first bytes are not SSHSIG")
	case e.Version != 1:
		return fmt.Errorf("it is of version %d of the format, and only version 1 is known", e.Version)
	case len(e.Trailing) > 0:
		return errBehind
	case e.Reserved != "":
		return errors.New("its reserved field is not empty: sign again with ssh-keygen -Y sign")
	case e.Namespace != Namespace:
		return fmt.Errorf("it was made for %q, and not for %s: sign with ssh-keygen -Y sign -n %s", e.Namespace,
			Namespace, Namespace)
	case e.Hash != "sha256" && e.Hash != "sha512":
		return fmt.Errorf("its hash is %q, and only sha256 and sha512 count", e.Hash)
	}
	return nil
}

// Parse reads an armored signature, and refuses what proves nothing whatever it is over.
func Parse(text string) (*Signature, error) {
	blob, err := unarmor(text)
	if err != nil {
		return nil, err
	}
	var e envelope
	if err := ssh.Unmarshal(blob, &e); err != nil {
		return nil, errors.New("it is cut off, or no SSH signature: paste all of what ssh-keygen wrote")
	}
	if err := e.check(); err != nil {
		return nil, err
	}
	s := &Signature{namespace: e.Namespace, hash: e.Hash}
	if s.key, err = parseKey(e.PublicKey); err != nil {
		return nil, err
	}
	return s, s.parseInner(e.Signature)
}

var armored = regexp.MustCompile(`^[A-Za-z0-9+/]+={0,2}$`)

// unarmor takes the armor off. Windows' line ends and white space around it are the only liberties.
func unarmor(text string) ([]byte, error) {
	if len(text) > most {
		return nil, fmt.Errorf("it is longer than any signature (%d bytes)", len(text))
	}
	lines := strings.Split(strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")), "\n")
	last := len(lines) - 1
	switch {
	case strings.TrimSpace(text) == "":
		return nil, errors.New("it is empty")
	case strings.Contains(text, "BEGIN PGP"):
		return nil, errors.New("it is a signature by PGP: sign with ssh-keygen -Y sign")
	case lines[0] != begin:
		return nil, fmt.Errorf("it does not begin with %s: paste all of what ssh-keygen wrote, and nothing else", begin)
	case strings.Count(text, begin) > 1:
		return nil, errors.New("there is more than one signature in it")
	case lines[last] != end:
		return nil, fmt.Errorf("it does not end with %s: paste all of what ssh-keygen wrote, and nothing else", end)
	}
	body := strings.Join(lines[1:last], "")
	if !armored.MatchString(body) {
		return nil, errors.New("a character in it is wrong: paste it as ssh-keygen wrote it")
	}
	blob, err := base64.StdEncoding.Strict().DecodeString(body)
	if err != nil {
		return nil, errors.New("a character in it is wrong, missing or too many: paste it as ssh-keygen wrote it")
	}
	return blob, nil
}

// parseKey reads the key inside a signature. It refuses an encoding that is not the one that the key itself would
// write, a certificate, and a key whose signatures prove nothing (see [access.SoundKey]).
func parseKey(blob []byte) (ssh.PublicKey, error) {
	key, err := ssh.ParsePublicKey(blob)
	if err != nil || !bytes.Equal(key.Marshal(), blob) {
		return nil, errors.New("the key in it is none that is known, or is not whole")
	}
	if _, ok := key.(*ssh.Certificate); ok {
		return nil, errors.New("it was made with a certificate: sign with the key itself, by naming its own file to -f")
	}
	if err := access.SoundKey(key); err != nil {
		return nil, fmt.Errorf("the key that it was made with counts for nothing: %w", err)
	}
	return key, nil
}

// userPresent is the flag by which a hardware key says that somebody touched it (PROTOCOL.u2f).
const userPresent = 1

// parseInner reads the signature itself, and refuses one that is of another kind than its key, or is by SHA-1 (RFC 8332
// has the kinds of RSA).
func (s *Signature) parseInner(blob []byte) error {
	if err := ssh.Unmarshal(blob, &s.signature); err != nil {
		return errors.New("the signature in it is not whole")
	}
	format := s.signature.Format
	allowed := []string{s.key.Type()}
	if s.key.Type() == ssh.KeyAlgoRSA {
		allowed = []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	switch {
	case format == ssh.KeyAlgoRSA:
		return errors.New("it is an RSA signature with SHA-1, which can be forged: sign with an ssh-keygen of " +
			"OpenSSH 8.1 or later")
	case format != allowed[0] && format != allowed[len(allowed)-1]:
		return fmt.Errorf("it is a signature of the kind %q by a key of the kind %s", format, s.key.Type())
	}
	return checkRest(hardware(s.key), s.signature.Rest)
}

// checkRest looks at what is behind a signature: of a hardware key a byte of flags and a counter
// (PROTOCOL.u2f), else nothing.
func checkRest(hardware bool, rest []byte) error {
	switch {
	case !hardware && len(rest) > 0:
		return errBehind
	case hardware && len(rest) != 5:
		return errors.New("what a hardware key says beside its signature is missing, or too long")
	case hardware && rest[0]&userPresent == 0:
		return errors.New("nobody touched the hardware key when it signed: make a key without no-touch-required")
	}
	return nil
}

func hardware(key ssh.PublicKey) bool {
	return key.Type() == ssh.KeyAlgoSKED25519 || key.Type() == ssh.KeyAlgoSKECDSA256
}

// over reports whether the signature is over exactly these bytes. What the key signs is not the content itself but its
// hash in a frame with the namespace (PROTOCOL.sshsig, signed data). The frame is built from the fields that check has
// compared, so that a changed namespace or hash in the envelope fails here.
func (s *Signature) over(content []byte) bool {
	var sum []byte
	switch s.hash {
	case "sha256":
		h := sha256.Sum256(content)
		sum = h[:]
	case "sha512":
		h := sha512.Sum512(content)
		sum = h[:]
	default:
		return false
	}
	body := ssh.Marshal(struct {
		Namespace, Reserved, Hash string
		Sum                       []byte
	}{s.namespace, "", s.hash, sum})
	return s.key.Verify(append([]byte(magic), body...), &s.signature) == nil
}

// ErrOther says that a signature is well formed and by a decider's key in force, but does not verify over the content.
// A forged signature looks the same: nobody can tell which content it was made for.
var ErrOther = errors.New("it is over something else")

// Check returns the decider who signed exactly these bytes by a key that was in force at all of the moments. The
// error says why nobody did.
func Check(content []byte, text string, deciders []access.Decider, moments ...time.Time) (*access.Decider, error) {
	s, err := Parse(text)
	if err != nil {
		return nil, err
	}
	return s.by(content, deciders, moments...)
}

// by finds the signer before it verifies, so that the error of an unknown or expired key names the key. Only when key
// and moments are in order is the answer [ErrOther]: callers try other spellings of the content on that error alone.
func (s *Signature) by(content []byte, deciders []access.Decider, moments ...time.Time) (*access.Decider, error) {
	d, key := Whose(s.Fingerprint(), deciders)
	if d == nil {
		return nil, fmt.Errorf("it was made with the key %s, which is no decider's", s.Fingerprint())
	}
	for _, at := range moments {
		if why := d.InForce(key, at); why != "" {
			return nil, fmt.Errorf("it was made with the key %s of %s, and %s", s.Fingerprint(), d.Address, why)
		}
	}
	if !s.over(content) {
		return nil, ErrOther
	}
	return d, nil
}

// Whose returns the decider who has the key of a fingerprint, and that key; nil if nobody has. It does not look at when
// the key is in force, and skips keys that cannot be parsed. Both point into deciders.
func Whose(fingerprint string, deciders []access.Decider) (*access.Decider, *access.DeciderKey) {
	for n := range deciders {
		for k := range deciders[n].Keys {
			key, err := access.ParseDeciderKey(deciders[n].Keys[k].Key)
			if err == nil && ssh.FingerprintSHA256(key.PublicKey) == fingerprint {
				return &deciders[n], &deciders[n].Keys[k]
			}
		}
	}
	return nil, nil
}
