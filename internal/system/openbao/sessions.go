// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

const (
	// tokenAccessors is where OpenBao lists all tokens of the namespace, by accessor.
	tokenAccessors = "auth/token/accessors"
	// mostSessions is how many tokens are looked at, of everybody: each is a request, and a plan must not ask for ever.
	mostSessions = 2000
)

// sessions counts the tokens that work, and revokes those of a partner.
type sessions struct {
	*server
	// ending guards ended.
	ending sync.Mutex
	// ended are those whose tokens this process has revoked.
	ended map[access.IdentityID]bool
}

// Sessions counts the service tokens of entities that are not disabled. strays are native ids of entities that nobody
// declared. Batch tokens are stored nowhere, so nobody can list them.
//
// The right that it needs is in none of the shipped policies: to list accessors is the administrators' business
// ("accessors*" is a root path in internal/vault/token_store.go, so it takes sudo), since what names every token is
// half of what ends or renews it. Without it, the error names the right.
func (s *sessions) Sessions(ctx context.Context, of []access.IdentityID, strays []string) (int, error) {
	entities, err := s.enabledEntities(ctx, of, strays)
	if err != nil || len(entities) == 0 {
		return 0, err
	}
	accessors, err := s.accessors(ctx)
	if err != nil {
		return 0, err
	}
	owners, err := s.owners(ctx, accessors)
	live := 0
	for _, entity := range owners {
		if entities[entity] {
			live++
		}
	}
	return live, err
}

// accessors returns those of all tokens.
func (s *sessions) accessors(ctx context.Context) ([]string, error) {
	var all struct {
		Keys []string `json:"keys"`
	}
	switch err := s.client.List(ctx, tokenAccessors, &all); {
	case errors.Is(err, access.ErrNotPermitted):
		return nil, fmt.Errorf("%w: it needs list and sudo on %s/", access.ErrNotPermitted, tokenAccessors)
	case client.Gone(err) != nil:
		return nil, err
	case len(all.Keys) > mostSessions:
		return nil, fmt.Errorf("there are %d tokens, and the provider looks at no more than %d", len(all.Keys),
			mostSessions)
	}
	return all.Keys, nil
}

// enabledEntities returns the ids of the entities whose tokens work.
func (s *sessions) enabledEntities(ctx context.Context, of []access.IdentityID, strays []string) (map[string]bool,
	error) {
	var paths []string
	for _, id := range of {
		paths = append(paths, entityPath(id))
	}
	for _, native := range strays {
		if strings.HasPrefix(native, entityFolder) {
			paths = append(paths, native)
		}
	}
	found := make([]entity, len(paths))
	err := sideBySide(len(paths), func(n int) error { return client.Gone(s.client.Get(ctx, paths[n], &found[n])) })
	ids := map[string]bool{}
	for _, e := range found {
		if e.ID != "" && !e.Disabled {
			ids[e.ID] = true
		}
	}
	return ids, err
}

// owners returns the entity of each token, "" for one that has none, or has ended since it was listed.
func (s *sessions) owners(ctx context.Context, accessors []string) ([]string, error) {
	owners := make([]string, len(accessors))
	err := sideBySide(len(accessors), func(n int) error {
		var token struct {
			EntityID string `json:"entity_id"`
		}
		err := s.client.Put(ctx, "auth/token/lookup-accessor", map[string]any{"accessor": accessors[n]}, &token)
		owners[n] = token.EntityID
		switch {
		case client.Said(err, "invalid accessor"):
			return nil
		case errors.Is(err, access.ErrNotPermitted):
			return fmt.Errorf("%w: it needs update on auth/token/lookup-accessor", access.ErrNotPermitted)
		}
		return client.Gone(err)
	})
	return owners, err
}
