// SPDX-License-Identifier: MPL-2.0

//go:build unix

package provider_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// sshPair is a private key in OpenSSH's format, and its public line.
func sshPair(t *testing.T, key any, public any, err error) (private, line string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	given, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(block)), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(given)))
}

// The partner opens what was sealed to it with the ordinary age, as the handover says, and gets the key that gateways
// know the hash of.
func TestTheAgeCommandOpensWhatIsSealed(t *testing.T) {
	t.Parallel()
	j := newJudged(t)
	age := realtool.Find(t, "age")
	public, ed, err := ed25519.GenerateKey(rand.Reader)
	edKey, edLine := sshPair(t, ed, public, err)
	old, err := rsa.GenerateKey(rand.Reader, 3072)
	rsaKey, rsaLine := sshPair(t, old, old.Public(), err)
	partners := map[string]struct{ private, recipient string }{
		"by-age": {partnerAgeKey.String() + "\n", partnerRecipient}, "by-ed25519": {edKey, edLine},
		"by-rsa": {rsaKey, rsaLine},
	}
	var blocks []string
	for name, p := range partners {
		blocks = append(blocks, j.identity(name, nil),
			j.credential(name, "secret", fmt.Sprintf("{ recipient = %q }", p.recipient), nil))
	}
	j.apply(blocks...)
	_, published := j.policyData()
	hashes, _ := published["secrets"].(object)
	for name, p := range partners {
		sealed := j.save("secret.age", j.attribute("partner_credential."+name+"-secret", "sealed_secret"))
		key, err := exec.Command(age, "--decrypt", "--identity", j.save(name, p.private), sealed).Output()
		if err != nil || !strings.HasPrefix(string(key), "partner_") {
			t.Fatalf("%s: age gives %d bytes, %v", name, len(key), err)
		}
		if proof, _ := hashes[hashOf(key)].(object); proof["identity"] != "acme/prod/"+name {
			t.Errorf("%s: the published data does not know its key: %v", name, proof)
		}
		for other, q := range partners {
			if out, err := exec.Command(age, "--decrypt", "--identity", j.save(other, q.private),
				sealed).Output(); other != name && (err == nil || len(out) > 0) {
				t.Errorf("%s opens what was sealed for %s", other, name)
			}
		}
	}
	j.destroy()
}
