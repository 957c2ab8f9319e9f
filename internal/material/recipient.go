// SPDX-License-Identifier: MPL-2.0

package material

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/crypto/ssh"
)

// minRSABits is the smallest RSA key that is sealed to, by NIST SP 800-131A.
const minRSABits = 2048

// Recipient is a partner's public key that secrets are sealed to. The zero Recipient is nobody.
type Recipient struct {
	age         age.Recipient
	text        string
	fingerprint string
	key         ssh.PublicKey
}

// Age returns the recipient as age takes it.
func (r Recipient) Age() age.Recipient { return r.age }

// String returns the recipient in its one spelling, without comment: the same for the same key.
func (r Recipient) String() string { return r.text }

// Fingerprint returns SHA256:... of the key, of an SSH key as ssh-keygen prints it: the same for the same key.
func (r Recipient) Fingerprint() string { return r.fingerprint }

// SSHKey returns the recipient's SSH key, where it is one.
func (r Recipient) SSHKey() (SSHKey, bool) { return SSHKey{r.key}, r.key != nil }

// ageKeys returns what looks like age recipients outside of comments, each once.
func ageKeys(text string) (found []string) {
	for _, l := range lines(text) {
		if !strings.HasPrefix(l, "#") {
			found = append(found, ageWords(l)...)
		}
	}
	return slices.CompactFunc(found, strings.EqualFold)
}

// ParseRecipient reads the one recipient in a text: age1... (or age1pq1...), or an ssh-ed25519 or ssh-rsa public key,
// with comment lines and blank ones as age -R takes them.
func ParseRecipient(text string) (Recipient, error) {
	if HoldsPrivateKey(text) {
		return Recipient{}, errors.New("it is a private key: give the public key, and replace the private one, which " +
			"is exposed now")
	}
	found := ageKeys(text)
	if len(found) == 0 {
		key, err := ParseSSHKey(text)
		if err != nil {
			return Recipient{}, noRecipient(text, err)
		}
		return sshRecipient(key.PublicKey)
	}
	if others, _ := sshKeysIn(fromRFC4716(text)); len(found)+len(others) > 1 {
		var names []string
		for _, key := range found {
			letters := []rune(key)
			names = append(names, "age1..."+string(letters[max(4, len(letters)-6):])) // whole ones have up to 2,000
		}
		return Recipient{}, several("keys", append(names, sshNames(others)...))
	}
	r, err := parseAge(found[0])
	if err == nil {
		return r, nil
	}
	if why := odd(text); why != "" {
		return Recipient{}, errors.New(why)
	}
	if n, ok := brokenAge(text); ok {
		return Recipient{}, fmt.Errorf("the key is broken over %d lines: write it on one line", n)
	}
	return Recipient{}, err
}

// ageWords returns the age recipients in a line, whatever is beside them: a comment, or what
// age-keygen says before one.
func ageWords(line string) (keys []string) {
	for _, w := range strings.FieldsFunc(line,
		func(c rune) bool { return unicode.IsSpace(c) || strings.ContainsRune(",;<>", c) }) {
		if blobName(w) != "" {
			return nil // a line of an SSH key, whose comment it is
		}
		if w = strings.Trim(w, "\"'`.()"); strings.HasPrefix(strings.ToLower(w), "age1") {
			keys = append(keys, w)
		}
	}
	return keys
}

// brokenAge reports over how many lines an age recipient is broken, where it is.
func brokenAge(text string) (n int, ok bool) {
	words := strings.Fields(text)
	_, err := parseAge(strings.Join(words, ""))
	return len(words), len(words) > 1 && err == nil
}

const fromRecipient = "write one of age1..., ssh-ed25519 AAAA... and ssh-rsa AAAA... alone"

// commentedAgeKey reports whether a text without a key has one in a comment.
func commentedAgeKey(text string) bool {
	for _, l := range lines(text) {
		for _, key := range ageWords(l) {
			if _, err := parseAge(key); err == nil {
				return true
			}
		}
	}
	return false
}

// noRecipient says what a text without a recipient is.
func noRecipient(text string, err error) error {
	if why := odd(text); why != "" {
		return errors.New(why)
	}
	if commentedAgeKey(text) {
		return errors.New("its only key stands in a comment: write the key without what is before it")
	}
	is := another(text)
	if errors.Is(err, errNoKey) || (is != "" &&
		!strings.Contains(is, "SSH public key") &&
		!strings.Contains(is, "public key in PEM")) {
		switch {
		case strings.HasPrefix(is, "its "):
			return errors.New(is)
		case is == "it is empty":
			return errors.New(is + ": " + fromRecipient)
		case is != "":
			return errors.New(is + ", which nothing is sealed to: " + fromRecipient)
		}
		return errors.New("it is no recipient: " + fromRecipient)
	}
	return err
}

// ageLength is how long a recipient of age itself is. One that has this length and a second 1 is mistyped, since
// a 1 stands for no data.
const ageLength = len("age1") + 58

// parseAge reads an age recipient. Bech32 allows all upper case too, which age writes in lower case.
func parseAge(text string) (Recipient, error) {
	lower := strings.ToLower(text)
	if lower != text && strings.ToUpper(text) != text {
		return Recipient{}, errors.New("it is written in upper and in lower case: write it in lower case, age1…")
	}
	text = lower
	var key interface {
		age.Recipient
		String() string
	}
	var err error
	switch {
	case strings.HasPrefix(text, "age1pq1"):
		key, err = age.ParseHybridRecipient(text)
	case len(text) != ageLength &&
		strings.Count(text, "1") > 1 &&
		strings.LastIndexByte(text, '1') != len("age"):
		// The last 1 ends the prefix (BIP 173), so this one is longer than "age": a plugin's.
		return Recipient{}, errors.New("it is of an age plugin: give an age1… key of age itself")
	default:
		key, err = age.ParseX25519Recipient(text)
	}
	if err != nil {
		return Recipient{}, errors.New("it is no whole age key: a character is wrong, missing or too many")
	}
	return Recipient{age: key, text: key.String(), fingerprint: Fingerprint([]byte(key.String()))}, nil
}

// sshRecipient returns the recipient of an SSH key. age seals to Ed25519 and RSA keys only; keys on a security key
// cannot decrypt.
func sshRecipient(public ssh.PublicKey) (Recipient, error) {
	var key age.Recipient
	var err error
	switch public.Type() {
	case ssh.KeyAlgoED25519:
		key, err = agessh.NewEd25519Recipient(public)
	case ssh.KeyAlgoRSA:
		if bits := rsaBits(public); bits < minRSABits {
			return Recipient{}, fmt.Errorf("its RSA key has %d bits: use %d or more", bits, minRSABits)
		}
		key, err = agessh.NewRSARecipient(public)
	default:
		return Recipient{}, fmt.Errorf("its key is %s, which age cannot seal to: %s", kindOfSSH(public.Type()),
			fromRecipient)
	}
	if err != nil {
		return Recipient{}, errors.New("its " + public.Type() + " key is not one that age can use")
	}
	return Recipient{age: key, text: SSHKey{public}.Line(), fingerprint: ssh.FingerprintSHA256(public), key: public},
		nil
}

// kindOfSSH says of which kind a key is that age cannot seal to.
func kindOfSSH(name string) string {
	switch {
	case strings.HasPrefix(name, "sk-"):
		return "on a security key"
	case strings.HasPrefix(name, "ecdsa-"):
		return "ECDSA"
	}
	return "DSA"
}

// rsaBits returns the size of an RSA key; 0 for any other.
func rsaBits(public ssh.PublicKey) int {
	if k, ok := public.(ssh.CryptoPublicKey); ok {
		if k, ok := k.CryptoPublicKey().(*rsa.PublicKey); ok {
			return k.N.BitLen()
		}
	}
	return 0
}
