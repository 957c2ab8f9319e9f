// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// roleOf returns the name of an identity's roles: these have no slashes, and the parts of an id no dots.
func roleOf(id access.IdentityID) string {
	return id.Partner + "." + id.Environment + "." + id.Name
}

const entityFolder = "identity/entity/id/"

func entityPath(id access.IdentityID) string { return "identity/entity/name/" + store.NameOf(id) }

// asideOf returns the name of an entity that is put aside, and then removed: there is at most one.
func asideOf(id access.IdentityID) string { return store.NameOf(id) + "~" }

// tokenRoles is where the roles are. A login that may not remove one, because it never gives out tokens, still
// offboards: a role without its alias admits to nothing.
const tokenRoles = "auth/token/roles/"

func tokenRole(id access.IdentityID) string { return tokenRoles + tokenRoleName(id) }

// tokenRoleName says whose it is: the token mount is everybody's.
func tokenRoleName(id access.IdentityID) string { return "partner." + roleOf(id) }

// noPolicy returns the policy that a token itself has: without one of its own it would inherit the provider's. It is in
// the part of the names that this provider alone writes, and is never made: the name is an entity's that is put aside.
func noPolicy(id access.IdentityID) string { return asideOf(id) }

// without returns names but for one.
func without(all []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == one })
}

// serialText returns a serial as OpenBao writes it.
func serialText(number *big.Int) string {
	var pairs []string
	for _, b := range number.Bytes() {
		pairs = append(pairs, fmt.Sprintf("%02x", b))
	}
	return strings.Join(pairs, ":")
}
