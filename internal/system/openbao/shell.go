// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Shell lets the printed steps run with the token of this system's login, which is in the environment only. The program bao
// has to be there: what a person on call would miss is to be missed in a rehearsal.
func (s *server) Shell(ctx context.Context) (environment []string, clean func() error, err error) {
	if _, err := exec.LookPath("bao"); err != nil {
		return nil, nil, fmt.Errorf("%w: they need the program bao, which is not on this machine's PATH", access.ErrUnsupported)
	}
	folder, err := os.MkdirTemp("", "partner-steps-")
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", access.ErrUnavailable, err)
	}
	clean = func() error { return os.RemoveAll(folder) }
	environment, err = s.client.Environment(ctx, folder)
	if err != nil {
		return nil, nil, errors.Join(err, clean())
	}
	return append(environment, "PATH="+os.Getenv("PATH"), "HOME="+folder), clean, nil
}
