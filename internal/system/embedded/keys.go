// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/partner-access/terraform-provider-partner/internal/durable"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/ca"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/policy"
)

// keyring is the keys of the directory: of the authorities, and the one that signs what the directory says of itself.
// Only who has the lock opens it. Opening decrypts with a passphrase, which is slow on purpose, so it is done once in a
// process, with the first change; a plan needs no private key.
type keyring struct {
	*directory
	notes      *notes
	signatures *signatures
	authority  *ca.Authority
	signer     *policy.Signer

	mu     sync.Mutex     // guards what follows
	notary *policy.Signer // the signing key, once a change has opened it
}

// mayMakeKeys refuses to make keys where others were in use before, and tells of it if they will lie in the clear. It
// is the answer to a volume that was mounted without its keys: new ones would cut everybody off at the next pull.
func (kr *keyring) mayMakeKeys() error {
	if keys, _ := os.ReadDir(kr.paths.keys()); len(keys) > 0 {
		return nil // none are made
	}
	if kr.inUse() {
		return fmt.Errorf("the keys are missing from %s: restore them, or start again in another directory, whose "+
			"keys no gateway trusts yet", kr.paths.keys())
	}
	if kr.options.Passphrase == "" {
		kr.notes.inTheClear()
	}
	return nil
}

// open opens the keys. It makes them before the first publication only: gateways trust those, and what was issued is
// signed by them, so new ones in their place would cut everybody off, and nobody would see why.
func (kr *keyring) open() (err error) {
	if kr.authority != nil && kr.signer != nil && len(kr.paths.unlike()) == 0 {
		return nil
	}
	if err := kr.sweepKeys(); err != nil {
		return err
	}
	if err := kr.mayMakeKeys(); err != nil {
		return err
	}
	if err := kr.disk.Mkdir(kr.paths.keys(), privateDir); err != nil {
		return err
	}
	if err := kr.mendKeys(); err != nil {
		return err
	}
	kr.closeKeys()
	if kr.authority, err = ca.Open(kr.paths.keys(), kr.options.Passphrase, kr.options.Clock); err != nil {
		return err
	}
	if kr.signer, err = policy.OpenSigner(kr.paths.keys(), kr.options.Passphrase); err != nil {
		return err
	}
	kr.mu.Lock()
	kr.notary = kr.signer
	kr.mu.Unlock()
	if err := kr.writeWitness(); err != nil {
		return err
	}
	return kr.copyKeys()
}

// writeWitness keeps the public part of the signing key beside it, so that a plan needs no passphrase
// to tell what is signed.
func (kr *keyring) writeWitness() error {
	path := kr.paths.key(witnessFile)
	if text, err := durable.ReadFile(path); err == nil && bytes.Equal(text, kr.signer.PublicPEM()) {
		return nil
	}
	return kr.placeKey(path, kr.signer.PublicPEM())
}

// sweepKeys removes what a process that died left of the keys in the making: it may be one in the clear. They are made
// under the lock, so nobody is at it now.
func (kr *keyring) sweepKeys() error {
	for _, dir := range []string{kr.paths.keys(), kr.paths.keyCopy("")} {
		files, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, f := range files {
			if !strings.HasPrefix(f.Name(), ".") {
				continue
			}
			if err := kr.disk.Remove(filepath.Join(dir, f.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// Notarize signs a text for the journal, where a change has opened the signing key.
func (kr *keyring) Notarize(text []byte) string {
	kr.mu.Lock()
	signer := kr.notary
	kr.mu.Unlock()
	if signer == nil {
		return ""
	}
	signature, err := signer.Attest(append([]byte(noted), text...))
	if err != nil {
		return "" // then the next change reads all of the journal
	}
	return signature
}
