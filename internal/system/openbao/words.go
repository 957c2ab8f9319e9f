package openbao

import (
	"context"
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

// command is one call, as people type it and as the client makes it.
type command struct {
	path string
	set  [2]string // what is written; nothing: the path is deleted
}

// text is the command, as a shell takes it.
func (c command) text() string {
	if c.set[0] == "" {
		return "bao delete " + c.path
	}
	return "bao write " + c.path + " " + c.set[0] + "=" + c.set[1]
}

// run makes the call that bao would make.
func (s *System) run(ctx context.Context, c command) error {
	if c.set[0] == "" {
		return gone(s.client.Delete(ctx, c.path))
	}
	return s.client.Put(ctx, c.path, map[string]string{c.set[0]: c.set[1]}, nil)
}

// disabling cuts an identity, with its live sessions. The policy cut is enough for it.
func disabling(id access.IdentityID) command {
	return command{entityPath(id), [2]string{"disabled", "true"}}
}

// shutting takes the way to log in away that a credential is for.
func (s *System) shutting(c *access.Credential) command {
	switch c.Kind() {
	case access.Federated:
		return command{path: s.rolePaths(c)[0]}
	case access.Certificate:
		return command{path: "auth/" + s.options.Mounts.Cert + "/certs/" + roleOf(c.IdentityID)}
	default:
		return command{path: s.appRole(c.IdentityID)}
	}
}

// cutByHand is how to cut an object's access by hand, where Terraform cannot be run.
func (s *System) cutByHand(o access.Object) []string {
	id := o.Holder()
	disable := disabling(id).text()
	switch o := o.(type) {
	case *access.Grant:
		return []string{fmt.Sprintf("bao policy write %s - (its text without the blocks of %q), or cut the identity: %s", nameOf(id), o.Name, disable)}
	case *access.Credential:
		return []string{s.shutting(o).text(), disable}
	}
	return []string{disable}
}

// cutPartner are the steps that cut a partner off: each identity at once, with its live sessions, and then its ways to log
// in. The policy cut is enough for them.
func (s *System) cutPartner(_ string, records []*access.Record) (steps []access.Step) {
	var identities, logins []command
	for _, r := range records {
		switch o := r.Object.(type) {
		case *access.Identity:
			identities = append(identities, disabling(o.ID))
		case *access.Credential:
			logins = append(logins, s.shutting(o))
		}
	}
	for _, c := range append(identities, logins...) {
		steps = append(steps, access.Step{Text: c.text(), Do: func(ctx context.Context) error { return s.run(ctx, c) }})
	}
	return steps
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
