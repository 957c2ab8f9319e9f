// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"path/filepath"
	"regexp"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// words returns what the state of a resource tells. Terraform writes the whole state anew with each resource that it
// applies: they say what is to be done, and the guide to the embedded system says why.
func words(root string, o access.Object) access.Words {
	w := access.Words{EnforcedBy: enforcedBy(o), Login: login(o)}
	if _, ok := o.(*access.Identity); ok {
		w.Cut = cutByHand(root, o)[0]
	}
	return w
}

// cutActs is the honest part.
const cutActs = "A cut acts at a gateway's next pull. Sessions that are open by then last as long as the gateway " +
	"allows."

// enforcedBy says who ends an object's access.
func enforcedBy(o access.Object) string {
	switch o := o.(type) {
	case *access.Credential:
		return traitOf(o.Kind()).endedBy
	case *access.Grant:
		if shellLogin(o.Resource) != "" {
			return "sshd, at each login. If several of the identity's grants share a login, all end with the first " +
				"until the next publication."
		}
		return endedByOPA
	}
	return "The gateways, at each request, handshake and login over SSH."
}

// cutByHand returns how to cut an object's access by hand, where Terraform cannot be run: a whole command, on the
// machine that has the directory. A grant cannot be cut alone: what OPA is told of it is signed.
func cutByHand(root string, o access.Object) []string {
	if c, ok := o.(*access.Credential); ok {
		return []string{cutCommand(root, c.Ref().ID)}
	}
	return []string{cutCommand(root, o.Holder().String())}
}

// cutCommand cuts a partner, an identity or a credential.
func cutCommand(root, scope string) string {
	path := filepath.Join(root, "publish", cutName)
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	return "sh '" + strings.ReplaceAll(path, "'", `'\''`) + "' " + scope
}

// shellLogin returns the login that a resource stands for; "" where it is another path.
func shellLogin(p access.Pattern) string {
	name, shell := strings.CutPrefix(string(p), "ssh/")
	if !shell || !loginName.MatchString(name) {
		return ""
	}
	return name
}

// loginName is a login name that every POSIX system takes.
var loginName = regexp.MustCompile(`^[a-z_][a-z0-9_.-]{0,31}$`)

// login returns what the partner needs to log in, nothing secret in it, and nothing that a rotation changes.
func login(o access.Object) map[string]string {
	c, ok := o.(*access.Credential)
	if !ok {
		return nil
	}
	if login := traitOf(c.Kind()).login; login != nil {
		return login(c)
	}
	return nil
}
