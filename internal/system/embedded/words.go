package embedded

import (
	"path/filepath"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// The texts stand in the state of every resource, and Terraform writes the whole state anew with each resource that it
// applies: they say what is to be done, and the guide to the embedded system says why.

// cutOff ends every sentence about who ends access: the honest part.
const cutOff = " A cut before that acts at a gateway's next pull; sessions open by then last as long as it lets them."

// enforcedBy says who ends an object's access.
func enforcedBy(o access.Object) string {
	switch o := o.(type) {
	case *access.Credential:
		return credentialEnds(o.Kind()) + cutOff
	case *access.Grant:
		if shellLogin(o.Resource) != "" {
			return "sshd, at each login, by expiry-time in ssh/principals: for all grants of an identity on one login, the first of their ends, until it is published anew." + cutOff
		}
		return "Open Policy Agent, at each request, by the end in the policy data." + cutOff
	}
	return "The gateways, by the ends of its credentials and grants, never later than its own." + cutOff
}

func credentialEnds(k access.Kind) string {
	switch k {
	case access.Federated:
		return "Open Policy Agent, at each request, by the end of the trust in the policy data."
	case access.Certificate:
		return "Whoever verifies the certificate, at each handshake, by the end signed into it; before that by crl.pem and the policy data."
	case access.SSHCertificate:
		return "sshd, at each login, by the end signed into the certificate; before that by ssh/revoked_keys."
	case access.Secret:
		return "Open Policy Agent, at each request, by the end of the key in the policy data."
	}
	return ""
}

// cutByHand is how to cut an object's access by hand, where Terraform cannot be run: a whole command, on the machine that has
// the directory. A grant cannot be cut alone: what OPA is told of it is signed.
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
