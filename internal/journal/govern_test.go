// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

func anIdentity() *access.Identity {
	return &access.Identity{
		ID:      access.IdentityID{Partner: "acme", Environment: "prod", Name: "orders-etl"},
		Terms:   access.Terms{Owner: "jane.doe@example.com", ExpiresAt: access.At(noon.AddDate(0, 4, 0))},
		Purpose: "Nightly order feed",
	}
}

func aSecret() *access.Credential {
	return &access.Credential{
		IdentityID: anIdentity().ID, Terms: access.Terms{Owner: "john.roe@example.com",
			ExpiresAt: access.At(noon.AddDate(0, 3, 0))},
		Secret: &access.SecretRequest{Recipient: "age1"},
	}
}

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// memory is a system that does what it is told, and takes a second for it.
type memory struct {
	access.System
	now     time.Time
	records map[access.Ref]*access.Record
	serial  int
	lists   int
	err     error
	during  func()
}

func (m *memory) Capabilities() access.Capabilities { return access.Capabilities{Name: "memory"} }
func (m *memory) Skew() (time.Duration, bool)       { return time.Hour, true }

func (m *memory) List(context.Context) (all []*access.Record, err error) {
	m.lists++
	for _, r := range m.records {
		all = append(all, r)
	}
	return all, nil
}

func (m *memory) works() error {
	m.now = m.now.Add(1500 * time.Millisecond)
	if m.during != nil {
		m.during()
	}
	return m.err
}

func (m *memory) Put(_ context.Context, c access.Change) (*access.Record, error) {
	if err := m.works(); err != nil {
		return nil, err
	}
	old := m.records[c.Object.Ref()]
	r := &access.Record{Object: c.Object, EndsAt: c.EndsAt, History: access.History{UID: "uid-1", Stack: c.Stack}}
	if old != nil {
		r.Issued = old.Issued
	}
	if _, ok := c.Object.(*access.Credential); ok && (old == nil || c.Issue != access.IssueKeep) {
		m.serial++
		r.Issued = &access.Issued{At: m.now, Serial: fmt.Sprint("serial-", m.serial), Sealed: "the sealed secret"}
	}
	m.records[c.Object.Ref()] = r
	return r, nil
}

func (m *memory) Delete(_ context.Context, ref access.Ref, _ string) ([]access.Ref, error) {
	if err := m.works(); err != nil {
		return nil, err
	}
	if m.records[ref] == nil {
		return nil, access.ErrNotFound
	}
	delete(m.records, ref)
	var swept []access.Ref
	for other := range m.records {
		swept = append(swept, other)
		delete(m.records, other)
	}
	return swept, nil
}

// office is a governed system, its journal, and what was warned of.
type office struct {
	access.System
	t       *testing.T
	memory  *memory
	journal *Journal
	warned  []string
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, memory: &memory{now: noon, records: map[access.Ref]*access.Record{}}}
	clock := func() time.Time { return o.memory.now }
	o.journal = newJournal(t)
	o.journal.options.Clock = clock
	o.System = Govern(o.memory, o.journal, Desk{
		Stack: "partners", Clock: clock, Actor: func() Actor { return Actor{Name: "jane", Kind: "user"} },
		Warn: func(_ context.Context, summary, detail string) { o.warned = append(o.warned, summary+": "+detail) },
	})
	return o
}

func (o *office) put(c access.Change) *access.Record {
	o.t.Helper()
	c.Stack = "partners"
	if c.EndsAt.IsZero() {
		c.EndsAt = c.Object.Common().ExpiresAt.Time
	}
	r, err := o.Put(o.t.Context(), c)
	if err != nil {
		o.t.Fatal(err)
	}
	return r
}

// lines are all lines of the journal, which has to verify.
func (o *office) lines() (all []Line) {
	o.t.Helper()
	text, err := os.ReadFile(o.journal.Path())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for line := range bytes.Lines(text) {
		var l Line
		decoder := json.NewDecoder(bytes.NewReader(line))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&l); err != nil {
			o.t.Fatal(err)
		}
		all = append(all, l)
	}
	o.journal.holds(o.t, int64(len(all)))
	return all
}

// says claims what the journal says since a line, a line each.
func (o *office) says(since int, want ...string) {
	o.t.Helper()
	var got []string
	for _, l := range o.lines()[since:] {
		got = append(got, fmt.Sprintf("%s %s %s", l.Phase, l.Verb, l.Type))
	}
	if strings.Join(got, "; ") != strings.Join(want, "; ") {
		o.t.Errorf("the journal says %q, want %q", got, want)
	}
}

func TestEachChangeHasALineBeforeAndALineAfter(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	// it is on disk when the system is asked
	o.memory.during = func() { o.says(len(o.lines())-1, "intent create identity") }
	o.put(access.Change{Object: anIdentity()})
	o.memory.during = nil
	o.says(0, "intent create identity", "done create identity")
	lines := o.lines()
	intent, done := lines[0], lines[1]
	if intent.Change == "" ||
		intent.Change != done.Change ||
		intent.UID != "" ||
		done.UID != "uid-1" ||
		!done.Refused.IsZero() {
		t.Errorf("%+v\n%+v", intent, done)
	}
	for _, l := range lines {
		if l.System != "memory" ||
			l.Stack != "partners" ||
			l.Actor.Name != "jane" ||
			l.ID != "acme/prod/orders-etl" ||
			l.Owner != "jane.doe@example.com" ||
			!l.EndsAt.Equal(anIdentity().ExpiresAt.Time) || l.Schema != schemaVersion {
			t.Errorf("%+v", l)
		}
	}
	if o.memory.lists != 1 {
		t.Errorf("it was listed %d times", o.memory.lists)
	}
}

func TestVerbsSayWhatAChangeDoes(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	review := &access.Review{At: access.At(noon), By: "ciso@example.com", Reason: "Still needed"}
	at := 0
	step := func(want Verb, o2 access.Object, c access.Change) Line {
		t.Helper()
		c.Object = o2
		if want != Create {
			c.UID = "uid-1"
		}
		o.put(c)
		lines := o.lines()
		o.says(at, fmt.Sprintf("intent %s %s", want, o2.Ref().Type), fmt.Sprintf("done %s %s", want, o2.Ref().Type))
		at = len(lines)
		return lines[at-1]
	}
	identity := func(change func(*access.Identity)) *access.Identity {
		i := anIdentity()
		change(i)
		return i
	}
	later := func(i *access.Identity) {
		i.ExpiresAt = access.At(noon.AddDate(0, 6, 0))
		i.Review = review
	}
	step(Create, anIdentity(), access.Change{})
	step(Change, identity(func(i *access.Identity) { i.Purpose = "Hourly order feed" }), access.Change{})
	if l := step(Renew, identity(later), access.Change{}); l.Review == nil ||
		l.Review.By != "ciso@example.com" ||
		!l.Review.At.Equal(noon) {
		t.Errorf("%+v", l)
	}
	cut := step(Suspend, identity(func(i *access.Identity) { later(i); i.Suspended = true }), access.Change{})
	if cut.Seconds != 1.5 || !cut.Refused.Equal(o.memory.now) {
		t.Errorf("suspended after %v s at %v", cut.Seconds, cut.Refused)
	}
	step(Resume, identity(later), access.Change{})
	// on its identity's review
	if l := step(Create, aSecret(), access.Change{}); l.Serial != "serial-1" || l.Review == nil {
		t.Errorf("%+v", l)
	}
	if l := step(Change, aSecret(), access.Change{}); l.Serial != "" {
		t.Errorf("nothing was issued: %+v", l)
	}
	if l := step(Rotate, aSecret(), access.Change{Issue: access.IssueOverlap}); l.Serial != "serial-2" {
		t.Errorf("%+v", l)
	}
	o.memory.records[anIdentity().Ref()].Held = true
	if _, err := o.List(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.put(access.Change{Object: identity(func(i *access.Identity) { later(i); i.HoldReleased = "INC-1" }),
		UID: "uid-1"})
	o.says(at, "found cut identity", "intent resume identity", "done resume identity")
}

func TestARevocationSaysWhatWentAlongAndHowSoon(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.put(access.Change{Object: anIdentity()})
	o.put(access.Change{Object: aSecret()})
	fresh := newOffice(t) // another process, that has seen nothing: destroy -refresh=false
	fresh.memory.records = o.memory.records
	swept, err := fresh.Delete(t.Context(), anIdentity().Ref(), "uid-1")
	if err != nil || len(swept) != 1 {
		t.Fatal(swept, err)
	}
	fresh.says(0, "intent revoke identity", "done revoke identity")
	l := fresh.lines()[1]
	if l.Seconds != 1.5 ||
		!l.Refused.Equal(fresh.memory.now) ||
		l.UID != "uid-1" ||
		l.Owner != "jane.doe@example.com" ||
		l.Stack != "partners" ||
		strings.Join(l.Swept, " ") != aSecret().Ref().String() {
		t.Errorf("%+v", l)
	}
	if _, err := fresh.Delete(t.Context(), anIdentity().Ref(), "uid-1"); !errors.Is(err, access.ErrNotFound) {
		t.Fatal(err)
	}
	fresh.says(2, "intent revoke identity", "done revoke identity") // nothing of that uid is there
}

func TestWhatFailedSaysWhyAndNoMore(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.memory.err = fmt.Errorf("put it: %w: %s\n\x1b[31m", access.ErrUnavailable, strings.Repeat("x", 9000))
	if _, err := o.Put(t.Context(), access.Change{Object: anIdentity()}); !errors.Is(err, o.memory.err) {
		t.Fatal(err)
	}
	if _, err := o.Delete(t.Context(), anIdentity().Ref(), "uid-1"); !errors.Is(err, o.memory.err) {
		t.Fatal(err)
	}
	o.says(0, "intent create identity", "failed create identity", "intent revoke identity", "failed revoke identity")
	for _, l := range o.lines() {
		if l.Phase == Failed && (!strings.HasPrefix(l.Error, "put it: unavailable: xxx") ||
			len([]rune(l.Error)) != longestError ||
			!l.Refused.IsZero()) {
			t.Errorf("%+v", l)
		}
	}
}

// The promise of the decorator: no intent, no change.
func TestWithoutAnIntentNothingIsChanged(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	if err := os.MkdirAll(o.journal.Path(), 0o700); err != nil { // a directory in its place
		t.Fatal(err)
	}
	o.memory.during = func() { t.Error("the system was asked") }
	_, err := o.Put(t.Context(), access.Change{Object: anIdentity()})
	if !errors.Is(err, access.ErrUnavailable) || !strings.HasSuffix(err.Error(), "Nothing was changed") {
		t.Error(err)
	}
	if _, err := o.Delete(t.Context(), anIdentity().Ref(), "uid"); !errors.Is(err, access.ErrUnavailable) {
		t.Error(err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := o.Put(cancelled, access.Change{Object: anIdentity()}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if len(o.warned) > 0 {
		t.Error(o.warned)
	}
}

// An error after a change would lose what was issued: the caller would never get to see it.
func TestAJournalThatFailsAfterTheChangeLosesNothing(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.memory.during = func() {
		if err := os.Rename(o.journal.Path(), o.journal.Path()+".aside"); err == nil {
			err = os.Mkdir(o.journal.Path(), 0o700)
			if err != nil {
				t.Error(err)
			}
		}
	}
	r := o.put(access.Change{Object: aSecret()})
	if r.Issued == nil || r.Issued.Sealed != "the sealed secret" {
		t.Errorf("what was issued is lost: %+v", r)
	}
	if len(o.warned) != 1 || !strings.Contains(o.warned[0], "create of credential acme/prod/orders-etl/secret") ||
		!strings.Contains(o.warned[0], "The change was made, and nothing of it is lost") ||
		!strings.Contains(o.warned[0], "is a directory") {
		t.Error(o.warned)
	}
}

func TestAHealedJournalIsSpokenOf(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.put(access.Change{Object: anIdentity()})
	put(t, o.journal.Path(), append(contentOf(t, o.journal.Path()), `{"schema":1,`...))
	o.put(access.Change{Object: aSecret()})
	if len(o.warned) != 1 || !strings.Contains(o.warned[0], "The journal was repaired: After line 2 of") {
		t.Error(o.warned)
	}
	o.says(2, "intent create credential", "done create credential")
}

func TestWhatElseASystemCanIsFoundBehindTheJournal(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	clock, ok := access.As[interface{ Skew() (time.Duration, bool) }](o.System)
	if !ok {
		t.Fatal("the system has a clock of its own")
	}
	if skew, known := clock.Skew(); skew != time.Hour || !known {
		t.Error(skew, known)
	}
	if _, ok := access.As[interface{ Fly() }](o.System); ok {
		t.Error("it cannot fly")
	}
	if lines := o.lines(); lines != nil {
		t.Errorf("reading wrote %v", lines)
	}
}

// A rehearsal is told before it and after it, of the partner; one that the journal cannot record is not begun.
func TestARehearsalIsTold(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	refused := time.Date(2027, 1, 1, 12, 0, 0, 500_000_000, time.UTC)
	err := Rehearsed(t.Context(), o.System, "acme", func() (time.Time, float64, error) { return refused, 0.25, nil })
	failed := errors.New("a step failed")
	if again := Rehearsed(t.Context(), o.System, "acme",
		func() (time.Time, float64, error) { return time.Time{}, 0, failed }); err != nil || !errors.Is(again, failed) {
		t.Fatalf("%v, %v", err, again)
	}
	var told []string
	for _, l := range o.lines() {
		told = append(told, fmt.Sprint(l.Phase, " ", l.Verb, " ", l.Type, " ", l.ID, " ", l.Seconds, " ",
			l.Refused.Equal(refused), " ", l.Error))
	}
	want := []string{"intent rehearse partner acme 0 false ", "done rehearse partner acme 0.25 true ",
		"intent rehearse partner acme 0 false ", "failed rehearse partner acme 0 false a step failed"}
	if !slices.Equal(told, want) {
		t.Errorf("told was %q", told)
	}
	if err := os.WriteFile(o.journal.Path(), []byte("tampered\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	err = Rehearsed(t.Context(), o.System, "acme", func() (time.Time, float64, error) {
		t.Error("it was begun")
		return refused, 0, nil
	})
	if err == nil {
		t.Error("a journal that was tampered with took a rehearsal")
	}
}
