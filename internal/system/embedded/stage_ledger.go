// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// stageObjects stages what the draft changes in the ledger: its entries, the tombstones beside them, what was revoked,
// and when partners were rehearsed.
func (co *committer) stageObjects(st *stage, base *book, d *draft) {
	co.stageEntries(st, base, d)
	for id := range d.Noted {
		if stone, kept := d.Tombstones[id]; kept {
			st.encode(co.paths.stone(id), stone)
		} else {
			st.remove(co.paths.stone(id))
		}
	}
	co.stageRevoked(st, base, d)
	if d.remembers {
		st.encode(co.paths.rehearsedFile(), rehearsed{Version: version, Partners: d.rehearsed})
	}
}

// stageEntries stages the entries that a draft has touched. It removes the file of a damaged one that the draft gave
// up, and of which it wrote no other.
func (co *committer) stageEntries(st *stage, base *book, d *draft) {
	for _, ref := range order.Sorted(maps.Keys(d.Touched), ledger.CompareRefs) {
		before, after := base.Ledger[ref], d.Ledger[ref]
		switch {
		case after == nil && before != nil:
			st.remove(co.paths.object(ref))
		case after != nil && after != before:
			st.replace(co.paths.object(ref), before, after)
		}
	}
	for ref := range base.damaged {
		if _, still := d.damaged[ref]; !still && d.Ledger[ref] == nil {
			st.remove(co.paths.object(ref))
		}
	}
}

// stageRevoked stages what was revoked since, and removes what has ended. What stands there already
// is never written again.
func (co *committer) stageRevoked(st *stage, base *book, d *draft) {
	for name, r := range d.revoked {
		if _, already := base.revoked[name]; !already {
			st.encode(co.paths.revocationFile(name), r)
		}
	}
	for name := range base.revoked {
		if _, still := d.revoked[name]; !still {
			st.remove(co.paths.revocationFile(name))
		}
	}
}

// stageFloor stages the floor of a draft, once it is known of which system it is.
func (co *committer) stageFloor(st *stage, d *draft) {
	if d.lays {
		d.floor.record.System = d.system
		st.encode(co.paths.floor(), floorFile{Version: version, FloorRecord: *d.floor.record})
	}
}

// identify gives a directory that holds nothing an id. The file is in place before any key is made: keys without it are
// those of a system whose ledger is gone, on which none is built. Gateways trust them, and a new list of what is
// revoked would not have what was revoked there.
func (co *committer) identify(objects *stage, base *book, d *draft, changes bool) error {
	named := base.system != ""
	begun := base.generation != (generation{})
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
			"system is lost, move %s away to start a new one, which no gateway trusts yet", co.paths.keys(),
			co.paths.ledger(), co.paths.keys())
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
