package openbao

import (
	"context"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// aliasName is the name that a credential has where it logs in.
func aliasName(c *access.Credential) string {
	if c.Kind() == access.Certificate {
		return c.IdentityID.CommonName()
	}
	return nameOf(c.IdentityID)
}

// aliasOf is the mount that a credential logs in on, and the name that it has there. known: it logs in there already.
func (s *System) aliasOf(ctx context.Context, c *access.Credential, known bool) (accessor, name string, err error) {
	switch c.Kind() {
	case access.Federated:
		accessor, err = s.issuerMount(ctx, c.Federated.Issuer, known)
	case access.Certificate:
		accessor, err = s.authMount(ctx, s.options.Mounts.Cert, "cert", nil)
	default:
		accessor, err = s.secretMount(ctx)
	}
	return accessor, aliasName(c), err
}

// roles are what OpenBao has to keep for a credential, and for what was issued for it.
func (s *System) roles(ctx context.Context, c *access.Credential, end time.Time, issued []ledger.Item) ([]role, error) {
	switch c.Kind() {
	case access.Federated:
		t, err := s.trustOf(ctx, c.Federated.Issuer)
		return []role{s.federatedRole(c, end, t)}, err
	case access.Certificate:
		ca, err := s.authority(ctx)
		if err == nil {
			ca, err = s.trusted(ctx, issued, ca)
		}
		return s.certificateRoles(c, end, ca), err
	default:
		return []role{s.secretRole(c)}, nil
	}
}

// settleRoles writes the roles of a credential.
func (s *System) settleRoles(ctx context.Context, c *access.Credential, end time.Time, issued []ledger.Item) error {
	roles, err := s.roles(ctx, c, end, issued)
	if err != nil {
		return err
	}
	return s.writeRoles(ctx, c, roles)
}

func (s *System) writeRoles(ctx context.Context, c *access.Credential, roles []role) error {
	at, err := s.site(ctx)
	if err != nil {
		return err
	}
	for _, r := range roles {
		if err := s.settled(ctx, at, func() error { return s.client.Put(ctx, r.path, r.body, nil) }); err != nil {
			return err
		}
	}
	if c.Kind() == access.Secret {
		// The role's id is what the alias is named by. It is set once: a POST of the same is refused by some versions.
		return s.settled(ctx, at, func() error {
			return s.client.Put(ctx, s.appRole(c.IdentityID)+"/role-id", map[string]any{"role_id": nameOf(c.IdentityID)}, nil)
		})
	}
	return nil
}

func (s *System) mountOf(c *access.Credential) string {
	switch c.Kind() {
	case access.Federated:
		return s.jwtMount(c.Federated.Issuer)
	case access.Certificate:
		return s.options.Mounts.Cert
	}
	return s.options.Mounts.AppRole
}

func (s *System) rolePaths(c *access.Credential) []string {
	name := roleOf(c.IdentityID)
	switch c.Kind() {
	case access.Federated:
		return []string{"auth/" + s.jwtMount(c.Federated.Issuer) + "/cel/role/" + name}
	case access.Certificate:
		return []string{"auth/" + s.options.Mounts.Cert + "/certs/" + name, s.options.Mounts.PKI + "/roles/" + name}
	}
	return []string{s.appRole(c.IdentityID)}
}
