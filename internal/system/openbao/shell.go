// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/shown"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// The printed steps: commands of the program bao that a person on call can paste, where Terraform cannot be run. Each
// says to which server and namespace it goes, fails if what it cuts is not there, and takes nothing from the variables
// of the shell but the token. Paths are quoted for a shell (package shown), since names of mounts are free; an id needs
// no quotes. TestStepsFailWhereTheyCutNothing runs them.

// Shell returns the environment in which a rehearsal runs the printed steps, with the token of this system's login in
// it only, and what removes its files. The program bao has to be there: what a person on call would miss is to be
// missed in a rehearsal.
func (s *server) Shell(ctx context.Context) (environment []string, clean func() error, err error) {
	if _, err := exec.LookPath("bao"); err != nil {
		return nil, nil, fmt.Errorf("%w: they need the program bao, which is not on this machine's PATH",
			access.ErrUnsupported)
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

// shell spells calls as people type them. where is the part of a command that says which server and namespace it goes
// to.
type shell struct{ where string }

// ownShell returns the shell of who administers, at the client's address.
func (s *server) ownShell() shell { return s.shellAt(s.client.Address()) }

// shellAt returns the shell of an address. Without a namespace it names the root, as the shell's variables may name
// another.
func (s *server) shellAt(address string) shell {
	namespace := s.client.Namespace()
	if namespace == "" {
		namespace = "root"
	}
	return shell{" -address=" + shown.Word(address) + " -namespace=" + shown.Word(strings.TrimSuffix(namespace, "/")) +
		" "}
}

// alone begins each step. The program bao takes the address of an agent before the one that it is given, and wraps what
// it reads.
const alone = "unset BAO_AGENT_ADDR VAULT_AGENT_ADDR BAO_WRAP_TTL VAULT_WRAP_TTL && "

// there begins a step. It fails, and says so, if an identity is not at this address and in this namespace: a write by
// name would make another entity there, and a deletion of nothing succeeds.
func (x shell) there(id access.IdentityID) string {
	return alone + x.isThere(id)
}

// isThere returns the command that fails if the identity is not there.
func (x shell) isThere(id access.IdentityID) string {
	return "bao read" + x.where + "-field=id " + entityPath(id) + " >/dev/null"
}

// disable returns the command that cuts an identity, with its live sessions.
func (x shell) disable(id access.IdentityID) string {
	return "bao write" + x.where + entityPath(id) + " disabled=true"
}

// mark returns the command that lets a cut last, whatever is suspended, destroyed and made anew meanwhile.
func (x shell) mark(scope string) string {
	return "bao write" + x.where + store.Folder + store.MarkOf(scope) + " policy='" + store.MarkText + "'"
}

// cut returns the step that cuts one identity: at once, and then for good.
func (x shell) cut(id access.IdentityID) string {
	return x.there(id) + " && " + x.disable(id) + " && " + x.mark(id.String())
}

// shut returns the step that takes the way to log in away that a credential is for.
func (x shell) shut(id access.IdentityID, login string) string {
	return x.there(id) + " && bao delete" + x.where + shown.Word(login)
}

// remove returns the step that removes what somebody made by hand, under whatever name.
func (x shell) remove(path string) string {
	return alone + "bao read" + x.where + shown.Word(path) + " >/dev/null && bao delete" + x.where + shown.Word(path)
}

// revoke returns the step that revokes a certificate that an engine signed.
func (x shell) revoke(mount, serial string) string {
	return alone + "bao write" + x.where + shown.Word(mount+"/revoke") + " serial_number=" + shown.Word(serial)
}

// revokeLeases returns the step that ends all leases of a path.
func (x shell) revokeLeases(path string) string {
	return alone + "bao lease revoke" + x.where + "-prefix " + shown.Word(path)
}
