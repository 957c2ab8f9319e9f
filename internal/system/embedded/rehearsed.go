// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// rehearsed is the file that says when the cut of each partner was rehearsed last.
type rehearsed struct {
	Version  int                  `json:"version"`
	Partners map[string]time.Time `json:"partners"`
}

// readRehearsed reads the file. One that is not as it was signed tells nothing: whoever is to
// rehearse does it once more.
func (l *book) readRehearsed(p paths) error {
	path, nobody := p.rehearsedFile(), access.IdentityID{}
	_, state, err := l.sums.look(p, path)
	if err != nil {
		return err
	}
	switch state {
	case absent:
	case planted:
		l.plant(p, path, nobody)
	case gone:
		l.find(p, path, "is gone: no rehearsal counts", nobody)
		l.lost[p.listed(path)] = true
	case altered:
		l.find(p, path, "differs from what was signed: no rehearsal counts, and the next change removes it", nobody)
		l.planted = append(l.planted, path)
	case intact:
		var all rehearsed
		_, err = readFile(path, &all)
		l.rehearsed = all.Partners
	}
	return err
}

// staleHolds returns the shadow partners that are on hold and have nothing.
func (l *book) staleHolds() (partners []string) {
	has := map[string]bool{}
	for _, e := range l.Ledger {
		has[e.Object.Holder().Partner] = true
	}
	for partner := range l.holds {
		if access.IsShadow(partner) && !has[partner] {
			partners = append(partners, partner)
		}
	}
	return partners
}
