// SPDX-License-Identifier: MPL-2.0

package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/policy"
)

// The floor is a policy of comments, which nobody has. It is outside of the folder of partner access, since whoever may
// write there may not write it. What it was last is noted inside of that folder, where the one listing reads it: a
// floor that is gone, or was put back to what it was before, is missed.
//
// The note helps against a restored or deleted policy, and against nobody who may write this policy: such a login may
// as well write a floor of the next generation.

const (
	// FloorName is the policy of the floor. The shipped policy "floor" lets a login write it, and "plan" lets one read
	// it (examples/openbao/policies; see TestTheLoginsOfTheFloor).
	FloorName  = "partner-access-floor"
	floorTitle = "What no configuration of partner access can loosen, by terraform-provider-partner. It gives " +
		"nothing to anybody."
	floorLine = "floor "

	floorNoteName  = Prefix + "floor"
	floorNoteTitle = "What the floor of partner access was last, by terraform-provider-partner. It gives nothing " +
		"to anybody."
	floorNoteLine = "was "
)

// FloorNote is what is noted of the floor. The zero value says that nothing is noted.
type FloorNote struct {
	access.FloorMark
	// There: a note exists. If it cannot be read, its mark is zero, and the floor is still missed if it is gone.
	There bool
}

// parseFloorNote reads a note that is there, in whatever form. A generation that no count of ours reaches is taken for
// unread: the next floor would have no number left.
func parseFloorNote(text string) FloorNote {
	n := FloorNote{There: true}
	_ = readComment(text, floorNoteTitle, floorNoteLine, &n.FloorMark) // that it is there says that there was a floor
	if n.Generation < 0 || n.Generation > access.MostFloors {
		n.FloorMark = access.FloorMark{}
	}
	return n
}

// readComment reads what a policy of one comment says into a value: its title, one line, and no path. Anything else is
// an error, since a policy with a path in it gives access.
func readComment(text, title, line string, into any) error {
	head, body := policy.Split(text)
	if len(head) != 2 ||
		head[0] != title ||
		body != "" ||
		!strings.HasPrefix(head[1], line) {
		return errors.New("terraform-provider-partner did not write it like that")
	}
	return access.ParseFloor([]byte(strings.TrimPrefix(head[1], line)), into)
}

// comment writes a policy of one comment, as readComment reads it.
func comment(title, line string, what any) (string, error) {
	text, err := json.Marshal(what)
	return policy.Render([]string{title, line + ascii(text)}, nil), err
}

// Floor reads the floor and the version of its policy; nil and 0 if there is none. The error is a FloorError if the
// floor is missed, cannot be read, or is not the one that was set last. It is asked for anew each time.
//
// The note comes with the snapshot and the floor by itself, from whichever node answers: so a floor that is missed is
// asked for again for as long as a standby may be behind.
func (s *Store[N]) Floor(ctx context.Context) (*access.FloorRecord, int, error) {
	cluster, err := s.Cluster(ctx)
	if err != nil {
		return nil, 0, err
	}
	for begun := access.WallClock(); ; {
		r, version, err := s.readFloor(ctx)
		var missed *access.FloorError
		mayBeBehind := cluster && access.WallClock().Sub(begun) <= Staleness
		if !mayBeBehind || !errors.As(err, &missed) {
			return r, version, err
		}
		if err := access.Pause(ctx, 50*time.Millisecond); err != nil {
			return nil, 0, err
		}
	}
}

// readFloor reads the policy of the floor and compares it with the note. A missed floor is an error and never no floor:
// whoever removed the policy would have loosened every setting.
//
// If nothing says that there is a floor, a login that may not read it gets ErrNotPermitted: it may be the one that
// removed the note.
func (s *Store[N]) readFloor(ctx context.Context) (*access.FloorRecord, int, error) {
	snap, err := s.View(ctx)
	if err != nil {
		return nil, 0, err
	}
	var there Policy
	missed := func(format string, values ...any) (*access.FloorRecord, int, error) {
		was := snap.Floor.FloorMark
		was.Stack = "" // the rights on the policy say who may set it again, and not a note that others may write
		return nil, there.Version, &access.FloorError{
			Where:   "the policy " + FloorName,
			Problem: fmt.Sprintf(format, values...),
			Was:     was,
		}
	}
	switch err := s.Client.Get(ctx, Folder+FloorName, &there); {
	case errors.Is(err, access.ErrNotFound) && !snap.Floor.There:
		return nil, 0, nil
	case errors.Is(err, access.ErrNotFound):
		return missed("is gone: somebody removed it")
	case errors.Is(err, access.ErrNotPermitted) && snap.Floor.There:
		return missed("cannot be read: this login needs read on %s", Folder+FloorName)
	case err != nil:
		return nil, 0, err
	}
	r := &access.FloorRecord{}
	if err := readComment(there.Policy, floorTitle, floorLine, r); err != nil {
		return missed("cannot be read: %s", err)
	}
	if problem := snap.doubt(r); problem != "" {
		return missed("%s", problem)
	}
	return r, there.Version, nil
}

// doubt says why a floor that was read is not the one that was set last, by the note; "" if it is. A floor of a later
// generation than the note's is believed: the process that wrote it may have died before the note.
func (s *Snapshot[N]) doubt(r *access.FloorRecord) string {
	switch {
	case r.System != "" && s.System != "" && r.System != s.System:
		return fmt.Sprintf("belongs to the access system %s, but this one is %s", r.System, s.System)
	case r.Generation < s.Floor.Generation:
		return fmt.Sprintf("went back to generation %d", r.Generation)
	case r.Generation == s.Floor.Generation && r.Mark() != s.Floor.FloorMark:
		return "was edited by somebody"
	}
	return ""
}

// WriteFloor writes a floor over a version of its policy, 0 for none, and then its note. It returns ErrChanged if
// somebody else changed the floor in between.
//
// The floor is first because its check-and-set decides between two who set it at once; a note before it could name a
// floor that lost. A process that dies between leaves a floor that holds and a note of the one before: until it is set
// again, nobody would notice if the new one vanished. So an error of the note is told as one.
func (s *Store[N]) WriteFloor(ctx context.Context, r *access.FloorRecord, version int) error {
	text, err := comment(floorTitle, floorLine, r)
	if err != nil {
		return err
	}
	err = s.put(ctx, FloorName, text, version)
	if lost(err) && s.hasFloor(ctx, text) { // it was ours: the answer had been lost
		err = nil
	}
	if lost(err) {
		return ErrChanged
	}
	if err != nil {
		return err
	}
	note, err := comment(floorNoteTitle, floorNoteLine, r.Mark())
	if err != nil {
		return err
	}
	if err := s.Client.Put(ctx, Folder+floorNoteName, map[string]any{"policy": note}, nil); err != nil {
		return fmt.Errorf("the floor was written, but not its note, without which nobody would notice that it "+
			"vanished: run the same command again: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = nil
	return nil
}

// hasFloor reports whether the policy of the floor has this text now.
func (s *Store[N]) hasFloor(ctx context.Context, text string) bool {
	var there Policy
	return s.Client.Get(ctx, Folder+FloorName, &there) == nil && there.Policy == text
}
