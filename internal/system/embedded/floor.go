// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"fmt"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// floorFile is the file of the floor. It is signed as the rest of the ledger is, and the record of the
// publication remembers it.
type floorFile struct {
	Version int `json:"version"`
	access.FloorRecord
	Sum string `json:"sum,omitempty"` // what encodeFile adds
}

// floorBase is the floor as the files have it.
type floorBase struct {
	// record is the floor; nil where there never was one, or where lost says why it is not known.
	record *access.FloorRecord
	lost   *access.FloorError
	// mark is the newest floor that is known of.
	mark access.FloorMark
}

// copied returns the floor for a caller, who may change it; nil where there never was one.
func (f floorBase) copied() *access.FloorRecord {
	if f.record == nil {
		return nil
	}
	r := *f.record
	return &r
}

// readFloor reads the floor. One that is gone, is not as it was signed, or is older than the publication knows, is
// lost: no change of others makes that good, and none forgets it.
func (l *book) readFloor(p paths, was published) error {
	path, published := p.floor(), was.Floor.Generation > 0
	text, state, err := l.sums.look(p, path)
	if err != nil {
		return err
	}
	l.floor.mark = was.Floor
	problem := ""
	switch state {
	case absent:
		if published {
			problem = "is gone: the ledger is from before it was set"
		}
	case planted:
		l.plant(p, path, access.IdentityID{})
		if published {
			problem = "was not signed: the ledger is from before it was set"
		}
	case gone:
		problem = "is gone: somebody removed it"
	case altered:
		problem = "differs from what was signed: somebody edited it, or put an older one in its place"
	case intact:
		problem = l.takeFloor(text)
	}
	if problem != "" {
		l.floor.lost = &access.FloorError{Where: path, Problem: problem, Was: l.floor.mark}
	}
	return nil
}

// takeFloor goes by a floor that was signed, or says why it is none to go by: of a newer provider, of another system,
// or older than the publication knows.
func (l *book) takeFloor(text []byte) (problem string) {
	var f floorFile
	switch {
	case access.ParseFloor(text, &f) != nil || f.Version > version:
		return "cannot be read: " + access.ErrNewerFloor.Error()
	case f.System != "" && l.system != "" && f.System != l.system:
		return "belongs to the access system " + f.System + ", and this one is " + l.system
	case f.Generation < l.floor.mark.Generation:
		return fmt.Sprintf("went back to generation %d", f.Generation)
	}
	l.floor = floorBase{record: &f.FloorRecord, mark: f.Mark()}
	return ""
}
