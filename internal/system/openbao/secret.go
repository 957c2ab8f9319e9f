package openbao

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// keyPrefix makes our secret ids known to people, and to the scanners that look for leaked ones.
const keyPrefix = "partner_"

// countedUses is how often a secret id may be used: so often that it never ends by it. Only where uses are counted does
// OpenBao remember when the last one was.
const countedUses = 1_000_000_000

// tidyDelay is how much later than its end a secret id may still let in, before the version that checks it at login.
const tidyDelay = 90 * time.Second

func (s *System) appRole(id access.IdentityID) string {
	return "auth/" + s.options.Mounts.AppRole + "/role/" + roleOf(id)
}

// secretRole is the AppRole of an identity.
func (s *System) secretRole(c *access.Credential) role {
	session := int(s.options.Session.Seconds())
	return role{s.appRole(c.IdentityID), map[string]any{
		"bind_secret_id": true, "token_no_default_policy": true, "token_policies": []string{}, "token_ttl": session, "token_max_ttl": session,
		"token_explicit_max_ttl": session, "token_type": "service", "secret_id_ttl": 0, "secret_id_num_uses": 0,
		"secret_id_bound_cidrs": networks(c), "token_bound_cidrs": networks(c),
	}}
}

// newSecret makes a secret id of 256 random bits, of which only a digest and what the partner can open are kept here.
func (s *System) newSecret(ctx context.Context, c *access.Credential, at, until time.Time, seal func([]byte) (string, error)) (ledger.Item, error) {
	if seal == nil {
		return ledger.Item{}, errors.New("there is nothing to seal the secret with")
	}
	where, err := s.site(ctx)
	if err != nil {
		return ledger.Item{}, err
	}
	key := newKey()
	defer clear(key)
	sealed, err := seal(key)
	if err != nil {
		return ledger.Item{}, fmt.Errorf("seal the secret: %w. Nothing was issued", err)
	}
	life := until.Sub(s.now())
	if where.version.before(promptSecrets) {
		life -= tidyDelay
	}
	if life < time.Second {
		return ledger.Item{}, fmt.Errorf("%w: a secret that ends on %s cannot be ended in time by OpenBao %s, which removes secret ids only once a minute",
			access.ErrUnsupported, access.At(until), where.version)
	}
	made, err := s.register(ctx, where, c.IdentityID, string(key), life)
	if err != nil {
		return ledger.Item{}, err
	}
	if !made.Expires.IsZero() && made.Expires.Before(until.Add(-tidyDelay)) {
		until = made.Expires // the mount allows no longer one
	}
	if made.Expires.IsZero() || made.Expires.After(until.Add(time.Second)) {
		return ledger.Item{}, errors.Join(fmt.Errorf("%w: the secret id would end on %s, and should on %s", access.ErrUnsupported, access.At(made.Expires), access.At(until)),
			s.destroy(ctx, c.IdentityID, made.Accessor))
	}
	sum := sha256.Sum256(key)
	return ledger.Item{
		At: at, Until: until, RotatesAt: c.RotatesAt(at), Fingerprint: hex.EncodeToString(sum[:]), Accessor: made.Accessor, Sealed: sealed,
	}, nil
}

func newKey() []byte {
	var random [32]byte
	defer clear(random[:])
	_, _ = rand.Read(random[:]) // it never fails, or ends the process
	key := make([]byte, len(keyPrefix)+base64.RawURLEncoding.EncodedLen(len(random)))
	copy(key, keyPrefix)
	base64.RawURLEncoding.Encode(key[len(keyPrefix):], random[:])
	return key
}

// secretID is what OpenBao says of a secret id, without it.
type secretID struct {
	Accessor string    `json:"secret_id_accessor"`
	Expires  time.Time `json:"expiration_time"`
	Created  time.Time `json:"creation_time"`
	Updated  time.Time `json:"last_updated_time"`
}

// register makes a secret id known to OpenBao, and reads back until when it is. Where it is there already, an answer was
// lost, and it is ours: it has 256 random bits.
func (s *System) register(ctx context.Context, at *site, id access.IdentityID, key string, life time.Duration) (secretID, error) {
	request := map[string]any{"secret_id": key, "ttl": fmt.Sprintf("%ds", int(life.Seconds())), "num_uses": countedUses}
	err := s.settled(ctx, at, func() error { return s.client.PostOnce(ctx, s.appRole(id)+"/custom-secret-id", request, nil) })
	for try := 0; ambiguous(err) && try < 3; try++ {
		err = s.client.PostOnce(ctx, s.appRole(id)+"/custom-secret-id", request, nil)
	}
	if err != nil && !said(err, "already registered") {
		return secretID{}, err
	}
	var made secretID
	err = s.settled(ctx, at, func() error {
		if err := s.client.Put(ctx, s.appRole(id)+"/secret-id/lookup", map[string]any{"secret_id": key}, &made); err != nil {
			return err
		}
		if made.Accessor == "" {
			return fmt.Errorf("the secret id: %w", access.ErrNotFound)
		}
		return nil
	})
	return made, err
}

// destroy ends a secret id. One that has ended is fine.
func (s *System) destroy(ctx context.Context, id access.IdentityID, accessor string) error {
	err := s.client.Put(ctx, s.appRole(id)+"/secret-id-accessor/destroy", map[string]any{"secret_id_accessor": accessor}, nil)
	if said(err, "failed to find accessor") || said(err, "does not exist") {
		return nil
	}
	return gone(err)
}

// accessors are the secret ids of an identity's AppRole.
func (s *System) accessors(ctx context.Context, id access.IdentityID) ([]string, error) {
	var all struct {
		Keys []string `json:"keys"`
	}
	err := s.client.List(ctx, s.appRole(id)+"/secret-id", &all)
	if said(err, "does not exist") {
		return nil, nil
	}
	return all.Keys, gone(err)
}
