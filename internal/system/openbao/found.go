// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

type entity struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Disabled bool              `json:"disabled"`
	Metadata map[string]string `json:"metadata"`
	Policies []string          `json:"policies"`
	Aliases  []alias           `json:"aliases"`
	Groups   []string          `json:"group_ids"`
	// Direct are the groups that it is itself a member of; the others it is in by these.
	Direct []string `json:"direct_group_ids"`
}

type alias struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Accessor string            `json:"mount_accessor"`
	Metadata map[string]string `json:"metadata"`
	// Type is the mount's, such as approle. Path is "auth/partner-approle/"; empty where the mount is gone, also where
	// another is there since.
	Path string `json:"mount_path"`
	Type string `json:"mount_type"`
	// Local: the mount is of one cluster alone, and so the alias stays with its entity.
	Local bool `json:"local"`
}

// policies is the store of what stands in policies, and snapshot what it read at one moment, with what else was found
// out about each identity.
type (
	policies = store.Store[native]
	snapshot = store.Snapshot[native]
)

// native is what OpenBao holds of an identity beside its policy, as it was read.
type native struct {
	entity *entity // nil: there is none
	roles  map[string]map[string]any
	// secrets are the secret ids of its AppRole, by accessor.
	secrets map[string]secretID
	// authority is the certificate of the authority: it is the same for all, and kept under the zero id.
	authority string
	// unable says why it signs nothing. It is kept there, too.
	unable string
	// revocations are what was revoked of certificates; they are kept there too.
	revocations revocations
}

// revocations are what is the same for all certificates at one moment.
type revocations struct {
	revoked map[string]bool     // by the engine
	missing map[string]bool     // of those, what the auth method has not heard of
	unheard map[string][]string // of these, what still lets in, by the common name
	refused map[string]string   // what is on another list of the auth method, and on which
	fetched string              // from where the auth method gets what should be our list
	unread  bool                // the login may not look
}

// secretID is what OpenBao says of a secret id, without it.
type secretID struct {
	Accessor string    `json:"secret_id_accessor"`
	Expires  time.Time `json:"expiration_time"`
	Created  time.Time `json:"creation_time"`
	Updated  time.Time `json:"last_updated_time"`
}
