// SPDX-License-Identifier: MPL-2.0

package aws

import "strings"

// The tags of a principal. People and inventories read them, and a page that is lost is searched for by them; no end
// and no right follows from one. uidTag is the uid of the object, "new" while its key is made.
const (
	uidTag    = "partner:uid"
	endTag    = "partner:ends-at"
	issuerTag = "partner:issuer"
	// systemTag is the id of the access system: two ledgers in one account share its names.
	systemTag = "partner:system"
	// identityTag says whose a principal is where the page does not.
	identityTag = "partner:identity"
)

// wasTag says what a user was before it was moved to be adopted, as its native id.
const wasTag = "partner:was"

// taggable returns a text as a tag's value may have it: IAM takes letters, digits, spaces and some signs, at most 256.
func taggable(text string) string {
	text = strings.Map(func(r rune) rune {
		if (r >= 'a' && r <= 'z') ||
			(r >= 'A' && r <= 'Z') ||
			(r >= '0' && r <= '9') ||
			strings.ContainsRune(" _.:/=+-@", r) {
			return r
		}
		return '_'
	}, text)
	return text[:min(len(text), 256)]
}
