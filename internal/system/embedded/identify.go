// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// identified is the file that says which system a directory holds. It is made by the first change, signed with the rest, and
// never changed: a backup that is restored, and a copy, are the same system.
type identified struct {
	Version int    `json:"version"`
	ID      string `json:"id"`
}

// ID returns which system the directory holds.
func (s *System) ID(ctx context.Context) (string, error) {
	l, err := s.view(ctx)
	if err != nil {
		return "", fmt.Errorf("read which access system it is: %w", err)
	}
	if len(l.Ledger)+len(l.damaged) == 0 && (l.system == "" || l.generation == (generation{})) { // never begun, or emptied
		return "", access.ErrNoSystem
	}
	return l.system, nil
}

var _ access.Dated = (*System)(nil)

// ChangedAt returns when the last change was made.
func (s *System) ChangedAt(ctx context.Context) (time.Time, error) {
	l, err := s.view(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("read when the last change was made: %w", err)
	}
	return l.changedAt, nil
}

// identity reads the id. Where its file is not as it was signed, the record of the publication has a copy; "" where that is lost
// as well: what is there can then still be revoked.
func (l *book) identity(p paths, was published) error {
	text, state, err := l.sums.look(p, p.system())
	if err != nil || state == absent || state == planted { // the first change lays it there before anything is signed
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

// identify gives a directory that holds nothing an id. The file is in place before any key is made: keys without it are those
// of a system whose ledger is gone, on which none is built. Gateways trust them, and a new list of what is revoked would not
// have what was revoked there.
func (co *committer) identify(objects *stage, base *book, d *draft, changes bool) error {
	named, begun := base.system != "", base.generation != (generation{})
	if named && base.idLost && changes { // the record of the publication has told it
		objects.encode(co.paths.system(), identified{Version: version, ID: base.system})
		return nil
	}
	holds := len(base.Ledger)+len(base.damaged) > 0
	first := len(d.Ledger) > 0 || d.lays
	if holds || !first || (named && begun) {
		return nil
	}
	if !begun && co.keysAlone() {
		return fmt.Errorf("%s belongs to an access system whose ledger is missing: restore %s from a copy. If that "+
			"system is lost, move %s away to start a new one, which no gateway trusts yet", co.paths.keys(), co.paths.ledger(), co.paths.keys())
	}
	st := &stage{disk: co.disk, dir: co.paths.stagedLedger(), mode: privateFile, parents: privateDir}
	i := identified{Version: version, ID: access.NewUID()}
	st.encode(co.paths.system(), i)
	err := settle(st)
	if err == nil {
		err = st.enact()
	}
	if err != nil {
		return err
	}
	d.system = i.ID
	objects.encode(co.paths.system(), i) // and so it is signed
	return nil
}

// keysAlone reports whether there are keys, and nothing that says that a first change was at making them.
func (co *committer) keysAlone() bool {
	if _, err := os.Lstat(co.paths.system()); err == nil {
		return false
	}
	keys, _ := os.ReadDir(co.paths.keys())
	return slices.ContainsFunc(keys, func(f os.DirEntry) bool { return !strings.HasPrefix(f.Name(), ".") })
}
