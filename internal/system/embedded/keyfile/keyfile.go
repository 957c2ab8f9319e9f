// SPDX-License-Identifier: MPL-2.0

// Package keyfile keeps a private key of the embedded system in a file: PKCS #8 (RFC 5958) in PEM, mode 0600, inside an
// age file where there is a passphrase. `age -d` opens such a file by hand.
package keyfile

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/durable"
)

const pemType = "PRIVATE KEY"

// Load returns the key of a file, and creates key and file where there is none. A passphrase that is set encrypts what
// is written; a file that is still in the clear is then replaced by an encrypted one. The old clear text can survive in
// free blocks and backups: who fears that makes new keys.
//
// Several processes may call it at once: whoever creates the file first decides, and all return that key.
func Load(path, passphrase string, create func() (crypto.Signer, error)) (crypto.Signer, error) {
	key, err := load(path, passphrase)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = add(path, passphrase, create)
	}
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return key, nil
}

// Parse returns the key that the text of such a file holds.
func Parse(text []byte, passphrase string) (crypto.Signer, error) {
	if Encrypted(text) {
		clear, err := decrypt(text, passphrase)
		if err != nil {
			return nil, err
		}
		text = clear
	}
	return parse(text)
}

// load reads a key, and encrypts a file in the clear in place where there is a passphrase.
func load(path, passphrase string) (crypto.Signer, error) {
	text, err := durable.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := Parse(text, passphrase)
	if err != nil || Encrypted(text) || passphrase == "" {
		return key, err
	}
	if err := removeTemporary(path); err != nil {
		return nil, err
	}
	return key, write(path, text, passphrase, os.Rename)
}

// removeTemporary removes what killed processes left of a file: it may be the key in the clear.
func removeTemporary(path string) error {
	dir, name := filepath.Dir(path), filepath.Base(path)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), temporary(name)) {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

func temporary(name string) string { return "." + name + "-" }

// add creates a key and its file. Where another process was first, it returns the key of that one.
func add(path, passphrase string, create func() (crypto.Signer, error)) (crypto.Signer, error) {
	key, err := create()
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	if err := (durable.Disk{}).Mkdir(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der})
	if err := write(path, text, passphrase, claim); errors.Is(err, fs.ErrExist) {
		return load(path, passphrase)
	} else if err != nil {
		return nil, err
	}
	return key, nil
}

// claim gives the temporary file its name only if nobody has that name yet, which a rename cannot promise. It falls
// back to the rename on file systems without links.
func claim(temporary, path string) error {
	if err := os.Link(temporary, path); err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.Rename(temporary, path)
}

// write puts a whole file in place, or none: a key that was cut short would orphan everything it ever signed.
func write(path string, text []byte, passphrase string, place func(temporary, path string) error) error {
	if passphrase != "" {
		var err error
		if text, err = encrypt(text, passphrase); err != nil {
			return err
		}
	}
	dir, disk := filepath.Dir(path), durable.Disk{}
	beside := filepath.Join(dir, temporary(filepath.Base(path))+rand.Text()) // several processes may be at it
	if err := disk.Replace(path, beside, text, 0o600, place); err != nil {
		return err
	}
	return disk.Sync(dir)
}

// parse returns the one key in PKCS #8 (RFC 5958) that a text in PEM holds. Its errors quote nothing of the text.
func parse(text []byte) (crypto.Signer, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != pemType || len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("is not a single PKCS #8 private key in PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("is not a PKCS #8 private key") // the cause could quote the key
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("holds a key that cannot sign (%T)", key)
	}
	return signer, nil
}
