package openbao

import (
	"context"
	"fmt"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// ID returns which system the namespace holds, from the listing that everything is read by.
func (ob *observer) ID(ctx context.Context) (string, error) {
	snap, err := ob.store.View(ctx)
	if err != nil {
		return "", fmt.Errorf("read which access system it is: %w", err)
	}
	if snap.System == "" && len(snap.Documents) == 0 {
		return "", access.ErrNoSystem
	}
	return snap.System, nil
}

// place says where the system is.
func (s *server) place() string {
	if s.client.Namespace() == "" {
		return s.client.Address() + ", without a namespace"
	}
	return s.client.Address() + ", namespace " + s.client.Namespace()
}
