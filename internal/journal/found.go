// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// cutsTold is what of the cuts by hand the journal tells of already.
type cutsTold struct {
	mu   sync.Mutex
	read bool
	told map[cutTold]bool
}

// cutTold is a cut that the journal tells of. Systems that share a journal hold the same names. Where nobody knows when
// a cut was made, each stack tells it: two systems of one kind have one name.
type cutTold struct {
	system, stack, scope string
	// at is when it was made, in nanoseconds; 0 where nobody knows.
	at int64
}

// cutOf returns what makes a cut by hand one and the same in the journal: its scope and its moment, whoever found it. A
// cut of which the system does not say when it was made is told once for each stack.
func cutOf(by Line, scope string, at time.Time) cutTold {
	if at.IsZero() {
		return cutTold{by.System, by.Stack, scope, 0}
	}
	return cutTold{by.System, "", scope, at.UnixNano()}
}

// found returns a line of what a change met: it tells who met it, and not who did it.
func (l Line) found(verb Verb, ref access.Ref, at time.Time, what string) Line {
	return Line{
		Phase: Found, Verb: verb, Change: l.Change, System: l.System, Stack: l.Stack, Actor: l.Actor,
		Type: string(ref.Type), ID: ref.ID, Found: []string{what}, FoundAt: at.UTC(),
	}
}

// cuts returns the lines of what was cut by hand and the journal does not tell of yet.
func (g *governed) cuts(ctx context.Context, by Line) (lines []Line) {
	held := g.held(ctx)
	if len(held) == 0 {
		return nil
	}
	g.told.mu.Lock()
	defer g.told.mu.Unlock()
	if !g.told.read {
		g.told.told, g.told.read = g.journal.readCutsTold(), true
	}
	for _, scope := range slices.Sorted(maps.Keys(held)) {
		partner, _, _ := strings.Cut(scope, "/")
		cut := cutOf(by, scope, held[scope])
		if g.told.told[cut] || access.IsShadow(partner) {
			continue
		}
		g.told.told[cut] = true
		what := "It was cut by hand."
		if !held[scope].IsZero() {
			what = fmt.Sprintf("It was cut by hand at %s.", access.At(held[scope]))
		}
		lines = append(lines, by.found(Cut, scoped(scope), held[scope], what))
	}
	return lines
}

// untold keeps the cuts of lines that could not be written, so that the next change tells them.
func (c *cutsTold) untold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read = false
}

// held returns what is cut by hand, by when it was cut; zero where the system does not say when.
func (g *governed) held(ctx context.Context) map[string]time.Time {
	held := map[string]time.Time{}
	if lister, able := access.As[access.HoldLister](g.System); able {
		if marked, err := lister.Holds(ctx); err == nil { // else the change itself will say what is wrong
			maps.Copy(held, marked)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for ref, r := range g.seen {
		if !r.Held || ref.Type != access.TypeIdentity {
			continue
		}
		_, own := held[ref.ID]
		if _, all := held[r.Object.Holder().Partner]; !own && !all && g.topmost(r.Object) {
			held[ref.ID] = time.Time{}
		}
	}
	return held
}

// topmost reports whether a held identity hangs on none that is held.
func (g *governed) topmost(o access.Object) bool {
	i, ok := o.(*access.Identity)
	if !ok || i.ParentID == (access.IdentityID{}) {
		return ok
	}
	return !g.seen[i.ParentID.Ref()].Held
}

// scoped returns the object that the name of a hold is of: a partner, an identity or a credential.
func scoped(name string) access.Ref {
	switch strings.Count(name, "/") {
	case 0:
		return access.Ref{Type: partnerType, ID: name}
	case 3:
		return access.Ref{Type: access.TypeCredential, ID: name}
	}
	return access.Ref{Type: access.TypeIdentity, ID: name}
}

// readCutsTold reads which cuts the journal tells of. What was given back since, or made anew, can be cut again by
// somebody of whom no system says when he did it.
func (j *Journal) readCutsTold() map[cutTold]bool {
	told := map[cutTold]bool{}
	f, err := os.Open(j.path)
	if err != nil {
		return told
	}
	defer func() { _ = f.Close() }() // it was only read
	lines := bufio.NewReaderSize(f, 64<<10)
	for {
		text, err := lines.ReadBytes('\n')
		if err != nil {
			if !errors.Is(err, io.EOF) {
				return map[cutTold]bool{}
			}
			return told
		}
		var l Line
		if !mentions(text, Cut, Resume, Create) || json.Unmarshal(text, &l) != nil {
			continue
		}
		if l.Verb == Cut {
			told[cutOf(l, l.ID, l.FoundAt)] = true
		} else {
			delete(told, cutOf(l, l.ID, time.Time{}))
		}
	}
}

// mentions reports whether a line is of one of the verbs, without taking it apart.
func mentions(line []byte, verbs ...Verb) bool {
	return slices.ContainsFunc(verbs,
		func(v Verb) bool { return bytes.Contains(line, []byte(`,"verb":"`+string(v)+`",`)) })
}

// tampered returns the lines of what a change has healed.
func tampered(by Line, healed []access.Healed) (lines []Line) {
	for _, h := range healed {
		ref := h.Ref
		if partner, _, _ := strings.Cut(ref.ID, "/"); access.IsShadow(partner) {
			continue // a rehearsal cut it
		}
		if ref == (access.Ref{}) {
			ref = access.Ref{Type: systemType, ID: by.System}
		}
		lines = append(lines, by.found(Tamper, ref, time.Time{}, h.What))
	}
	return lines
}
