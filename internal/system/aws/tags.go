// SPDX-License-Identifier: MPL-2.0

package aws

const (
	uidTag    = "partner:uid"
	endTag    = "partner:ends-at"
	issuerTag = "partner:issuer"
	// systemTag is the id of the access system: two ledgers in one account share its names.
	systemTag = "partner:system"
	// identityTag says whose a principal is where the page does not.
	identityTag = "partner:identity"
)

// wasTag says what a user was before it was moved to be adopted.
const wasTag = "partner:was"
