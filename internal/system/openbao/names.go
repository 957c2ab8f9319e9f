package openbao

import (
	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// roleOf is the name of an identity's roles: these have no slashes, and the parts of an id no dots.
func roleOf(id access.IdentityID) string {
	return id.Partner + "." + id.Environment + "." + id.Name
}
