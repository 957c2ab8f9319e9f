// SPDX-License-Identifier: MPL-2.0

package access

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

const patience = 30 * time.Second

var dawn = time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)

func TestAnOutageIsFoundByOnePatienceAndBelievedForAMoment(t *testing.T) {
	t.Parallel()
	var o Outages
	o.Answered(dawn)
	if o.Remembered(t.Context(), dawn, patience) != nil || o.Patience(patience) != patience {
		t.Error("a server that answers is believed to be away")
	}
	found := dawn.Add(patience)
	first := o.GaveUp(dawn, found, "refused", true)
	for after, remembered := range map[time.Duration]bool{0: true, 5 * time.Second: true, 5*time.Second + 1: false} {
		if got := o.Remembered(t.Context(), found.Add(after), patience); (got == first) != remembered {
			t.Errorf("after %s: %v", after, got)
		}
	}
	if o.Since(dawn) != first ||
		o.Since(found.Add(1)) != nil ||
		o.Patience(patience) != outageProven {
		t.Error("those who wait go on waiting, or those who come wait as long again")
	}
	if o.Remembered(Insisting(t.Context()), found, patience) != nil {
		t.Error("what takes access away is not sent")
	}
	if o.Wait(patience) != outageAnswer || o.Wait(time.Second) != time.Second {
		t.Error("a server that is slow is taken for one that is away, or waited for longer than usual")
	}
	if again := o.GaveUp(found.Add(time.Minute), found.Add(time.Minute), "reset", true); again != first ||
		o.Remembered(t.Context(), found.Add(time.Minute), patience) != first {
		t.Error("it is another outage, or not found again")
	}
	o.Answered(found.Add(2 * time.Minute))
	if o.Since(dawn) != nil || o.Patience(patience) != patience {
		t.Error("it outlasts an answer")
	}
}

// Whoever fails sooner, as where a server is sealed, proves it with others only; and what others are
// answered is no outage.
func TestWhatFailsAtOnceProvesAnOutageAfterAWhile(t *testing.T) {
	t.Parallel()
	var o Outages
	for after, proven := range []bool{false, false, true} {
		at := dawn.Add(time.Duration(after) * time.Second)
		if met := o.GaveUp(at, at, "sealed", false); met == nil || (o.Since(at) != nil) != proven {
			t.Errorf("after %d s: %v", after, met)
		}
	}
	o.Answered(dawn.Add(40 * time.Second))
	if o.GaveUp(dawn.Add(10*time.Second), dawn.Add(41*time.Second), "slow", true) == nil || o.Since(dawn) != nil {
		t.Error("one slow request proves an outage, though another was answered a second ago")
	}
	if o.GaveUp(dawn.Add(39*time.Second), dawn.Add(70*time.Second), "slow", true) == nil || o.Since(dawn) == nil {
		t.Error("what began before the last answer finds no outage")
	}
}

func TestAnOutageIsToldOnce(t *testing.T) {
	t.Parallel()
	var o Outages
	out := o.GaveUp(dawn, dawn, "port 8200: refused", true)
	err := out.Met(fmt.Errorf("%w: put x: port 8200: refused: not done", ErrUnavailable))
	var met *Outage
	if !errors.As(fmt.Errorf("change: %w", err), &met) ||
		met != out ||
		!errors.Is(err, ErrUnavailable) {
		t.Fatalf("it is not met: %v", err)
	}
	for _, c := range []struct {
		text, by, told string
		first          bool
	}{
		{"put a: something else: not done", "a", "put a: something else: not done", false},
		{"put b: port 8200: refused: not done", "b", "put b: port 8200: refused: not done", true},
		{"put c: port 8200: refused: not done", "c", "For the same reason as b: not done", false},
		{"put d: port 8200: refused: not done\nget d: port 8200: refused: not sent", "d",
			"For the same reason as b: not done\nget d: for the same reason: not sent", false},
		{"e remains\nput e: port 8200: refused: not done", "e", "e remains\nput e: for the same reason as b: not done",
			false},
		{"put f: something else", "f", "put f: something else", false},
		{"get b: port 8200: refused: not done", "b", "get b: port 8200: refused: not done", false},
	} {
		if told, first := met.Told(c.text, c.by); told != c.told || first != c.first {
			t.Errorf("%s says %q, %v", c.by, told, first)
		}
	}
	if err := (*Outage)(nil).Met(ErrCut); err.Error() != ErrCut.Error() {
		t.Error("no outage changes an error")
	}
}
