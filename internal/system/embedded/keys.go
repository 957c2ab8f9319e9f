package embedded

import (
	"fmt"
	"os"

	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/ca"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/policy"
)

// open opens the keys. It makes them before the first publication only: gateways trust those, and what was issued is
// signed by them, so new ones in their place would cut everybody off, and nobody would see why.
func (s *System) open() (err error) {
	if s.authority != nil && s.signer != nil {
		return nil
	}
	published, err := readFile(s.paths.published(), new(published))
	if err != nil {
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
