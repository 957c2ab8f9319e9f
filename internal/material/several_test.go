// SPDX-License-Identifier: MPL-2.0

package material

import (
	"crypto/ed25519"
	"crypto/rand"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// Whoever gets a folder's keys in one file, or what a forge shows of an account, has to know which of them
// are in it to choose one.
func TestWhatIsThereMoreThanOnceIsNamed(t *testing.T) {
	var lines, prints []string
	for range 6 {
		line, _ := sshPublic(t)
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		lines, prints = append(lines, line), append(prints, "ssh-ed25519 "+ssh.FingerprintSHA256(key))
	}
	_, authority, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(authority)
	if err != nil {
		t.Fatal(err)
	}
	public, _, _, _, _ := ssh.ParseAuthorizedKey([]byte(lines[0]))
	sign := func(serial uint64) string {
		certificate := &ssh.Certificate{Key: public, CertType: ssh.UserCert, Serial: serial}
		if err := certificate.SignCert(rand.Reader, signer); err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(certificate)))
	}
	signed := sign(1)
	ask := func(text string) string {
		_, err := ParseSSHKey(text)
		if _, other := ParseRecipient(text); err != nil &&
			(other == nil || !strings.HasPrefix(other.Error(), err.Error())) {
			t.Errorf("as a recipient: %v, want %v", other, err)
		}
		return errText(err)
	}
	for what, c := range map[string]struct{ text, says string }{
		"two lines": {lines[0] + " jane\n" + lines[1] + " joe\n",
			"there are 2 keys in it (" + prints[0] + ", " + prints[1] + "): write one"},
		"of a forge": {strings.Join(lines, "\n"),
			"there are 6 keys in it (" + strings.Join(prints[:4], ", ") + " and 2 more): write one"},
		"RFC 4716 and a line":    {rfc(strings.Fields(lines[0])[1]) + lines[1], "there are 2 keys in it (" + prints[0]},
		"with its certificate":   {lines[0] + "\n" + signed, "it is taken"},
		"after its certificate":  {signed + "\n" + lines[0], "it is taken"}, // as cat id_*.pub has them
		"between two of its own": {signed + "\n" + lines[0] + "\n" + sign(2), "it is taken"},
		"another's certificate": {lines[1] + "\n" + signed,
			"there are 2 keys in it (" + prints[1] + ", ssh-ed25519-cert-v01@openssh.com " +
				strings.Fields(prints[0])[1] + "): write one"},
		"its certificate": {signed, "it is a certificate: write the public key that it was made for"},
		"its certificate twice": {signed + "\n" + signed,
			"it is a certificate: write the public key that it was made for"},
		"two certificates of it": {signed + "\n" + sign(2),
			"it is a certificate: write the public key that it was made for"},
	} {
		if said := ask(c.text); !strings.HasPrefix(said, c.says) {
			t.Errorf("%s: %s, want %s", what, said, c.says)
		}
	}
	one := crafted(t, ecKey(t), nil, name(0x0c, "depot"), noAttributes)
	two := crafted(t, ecKey(t), nil, name(0x0c, "depot"), noAttributes)
	first, _ := ParseRequest(one)
	second, _ := ParseRequest(two)
	_, err = ParseRequest(one + two + block("CERTIFICATE REQUEST", derOf(one)[:90]))
	if want := "there are 3 requests in it (of the key " + first.Fingerprint() + ", of the key " +
		second.Fingerprint() + ", one that cannot be read): write one"; errText(err) != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func errText(err error) string {
	if err == nil {
		return "it is taken"
	}
	return err.Error()
}
