// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// watched is a system that knows what was cut by hand, notes what it healed, and gives out tokens.
type watched struct {
	*memory
	holds  map[string]time.Time
	healed []access.Healed
	none   error
	// whileItPuts, where it is set, happens between the intent of a put and its end.
	whileItPuts func()
	name        string // "" for that of all
}

func (w *watched) Capabilities() access.Capabilities {
	c := w.memory.Capabilities()
	c.Name = cmp.Or(w.name, c.Name)
	return c
}

func (w *watched) Put(ctx context.Context, c access.Change) (*access.Record, error) {
	if w.whileItPuts != nil {
		w.whileItPuts()
	}
	return w.memory.Put(ctx, c)
}

func (w *watched) Holds(context.Context) (map[string]time.Time, error) {
	return maps.Clone(w.holds), nil
}
func (w *watched) Generation() string                         { return "abc/7" }
func (w *watched) Revoke(context.Context, access.Token) error { return w.works() }

func (w *watched) Notes() (healed []access.Healed, warnings [][2]string) {
	healed, w.healed = w.healed, nil
	return healed, nil
}

func (w *watched) Token(_ context.Context, id access.IdentityID, until time.Time) (access.Token, error) {
	return access.Token{Identity: id, Text: "hunter2", Accessor: "ACCESSOR", Until: until},
		errors.Join(w.works(), w.none)
}

func watching(t *testing.T) (*office, *watched) {
	t.Helper()
	o := newOffice(t)
	w := &watched{memory: o.memory}
	o.System = Govern(w, o.journal, Desk{
		Stack: "partners", Clock: func() time.Time { return o.memory.now },
		Actor: func() Actor { return Actor{Name: "jane", Kind: "user"} },
		Warn:  func(_ context.Context, summary, detail string) { o.warned = append(o.warned, summary+": "+detail) },
	})
	return o, w
}

// A cut by hand is a line with the next change, once, also where another process makes the change after that.
func TestACutByHandIsALine(t *testing.T) {
	t.Parallel()
	o, w := watching(t)
	o.put(access.Change{Object: anIdentity()})
	w.holds = map[string]time.Time{
		"acme":                     noon,
		"globex/prod/feed":         noon,
		"initech/prod/feed/secret": noon,
		access.ShadowPartner("x"):  noon,
	}
	o.put(access.Change{Object: aSecret()})
	o.says(2, "found cut partner", "found cut identity", "found cut credential", "intent create credential",
		"done create credential")
	if l := o.lines()[2]; l.ID != "acme" ||
		!l.FoundAt.Equal(noon) ||
		len(l.Found) != 1 ||
		l.Change != o.lines()[5].Change {
		t.Errorf("%+v", l)
	}
	again, v := watching(t)
	again.journal = o.journal
	v.records = o.memory.records
	v.holds = w.holds
	again.System = Govern(v, o.journal, Desk{Clock: access.WallClock, Actor: func() Actor { return Actor{} }})
	again.put(access.Change{Object: aSecret(), UID: "uid-1"})
	again.says(7, "intent change credential", "done change credential")
	v.holds["acme"] = noon.Add(time.Hour) // cut again
	again.put(access.Change{Object: aSecret(), UID: "uid-1"})
	again.says(9, "found cut partner", "intent change credential", "done change credential")
}

func TestATamperThatIsHealedIsALine(t *testing.T) {
	t.Parallel()
	o, w := watching(t)
	w.healed = []access.Healed{{Ref: anIdentity().Ref(), What: "publish/a was changed."}, {What: "publish/b is gone."}}
	o.put(access.Change{Object: anIdentity()})
	o.says(0, "intent create identity", "done create identity", "found tamper identity", "found tamper system")
	if l := o.lines(); l[2].Found[0] != "publish/a was changed." ||
		l[3].ID != "memory" ||
		l[1].Generation != "abc/7" ||
		len(l[1].Found) > 0 {
		t.Errorf("%+v", l)
	}
}

// On OpenBao only a look at the entity tells that somebody disabled it: the change itself marks it. What a rehearsal
// does to a shadow is no tamper.
func TestACutThatTheChangeItselfFindsIsALine(t *testing.T) {
	t.Parallel()
	o, w := watching(t)
	o.put(access.Change{Object: anIdentity()})
	w.whileItPuts = func() {
		w.holds = map[string]time.Time{"acme/prod/orders-etl": noon}
		w.healed = []access.Healed{{Ref: access.Ref{Type: access.TypeIdentity,
			ID: access.ShadowPartner("x") + "/prod/feed"}, What: "It is disabled."}}
	}
	o.put(access.Change{Object: aSecret()})
	o.says(2, "intent create credential", "done create credential", "found cut identity")
}

func TestATokenIsALineAndIsNotInIt(t *testing.T) {
	t.Parallel()
	o, w := watching(t)
	o.put(access.Change{Object: anIdentity()})
	issuer, able := access.As[access.TokenIssuer](o.System)
	if !able {
		t.Fatal("it gives out no tokens")
	}
	token, err := issuer.Token(t.Context(), anIdentity().ID, noon.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if err := issuer.Revoke(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	o.says(2, "intent token token", "done token token", "intent revoke token", "done revoke token")
	given, revoked := o.lines()[3], o.lines()[5]
	if given.ID != "acme/prod/orders-etl" ||
		given.Serial != "ACCESSOR" ||
		!given.EndsAt.Equal(noon.Add(time.Hour)) ||
		given.Owner != "jane.doe@example.com" ||
		revoked.Serial != "ACCESSOR" || revoked.Seconds != 1.5 {
		t.Errorf("%+v\n%+v", given, revoked)
	}
	if strings.Contains(string(contentOf(t, o.journal.Path())), "hunter2") {
		t.Error("the token is in the journal")
	}
	w.none = access.ErrCut
	if _, err := issuer.Token(t.Context(), anIdentity().ID, noon); !errors.Is(err, access.ErrCut) {
		t.Fatal(err)
	}
	o.says(6, "intent token token", "failed token token")
	if err := Rehearsed(t.Context(), o.System, "acme",
		func() (time.Time, float64, error) { return noon, 1, nil }); err != nil {
		t.Fatal(err)
	}
	o.says(8, "intent rehearse partner", "done rehearse partner") // it is found behind the tokens
	if _, able := access.As[access.TokenIssuer](newOffice(t).System); able {
		t.Error("a system without tokens has some")
	}
}

// Two systems write one journal: each cut is told, also one that was made before another system's of the same name. And
// one whose line could not be written is told later.
func TestACutIsToldForEachSystemThatSharesAJournal(t *testing.T) {
	t.Parallel()
	o, w := watching(t)
	o.put(access.Change{Object: anIdentity()})
	w.holds = map[string]time.Time{"acme": noon.Add(time.Hour)}
	o.put(access.Change{Object: aSecret()})
	o.says(2, "found cut partner", "intent create credential", "done create credential")
	second, v := watching(t)
	second.journal = o.journal
	v.records = o.memory.records
	v.holds = map[string]time.Time{"acme": noon}
	second.System = Govern(v, o.journal, Desk{Clock: access.WallClock, Actor: func() Actor { return Actor{} }})
	head, err := os.ReadFile(o.journal.headPath())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(o.journal.headPath(), []byte("?"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := second.Put(t.Context(), access.Change{Object: aSecret(), UID: "uid-1"}); err == nil {
		t.Fatal("it is changed without a journal")
	}
	if err := os.WriteFile(o.journal.headPath(), head, 0o600); err != nil {
		t.Fatal(err)
	}
	second.put(access.Change{Object: aSecret(), UID: "uid-1"})
	second.says(5, "found cut partner", "intent change credential", "done change credential")
	second.put(access.Change{Object: aSecret(), UID: "uid-1"})
	second.says(8, "intent change credential", "done change credential")
}

// OpenBao does not say when somebody disabled an entity. Such a cut on a second system was never told, where the first
// had told one of the same name; and what was made on the second let the first tell its own anew.
func TestACutOfUnknownTimeIsToldForEachSystemThatSharesAJournal(t *testing.T) {
	t.Parallel()
	o, w := watching(t)
	cut := map[string]time.Time{"acme/prod/orders-etl": {}}
	process := func(name string) (*office, *watched) {
		p, v := watching(t)
		p.journal, v.holds, v.name = o.journal, cut, name
		v.records = maps.Clone(o.memory.records)
		p.System = Govern(v, o.journal, Desk{Clock: access.WallClock, Actor: func() Actor { return Actor{} }})
		return p, v
	}
	o.put(access.Change{Object: anIdentity()})
	w.holds = cut
	o.put(access.Change{Object: aSecret()})
	o.says(2, "found cut identity", "intent create credential", "done create credential")
	other, _ := process("other")
	other.put(access.Change{Object: aSecret(), UID: "uid-1"})
	other.says(5, "found cut identity", "intent change credential", "done change credential")
	fresh, w := process("other")
	delete(w.records, anIdentity().Ref())
	fresh.put(access.Change{Object: anIdentity()})
	fresh.says(8, "intent create identity", "done create identity")
	again, _ := process("")
	again.put(access.Change{Object: aSecret(), UID: "uid-1"})
	again.says(10, "intent change credential", "done change credential")
	second, _ := process("") // another server of that kind
	if _, err := second.Put(t.Context(), access.Change{Object: aSecret(), UID: "uid-1", Stack: "second"}); err != nil {
		t.Fatal(err)
	}
	second.says(12, "found cut identity", "intent change credential", "done change credential")
}
