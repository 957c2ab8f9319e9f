package openbao

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// native is what OpenBao holds of an identity beside its policy, as it was read.
type native struct {
	entity *entity // nil: there is none
	roles  map[string]map[string]any
	// secrets are the secret ids of its AppRole, by accessor.
	secrets map[string]secretID
}

type entity struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Disabled bool              `json:"disabled"`
	Metadata map[string]string `json:"metadata"`
	Policies []string          `json:"policies"`
	Aliases  []alias           `json:"aliases"`
	Groups   []string          `json:"group_ids"`
}

type alias struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Accessor string            `json:"mount_accessor"`
	Metadata map[string]string `json:"metadata"`
}

// onMount is the alias of an entity on a mount; nil where it has none.
func (e *entity) onMount(accessor string) *alias {
	if e == nil {
		return nil
	}
	for i := range e.Aliases {
		if e.Aliases[i].Accessor == accessor {
			return &e.Aliases[i]
		}
	}
	return nil
}

func entityPath(id access.IdentityID) string { return "identity/entity/name/" + nameOf(id) }

// readEntity reads an identity's entity; nil where there is none.
func (s *System) readEntity(ctx context.Context, id access.IdentityID) (*entity, error) {
	e := new(entity)
	err := s.client.Get(ctx, entityPath(id), e)
	if errors.Is(err, access.ErrNotFound) {
		return nil, nil
	}
	return e, err
}

// longestValue is the most bytes that a value of an entity's metadata can have.
const longestValue = 512

// metadata tells a person, or an audit log, what an entity is about. The truth is in the policy.
func metadata(i *access.Identity, e *ledger.Entry, end time.Time) map[string]string {
	all := map[string]string{
		"managed_by": "terraform-provider-partner", "uid": e.History.UID, "stack": e.History.Stack,
		"partner": i.ID.Partner, "environment": i.ID.Environment,
		"owner": i.Owner, "purpose": i.Purpose, "expires_at": access.At(end).String(),
	}
	for name, value := range all {
		if len(value) > longestValue {
			cut := longestValue
			for cut > 0 && value[cut]&0xc0 == 0x80 { // not within a character
				cut--
			}
			all[name] = value[:cut]
		}
	}
	return all
}

// unclaimed refuses to take over an entity that was not made for an identity.
func (s *System) unclaimed(ctx context.Context, id access.IdentityID) error {
	e, err := s.readEntity(ctx, id)
	if err != nil || e == nil {
		return err
	}
	if e.Metadata["managed_by"] != "terraform-provider-partner" {
		return fmt.Errorf("the entity %s is there already: %w", nameOf(id), access.ErrForeign)
	}
	return nil
}

// settleEntity brings the entity of an identity in line with the ledger, and returns its id. What is held stays disabled,
// whatever the ledger says.
func (s *System) settleEntity(ctx context.Context, l ledger.Ledger, id access.IdentityID, held bool) (entityID string, err error) {
	i, e := l.Identity(id)
	if i == nil {
		return "", fmt.Errorf("%s: %w", id, access.ErrNoIdentity)
	}
	stands := l.Standing(id)
	want := map[string]any{
		"metadata": metadata(i, e, stands.End), "policies": []string{nameOf(id)}, "disabled": stands.Cut() || held,
	}
	there, err := s.readEntity(ctx, id)
	if err != nil {
		return "", err
	}
	if there != nil {
		return there.ID, s.client.Put(ctx, "identity/entity/id/"+there.ID, want, nil)
	}
	// By its name it is created, or found where it was made in the meantime: both are the same to us.
	var made struct {
		ID string `json:"id"`
	}
	if err := s.client.Put(ctx, entityPath(id), want, &made); err != nil {
		return "", err
	}
	if made.ID != "" {
		return made.ID, nil
	}
	at, err := s.site(ctx)
	if err != nil {
		return "", err
	}
	err = s.settled(ctx, at, func() error {
		e, err := s.readEntity(ctx, id)
		if err == nil && e == nil {
			err = fmt.Errorf("the entity %s: %w", nameOf(id), access.ErrNotFound)
		}
		if err == nil {
			made.ID = e.ID
		}
		return err
	})
	return made.ID, err
}

// settleAlias lets who logs in on a mount under a name be the entity.
func (s *System) settleAlias(ctx context.Context, entityID, accessor, name string) error {
	at, err := s.site(ctx)
	if err != nil {
		return err
	}
	return s.settled(ctx, at, func() error {
		return s.client.Put(ctx, "identity/entity-alias", map[string]any{"name": name, "canonical_id": entityID, "mount_accessor": accessor}, nil)
	})
}

// cutSessions ends every session of an identity at once: its entity is put aside and another takes its place. A token is of
// the entity that it was issued for, and is refused at the next request where that is disabled or gone.
func (s *System) cutSessions(ctx context.Context, l ledger.Ledger, id access.IdentityID) error {
	old, err := s.readEntity(ctx, id)
	if err != nil || old == nil {
		return err
	}
	aside := map[string]any{"name": nameOf(id) + "~" + old.ID, "disabled": true, "policies": []string{}}
	if err := s.client.Put(ctx, "identity/entity/id/"+old.ID, aside, nil); err != nil {
		return err
	}
	fresh, err := s.settleEntity(ctx, l, id, old.Disabled)
	if err != nil {
		return err
	}
	for _, a := range old.Aliases {
		if err := s.settleAlias(ctx, fresh, a.Accessor, a.Name); err != nil {
			return err
		}
	}
	return s.client.Delete(ctx, "identity/entity/id/"+old.ID)
}
