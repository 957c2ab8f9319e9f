package embedded

import (
	"fmt"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/ca"
)

// cutOff ends every sentence about who ends access: the honest part.
const cutOff = " What is cut before its end is cut once a gateway has pulled the new publication; sessions that are open then, or at the end, last as long as the gateway lets them (sshd cuts none; nginx: keepalive_time)."

// enforcedBy says who ends an object's access.
func enforcedBy(o access.Object) string {
	switch o := o.(type) {
	case *access.Credential:
		return credentialEnds(o.Kind()) + cutOff
	case *access.Grant:
		if shellLogin(o.Resource) != "" {
			return "sshd, by the expiry-time of its line in ssh/principals, at each login. All grants of an identity on one login end with the first of them, until a plan or an apply after that publishes the others anew." + cutOff
		}
		return "Open Policy Agent, which compares the end in the policy data with its clock at each request." + cutOff
	}
	return "The gateways, each by the ends of its credentials and grants, which never lie after its own." + cutOff
}

func credentialEnds(k access.Kind) string {
	switch k {
	case access.Federated:
		return "Open Policy Agent, which compares the end of the trust in the policy data with its clock at each request."
	case access.Certificate:
		return "Whoever verifies the certificate, by the end signed into it, at each handshake; before that by crl.pem (nginx reads it at reload) and the policy data."
	case access.SSHCertificate:
		return "sshd, by the end signed into the certificate, at each login; before that by ssh/revoked_keys."
	case access.Secret:
		return "Open Policy Agent, which compares the end of the key in the policy data with its clock at each request."
	}
	return ""
}

// lasting is the last step of every cut by hand: the ledger knows nothing of it.
const lasting = "Then suspend or destroy it in Terraform, on the machine with the ledger: the publication is made from the ledger, and the next one brings back what was cut by hand only."

// cutByHand is how to cut an object's access by hand on a gateway, where Terraform cannot be run. Paths are those
// below publish/, wherever a gateway keeps its copy.
func cutByHand(o access.Object) []string {
	var steps []string
	switch o := o.(type) {
	case *access.Identity:
		steps = append(shellCut(o.ID),
			fmt.Sprintf("For a gateway with Open Policy Agent: set suspended to true under partner.published.identities[%q] in policy/data.json, and load it. The bundle is signed and cannot be edited: there, refuse the identity %q at the gateway itself.", o.ID, o.ID),
			tlsCut(o.ID))
	case *access.Grant:
		steps = grantCut(o)
	case *access.Credential:
		steps = credentialCut(o)
	}
	return append(steps, lasting)
}

func grantCut(g *access.Grant) []string {
	if name := shellLogin(g.Resource); name != "" {
		return []string{
			fmt.Sprintf("On each gateway, delete the line that ends in %q from ssh/principals/%s: sshd reads it at each login.", g.IdentityID, name),
			fmt.Sprintf("End its open sessions; this ends everybody's who came in as %s: pkill -KILL -u %s", name, name),
		}
	}
	return []string{fmt.Sprintf("On each gateway, delete the grant %q under partner.published.identities[%q] from policy/data.json, and load it. The bundle is signed and cannot be edited: there, refuse %s at the gateway itself.", g.Name, g.IdentityID, g.Resource)}
}

func credentialCut(c *access.Credential) []string {
	switch c.Kind() {
	case access.Federated:
		return []string{
			fmt.Sprintf("On each gateway, delete %q under partner.published.trust[%q] from policy/data.json, and load it. The bundle is signed and cannot be edited: there, refuse tokens of that subject at the gateway itself.", c.Federated.Subject, c.Federated.Issuer),
			"Ask the partner to disable the workload at its issuer.",
		}
	case access.Certificate:
		return []string{tlsCut(c.IdentityID),
			"On each gateway with Open Policy Agent, delete the certificate's fingerprint under partner.published.certificates from policy/data.json, and load it."}
	case access.SSHCertificate:
		return shellCut(c.IdentityID)
	case access.Secret:
		return []string{"On each gateway, delete the key's fingerprint under partner.published.secrets from policy/data.json, and load it. The bundle is signed and cannot be edited: there, refuse the key at the gateway itself."}
	}
	return nil
}

// shellCut revokes by key id, which takes every SSH certificate of the identity (ssh-keygen(1), "KEY REVOCATION LISTS").
func shellCut(id access.IdentityID) []string {
	return []string{
		fmt.Sprintf("On each gateway with sshd, in its copy of publish/: echo 'id: %s' | ssh-keygen -k -u -f ssh/revoked_keys -s ssh/ca.pub -", id),
		"End its open sessions: sshd logs the process of each login with the certificate's ID; kill those processes.",
	}
}

func tlsCut(id access.IdentityID) string {
	return fmt.Sprintf(`On each gateway with nginx, refuse its subject and reload: if ($ssl_client_s_dn ~ "CN=%s(,|$)") { return 403; }`, ca.CommonName(id))
}
