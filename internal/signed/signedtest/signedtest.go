// SPDX-License-Identifier: MPL-2.0

// Package signedtest signs in tests as ssh-keygen -Y sign does, with keys that are made of a name.
package signedtest

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/pem"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Key is an Ed25519 key.
type Key struct{ ssh.Signer }

// New returns the key of a name: the same one for the same name.
func New(name string) Key {
	seed := sha256.Sum256([]byte(name))
	signer, err := ssh.NewSignerFromSigner(ed25519.NewKeyFromSeed(seed[:]))
	if err != nil {
		panic(err)
	}
	return Key{signer}
}

// Line returns the public key as a .pub file has it.
func (k Key) Line() string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k.PublicKey())))
}

// Sign returns what ssh-keygen -Y sign -n partner-access prints of a text.
func (k Key) Sign(text string) string {
	const namespace = "partner-access"
	sum := sha512.Sum512([]byte(text))
	body := ssh.Marshal(struct{ Namespace, Reserved, Hash, Sum string }{namespace, "", "sha512", string(sum[:])})
	inner, err := k.Signer.Sign(rand.Reader, append([]byte("SSHSIG"), body...))
	if err != nil {
		panic(err)
	}
	blob := ssh.Marshal(struct {
		Version                                uint32
		Key, Namespace, Reserved, Hash, Signed string
	}{1, string(k.PublicKey().Marshal()), namespace, "", "sha512", string(ssh.Marshal(inner))})
	text = string(pem.EncodeToMemory(&pem.Block{Type: "SSH SIGNATURE", Bytes: append([]byte("SSHSIG"), blob...)}))
	return text
}
