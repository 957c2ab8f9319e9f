// SPDX-License-Identifier: MPL-2.0

package material

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func sshPublic(t *testing.T) (line, blob string) {
	t.Helper()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	blob = base64.StdEncoding.EncodeToString(key.Marshal())
	return "ssh-ed25519 " + blob, blob
}

func rfc(blob string) string {
	return "---- BEGIN SSH2 PUBLIC KEY ----\nComment: \"made by somebody, with a comment \\\nthat goes on: here\"\n" +
		blob[:40] + "\n" + blob[40:] + "\n---- END SSH2 PUBLIC KEY ----\n"
}

// One key is one key, however it is written down; also as a recipient.
func TestSSHKeysAreReadHoweverTheyAreWritten(t *testing.T) {
	line, blob := sshPublic(t)
	for how, text := range map[string]string{
		"as it is":               line,
		"a comment":              line + " depot@acme\n",
		"a long comment":         line + " a comment of ssh-rsa words\r\n",
		"a byte order mark":      "\ufeff" + line,
		"no-break spaces":        strings.ReplaceAll(line, " ", "\u00a0"),
		"tabs":                   strings.ReplaceAll(line, " ", "\t") + "\tdepot",
		"two spaces":             "  " + strings.ReplaceAll(line, " ", "  "),
		"comment lines":          "# ACME's depot\n\n" + line + "\n# until spring\n",
		"words before it":        "depot key:\n" + line,
		"RFC 4716":               rfc(blob),
		"RFC 4716, windows":      strings.ReplaceAll(rfc(blob), "\n", "\r\n"),
		"RFC 4716, words before": "as you asked\n" + rfc(blob),
	} {
		if k, err := ParseSSHKey(text); err != nil || k.Line() != line {
			t.Errorf("%s: %v", how, err)
		}
		if r, err := ParseRecipient(text); err != nil || r.String() != line {
			t.Errorf("%s as a recipient: %v", how, err)
		}
	}
	const age = "age1g4cmkag7wz6v70vmx3zlacnx0ep6x2c4pa348w75gt6t4m97047sq7l5wg"
	for _, text := range []string{age, strings.ToUpper(age), " " + age + "\r\n", "\ufeff" + age,
		"# ACME depot, 2026-11\n" + age + "\n", "\n#\n\n" + age} {
		if r, err := ParseRecipient(text); err != nil || r.String() != age {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestSSHKeysThatAreNotTakenAreToldWhy(t *testing.T) {
	line, blob := sshPublic(t)
	second, _ := sshPublic(t)
	for how, c := range map[string]struct{ text, says string }{
		"another kind's name": {"ssh-rsa " + blob + " depot",
			"it says ssh-rsa, and the key behind it is of the kind ssh-ed25519: write ssh-ed25519"},
		"known_hosts":             {"depot.acme.test " + line, "a line of known_hosts"},
		"known_hosts, an address": {"[203.0.113.7]:2222 " + line, "a line of known_hosts"},
		"known_hosts, hashed": {"|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= " + line,
			"a line of known_hosts"},
		"known_hosts, a word":    {"depot " + line, "a line of known_hosts"},
		"options":                {`from="203.0.113.0/24",no-pty ` + line, "options before the key"},
		"one option":             {"restrict " + line, "options before the key"},
		"wrapped":                {line[:40] + "\n" + line[40:], "broken over 2 lines"},
		"the blob alone":         {blob, "write ssh-ed25519 before AAAA"},
		"cut off":                {line[:50], "is not whole"},
		"the name alone":         {"ssh-ed25519", "missing behind ssh-ed25519"},
		"two keys":               {line + "\n" + second, "there are 2 keys"},
		"a broken one beside it": {line + "\n" + second[:60], "is not whole"},
		"a public key in PEM":    {block("PUBLIC KEY", []byte("01234567890123456789")), "ssh-keygen -i -m PKCS8"},
		"a request": {block("CERTIFICATE REQUEST", []byte("01234567890123456789")),
			"it is a CERTIFICATE REQUEST, not an SSH public key"},
		"an age recipient": {"age1g4cmkag7wz6v70vmx3zlacnx0ep6x2c4pa348w75gt6t4m97047sq7l5wg",
			"it is an age recipient"},
		"PGP": {"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDMEZ\n-----END PGP PUBLIC " +
			"KEY BLOCK-----", "PGP"},
		"RFC 4716 that is cut off": {rfc(blob)[:100], "RFC 4716"},
		"words":                    {"please use the key of last year", "it is no SSH public key"},
		"empty":                    {"", "it is"},
	} {
		_, err := ParseSSHKey(c.text)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want it to say %q", how, err, c.says)
		} else if strings.Contains(err.Error(), blob[30:]) {
			t.Errorf("%s: the error repeats it: %v", how, err)
		}
	}
}

func TestRecipientsThatAreNotTakenAreToldWhy(t *testing.T) {
	line, blob := sshPublic(t)
	for how, c := range map[string]struct{ text, says string }{
		"PGP": {"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDMEZ\n-----END PGP PUBLIC KEY BLOCK-----",
			"it is a PGP public key"},
		"a certificate": {block("CERTIFICATE", []byte("01234567890123456789")), "it is a CERTIFICATE"},
		"wrapped":       {line[:40] + "\n" + line[40:], "broken over 2 lines"},
		"another name":  {"ssh-rsa " + blob, "write ssh-ed25519"},
		"a key in PEM":  {block("PUBLIC KEY", []byte("01234567890123456789")), "ssh-keygen -i -m PKCS8"},
		"words":         {"the one of last year", "it is no recipient"},
	} {
		if _, err := ParseRecipient(c.text); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want it to say %q", how, err, c.says)
		}
	}
}
