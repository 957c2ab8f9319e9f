// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"encoding/json"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// identified is the file that says which system a directory holds. It is made by the first change, signed with the
// rest, and never changed: a backup that is restored, and a copy, are the same system.
type identified struct {
	Version int    `json:"version"`
	ID      string `json:"id"`
}

// identity reads the id. Where its file is not as it was signed, the record of the publication has a copy; "" where
// that is lost as well: what is there can then still be revoked.
func (l *book) identity(p paths, was published) error {
	text, state, err := l.sums.look(p, p.system())
	if err != nil ||
		state == absent ||
		state == planted { // the first change lays it there before anything is signed
		return err
	}
	var i identified
	if state == intact && json.Unmarshal(text, &i) == nil {
		l.system = i.ID
		return nil
	}
	l.system, l.idLost = was.System, true
	l.find(p, p.system(), "is gone, or differs from what was signed", access.IdentityID{})
	return nil
}
