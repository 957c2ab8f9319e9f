package openbao

import (
	"context"
	"errors"
	"fmt"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// holder is the entity that holds an alias; one without an id where none does.
func (es *entities) holder(ctx context.Context, name, accessor string) (*entity, error) {
	e := new(entity)
	err := es.client.Put(ctx, "identity/lookup/entity", map[string]any{"alias_name": name, "alias_mount_accessor": accessor}, e)
	return e, client.Gone(err)
}

// astray says who holds the alias of a credential that is not at its identity's entity. Who merges entities moves their aliases.
func (es *entities) astray(ctx context.Context, c *access.Credential) (string, error) {
	at, err := es.site(ctx)
	if err != nil {
		return "", err
	}
	es.probing.Lock()
	accessor := at.auth[es.creds.mountOf(c)+"/"].Accessor
	es.probing.Unlock()
	const lost = "The alias of the credential is not at this entity: "
	if accessor == "" { // OpenBao takes no question without one
		return fmt.Sprintf("%sauth/%s is not mounted, and nobody logs in there.", lost, es.creds.mountOf(c)), nil
	}
	e, err := es.holder(ctx, aliasName(c), accessor)
	switch {
	case errors.Is(err, access.ErrNotPermitted):
		return lost + "who logs in is somebody else, or nobody. This login may not look who holds it (identity/lookup/entity).", nil
	case err != nil:
		return "", err
	case e.ID == "":
		return lost + "nobody holds it, and who logs in gets an entity that may do nothing.", nil
	}
	return fmt.Sprintf("%sthe entity %q holds it (%s), as after a merge of entities. Who logs in is that one, and may do what it may, until this is applied again.", lost, e.Name, e.ID), nil
}
