// SPDX-License-Identifier: MPL-2.0

package material

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// SSHKey is a partner's SSH public key.
type SSHKey struct{ ssh.PublicKey }

// Line returns the key as a line of authorized_keys in its one spelling, without comment.
func (k SSHKey) Line() string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k.PublicKey)))
}

// ParseSSHKey reads the one public key in a text: a .pub file with its comments and blank lines, or
// the format of RFC 4716.
func ParseSSHKey(text string) (SSHKey, error) {
	if HoldsPrivateKey(text) {
		return SSHKey{}, errPrivate
	}
	text = fromRFC4716(text)
	found, broken := sshKeysIn(text)
	switch {
	case len(found) > 1:
		return SSHKey{}, several("keys", sshNames(found))
	case broken != nil && strings.Contains(text, "BEGIN SSH2 PUBLIC KEY"):
		return SSHKey{}, noSSHKey(text)
	case broken != nil:
		if n, ok := wrapped(text); ok {
			return SSHKey{}, fmt.Errorf("the key is broken over %d lines: write it on one line", n)
		}
		return SSHKey{}, broken
	case len(found) == 0:
		return SSHKey{}, noSSHKey(text)
	}
	if _, signed := found[0].(*ssh.Certificate); signed {
		return SSHKey{}, errors.New("it is a certificate: write the public key that it was made for")
	}
	return SSHKey{found[0]}, nil
}

// sshKeysIn returns the different keys in a text, and what is wrong with the first line that is meant to be one. A
// certificate counts as its key, and is returned only if the key itself is not there.
func sshKeysIn(text string) (found []ssh.PublicKey, broken error) {
	for _, l := range lines(text) {
		if l == "" || strings.HasPrefix(l, "#") {
			continue
		}
		key, err := parseSSHLine(l)
		if err != nil {
			if broken == nil && !errors.Is(err, errNoKey) {
				broken = err
			}
			continue
		}
		same := func(k ssh.PublicKey) bool { return bytes.Equal(certified(k).Marshal(), certified(key).Marshal()) }
		at := slices.IndexFunc(found, same)
		_, signed := key.(*ssh.Certificate)
		switch {
		case at < 0:
			found = append(found, key)
		case !signed:
			found[at] = key
		}
	}
	return found, broken
}

// certified returns the key that a certificate is of; a key is its own.
func certified(k ssh.PublicKey) ssh.PublicKey {
	if c, ok := k.(*ssh.Certificate); ok {
		return c.Key
	}
	return k
}

// sshNames are keys as ssh-keygen -l tells them from each other: by kind and fingerprint.
func sshNames(keys []ssh.PublicKey) (names []string) {
	for _, k := range keys {
		names = append(names, k.Type()+" "+ssh.FingerprintSHA256(certified(k)))
	}
	return names
}

const fromPub = "write the line of its .pub file, such as ssh-ed25519 AAAA... name"

const askForEd25519 = ": ask the partner for one that is Ed25519, as ssh-keygen -t ed25519 makes it"

// errNoKey is what is said of a line that is no key's at all.
var errNoKey = errors.New("it is no SSH public key: " + fromPub)

var algorithmName = regexp.MustCompile(`^(ssh-(rsa|dss|ed25519|ed448)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com)(-cert-v01@openssh\.com)?$|-cert-v01@openssh\.com$`)

func isAlgorithm(word string) bool { return algorithmName.MatchString(word) }

// checkAlgorithm refuses a key whose line calls it another kind than it is, or of a kind that nothing here reads.
func checkAlgorithm(algorithm, blob string) error {
	if name := blobName(blob); name != "" && name != algorithm {
		return fmt.Errorf("it says %s, and the key behind it is of the kind %s: write %s", algorithm, name, name)
	}
	if strings.HasPrefix(algorithm, "ssh-ed448") {
		return errors.New("its key is Ed448, which is not supported" + askForEd25519)
	}
	return nil
}

// parseSSHLine reads one line of authorized_keys (sshd(8)) without options.
func parseSSHLine(line string) (ssh.PublicKey, error) {
	words := strings.Fields(line)
	if len(words) == 0 || !isAlgorithm(words[0]) { // else what follows it is the key, whole or not
		if len(words) > 1 && firstPart(words[1]) == words[0] {
			return nil, errors.New("its key is of the kind " + words[0] + ", which is not supported" + askForEd25519)
		}
		if err := misplacedSSHKey(words); err != nil {
			return nil, err
		}
	}
	if len(words) == 1 {
		return nil, errors.New("the key itself is missing behind " + words[0] + ": " + fromPub)
	}
	if err := checkAlgorithm(words[0], words[1]); err != nil {
		return nil, err
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(words[0] + " " + words[1]))
	switch why := odd(words[1]); {
	case err == nil && key.Type() == words[0]:
		return key, nil
	case why != "":
		return nil, errors.New(why)
	}
	if wholeSSH(words[0], words[1]) {
		return nil, errors.New("its " + words[0] + " key has a size or an exponent that is not supported" +
			askForEd25519)
	}
	return nil, errors.New("its " + words[0] + " key is not whole, a character is wrong, missing or too many: " +
		fromPub)
}

// wholeSSH reports whether a blob has all the parts of an RSA or DSA key (RFC 4253, 6.6), whatever the Go
// library has against it.
func wholeSSH(kind, blob string) bool {
	b, _ := base64.StdEncoding.DecodeString(blob)
	parts := 0
	for ; len(b) > 0; parts++ {
		_, rest, ok := sshPart(b)
		if !ok {
			return false
		}
		b = rest
	}
	return (kind == ssh.KeyAlgoRSA && parts == 3) || (kind == "ssh-dss" && parts == 5)
}

// misplacedSSHKey says what stands where a line should begin with the kind of its key.
func misplacedSSHKey(words []string) error {
	at := slices.IndexFunc(words, func(w string) bool { return blobName(w) != "" }) - 1 // of the word before the key
	if at < -1 {
		return errNoKey
	}
	if why := odd(strings.Join(words[:at+2], "")); why != "" {
		return errors.New(why)
	}
	name := blobName(words[at+1])
	switch {
	case at > -1 && words[at] != name && strings.HasSuffix(words[at], name): // as in JSON or HTML
		return fmt.Errorf("something stands right before %[1]s, such as a quote or a tag: write the key alone, "+
			"from %[1]s on", name)
	case at == -1 || !kind.MatchString(words[at]):
		return fmt.Errorf("the key's kind is missing before it: write %s before AAAA", name)
	case at > 0:
		return errors.New(before(words[:at]))
	}
	return nil
}

var (
	// kind is a word that is meant to say of which kind a key is.
	kind = regexp.MustCompile(`(?i)^(ssh-|ecdsa|rsa|sk-|ed25519|dsa|dss)[a-z0-9@.-]*$`)
	host = regexp.MustCompile(`^(@|\|1\||\[?[A-Za-z0-9*?!-]+([.:\],].+|\])|[A-Za-z0-9-]*[A-Za-z][A-Za-z0-9-]*$)`)
	// authority is an option that makes of a key one that signs others.
	authority = regexp.MustCompile(`(?i)(^|,)cert-authority(,|$)`)
	option    = regexp.MustCompile(`(?i)(="|^(no-|restrict|cert-authority|pty|user-rc|x11-forwarding|agent-forwarding|port-forwarding|verify-required)|,no-|,restrict)`)
)

// before says what the words before a key are.
func before(words []string) string {
	switch {
	case authority.MatchString(words[0]):
		return "it is the key of an authority (cert-authority), which signs the keys of others: ask the partner for " +
			"the key that it logs in with"
	case option.MatchString(words[0]):
		return "it has options before the key: write the key alone, what it may do is for grants to say"
	case host.MatchString(words[0]) && (len(words) == 1 || words[0][0] == '@'):
		return "it is a line of known_hosts, whose key is a host's: " + fromPub
	}
	return "words stand before the key: write the key alone"
}

// blobName returns the kind of key that a blob in base64 says it is; "" where it is none.
func blobName(text string) string {
	if name := firstPart(text); isAlgorithm(name) {
		return name
	}
	return ""
}

// firstPart returns what a blob in base64 begins with: the name of the key's kind, known or not;
// "" where it is no blob.
func firstPart(text string) string {
	if !strings.HasPrefix(text, "AAAA") {
		return ""
	}
	b, _ := base64.StdEncoding.DecodeString(text[:min(len(text), 64)&^3])
	name, _, _ := sshPart(b)
	return string(name)
}

// wrapped reports whether a text is one key that was broken over lines, and over how many.
func wrapped(text string) (n int, ok bool) {
	var all []string
	for _, l := range lines(text) {
		if l != "" && !strings.HasPrefix(l, "#") {
			all = append(all, l)
		}
	}
	if len(all) < 2 {
		return 0, false
	}
	_, err := parseSSHLine(strings.Join(all, ""))
	return len(all), err == nil
}

var rfc4716 = regexp.MustCompile(`(?s)-{4,5} ?BEGIN SSH2 PUBLIC KEY ?-{4,5}\n(.*?)-{4,5} ?END SSH2 PUBLIC KEY ?-{4,5}`)

// fromRFC4716 returns a text in which each key that is written as RFC 4716 says, as PuTTY does, stands as a line.
func fromRFC4716(text string) string {
	joined := strings.Join(lines(text), "\n")
	if !rfc4716.MatchString(joined) {
		return text
	}
	return rfc4716.ReplaceAllStringFunc(joined, func(block string) string {
		var key strings.Builder
		header := false
		for _, l := range strings.Split(rfc4716.FindStringSubmatch(block)[1], "\n") {
			switch {
			case header || strings.ContainsAny(l, ": "):
				header = strings.HasSuffix(l, `\`) // a header goes on in the next line
			default:
				key.WriteString(l)
			}
		}
		if name := blobName(key.String()); name != "" {
			return name + " " + key.String()
		}
		return block
	})
}

// commentedSSHKey reports whether a comment line would be a key without its #.
func commentedSSHKey(text string) bool {
	for _, l := range lines(text) {
		if rest, comment := strings.CutPrefix(l, "#"); comment {
			if _, err := parseSSHLine(rest); err == nil {
				return true
			}
		}
	}
	return false
}

// noSSHKey says what a text without a key is.
func noSSHKey(text string) error {
	if why := odd(text); why != "" {
		return errors.New(why)
	}
	if commentedSSHKey(text) {
		return errors.New("its only key stands in a comment: write the line without the # before it")
	}
	switch is := another(text); {
	case strings.HasPrefix(is, "it is a public key in PEM"):
		return errors.New(is + ": ssh-keygen -i -m PKCS8 -f FILE writes it as needed (-m PEM for an RSA PUBLIC KEY)")
	case strings.Contains(is, "RFC 4716"):
		return errors.New(is + ", and is not whole or not alone: ssh-keygen -i -f FILE writes it as needed")
	case strings.HasPrefix(is, "its "):
		return errors.New(is)
	case is == "it is empty":
		return errors.New(is + ": " + fromPub)
	case is != "" && is != "it is an SSH public key":
		return errors.New(is + ", not an SSH public key: " + fromPub)
	}
	return errNoKey
}
