package openbao

import (
	"context"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// credentials are what partners log in with, whatever the kind.
type credentials struct {
	*server
	store   *policies
	mounts  *mounting
	certs   *certificates
	secrets *secrets
	fed     *federation
}

// aliasName is the name that a credential has where it logs in.
func aliasName(c *access.Credential) string {
	if c.Kind() == access.Certificate {
		return c.IdentityID.CommonName()
	}
	return store.NameOf(c.IdentityID)
}

// aliasOf is the mount that a credential logs in on, and the name that it has there. known: it logs in there already.
func (cs *credentials) aliasOf(ctx context.Context, c *access.Credential, known bool) (accessor, name string, err error) {
	switch c.Kind() {
	case access.Federated:
		accessor, err = cs.fed.issuerMount(ctx, c.Federated.Issuer, known)
	case access.Certificate:
		accessor, err = cs.mounts.authMount(ctx, cs.options.Mounts.Cert, "cert", nil)
	default:
		accessor, err = cs.secrets.secretMount(ctx)
	}
	return accessor, aliasName(c), err
}

// roles are what OpenBao has to keep for a credential, and for what was issued for it.
func (cs *credentials) roles(ctx context.Context, c *access.Credential, end time.Time, issued []ledger.Item) ([]role, error) {
	switch c.Kind() {
	case access.Federated:
		t, err := cs.fed.trustOf(ctx, c.Federated.Issuer)
		return []role{cs.fed.federatedRole(c, end, t)}, err
	case access.Certificate:
		ca, err := cs.certs.authority(ctx)
		if err == nil {
			ca, err = cs.certs.trusted(ctx, issued, ca)
		}
		return cs.certs.certificateRoles(c, end, ca), err
	default:
		return []role{cs.secrets.secretRole(c)}, nil
	}
}

// settleRoles writes the roles of a credential.
func (cs *credentials) settleRoles(ctx context.Context, c *access.Credential, end time.Time, issued []ledger.Item) error {
	roles, err := cs.roles(ctx, c, end, issued)
	if err != nil {
		return err
	}
	return cs.writeRoles(ctx, c, roles)
}

func (cs *credentials) writeRoles(ctx context.Context, c *access.Credential, roles []role) error {
	at, err := cs.site(ctx)
	if err != nil {
		return err
	}
	for _, r := range roles {
		if err := cs.settled(ctx, at, func() error { return cs.client.Put(ctx, r.path, r.body, nil) }); err != nil {
			return err
		}
	}
	if c.Kind() == access.Secret {
		// The role's id is what the alias is named by. It is set once: a POST of the same is refused by some versions.
		return cs.settled(ctx, at, func() error {
			return cs.client.Put(ctx, cs.secrets.appRole(c.IdentityID)+"/role-id", map[string]any{"role_id": store.NameOf(c.IdentityID)}, nil)
		})
	}
	return nil
}

func (cs *credentials) mountOf(c *access.Credential) string {
	switch c.Kind() {
	case access.Federated:
		return cs.jwtMount(c.Federated.Issuer)
	case access.Certificate:
		return cs.options.Mounts.Cert
	}
	return cs.options.Mounts.AppRole
}

func (cs *credentials) rolePaths(c *access.Credential) []string {
	name := roleOf(c.IdentityID)
	switch c.Kind() {
	case access.Federated:
		return []string{"auth/" + cs.jwtMount(c.Federated.Issuer) + "/cel/role/" + name}
	case access.Certificate:
		return []string{"auth/" + cs.options.Mounts.Cert + "/certs/" + name, cs.options.Mounts.PKI + "/roles/" + name}
	}
	return []string{cs.secrets.appRole(c.IdentityID)}
}
