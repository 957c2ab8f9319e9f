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

	"github.com/partner-access/terraform-provider-partner/internal/durable"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/ca"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/policy"
)

// mayMakeKeys refuses to make keys where others were in use before, and tells of it if they will lie in the clear.
func (s *System) mayMakeKeys() error {
	if keys, _ := os.ReadDir(s.paths.keys()); len(keys) > 0 {
		return nil // none are made
	}
	if s.inUse() {
		return fmt.Errorf("the keys are missing from %s: restore them, or start again in another directory, whose "+
			"keys no gateway trusts yet", s.paths.keys())
	}
	if s.options.Passphrase == "" {
		s.inTheClear()
	}
	return nil
}

// open opens the keys. It makes them before the first publication only: gateways trust those, and what was issued is
// signed by them, so new ones in their place would cut everybody off, and nobody would see why.
func (s *System) open() (err error) {
	if s.authority != nil && s.signer != nil && len(s.paths.unlike()) == 0 {
		return nil
	}
	if err := s.sweepKeys(); err != nil {
		return err
	}
	if err := s.mayMakeKeys(); err != nil {
		return err
	}
	if err := s.disk.Mkdir(s.paths.keys(), privateDir); err != nil {
		return err
	}
	if err := s.mendKeys(); err != nil {
		return err
	}
	s.closeKeys()
	if s.authority, err = ca.Open(s.paths.keys(), s.options.Passphrase, s.options.Clock); err != nil {
		return err
	}
	if s.signer, err = policy.OpenSigner(s.paths.keys(), s.options.Passphrase); err != nil {
		return err
	}
	s.mu.Lock()
	s.notary = s.signer
	s.mu.Unlock()
	if err := s.writeWitness(); err != nil {
		return err
	}
	return s.copyKeys()
}

// writeWitness keeps the public part of the signing key beside it, so that a plan needs no passphrase to tell what is signed.
func (s *System) writeWitness() error {
	path := s.paths.key(witnessFile)
	if text, err := durable.ReadFile(path); err == nil && bytes.Equal(text, s.signer.PublicPEM()) {
		return nil
	}
	return s.placeKey(path, s.signer.PublicPEM())
}

// sweepKeys removes what a process that died left of the keys in the making: it may be one in the clear. They are made
// under the lock, so nobody is at it now.
func (s *System) sweepKeys() error {
	for _, dir := range []string{s.paths.keys(), s.paths.keyCopy("")} {
		files, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, f := range files {
			if !strings.HasPrefix(f.Name(), ".") {
				continue
			}
			if err := s.disk.Remove(filepath.Join(dir, f.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}
