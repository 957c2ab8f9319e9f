// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// Secrets are secret ids of AppRoles. The secret is made here and sealed to the partner's key; OpenBao is told it and
// keeps a digest, and so does the ledger. OpenBao ends it by itself, never later than its credential: see
// registerUntil.

// keyPrefix makes our secret ids known to people, and to the scanners that look for leaked ones.
const keyPrefix = "partner_"

// countedUses is how often a secret id may be used: so often that it never ends by it. Only if uses are counted does
// OpenBao note when the last one was (internal/builtin/credential/approle/path_login.go, LastUpdatedTime).
const countedUses = 1_000_000_000

// tidyDelay is how much later than its end a secret id may still let in, before the version that checks the end at
// login: until then the tidy removes it, "once a minute" (internal/builtin/credential/approle/backend.go,
// periodicFunc).
const tidyDelay = 90 * time.Second

// approle is the type of the auth method.
const approle = "approle"

// secrets issues and ends the secret ids of AppRoles.
type secrets struct {
	*server
	mounts *mounting
}

// appRole returns the path of an identity's AppRole.
func (s *secrets) appRole(id access.IdentityID) string {
	return "auth/" + s.options.Mounts.AppRole + "/role/" + roleOf(id)
}

// roleID returns the path of the id by which an AppRole is logged in to. The id is no secret.
func (s *secrets) roleID(id access.IdentityID) string { return s.appRole(id) + "/role-id" }

// secretMount returns the accessor of the auth method for secrets, which may be made. It locks nobody out for bad
// logins: OpenBao does so after five (UserLockoutThresholdDefault), so whoever knows the id of a role could shut its
// partner out, and no secret id of 256 random bits is found by trying (see TestBadLoginsDoNotLockThePartnerOut).
func (s *secrets) secretMount(ctx context.Context) (accessor string, err error) {
	path := s.options.Mounts.AppRole
	return s.mounts.authMount(ctx, path, approle, func(ctx context.Context) error {
		return s.client.Put(ctx, "sys/auth/"+path+"/tune",
			map[string]any{"user_lockout_config": map[string]any{"lockout_disable": true}}, nil)
	}, "bao auth tune -user-lockout-disable=true "+path)
}

// secretRole returns the AppRole of an identity. It has no end: its secret ids have.
func (s *secrets) secretRole(c *access.Credential) role {
	session := int(s.options.Session.Seconds())
	return role{s.appRole(c.IdentityID), map[string]any{
		"bind_secret_id": true, "token_no_default_policy": true, "token_policies": []string{}, "token_ttl": session,
		"token_max_ttl":          session,
		"token_explicit_max_ttl": session, "token_type": "service", "secret_id_ttl": 0, "secret_id_num_uses": 0,
		"secret_id_bound_cidrs": networks(c), "token_bound_cidrs": networks(c), "token_period": 0, "token_num_uses": 0,
		"token_strictly_bind_ip": false,
	}}
}

// newSecret makes a secret id of 256 random bits, and returns of it what the ledger keeps: a digest, and what the
// partner alone can open. Nothing is sent before it is sealed, so no secret works that cannot be handed over. until is
// when it should end; the item says when it does, which is earlier under a mount that caps it.
func (s *secrets) newSecret(ctx context.Context, c *access.Credential, at, until time.Time,
	seal func([]byte) (string, error)) (ledger.Item, error) {
	if seal == nil {
		return ledger.Item{}, errors.New("there is no key to seal the secret to")
	}
	where, err := s.lookOnce(ctx)
	if err != nil {
		return ledger.Item{}, err
	}
	key := newKey()
	defer clear(key)
	sealed, err := seal(key)
	if err != nil {
		return ledger.Item{}, fmt.Errorf("seal the secret: %w. Nothing was issued", err)
	}
	made, err := s.registerUntil(ctx, where, c.IdentityID, string(key), until)
	if err != nil {
		return ledger.Item{}, err
	}
	asked := until
	if made.Expires.Before(until.Add(-tidyDelay - slack)) {
		until = made.Expires.UTC().Truncate(time.Second) // the mount allows no longer one
	}
	sum := sha256.Sum256(key)
	return ledger.Item{
		At: at, Until: until, RotatesAt: rotatesBefore(c, at, until, asked), Fingerprint: hex.EncodeToString(sum[:]),
		Accessor: made.Accessor, Sealed: sealed,
	}, nil
}

// registerUntil makes a secret id that ends by a moment, never later. OpenBao counts its life from when it hears of it,
// by its own clock: if it would end too late, it is made again with a shorter life. A life of less than a second cannot
// be made.
func (s *secrets) registerUntil(ctx context.Context, where *site, id access.IdentityID, key string,
	until time.Time) (secretID, error) {
	for margin := time.Duration(0); ; {
		life := until.Sub(s.now()) - margin
		if where.version.before(promptSecrets) {
			life -= tidyDelay
		}
		if life < time.Second {
			return secretID{}, fmt.Errorf("%w: a secret would have to end on %s, but OpenBao %s cannot do so in "+
				"time: it counts in seconds, and before %s it removes secret ids only once a minute",
				access.ErrUnsupported, access.At(until), where.version, promptSecrets)
		}
		made, err := s.register(ctx, where, id, key, life)
		if err != nil || (!made.Expires.IsZero() && !made.Expires.After(until)) {
			return made, err
		}
		if err := s.destroy(ctx, id, made.Accessor); err != nil {
			return secretID{}, err
		}
		if over := made.Expires.Sub(until); !made.Expires.IsZero() && margin < slack {
			margin += over + time.Second
			continue
		}
		return secretID{}, fmt.Errorf("%w: the secret id would end on %s instead of %s", access.ErrUnsupported,
			access.At(made.Expires), access.At(until))
	}
}

// newKey returns a secret of 256 random bits, as bytes, which the caller clears.
func newKey() []byte {
	var random [32]byte
	defer clear(random[:])
	_, _ = rand.Read(random[:]) // it never fails, or ends the process
	key := make([]byte, len(keyPrefix)+base64.RawURLEncoding.EncodedLen(len(random)))
	copy(key, keyPrefix)
	base64.RawURLEncoding.Encode(key[len(keyPrefix):], random[:])
	return key
}

// register makes a secret id known to OpenBao, and reads back until when it is. A lost answer is asked for again: if
// the id is there already, it is ours, since it has 256 random bits.
func (s *secrets) register(ctx context.Context, at *site, id access.IdentityID, key string,
	life time.Duration) (secretID, error) {
	request := map[string]any{"secret_id": key, "ttl": fmt.Sprintf("%ds", int(life.Seconds())), "num_uses": countedUses}
	err := s.settled(ctx, at, func() error {
		return s.client.PostOnce(ctx, s.appRole(id)+"/custom-secret-id", request, nil)
	})
	for try := 0; ambiguous(err) && try < 3; try++ {
		err = s.client.PostOnce(ctx, s.appRole(id)+"/custom-secret-id", request, nil)
	}
	if err != nil && !client.Said(err, "already registered") {
		return secretID{}, err
	}
	var made secretID
	err = s.settled(ctx, at, func() error {
		if err := s.client.Put(ctx, s.appRole(id)+"/secret-id/lookup", map[string]any{"secret_id": key},
			&made); err != nil {
			return err
		}
		if made.Accessor == "" {
			return fmt.Errorf("the secret id: %w", access.ErrNotFound)
		}
		return nil
	})
	return made, err
}

// destroy ends a secret id. One that has ended, or went with its role or mount, is no error.
func (s *secrets) destroy(ctx context.Context, id access.IdentityID, accessor string) error {
	err := s.client.Put(ctx, s.appRole(id)+"/secret-id-accessor/destroy",
		map[string]any{"secret_id_accessor": accessor}, nil)
	// it went with its mount
	if client.Said(err, "failed to find accessor") ||
		client.Said(err, "does not exist") ||
		errors.Is(err, access.ErrUnsupported) {
		return nil
	}
	return client.Gone(err)
}

// accessors returns the accessors of all secret ids of an identity's AppRole; none if there is no role.
func (s *secrets) accessors(ctx context.Context, id access.IdentityID) ([]string, error) {
	var all struct {
		Keys []string `json:"keys"`
	}
	err := s.client.List(ctx, s.appRole(id)+"/secret-id", &all)
	if client.Said(err, "does not exist") {
		return nil, nil
	}
	return all.Keys, client.Gone(err)
}

// inventory is what OpenBao holds of a secret credential otherwise than its ledger says.
type inventory struct {
	ref access.Ref
	// unknown live, and no ledger holds them: they were made by hand, or by a process that died.
	unknown []store.Lost
	// missing are held by the ledger, and not there.
	missing []ledger.Item
}

// inventoryOf looks, before a change is made, what is there; nothing for another kind. What is unknown now, and is not
// known after the policy is written, is nobody's: another process that is about to write it down finds the policy
// changed, and issues anew.
func (s *secrets) inventoryOf(ctx context.Context, d *store.Document, c *access.Credential) (found inventory,
	err error) {
	if c == nil || c.Kind() != access.Secret {
		return inventory{}, nil
	}
	at, err := s.lookOnce(ctx)
	if err != nil {
		return inventory{}, err
	}
	if s.methods(at)[s.options.Mounts.AppRole+"/"].Type != approle {
		return inventory{}, nil // it is made with the credential, or another took its place
	}
	for begun := access.WallClock(); ; {
		if found, err = s.compare(ctx, d, c); err != nil {
			return inventory{}, err
		}
		// A standby may not have heard of it.
		if len(found.missing) == 0 ||
			!at.cluster ||
			access.WallClock().Sub(begun) > store.Staleness {
			return found, nil
		}
		if err := access.Pause(ctx, 100*time.Millisecond); err != nil {
			return inventory{}, err
		}
	}
}

// compare returns which of the secret ids on record OpenBao lacks, and which of its own are on no record. One that
// ended between the listing and the look is neither.
func (s *secrets) compare(ctx context.Context, d *store.Document, c *access.Credential) (inventory, error) {
	found := inventory{ref: c.Ref()}
	all, err := s.accessors(ctx, c.IdentityID)
	if err != nil {
		return found, err
	}
	known := map[string]bool{}
	for _, i := range d.Issued(c.Ref()) {
		known[i.Accessor] = true
		if !slices.Contains(all, i.Accessor) && i.Until.After(s.now()) {
			found.missing = append(found.missing, i)
		}
	}
	for _, accessor := range all {
		if known[accessor] {
			continue
		}
		one, err := s.readSecretID(ctx, c.IdentityID, accessor)
		if err != nil {
			return found, err
		}
		if one.Accessor != "" {
			found.unknown = append(found.unknown,
				store.Lost{ID: c.IdentityID, Kind: access.Secret, Until: one.Expires, Accessor: accessor})
		}
	}
	return found, nil
}

// forget takes from a draft what is not there, so that it is issued anew.
func (i inventory) forget(d *ledger.Draft) {
	if e := d.Ledger[i.ref]; e != nil && len(i.missing) > 0 {
		changed := *e
		changed.Issued = slices.DeleteFunc(slices.Clone(e.Issued), func(one ledger.Item) bool {
			return slices.ContainsFunc(i.missing, func(m ledger.Item) bool { return m.Accessor == one.Accessor })
		})
		d.Set(&changed)
	}
}

// readSecretID returns what OpenBao says of an accessor; the zero value if it has ended.
func (s *secrets) readSecretID(ctx context.Context, id access.IdentityID, accessor string) (one secretID, err error) {
	err = s.client.Put(ctx, s.appRole(id)+"/secret-id-accessor/lookup", map[string]any{"secret_id_accessor": accessor},
		&one)
	return one, client.Gone(err)
}

var _ method = (*secrets)(nil)

func (s *secrets) mount(*access.Credential) string { return s.options.Mounts.AppRole }

func (*secrets) aliasOf(id access.IdentityID) string { return store.NameOf(id) }

func (s *secrets) enter(ctx context.Context, _ *access.Credential, _ bool) (accessor string, err error) {
	return s.secretMount(ctx)
}

func (s *secrets) roles(_ context.Context, c *access.Credential, _ time.Time, _ []ledger.Item) ([]role, error) {
	return []role{s.secretRole(c)}, nil
}

// named gives the role the id that the alias is named by. It may be repeated.
func (s *secrets) named(ctx context.Context, at *site, id access.IdentityID) error {
	return s.settled(ctx, at, func() error {
		return s.client.Put(ctx, s.roleID(id), map[string]any{"role_id": store.NameOf(id)}, nil)
	})
}

func (s *secrets) paths(c *access.Credential) []string { return []string{s.entrance(c)} }

func (s *secrets) entrance(c *access.Credential) string { return s.appRole(c.IdentityID) }

func (s *secrets) everywhere(id access.IdentityID, _ map[string]mounted) []string {
	return []string{s.appRole(id)}
}

// tellLogin tells the role id. The command reads the secret from age's output, so that it is in no list of processes.
func (s *secrets) tellLogin(c *access.Credential, shell string, told map[string]string) {
	told["path"], told["role_id"] = "auth/"+s.options.Mounts.AppRole+"/login", store.NameOf(c.IdentityID)
	told["command"] = fmt.Sprintf("age --decrypt --identity KEYFILE secret.age | bao write%s-field=token %s "+
		"role_id=%s secret_id=-",
		shell, told["path"], told["role_id"])
}
