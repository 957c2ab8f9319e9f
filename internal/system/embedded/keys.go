package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/ca"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/policy"
)

// open opens the keys. It makes them before the first publication only: gateways trust those, and what was issued is
// signed by them, so new ones in their place would cut everybody off, and nobody would see why.
func (s *System) open() (err error) {
	if s.authority != nil && s.signer != nil {
		return nil
	}
	if err := s.sweepKeys(); err != nil {
		return err
	}
	published, err := readFile(s.paths.published(), new(published))
	if errors.Is(err, access.ErrDamaged) {
		published = true
	} else if err != nil {
		return err
	}
	if keys, _ := os.ReadDir(s.paths.keys()); published && len(keys) == 0 {
		return fmt.Errorf("the keys are missing from %s: restore them, or remove %s to start with new ones, which no gateway trusts yet", s.paths.keys(), s.paths.published())
	}
	if err := s.disk.mkdir(s.paths.keys(), privateDir); err != nil {
		return err
	}
	if s.authority, err = ca.OpenAt(s.paths.keys(), s.options.Passphrase, s.options.Clock); err != nil {
		return err
	}
	s.signer, err = policy.OpenSigner(s.paths.keys(), s.options.Passphrase)
	return err
}

// sweepKeys removes what a process that died left of the keys in the making: it may be one in the clear. They are made
// under the lock, so nobody is at it now.
func (s *System) sweepKeys() error {
	files, err := os.ReadDir(s.paths.keys())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, f := range files {
		if err == nil && strings.HasPrefix(f.Name(), ".") {
			err = s.disk.remove(filepath.Join(s.paths.keys(), f.Name()))
		}
	}
	return err
}
