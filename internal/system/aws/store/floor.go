// SPDX-License-Identifier: MPL-2.0

package store

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
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
)

// The floor is an object beside the ledger, LEDGER.floor/floor.json, and not in it: a login that may write there may
// not write it. Each floor that ever was has a mark at its side, LEDGER.floor/was/, whose name says what it was, and
// that nobody has to remove. The ledger remembers how many there were (floor/), so that one that is gone with all its
// marks is missed, too.
const (
	FloorSuffix = ".floor"
	floorKey    = "floor.json"
	floorMarks  = "was/"
	// floorNotes begins the names by which the ledger remembers floors.
	floorNotes = "floor/"
)

// Floors is where the floor is kept, and who reads and writes it.
type Floors[N any] struct {
	// beside is where the floor and its marks are; ledger has the notes, and says which system it is.
	beside *Bucket
	ledger *Store[N]
}

// NewFloors returns where the floor of a ledger is kept, which is beside it.
func NewFloors[N any](st *Store[N]) *Floors[N] {
	return &Floors[N]{beside: &Bucket{Client: st.Client, Name: st.Name, Prefix: st.Prefix + FloorSuffix}, ledger: st}
}

// laid is the floor as it is kept.
type laid struct {
	// record is what it says; nil if there is none, or it is lost. system is that of the ledger.
	record *access.FloorRecord
	system string
	// etag is that of the object; "" if it is not there.
	etag string
	// hidden: it may be there, and this login may not look.
	hidden bool
}

// Floor returns the floor; nil if there never was one. access.FloorError if one is missed: gone, edited, put back,
// another system's, or hidden from this login.
func (f *Floors[N]) Floor(ctx context.Context) (*access.FloorRecord, error) {
	l, err := f.settled(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the floor: %w", err)
	}
	return l.record, nil
}

// settled reads the floor, and one that is lost a second time, a moment later: perhaps somebody sets it now, and its
// mark is written before it.
func (f *Floors[N]) settled(ctx context.Context) (laid, error) {
	l, err := f.read(ctx)
	var lost *access.FloorError
	if !errors.As(err, &lost) || l.hidden {
		return l, err
	}
	if err := access.Pause(ctx, min(200*time.Millisecond, f.beside.Client.Site.Patience)); err != nil {
		return l, err
	}
	return f.read(ctx)
}

// sighting is what is known of a floor that was not read yet.
type sighting struct {
	laid
	marks []access.FloorMark
	// newest is the newest generation that the ledger or a mark remembers; 0 where there never was one.
	newest int64
}

// look returns what the ledger and a listing tell of the floor, without reading it. A login that may not list learns
// nothing from there. If the ledger has no note either, there was no floor as far as it can tell.
func (f *Floors[N]) look(ctx context.Context) (s sighting, err error) {
	if s.system, err = f.ledger.Identified(ctx); err != nil {
		return s, err
	}
	if s.newest, err = f.ledger.floored(ctx); err != nil {
		return s, err
	}
	s.marks, s.etag, err = f.listed(ctx)
	if s.hidden = closedTo(err); s.hidden && s.newest > 0 {
		return s, f.lost(s.newest, "cannot be looked for: this login needs s3:ListBucket on the bucket")
	}
	s.newest = newestOf(s.newest, s.marks)
	if err == nil && s.etag == "" && s.newest > 0 {
		err = f.lost(s.newest, "is gone: somebody removed it")
	}
	return s, err
}

// lost returns the error of a floor that is not what it was last. Whose it was does not matter here: only the rights on
// the object say who may set it again.
func (f *Floors[N]) lost(newest int64, format string, values ...any) error {
	return &access.FloorError{
		Where:   f.beside.Where(floorKey),
		Problem: fmt.Sprintf(format, values...),
		Was:     access.FloorMark{Generation: newest},
	}
}

// read reads the floor; the zero record if there never was one. One that is lost is a FloorError, and comes with what
// is known of it.
func (f *Floors[N]) read(ctx context.Context) (laid, error) {
	s, err := f.look(ctx)
	if err != nil || s.etag == "" {
		return s.laid, err
	}
	text, etag, err := f.beside.Get(ctx, floorKey, "")
	switch {
	case closedTo(err):
		s.hidden = true
		return s.laid, f.lost(s.newest, "cannot be read: this login needs s3:GetObject on it")
	case errors.Is(err, client.ErrAbsent):
		s.etag = ""
		return s.laid, f.lost(s.newest, "is gone: somebody removed it")
	case err != nil:
		return s.laid, err
	}
	s.etag = etag
	r := &access.FloorRecord{}
	if err := access.ParseFloor(text, r); err != nil {
		return s.laid, f.lost(s.newest, "cannot be read: %s", err)
	}
	if err := f.authenticate(ctx, r, s); err != nil {
		return s.laid, err
	}
	s.record = r
	return s.laid, nil
}

// authenticate compares a floor that was read with what is known of it: it is of this system, not older than what is
// remembered, and has its mark. A mark is looked for again first, since the floor may be younger than the listing.
func (f *Floors[N]) authenticate(ctx context.Context, r *access.FloorRecord, s sighting) (err error) {
	if !slices.Contains(s.marks, r.Mark()) { // it may be younger than what was listed before it
		if s.marks, _, err = f.listed(ctx); err != nil {
			return err
		}
		s.newest = newestOf(s.newest, s.marks)
	}
	switch {
	case r.System != "" && s.system != "" && r.System != s.system:
		return f.lost(s.newest, "belongs to the access system %s, but this one is %s", r.System, s.system)
	case r.Generation < s.newest:
		return f.lost(s.newest, "went back to generation %d", r.Generation)
	case !slices.Contains(s.marks, r.Mark()):
		return f.lost(s.newest, "was edited by somebody, or its mark in %s was removed", f.beside.Where(floorMarks))
	}
	return nil
}

// listed lists the marks, and the ETag of the floor; "" if there is none.
func (f *Floors[N]) listed(ctx context.Context) (marks []access.FloorMark, etag string, err error) {
	all, err := f.beside.List(ctx, "")
	for _, o := range all {
		if m, is := markIn(o.Key); is {
			marks = append(marks, m)
		}
		if o.Key == floorKey {
			etag = o.ETag
		}
	}
	return marks, etag, err
}

// newestOf returns the newest generation of marks, or the one given.
func newestOf(newest int64, marks []access.FloorMark) int64 {
	for _, m := range marks {
		newest = max(newest, m.Generation)
	}
	return newest
}

// closedTo reports whether a login may not do what it asked for. A login that was refused altogether is another matter.
func closedTo(err error) bool {
	return errors.Is(err, access.ErrNotPermitted) && !errors.Is(err, access.ErrLogin)
}

// keyOfMark returns the name of a mark, which is all that it says: was/3.DIGEST.STACK, the stack in base64 since it may
// have any character.
func keyOfMark(m access.FloorMark) string {
	return fmt.Sprintf("%s%d.%s.%s", floorMarks, m.Generation, m.Digest,
		base64.RawURLEncoding.EncodeToString([]byte(m.Stack)))
}

// markIn returns what the name of a mark says; false if it is none.
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

// noteIn returns the generation of a floor that the ledger remembers by a key; 0 if the key is no such note.
func noteIn(key string) int64 { return generationIn(strings.TrimPrefix(key, floorNotes)) }

// generationIn reads a generation; 0 if it is none that can be. One near the largest number would leave no room for a
// next floor, so it is not believed.
func generationIn(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > access.MostFloors {
		return 0
	}
	return n
}

// SetFloor sets the floor, or changes it. known is the generation that the caller has seen; 0 for none.
func (f *Floors[N]) SetFloor(ctx context.Context, floor access.Floor, stack string, known int64) (*access.FloorRecord,
	error) {
	return f.change(ctx, "set", stack, known, floor.Set)
}

// LiftFloor removes the floor on purpose: what is written is a generation that says so.
func (f *Floors[N]) LiftFloor(ctx context.Context, stack string, known int64) (*access.FloorRecord, error) {
	return f.change(ctx, "lift", stack, known, access.LiftFloor)
}

// change writes what complete makes of the next record, if it says that there is something to write. A floor that is
// lost may be set again; one that is hidden may not, since nobody knows what would be written over.
func (f *Floors[N]) change(ctx context.Context, act, stack string, known int64,
	complete access.FloorChange) (now *access.FloorRecord, err error) {
	err = Again(ctx, func() error {
		if err := f.ledger.Identify(ctx); err != nil {
			return err
		}
		l, err := f.settled(ctx)
		var lost *access.FloorError
		if (err != nil && !errors.As(err, &lost)) || l.hidden {
			return err
		}
		date, _ := f.ledger.Client.S3Time()
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

// write writes a floor in place of one of an ETag: the mark first, then the floor, then the note in the ledger. A
// process that dies in between leaves a floor that is missed, until its stack sets it again, and never one that could
// be put back unseen.
func (f *Floors[N]) write(ctx context.Context, r *access.FloorRecord, over string) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := f.beside.Place(ctx, keyOfMark(r.Mark()),
		[]byte("What the floor was once, by terraform-provider-partner.\n")); err != nil {
		return err
	}
	if _, err := f.beside.Replace(ctx, floorKey, text, over); err != nil {
		return err
	}
	defer f.ledger.Reread()
	note := floorNotes + strconv.FormatInt(r.Generation, 10)
	if err := f.ledger.Place(ctx, note,
		[]byte("There is a floor beside this ledger, by terraform-provider-partner.\n")); err != nil {
		return fmt.Errorf("the floor was written, but not its note in the ledger, without which nobody would notice "+
			"that it vanished: run the same command again: %w", err)
	}
	return nil
}
