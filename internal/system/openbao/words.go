package openbao

import (
	"fmt"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// enforcedBy says who ends an object's access. The texts stand in the state of every resource, so they are short.
func (s *System) enforcedBy(o access.Object) string {
	c, ok := o.(*access.Credential)
	if !ok {
		if _, isGrant := o.(*access.Grant); isGrant {
			return "OpenBao, at each request, by the expiration of the path in its policy."
		}
		return "OpenBao, by the ends of its credentials and grants, never later than its own. A cut acts at the next request."
	}
	session := fmt.Sprintf(" Sessions last up to %s, and never beyond the identity's grants.", s.options.Session)
	switch c.Kind() {
	case access.Federated:
		return "OpenBao, at each login, by the CEL role; sessions end with it, to the second."
	case access.Certificate:
		return "OpenBao, at each login, by the end signed into the certificate; before that by the revocation list." + session
	default:
		return "OpenBao, at each login, by the life of the secret id." + session
	}
}

// cutByHand is how to cut an object's access by hand, where Terraform cannot be run. The policy cut is enough for it.
func (s *System) cutByHand(o access.Object) []string {
	id := o.Holder()
	disable := fmt.Sprintf("bao write identity/entity/name/%s disabled=true", nameOf(id))
	switch o := o.(type) {
	case *access.Grant:
		return []string{fmt.Sprintf("bao policy write %s - (its text without the blocks of %q), or cut the identity: %s", nameOf(id), o.Name, disable)}
	case *access.Credential:
		switch o.Kind() {
		case access.Federated:
			return []string{"bao delete " + s.rolePaths(o)[0], disable}
		case access.Certificate:
			return []string{fmt.Sprintf("bao delete auth/%s/certs/%s", s.options.Mounts.Cert, roleOf(id)), disable}
		default:
			return []string{"bao delete " + s.appRole(id), disable}
		}
	}
	return []string{disable}
}

// cutPartner are the commands that cut a partner off: each identity at once, with its live sessions, and then its ways to
// log in. The policy cut is enough for them.
func (s *System) cutPartner(_ string, records []*access.Record) (steps []string) {
	var logins []string
	for _, r := range records {
		switch o := r.Object.(type) {
		case *access.Identity:
			steps = append(steps, s.cutByHand(o)...)
		case *access.Credential:
			logins = append(logins, s.cutByHand(o)[0])
		}
	}
	return append(steps, logins...)
}

// login is what the partner needs to log in, nothing secret in it, and nothing that a rotation changes. The command is for
// the bao program, with BAO_ADDR and BAO_NAMESPACE set; it prints the token, and reads what is secret from its input.
func (s *System) login(o access.Object) map[string]string {
	c, ok := o.(*access.Credential)
	if !ok {
		return nil
	}
	m := map[string]string{"address": s.client.Address()}
	if namespace := s.client.Namespace(); namespace != "" {
		m["namespace"] = namespace
	}
	switch c.Kind() {
	case access.Federated:
		m["path"], m["role"] = "auth/"+s.jwtMount(c.Federated.Issuer)+"/cel/login", roleOf(c.IdentityID)
		m["subject"], m["audiences"] = c.Federated.Subject, strings.Join(c.Federated.Audiences, " ")
		m["command"] = fmt.Sprintf("bao write -field=token %s role=%s jwt=- <TOKENFILE", m["path"], m["role"])
	case access.Certificate:
		m["path"], m["name"] = "auth/"+s.options.Mounts.Cert+"/login", roleOf(c.IdentityID)
		m["command"] = fmt.Sprintf("bao login -method=cert -path=%s -client-cert=certificate.pem -client-key=KEYFILE -token-only name=%s",
			s.options.Mounts.Cert, m["name"])
	default:
		m["path"], m["role_id"] = "auth/"+s.options.Mounts.AppRole+"/login", nameOf(c.IdentityID)
		m["command"] = fmt.Sprintf("age --decrypt --identity KEYFILE secret.age | bao write -field=token %s role_id=%s secret_id=-", m["path"], m["role_id"])
	}
	return m
}
