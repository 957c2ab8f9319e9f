// Package seal seals secrets to a partner's public key, so that nothing in the clear is ever kept: to age recipients
// (age-encryption.org/v1, X25519 and post-quantum) and to SSH public keys that age can use (ssh-ed25519, ssh-rsa).
//
// Its errors never repeat what they were given: it may be a private key, handed in by mistake.
package seal

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
	"golang.org/x/crypto/ssh"
)

// minRSABits is the smallest RSA key that is sealed to, by NIST SP 800-131A.
const minRSABits = 2048

// Recipient is a partner's public key that secrets are sealed to. The zero Recipient is nobody.
type Recipient struct {
	age         age.Recipient
	text        string // the canonical spelling, without comment
	fingerprint string
}

// Parse reads a recipient: age1… (or age1pq1…), or one ssh-ed25519 or ssh-rsa public key line. Surrounding space is
// ignored. A key that parses can be sealed to: that is tried.
func Parse(recipient string) (Recipient, error) {
	r, err := parse(strings.TrimSpace(recipient))
	if err != nil {
		return Recipient{}, fmt.Errorf("parse the recipient: %w", err)
	}
	if _, err := r.age.Wrap(make([]byte, 16)); err != nil { // a point of low order, an RSA key that cannot encrypt
		return Recipient{}, errors.New("parse the recipient: nothing can be sealed to this key")
	}
	return r, nil
}

func parse(text string) (Recipient, error) {
	switch {
	case text == "":
		return Recipient{}, errors.New("it is empty")
	case private(text):
		return Recipient{}, errors.New("it is a private key: give the public key, and replace the private one, which is exposed now")
	case strings.ContainsAny(text, "\r\n"):
		return Recipient{}, errors.New("it has several lines: give exactly one key")
	case strings.HasPrefix(strings.ToLower(text), "age1"):
		return parseAge(text)
	case strings.HasPrefix(text, "ssh-ed25519 "), strings.HasPrefix(text, "ssh-rsa "):
		return parseSSH(text)
	}
	return Recipient{}, errors.New("it is none of age1…, ssh-ed25519 AAAA… and ssh-rsa AAAA…")
}

// private says whether the text holds a private key of age (also of its plugins) or in PEM.
func private(text string) bool {
	upper := strings.ToUpper(text)
	return strings.Contains(upper, "AGE-SECRET-KEY") || strings.Contains(upper, "AGE-PLUGIN") || strings.Contains(upper, "PRIVATE KEY")
}

// parseAge reads an age recipient. Bech32 allows all upper case too, which age writes in lower case.
func parseAge(text string) (Recipient, error) {
	if strings.ToUpper(text) == text {
		text = strings.ToLower(text)
	}
	var key interface {
		age.Recipient
		String() string
	}
	var err error
	switch {
	case strings.HasPrefix(text, "age1pq1"):
		key, err = age.ParseHybridRecipient(text)
	case strings.Count(text, "1") > 1 && strings.LastIndexByte(text, '1') != len("age"):
		// The last 1 ends the prefix (BIP 173), so this one is longer than "age": a plugin's.
		return Recipient{}, errors.New("it is of an age plugin: give an age1… key of age itself")
	default:
		key, err = age.ParseX25519Recipient(text)
	}
	if err != nil {
		return Recipient{}, errors.New("it is no whole age key: a character is wrong, missing or too many")
	}
	sum := sha256.Sum256([]byte(key.String()))
	return Recipient{age: key, text: key.String(), fingerprint: "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])}, nil
}

func parseSSH(text string) (Recipient, error) {
	algorithm, _, _ := strings.Cut(text, " ")
	public, _, _, _, err := ssh.ParseAuthorizedKey([]byte(text))
	if err != nil || public.Type() != algorithm {
		return Recipient{}, errors.New("it is no whole " + algorithm + " key: a character is wrong, missing or too many")
	}
	var key age.Recipient
	switch algorithm {
	case ssh.KeyAlgoED25519:
		key, err = agessh.NewEd25519Recipient(public)
	default:
		if bits := rsaBits(public); bits < minRSABits {
			return Recipient{}, fmt.Errorf("its RSA key has %d bits: use %d or more", bits, minRSABits)
		}
		key, err = agessh.NewRSARecipient(public)
	}
	if err != nil {
		return Recipient{}, errors.New("its " + algorithm + " key is not one that age can use")
	}
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public)))
	return Recipient{age: key, text: line, fingerprint: ssh.FingerprintSHA256(public)}, nil
}

func rsaBits(public ssh.PublicKey) int {
	if k, ok := public.(ssh.CryptoPublicKey); ok {
		if k, ok := k.CryptoPublicKey().(*rsa.PublicKey); ok {
			return k.N.BitLen()
		}
	}
	return 0
}

// String is the recipient in its one canonical spelling, without comment: the same for the same key.
func (r Recipient) String() string { return r.text }

// Fingerprint is SHA256:… of the key, of an SSH key as ssh-keygen prints it: the same for the same key.
func (r Recipient) Fingerprint() string { return r.fingerprint }

// Seal encrypts the secret so that only the recipient can read it, in ASCII armor. It does not wipe the secret.
func (r Recipient) Seal(secret []byte) (armored string, err error) {
	if r.age == nil {
		return "", errors.New("seal: there is no recipient")
	}
	var out bytes.Buffer
	a := armor.NewWriter(&out)
	w, err := age.Encrypt(a, r.age)
	if err == nil {
		_, err = w.Write(secret)
	}
	if err == nil {
		err = w.Close()
	}
	if err == nil {
		err = a.Close()
	}
	if err != nil {
		return "", fmt.Errorf("seal to %s: %w", r.fingerprint, err)
	}
	return out.String(), nil
}

// Wipe overwrites a secret that is not needed any more.
func Wipe(b []byte) { clear(b) }
