// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"fmt"
	"slices"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// enforcement asks those who log in for a second factor (identity/mfa/login-enforcement), by the entity, its groups, or
// the auth method.
type enforcement struct {
	Name      string   `json:"name"`
	Entities  []string `json:"identity_entity_ids"`
	Groups    []string `json:"identity_group_ids"`
	Accessors []string `json:"auth_method_accessors"`
	Types     []string `json:"auth_method_types"`
}

// keepsSecondFactors refuses an entity whose logins are asked for a second factor because of what it is, or is in:
// nobody would ask the one that takes its place. Asked because of the auth method, it still is.
func (ad *adopter) keepsSecondFactors(ctx context.Context, found *legacy) error {
	all, err := ad.enforcements(ctx)
	if err != nil {
		return err
	}
	for _, m := range all {
		asked := slices.Contains(m.Entities, found.ID) ||
			slices.ContainsFunc(found.Groups, func(g string) bool { return slices.Contains(m.Groups, g) })
		still := func(a alias) bool {
			return slices.Contains(m.Accessors, a.Accessor) || slices.Contains(m.Types, a.Type)
		}
		if asked && slices.ContainsFunc(found.Aliases, func(a alias) bool { return a.Path != "" && !still(a) }) {
			return fmt.Errorf("%w: the login enforcement %s asks it for a second factor, and would no longer do so. "+
				"Make the enforcement name the auth method, with auth_method_accessors", access.ErrUnsupported, m.Name)
		}
	}
	return nil
}

// enforcements returns all of them, read once in a process.
func (ad *adopter) enforcements(ctx context.Context) ([]enforcement, error) {
	ad.surveyed.Lock()
	defer ad.surveyed.Unlock()
	if ad.factors != nil {
		return ad.factors, nil
	}
	const folder = "identity/mfa/login-enforcement"
	var names struct {
		Keys []string `json:"keys"`
	}
	if err := ad.client.List(ctx, folder, &names); client.Gone(err) != nil {
		return nil, err
	}
	all := []enforcement{}
	for _, name := range names.Keys {
		m := enforcement{Name: name}
		if err := ad.client.Get(ctx, folder+"/"+name, &m); client.Gone(err) != nil {
			return nil, err
		}
		all = append(all, m)
	}
	ad.factors = all
	return all, nil
}
