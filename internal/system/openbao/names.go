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

// What things are called in OpenBao. Each name is made of the identity's id, and of nothing else, so whoever has the id
// finds everything again: the policy and the entity partner/acme/prod/etl, the roles acme.prod.etl.

// roleOf returns the name of an identity's roles, such as "acme.prod.etl". Names of roles have no slashes, and the
// parts of an id no dots, so no two identities share one.
func roleOf(id access.IdentityID) string {
	return id.Partner + "." + id.Environment + "." + id.Name
}

// entityFolder is where entities are by their numbers, and how the native id of one begins.
const entityFolder = "identity/entity/id/"

// entityPath returns where the entity of an identity is, by its name.
func entityPath(id access.IdentityID) string { return "identity/entity/name/" + store.NameOf(id) }

// asideOf returns the name of an entity that is put aside, and then deleted: there is at most one. No id has a "~".
func asideOf(id access.IdentityID) string { return store.NameOf(id) + "~" }

// tokenRoles is where the roles for tokens are. A login that may not delete one, because it never gives out tokens,
// still offboards: a role without its alias admits nobody.
const tokenRoles = "auth/token/roles/"

// tokenRole returns the path of the role by which a token for one run is bound to an identity.
func tokenRole(id access.IdentityID) string { return tokenRoles + tokenRoleName(id) }

// tokenRoleName returns its name, which says whose it is: the token mount is everybody's.
func tokenRoleName(id access.IdentityID) string { return "partner." + roleOf(id) }

// noPolicy returns the policy that a token for one run has of its own. Without one it would inherit the provider's
// (internal/vault/token_store.go: "No policies specified, inherit parent"). Nobody makes it: the name is that of an
// entity that is put aside, in the folder that this provider alone writes.
func noPolicy(id access.IdentityID) string { return asideOf(id) }

// without returns names but for one, as a new list.
func without(all []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == one })
}

// serialText returns a serial as OpenBao's PKI engine writes it: pairs of hex digits with colons between them.
func serialText(number *big.Int) string {
	var pairs []string
	for _, b := range number.Bytes() {
		pairs = append(pairs, fmt.Sprintf("%02x", b))
	}
	return strings.Join(pairs, ":")
}
