// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// What is the same for all kinds of credentials. What differs between them is in certificate.go, secret.go and
// federated.go, behind method: a fourth kind is another type there, and a line in methodOf and in kinds.

// kinds are the kinds of credentials that are offered. SSH certificates are not among them: OpenBao's SSH engine cannot
// revoke what it signed.
var kinds = []access.Kind{access.Federated, access.Certificate, access.Secret}

// offeredKind returns ErrUnsupported for a kind of credential that is not offered.
func offeredKind(k access.Kind) error {
	if slices.Contains(kinds, k) {
		return nil
	}
	return fmt.Errorf("%w: OpenBao offers no %s: use %s", access.ErrUnsupported, k.Plural(), access.OneOf(kinds))
}

// mountIn returns the auth method of a role's path: "partner-cert" of "auth/partner-cert/certs/acme.prod.etl".
func mountIn(path string) string {
	mount, _, _ := strings.Cut(strings.TrimPrefix(path, "auth/"), "/")
	return mount
}

// rolesOfKind returns the roles that a credential of a kind may have, wherever it logs in: for one of which only the
// kind is known, and not the issuer.
func (cs *credentials) rolesOfKind(id access.IdentityID, kind access.Kind, mounts map[string]mounted) []string {
	if !slices.Contains(kinds, kind) {
		return nil
	}
	return cs.methodOf(kind).everywhere(id, mounts)
}

// shut removes the login of a credential that was cut by hand, if a change or somebody made it again. A mount that is
// gone lets nobody in.
func (cs *credentials) shut(ctx context.Context, c *access.Credential) error {
	err := client.Gone(cs.client.Delete(ctx, cs.shutting(c)))
	if errors.Is(err, access.ErrUnsupported) {
		return nil
	}
	return err
}

// end ends what was issued, by the serial of a certificate or the accessor of a secret id. With neither there is
// nothing to end but sessions, which the caller does. It may be repeated.
func (cs *credentials) end(ctx context.Context, id access.IdentityID, serial, accessor string) error {
	switch {
	case serial != "":
		return cs.certs.revokeSerial(ctx, serial)
	case accessor != "":
		return cs.secrets.destroy(ctx, id, accessor)
	}
	return nil
}

// settleEnd writes the end of a credential into its roles. For a certificate this is the role that signs, which needs
// no authority to be there: an end can be moved also if the engine lost its issuer.
func (cs *credentials) settleEnd(ctx context.Context, c *access.Credential, end time.Time, issued []ledger.Item) error {
	if c.Kind() != access.Certificate {
		return cs.settleRoles(ctx, c, end, issued)
	}
	signs := cs.certs.certificateRoles(c, end, "")[0]
	return cs.client.Put(ctx, signs.path, signs.body, nil)
}

// credentials are what partners log in with, whatever the kind.
type credentials struct {
	*server
	store   *policies
	mounts  *mounting
	certs   *certificates
	secrets *secrets
	fed     *federation
}

// methodOf returns the method of a kind. What is not offered is refused before anybody asks.
func (cs *credentials) methodOf(kind access.Kind) method {
	switch kind {
	case access.Federated:
		return cs.fed
	case access.Certificate:
		return cs.certs
	default:
		return cs.secrets
	}
}

// aliasName returns the name that a credential's logins have on its auth method.
func (cs *credentials) aliasName(c *access.Credential) string {
	return cs.methodOf(c.Kind()).aliasOf(c.IdentityID)
}

// aliasOf returns the accessor of the auth method that a credential logs in by, and the name that it has there. It may
// make the method. known: the credential logs in there already, so how the method is configured is drift and no error.
func (cs *credentials) aliasOf(ctx context.Context, c *access.Credential, known bool) (accessor, name string,
	err error) {
	accessor, err = cs.methodOf(c.Kind()).enter(ctx, c, known)
	return accessor, cs.aliasName(c), err
}

// roles returns what OpenBao has to keep for a credential that ends at a moment, and for what was issued for it.
func (cs *credentials) roles(ctx context.Context, c *access.Credential, end time.Time, issued []ledger.Item) ([]role,
	error) {
	return cs.methodOf(c.Kind()).roles(ctx, c, end, issued)
}

// settleRoles writes the roles of a credential.
func (cs *credentials) settleRoles(ctx context.Context, c *access.Credential, end time.Time,
	issued []ledger.Item) error {
	roles, err := cs.roles(ctx, c, end, issued)
	if err != nil {
		return err
	}
	return cs.writeRoles(ctx, c, roles)
}

// writeRoles writes roles whole, in their order, and then what their names have to be. On a cluster, one is repeated as
// long as a standby has not heard of the mount.
func (cs *credentials) writeRoles(ctx context.Context, c *access.Credential, roles []role) error {
	at, err := cs.lookOnce(ctx)
	if err != nil {
		return err
	}
	for _, r := range roles {
		if err := cs.settled(ctx, at, func() error { return cs.client.Put(ctx, r.path, r.body, nil) }); err != nil {
			return err
		}
	}
	return cs.methodOf(c.Kind()).named(ctx, at, c.IdentityID)
}

// mountOf returns the auth method that a credential logs in by.
func (cs *credentials) mountOf(c *access.Credential) string { return cs.methodOf(c.Kind()).mount(c) }

// rolePaths returns where a credential's roles are.
func (cs *credentials) rolePaths(c *access.Credential) []string {
	return cs.methodOf(c.Kind()).paths(c)
}

// Lacks returns what a new credential needs and is missing, or is not what belongs there: mounts, and an authority that
// signs. It is asked at plan, and makes nothing.
//
// If the configuration lets it make what it misses, only what is there and is another thing, was disabled by somebody,
// or was stopped from signing, is lacking.
func (cs *credentials) Lacks(ctx context.Context, c *access.Credential) (lacks []string, err error) {
	looks, err := cs.looks(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("what %s needs: %w", c.Ref(), err)
	}
	for _, look := range looks {
		err := look()
		if err != nil && !errors.Is(err, access.ErrUnsupported) {
			return nil, fmt.Errorf("what %s needs: %w", c.Ref(), err)
		}
		if err == nil {
			continue
		}
		if text := strings.TrimPrefix(err.Error(), access.ErrUnsupported.Error()+": "); !slices.Contains(lacks, text) {
			lacks = append(lacks, text)
		}
	}
	return lacks, nil
}

// looks returns how to look at what a new credential needs, but for what would be made. A look returns ErrUnsupported
// with what is lacking.
func (cs *credentials) looks(ctx context.Context, c *access.Credential) (looks []func() error, err error) {
	at, err := cs.lookOnce(ctx)
	if err != nil {
		return nil, err
	}
	made, used := false, false
	if cs.options.Bootstrap && !cs.isMounted(at, cs.mountOf(c)) {
		used, err = cs.mounts.logsInBy(ctx, cs.mountOf(c))
		made = !used
	}
	switch {
	case made: // there is nothing to look at
	case cs.options.Bootstrap && !used && c.Kind() == access.Federated:
		looks = append(looks, func() error { return cs.fed.suits(ctx, c.Federated.Issuer) })
	default:
		looks = append(looks, func() error { _, _, err := cs.aliasOf(ctx, c, false); return err })
	}
	if c.Kind() != access.Certificate {
		return looks, err
	}
	if !cs.options.Bootstrap {
		looks = append(looks, func() error { _, err := cs.certs.authority(ctx); return err })
	}
	return append(looks, func() error { return cs.certs.refuseUnable(ctx, at) }), err
}

// rolesOf returns the paths at which an identity may have a role, on all auth methods of ours, whatever its kinds: a
// removal looks there also for what somebody made by hand.
func (cs *credentials) rolesOf(id access.IdentityID, mounts map[string]mounted) (paths []string) {
	for mount, m := range mounts {
		mount = strings.TrimSuffix(mount, "/")
		switch {
		case m.Type == "token":
			paths = append(paths, tokenRole(id))
		case mount == cs.options.Mounts.AppRole:
			paths = append(paths, cs.secrets.appRole(id))
		case mount == cs.options.Mounts.Cert:
			paths = append(paths, "auth/"+mount+"/certs/"+roleOf(id))
		case m.Type == "jwt" && cs.ours(mount):
			paths = append(paths, "auth/"+mount+"/cel/role/"+roleOf(id), "auth/"+mount+"/role/"+roleOf(id))
		}
	}
	return paths
}

// shutting returns the path of the role without which nobody logs in by a credential.
func (cs *credentials) shutting(c *access.Credential) string {
	return cs.methodOf(c.Kind()).entrance(c)
}
