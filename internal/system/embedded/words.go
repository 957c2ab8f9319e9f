package embedded

import (
	"context"
	"fmt"
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

// lasting is the last step where an identity is cut by hand: the ledger knows nothing of it.
const lasting = "Then suspend or destroy it in Terraform: the next publication would bring it back."

// cutByHand is how to cut an object's access by hand on a gateway, where Terraform cannot be run. Paths are those
// below publish/, wherever a gateway keeps its copy.
func cutByHand(o access.Object) []string {
	var steps []string
	switch o := o.(type) {
	case *access.Identity:
		steps = append([]string{wholePartner(o.ID.Partner)}, shellCut(o.ID)...)
		steps = append(steps,
			fmt.Sprintf("OPA: suspended = true under identities[%q] in policy/data.json; with the bundle, refuse %s at the gateway.", o.ID, o.ID),
			tlsCut(o.ID), lasting)
	case *access.Grant:
		steps = grantCut(o)
	case *access.Credential:
		steps = credentialCut(o)
	}
	return steps
}

// cutSteps cut a partner, wherever they are run on the machine that has the directory. What they do is what a shell would,
// but for one thing: files are renamed into place, so that no gateway reads half of one.
func (s *System) cutSteps(partner string) []access.Step {
	root := s.paths.root
	if absolute, err := filepath.Abs(root); err == nil {
		root = absolute
	}
	quoted := func(elements ...string) string {
		return "'" + strings.ReplaceAll(filepath.Join(append([]string{root}, elements...)...), "'", `'\''`) + "'"
	}
	return []access.Step{{
		Text: "mkdir -p " + quoted("hold") + " && touch " + quoted("hold", partner),
		Do:   func(context.Context) error { return s.putOnHold(partner) },
	}, {
		Text: "cp -R " + quoted("publish", "cut", partner) + "/. " + quoted("publish"),
		Do:   func(ctx context.Context) error { return s.alone(ctx, func() error { return s.publishCut(partner) }) },
	}}
}

// wholePartner cuts all that a partner has, and what hangs on it: see hold.go.
func wholePartner(partner string) string {
	return fmt.Sprintf("All of %s, below the provider's directory: mkdir -p hold && touch hold/%s && cp -R publish/cut/%s/. publish/ (gateways follow at their next pull).", partner, partner, partner)
}

func grantCut(g *access.Grant) []string {
	if name := shellLogin(g.Resource); name != "" {
		return []string{
			fmt.Sprintf("sshd: delete the line that ends in %q from ssh/principals/%s.", g.IdentityID, name),
			fmt.Sprintf("End the open sessions, everybody's who came in as %s: pkill -KILL -u %s", name, name),
		}
	}
	return []string{fmt.Sprintf("OPA: delete the grant %q under identities[%q] in policy/data.json; with the bundle, refuse %s at the gateway.", g.Name, g.IdentityID, g.Resource)}
}

func credentialCut(c *access.Credential) []string {
	switch c.Kind() {
	case access.Federated:
		return []string{
			fmt.Sprintf("OPA: delete %q under trust[%q] in policy/data.json; with the bundle, refuse its tokens at the gateway.", c.Federated.Subject, c.Federated.Issuer),
			"Ask the partner to disable the workload.",
		}
	case access.Certificate:
		return []string{tlsCut(c.IdentityID),
			"OPA: delete its fingerprint under certificates in policy/data.json."}
	case access.SSHCertificate:
		return shellCut(c.IdentityID)
	case access.Secret:
		return []string{"OPA: delete its fingerprint under secrets in policy/data.json; with the bundle, refuse the key at the gateway."}
	}
	return nil
}

// shellCut revokes by key id, which takes every SSH certificate of the identity (ssh-keygen(1), "KEY REVOCATION LISTS").
func shellCut(id access.IdentityID) []string {
	return []string{
		fmt.Sprintf("sshd: echo 'id: %s' | ssh-keygen -k -u -f ssh/revoked_keys -s ssh/ca.pub -", id),
		"End its open sessions: sshd logs their processes with the certificate's ID.",
	}
}

func tlsCut(id access.IdentityID) string {
	return fmt.Sprintf(`nginx, and reload: if ($ssl_client_s_dn ~ "CN=%s(,|$)") { return 403; }`, id.CommonName())
}
