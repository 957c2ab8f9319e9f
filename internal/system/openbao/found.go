// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// What OpenBao answers, as this package reads it. Fields that are not named here are not looked at.

// entity is an entity of OpenBao's identity store: what the tokens of an identity belong to. nil stands for none.
type entity struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Disabled: all of its tokens are refused, and nobody logs in as it.
	Disabled bool              `json:"disabled"`
	Metadata map[string]string `json:"metadata"`
	Policies []string          `json:"policies"`
	Aliases  []alias           `json:"aliases"`
	// Groups are all groups that it is in.
	Groups []string `json:"group_ids"`
	// Direct are the groups that it is itself a member of; it is in the others by these.
	Direct []string `json:"direct_group_ids"`
}

// alias is a name on an auth method, by which whoever logs in there is an entity.
type alias struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Accessor is the mount's, which a mount that is made anew under the same path does not have.
	Accessor string            `json:"mount_accessor"`
	Metadata map[string]string `json:"metadata"`
	// Path is "auth/partner-approle/"; empty if the mount is gone, also if another is there since.
	Path string `json:"mount_path"`
	// Type is the mount's, such as "approle".
	Type string `json:"mount_type"`
	// Local: the mount is of one cluster alone, and so the alias stays with its entity.
	Local bool `json:"local"`
}

type (
	// policies is the store of what stands in policies.
	policies = store.Store[native]
	// snapshot is what it read at one moment, with what else was found out about each identity.
	snapshot = store.Snapshot[native]
)

// native is what OpenBao holds of an identity beside its policy, as it was read. It is not changed once it is noted in
// a snapshot. The last three fields are the same for all identities, and only in the one that is noted under the zero
// id.
type native struct {
	// entity is nil if there is none.
	entity *entity
	// roles are the bodies of its roles by their paths; nil for one that is gone. A path that is missing was not read.
	roles map[string]map[string]any
	// secrets are the secret ids of its AppRole, by accessor.
	secrets map[string]secretID
	// authority is the certificate, in PEM, of the authority that signs; "" if there is none.
	authority string
	// unable says why it signs nothing; "" if it does.
	unable string
	// revocations are what was revoked of certificates.
	revocations revocations
}

// revocations are what the engine revoked, and what the auth method has heard of, at one moment. Serials are as
// OpenBao's engine writes them.
type revocations struct {
	// revoked are the serials that the engine revoked and has not forgotten.
	revoked map[string]bool
	// missing are those of them that the auth method has not heard of.
	missing map[string]bool
	// unheard are those of the missing ones that would still let in, by the common name.
	unheard map[string][]string
	// refused are the serials on lists of the auth method that are not ours, and the name of a list that each is on.
	refused map[string]string
	// fetched is the address from which the auth method gets what should be our list; "" if it has ours.
	fetched string
	// unread: the login may not look.
	unread bool
}

// secretID is what OpenBao says of a secret id, without it. The zero value stands for one that has ended. Updated is
// the last login, if it is later than Created (see countedUses).
type secretID struct {
	Accessor string    `json:"secret_id_accessor"`
	Expires  time.Time `json:"expiration_time"`
	Created  time.Time `json:"creation_time"`
	Updated  time.Time `json:"last_updated_time"`
}
