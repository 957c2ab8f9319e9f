// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// The floor is an object beside the ledger, LEDGER.floor/floor.json, and not in it: who may write there may not write it. Each floor that ever
// was has a mark at its side, LEDGER.floor/was/, whose name says what it was, and that nobody has to remove. The ledger remembers how many there
// were, so that one that is gone with all its marks is missed, too.
const (
	floorSuffix = ".floor"
	floorKey    = "floor.json"
	floorMarks  = "was/"
	// floorNotes begins the names by which the ledger remembers floors.
	floorNotes = "floor/"
)

// floors is where the floor is kept.
type floors struct {
	beside *bucket
	ledger *store
}

func newFloors(st *store) *floors {
	return &floors{beside: &bucket{client: st.client, name: st.bucket.name, prefix: st.prefix + floorSuffix}, ledger: st}
}

// laid is the floor as it is kept.
type laid struct {
	record *access.FloorRecord
	system string
	etag   string // "" where it is not there
	// hidden: it may be there, and this login may not look.
	hidden bool
}

// Floor returns the floor.
func (f *floors) Floor(ctx context.Context) (*access.FloorRecord, error) {
	l, err := f.settled(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the floor: %w", err)
	}
	return l.record, nil
}

// settled reads the floor, and one that is lost a second time: perhaps somebody sets it at this moment.
func (f *floors) settled(ctx context.Context) (laid, error) {
	l, err := f.read(ctx)
	var lost *access.FloorError
	if !errors.As(err, &lost) || l.hidden {
		return l, err
	}
	if err := access.Pause(ctx, min(200*time.Millisecond, f.beside.options.Patience)); err != nil {
		return l, err
	}
	return f.read(ctx)
}

// read reads the floor; one that is lost is a FloorError.
func (f *floors) read(ctx context.Context) (l laid, err error) {
	var was access.FloorMark // whose it was says nobody but the rights on the object
	lost := func(format string, values ...any) (laid, error) {
		return l, &access.FloorError{Where: f.beside.where(floorKey), Problem: fmt.Sprintf(format, values...), Was: was}
	}
	if l.system, err = f.ledger.identified(ctx); err != nil {
		return l, err
	}
	if was.Generation, err = f.ledger.floored(ctx); err != nil {
		return l, err
	}
	marks, etag, err := f.listed(ctx)
	if l.hidden = closedTo(err); l.hidden && was.Generation > 0 {
		return lost("may not be looked for by this login, which needs s3:ListBucket on the bucket")
	}
	if err != nil {
		return l, err
	}
	l.etag = etag
	was.Generation = newestOf(was.Generation, marks)
	if l.etag == "" && was.Generation > 0 {
		return lost("is gone: somebody removed it")
	}
	if l.etag == "" {
		return l, nil
	}
	text, etag, err := f.beside.get(ctx, floorKey, "")
	if l.hidden = closedTo(err); l.hidden {
		return lost("may not be read by this login, which needs s3:GetObject on it")
	}
	if errors.Is(err, errAbsent) {
		l.etag = ""
		return lost("is gone: somebody removed it")
	}
	if err != nil {
		return l, err
	}
	r := &access.FloorRecord{}
	l.etag = etag
	if err := access.ParseFloor(text, r); err != nil {
		return lost("cannot be read: %s", err)
	}
	if !slices.Contains(marks, r.Mark()) { // it may be younger than what was listed before it
		if marks, _, err = f.listed(ctx); err != nil {
			return l, err
		}
		was.Generation = newestOf(was.Generation, marks)
	}
	switch {
	case r.System != "" && l.system != "" && r.System != l.system:
		return lost("is of the access system %s, and this one is %s", r.System, l.system)
	case r.Generation < was.Generation:
		return lost("went back to generation %d", r.Generation)
	case !slices.Contains(marks, r.Mark()):
		return lost("is not as it was set: somebody edited it, or took its mark in %s away", f.beside.where(floorMarks))
	}
	l.record = r
	return l, nil
}

// listed lists the marks, and the ETag of the floor; "" where there is none.
func (f *floors) listed(ctx context.Context) (marks []access.FloorMark, etag string, err error) {
	all, err := f.beside.list(ctx, "")
	for _, o := range all {
		if m, is := markIn(o.key); is {
			marks = append(marks, m)
		}
		if o.key == floorKey {
			etag = o.etag
		}
	}
	return marks, etag, err
}

func newestOf(newest int64, marks []access.FloorMark) int64 {
	for _, m := range marks {
		newest = max(newest, m.Generation)
	}
	return newest
}

// closedTo reports whether a login may not do what it asked for. Who is not let in at all is another matter.
func closedTo(err error) bool {
	return errors.Is(err, access.ErrNotPermitted) && !errors.Is(err, access.ErrLogin)
}

// keyOfMark returns the name of a mark, which is all that it says.
func keyOfMark(m access.FloorMark) string {
	return fmt.Sprintf("%s%d.%s.%s", floorMarks, m.Generation, m.Digest, base64.RawURLEncoding.EncodeToString([]byte(m.Stack)))
}

// markIn returns what the name of a mark says.
func markIn(key string) (m access.FloorMark, is bool) {
	text, is := strings.CutPrefix(key, floorMarks)
	parts := strings.Split(text, ".")
	if !is || len(parts) != 3 {
		return m, false
	}
	stack, wrong := base64.RawURLEncoding.DecodeString(parts[2])
	m = access.FloorMark{Generation: generationIn(parts[0]), Digest: parts[1], Stack: string(stack)}
	return m, m.Generation > 0 && wrong == nil
}

// noteIn returns the generation of a floor that the ledger remembers by a key; 0 where it is none.
func noteIn(key string) int64 { return generationIn(strings.TrimPrefix(key, floorNotes)) }

// generationIn reads a generation; 0 where it is none that can be.
func generationIn(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > access.MostFloors {
		return 0
	}
	return n
}

// floored returns the newest generation of a floor that the ledger remembers; 0 where there never was one.
func (s *store) floored(ctx context.Context) (newest int64, err error) {
	s.mu.Lock()
	seen := s.seen
	s.mu.Unlock()
	if seen != nil && access.WallClock().Sub(seen.begun) < s.options.Fresh {
		return seen.floor, nil
	}
	all, err := s.list(ctx, floorNotes)
	for _, o := range all {
		newest = max(newest, noteIn(o.key))
	}
	return newest, err
}

// SetFloor sets the floor, or changes it.
func (f *floors) SetFloor(ctx context.Context, floor access.Floor, stack string, known int64) (*access.FloorRecord, error) {
	return f.change(ctx, "set", stack, known, func(_, next *access.FloorRecord) bool {
		next.Floor = floor
		return true
	})
}

// LiftFloor removes the floor on purpose.
func (f *floors) LiftFloor(ctx context.Context, stack string, known int64) (*access.FloorRecord, error) {
	return f.change(ctx, "lift", stack, known, func(there, next *access.FloorRecord) bool {
		next.Lift(there)
		return there == nil || there.InForce()
	})
}

// change writes what complete makes of the next record, where it says that there is something to write.
func (f *floors) change(ctx context.Context, act, stack string, known int64, complete func(there, next *access.FloorRecord) bool) (now *access.FloorRecord, err error) {
	err = again(ctx, func() error {
		if err := f.ledger.identify(ctx); err != nil {
			return err
		}
		l, err := f.settled(ctx)
		var lost *access.FloorError
		if err != nil && !errors.As(err, &lost) || l.hidden {
			return err
		}
		date, _ := f.ledger.now()
		if now, err = access.NextFloor(l.record, lost, access.FloorMark{}, l.system, stack, known, date); err != nil {
			return err
		}
		if !complete(l.record, now) {
			now = l.record
			return nil
		}
		return f.write(ctx, now, l.etag)
	})
	if err != nil {
		return nil, fmt.Errorf("%s the floor: %w", act, err)
	}
	return now, nil
}

// write writes a floor in place of one of an ETag. Its mark comes first: who dies in between leaves a floor that is missed, until its stack
// sets it again, and never one that could be put back unseen.
func (f *floors) write(ctx context.Context, r *access.FloorRecord, over string) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := f.beside.place(ctx, keyOfMark(r.Mark()), []byte("What the floor was once, by terraform-provider-partner.\n")); err != nil {
		return err
	}
	if _, err := f.beside.replace(ctx, floorKey, text, over); err != nil {
		return err
	}
	defer f.ledger.reread()
	note := floorNotes + strconv.FormatInt(r.Generation, 10)
	if err := f.ledger.place(ctx, note, []byte("There is a floor beside this ledger, by terraform-provider-partner.\n")); err != nil {
		return fmt.Errorf("the floor is written, and what it was could not be noted in the ledger, so that nobody would miss it if all of it went: run the same again: %w", err)
	}
	return nil
}
