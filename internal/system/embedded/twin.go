// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"bytes"
	"path/filepath"

	"github.com/partner-access/terraform-provider-partner/internal/durable"
)

// The files of the folder of keys.
const (
	x509Key, sshKey, signingKey = "x509.key", "ssh.key", "signing.pem"
	authorityFile               = "x509.pem"
	witnessFile                 = "signing.pub" // the public part of the signing key
)

func (p paths) key(name string) string     { return filepath.Join(p.keys(), name) }
func (p paths) keyCopy(name string) string { return filepath.Join(p.keys(), "copy", name) }

// twin is a file of the keys beside its copy. What cannot be read is nil.
type twin struct{ file, copied []byte }

func (p paths) readTwin(name string) (t twin) {
	t.file, _ = durable.ReadFile(p.key(name))
	t.copied, _ = durable.ReadFile(p.keyCopy(name))
	return t
}

func (t twin) same() bool { return t.file != nil && bytes.Equal(t.file, t.copied) }
