// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"context"
	"fmt"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

var _ access.Floored = (*System)(nil)

// floorFile is the file of the floor. It is signed as the rest of the ledger is, and the record of the publication remembers it.
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

// Floor returns the floor.
func (s *System) Floor(ctx context.Context) (*access.FloorRecord, error) {
	l, err := s.view(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the floor: %w", err)
	}
	if l.floor.lost != nil {
		return nil, l.floor.lost
	}
	return l.floor.copied(), nil
}

// copied returns the floor for a caller, who may change it; nil where there never was one.
func (f floorBase) copied() *access.FloorRecord {
	if f.record == nil {
		return nil
	}
	r := *f.record
	return &r
}

// SetFloor sets the floor, or changes it.
func (s *System) SetFloor(ctx context.Context, f access.Floor, stack string, known int64) (*access.FloorRecord, error) {
	return s.changeFloor(ctx, "set", func(d *draft) (*access.FloorRecord, error) {
		next, err := access.NextFloor(d.floor.record, d.floor.lost, d.floor.mark, d.system, stack, known, d.Now)
		if err == nil {
			next.Floor = f
		}
		return next, err
	})
}

// LiftFloor removes the floor on purpose.
func (s *System) LiftFloor(ctx context.Context, stack string, known int64) (*access.FloorRecord, error) {
	return s.changeFloor(ctx, "lift", func(d *draft) (*access.FloorRecord, error) {
		there := d.floor.record
		if d.floor.lost == nil && !there.InForce() {
			return there, nil
		}
		next, err := access.NextFloor(there, d.floor.lost, d.floor.mark, d.system, stack, known, d.Now)
		if err != nil {
			return nil, err
		}
		next.Lift(there)
		return next, nil
	})
}

// changeFloor changes the floor under the lock, and returns what it is then.
func (s *System) changeFloor(ctx context.Context, act string, change func(*draft) (*access.FloorRecord, error)) (*access.FloorRecord, error) {
	t := &task{kind: taskFloor, floor: change}
	if err := s.submit(ctx, t); err != nil {
		return nil, fmt.Errorf("%s the floor: %w", act, err)
	}
	return t.view.floor.copied(), nil
}

// lay makes the change of a floor in a draft.
func (d *draft) lay(change func(*draft) (*access.FloorRecord, error)) error {
	next, err := change(d)
	if err != nil || next == d.floor.record {
		return err
	}
	d.floor, d.lays = floorBase{record: next, mark: next.Mark()}, true
	return nil
}

// stageFloor stages the floor of a draft, once it is known of which system it is.
func (co *committer) stageFloor(st *stage, d *draft) {
	if d.lays {
		d.floor.record.System = d.system
		st.encode(co.paths.floor(), floorFile{Version: version, FloorRecord: *d.floor.record})
	}
}

// readFloor reads the floor. One that is gone, is not as it was signed, or is older than the publication knows, is lost: no change of
// others makes that good, and none forgets it.
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

// takeFloor goes by a floor that was signed, or says why it is none to go by: of a newer provider, of another system, or older than the
// publication knows.
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
