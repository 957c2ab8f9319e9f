package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// identified is the file that says which system a directory holds. It is written before the first publication, and never
// changed: a backup that is restored, and a copy, are the same system.
type identified struct {
	Version int    `json:"version"`
	ID      string `json:"id"`
}

// ID reads which system the directory holds. It reads no more of the ledger than it must: damage elsewhere hides no id.
func (s *System) ID(context.Context) (string, error) {
	id, err := s.paths.readSystem()
	if err != nil {
		return "", fmt.Errorf("read which access system it is: %w", err)
	}
	g, err := s.paths.readGeneration()
	if err == nil && id != "" && g != (generation{}) {
		return id, nil
	}
	harmed := damage{}
	refs, err := s.paths.refs(harmed)
	if err != nil {
		return "", fmt.Errorf("read which access system it is: %w", err)
	}
	if len(refs)+len(harmed) == 0 { // never begun, or emptied
		return "", access.ErrNoSystem
	}
	return id, nil
}

// readSystem reads the id; "" where there is none, or its file is damaged: what is there can then still be revoked.
func (p paths) readSystem() (string, error) {
	text, err := os.ReadFile(p.system())
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fail(err, nothingChanged)
	}
	var i identified
	if json.Unmarshal(text, &i) != nil {
		return "", nil
	}
	return i.ID, nil
}

// identify gives a directory that holds nothing an id, before anything else is made in it. What is left of another system
// is not built upon: gateways trust it, and what was revoked there would be admitted by a list that does not know of it.
func (s *System) identify(base *book, d *draft) error {
	if len(base.Ledger)+len(base.damaged) > 0 || len(d.Ledger) == 0 || base.system != "" && base.generation != (generation{}) {
		return nil
	}
	if base.generation == (generation{}) {
		if left := s.leftovers(base); left != "" {
			return fmt.Errorf("%s is left of an access system whose ledger is missing. Restore %s from a backup; if that system is lost for ever, move %s "+
				"away to start a new one, which no gateway trusts yet", left, s.paths.ledger(), left)
		}
	}
	st := &stage{disk: s.disk, dir: s.paths.stagedLedger(), mode: privateFile, parents: privateDir}
	i := identified{Version: version, ID: access.NewUID()}
	if err := st.encode(s.paths.system(), i); err != nil {
		return err
	}
	if err := st.enact(); err != nil {
		return err
	}
	d.system = i.ID
	return nil
}

// leftovers is what a system left whose ledger is gone. A first change that was cut short leaves its id and keys, and has
// published nothing.
func (s *System) leftovers(base *book) string {
	if _, err := os.Stat(s.paths.public("ca.pem")); !errors.Is(err, fs.ErrNotExist) {
		return s.paths.publish()
	}
	keys, _ := os.ReadDir(s.paths.keys())
	made := slices.ContainsFunc(keys, func(f os.DirEntry) bool { return !strings.HasPrefix(f.Name(), ".") })
	if made && base.system == "" {
		return s.paths.keys()
	}
	return ""
}
