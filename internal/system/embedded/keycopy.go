// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/crypto/ssh"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/durable"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/keyfile"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/policy"
)

// The keys are of all: without them nothing is published, and so nobody's access is taken away. Each of their
// files has a copy in keys/copy, byte for byte, encrypted as it is. Where the two differ, the one that fits what
// gateways trust is right.

var keyFiles = []string{x509Key, sshKey, signingKey, authorityFile, witnessFile}

// hasCopies reports whether there are copies of the keys: a directory from before there were any has none.
func (p paths) hasCopies() bool {
	_, err := os.Stat(p.keyCopy(""))
	return !errors.Is(err, fs.ErrNotExist)
}

// unlike returns the files that are not as their copies, where there are copies.
func (p paths) unlike() (names []string) {
	if !p.hasCopies() {
		return nil
	}
	for _, name := range keyFiles {
		if !p.readTwin(name).same() {
			names = append(names, name)
		}
	}
	return names
}

// forOthers are the bits of a file's mode that let others than its owner and its group in.
const forOthers = 0o007

// exposed returns the private keys, and copies of them, that anybody on the machine may read or change.
func (p paths) exposed() (files []string) {
	for _, name := range []string{x509Key, sshKey, signingKey} {
		for _, path := range []string{p.key(name), p.keyCopy(name)} {
			if info, err := os.Lstat(path); err == nil &&
				info.Mode().IsRegular() &&
				info.Mode()&forOthers != 0 &&
				runtime.GOOS != "windows" {
				files = append(files, path)
			}
		}
	}
	return files
}

// closeKeys takes the private keys back from others, and says so: nobody can tell who has read them. A file of somebody
// else's stays as it is, and plans go on to tell it: it is no reason to change nothing.
func (kr *keyring) closeKeys() {
	var closed []finding
	for _, path := range kr.paths.exposed() {
		if err := kr.disk.Do("chmod", path, func() error { return os.Chmod(path, privateFile) }); err == nil {
			closed = append(closed, finding{file: kr.paths.named(path), why: "could be read or changed by anybody on " +
				"this machine. Now only its owner can, but somebody may already have its key"})
		}
	}
	kr.notes.heals(closed)
}

// inspectKeys notes the files that are not as their copies. Which of the two is right is found by the next change,
// which needs the passphrase anyway.
func (l *book) inspectKeys(p paths) {
	switch keys, err := os.ReadDir(p.keys()); {
	case errors.Is(err, fs.ErrPermission):
		return
	case len(keys) == 0 && l.generation.Number > 0:
		l.find(p, p.keys(), "is gone: nothing can be changed until it is restored", access.IdentityID{})
	}
	for _, path := range p.exposed() {
		l.find(p, path, "can be read or changed by anybody on this machine. The next change closes it, but somebody "+
			"may already have its key", access.IdentityID{})
	}
	for _, name := range p.unlike() {
		l.find(p, p.key(name), "and "+p.named(p.keyCopy(name))+" differ, or one is gone: the next change repairs "+
			"them from the one that gateways trust",
			access.IdentityID{})
	}
}

// mendKeys makes each file of the keys and its copy one again, before they are opened. What is lost is never made anew
// in a directory that is in use: gateways trust no other.
func (kr *keyring) mendKeys() error {
	var mended []finding
	for _, name := range keyFiles {
		t := kr.paths.readTwin(name)
		if t.same() || (t.file == nil && t.copied == nil && !kr.inUse()) {
			continue // else it is about to be made
		}
		found, err := kr.mendKey(name, t)
		if err != nil {
			return err
		}
		if found.file != "" {
			mended = append(mended, found)
		}
	}
	kr.notes.heals(mended)
	return nil
}

// mendKey puts a file back from its copy where only that can be used, and says so.
func (kr *keyring) mendKey(name string, t twin) (finding, error) {
	file := kr.paths.named(kr.paths.key(name))
	copied := kr.paths.named(kr.paths.keyCopy(name))
	bad := kr.unfit(name, t.file)
	if bad == nil && kr.paths.hasCopies() { // and this one is not as the file
		return finding{file: copied, why: "was gone, or differed from " + file +
			", which is right: it was created again"}, nil
	}
	if bad == nil || (kr.options.Passphrase == "" && keyfile.Encrypted(t.file)) {
		return finding{}, nil // and is copied once it was opened
	}
	worse := kr.unfit(name, t.copied)
	if worse == nil {
		why := fmt.Sprintf("could not be used, because it %v: it was restored from %s", bad, copied)
		return finding{file: file, why: why}, kr.placeKey(kr.paths.key(name), t.copied)
	}
	if name == authorityFile || name == witnessFile { // they are made anew from their keys
		return finding{file: file, why: fmt.Sprintf("could not be used, because it %v, and neither could its copy: it "+
			"was created again", bad)}, kr.disk.Remove(kr.paths.key(name))
	}
	return finding{}, fmt.Errorf("%s cannot be used, because it %w. Nor can its copy %s, because that %w. Gateways "+
		"trust no other key, so nothing can be published. Restore one of the two from a backup. Until then, %s "+
		"cuts without any key. If there is no backup, start again in another directory, and make gateways trust "+
		"that",
		kr.paths.key(name), bad, copied, worse, kr.paths.public(cutName))
}

// errForeignKey: a key can be read, and is none that anybody trusts.
var errForeignKey = errors.New("holds another key than the one that gateways trust")

// unfit says why a file of the keys cannot be used; nil where it can.
func (kr *keyring) unfit(name string, text []byte) error {
	if text == nil {
		return errors.New("is gone, or cannot be read")
	}
	switch name {
	case authorityFile:
		certificate, err := parseAuthority(text)
		if err == nil &&
			!kr.isPublished("ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})) {
			return errForeignKey
		}
		return err
	case witnessFile:
		_, err := policy.ParseWitness(text)
		return err
	}
	key, err := keyfile.Parse(text, kr.options.Passphrase)
	if err == nil && !kr.trusts(name, key.Public()) {
		return errForeignKey
	}
	return err
}

// trusts reports whether a key is the one that gateways trust; also where nothing is left that tells.
func (kr *keyring) trusts(name string, public crypto.PublicKey) bool {
	switch name {
	case signingKey:
		w, err := kr.signatures.witness()
		return err != nil || w.Is(public)
	case sshKey:
		line, err := ssh.NewPublicKey(public)
		return err == nil && kr.isPublished("ssh/ca.pub", ssh.MarshalAuthorizedKey(line))
	}
	for _, path := range []string{kr.paths.key(authorityFile), kr.paths.keyCopy(authorityFile),
		kr.paths.public("ca.pem")} {
		text, _ := durable.ReadFile(path)
		if kr.unfit(authorityFile, text) == nil {
			certificate, err := parseAuthority(text)
			own, ok := public.(interface{ Equal(crypto.PublicKey) bool })
			return err == nil && ok && own.Equal(certificate.PublicKey)
		}
	}
	return true
}

// isPublished reports whether a text is what the signed record of the publication has under a name; also
// where there is no record.
func (kr *keyring) isPublished(name string, text []byte) bool {
	record, err := kr.signatures.lastRecord()
	digest, listed := record.Files[name]
	sum := sha256.Sum256(text)
	return err != nil || !listed || digest == hex.EncodeToString(sum[:])
}

// parseAuthority returns the certificate of the authority in a text. One whose signature over itself does not hold was
// damaged: X.509 has no other sum (RFC 5280, 4.1.1.3).
func parseAuthority(text []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("is not a certificate in PEM")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, errors.New("is not a certificate")
	}
	return certificate, certificate.CheckSignature(certificate.SignatureAlgorithm, certificate.RawTBSCertificate,
		certificate.Signature)
}

// copyKeys makes the copies what the keys are that were just opened.
func (kr *keyring) copyKeys() error {
	for _, name := range keyFiles {
		if t := kr.paths.readTwin(name); !t.same() {
			if err := kr.placeKey(kr.paths.keyCopy(name), t.file); err != nil {
				return err
			}
		}
	}
	return nil
}

// placeKey puts a whole file of the keys in place, or none.
func (at *directory) placeKey(path string, text []byte) error {
	dir := filepath.Dir(path)
	if err := at.disk.Mkdir(dir, privateDir); err != nil {
		return err
	}
	if err := at.disk.Replace(path, filepath.Join(dir, "."+filepath.Base(path)), text, privateFile, nil); err != nil {
		return err
	}
	return at.disk.Sync(dir)
}
