// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// A state belongs to one access system, which has an id. That another one does not hold what a state knows says
// nothing: it is not gone, and a destroy that looked there has destroyed nothing. A CI runner without its volume
// planned to create everything anew, and destroyed nothing with exit code 0: see TestTheDirectoryIsAway, and
// TestTheDirectoryIsAnotherSystems for two directories that were exchanged.
//
// So "not found" means "gone" only in the state's own system. Everywhere else it is an elsewhereError, which is never
// an access.ErrNotFound.

// located is which system was found: its id; none if nothing is kept there; or an error if it could not be asked. id is
// "" without none if access is kept there, and the id was lost.
type located struct {
	// looked says that somebody looked, and was answered. An error is not kept: the next one looks again.
	looked bool
	id     string
	none   bool
	err    error
}

// whereabouts is which access system is there, and what was said of that in this walk.
type whereabouts struct {
	system access.System
	// mu guards there.
	mu    sync.Mutex
	there located
	// announcing and naming are of warnings that are given once in a walk: that a system is made, and that it has lost
	// its id.
	announcing sync.Once
	naming     sync.Once
}

// locate asks which system is there, once in a walk: a plan goes by what it found first, even if the walk then makes
// one. What has to know it now calls look.
func (w *whereabouts) locate(ctx context.Context) located {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.there.looked {
		w.there = w.look(ctx)
	}
	return w.there
}

// look asks which system is there now.
func (w *whereabouts) look(ctx context.Context) located {
	id, err := w.system.ID(ctx)
	if errors.Is(err, access.ErrNoSystem) {
		return located{looked: true, none: true}
	}
	return located{looked: err == nil, id: id, err: err}
}

// made remembers the system that a change of this walk has made, and warns of it: with a wrong directory or namespace,
// that is the last moment to notice.
func (w *whereabouts) made(id string, diags *diag.Diagnostics) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.there.none {
		diags.AddWarning("A new access system was created", w.newSystem("was created"))
		w.there = located{looked: true, id: id}
	}
}

// announce warns, once in a walk, that what is planned makes a new system.
func (w *whereabouts) announce(ctx context.Context, diags *diag.Diagnostics) {
	if w.locate(ctx).none {
		w.announcing.Do(func() { diags.AddWarning("This creates a new access system", w.newSystem("will be created")) })
	}
}

// newSystem says what it means that a system is made, and what to correct if that was not meant. The words are the
// system's (Capabilities.Origin).
func (w *whereabouts) newSystem(made string) string {
	can := w.system.Capabilities()
	what, means := "A new access system", ""
	if can.Origin.With != "" {
		what += " with " + can.Origin.With
	}
	if can.Origin.Means != "" {
		means = " " + can.Origin.Means
	}
	return fmt.Sprintf("%s %s in %s.%s If partners already have access, this is the wrong place: %s.", what, made,
		can.Place, means, can.Origin.Correct)
}

// answer is what a system said of the very object that a state means. It counts only if the ids say nothing.
type answer bool

const (
	holdsIt answer = true
	lacksIt answer = false
)

// belongs returns nil if the system that was found is the one that a state knows, else an elsewhereError:
//
//	the state knows   there is         it holds the object   it is
//	A                 A                -                     the state's own
//	A                 B                -                     another one
//	A, or nothing     one without id   yes                   the state's own
//	A, or nothing     one without id   no                    another one
//	nothing           A                as it says            own if it holds it
//	A, or nothing     no system        -                     another one
//
// isHome goes one step further, and asks for the object even if the ids differ.
func (w *whereabouts) belongs(known string, there located, said answer) error {
	same := bool(said)
	if known != "" && there.id != "" {
		same = known == there.id
	}
	if same && !there.none {
		return nil
	}
	e := w.elsewhere(known)
	e.there, e.none = there.id, there.none
	return e
}

// elsewhere returns the error of a state that knows a system, if what is at the place of this one is none of the
// state's.
func (w *whereabouts) elsewhere(known string) *elsewhereError {
	can := w.system.Capabilities()
	return &elsewhereError{known: known, place: can.Place, correct: can.Origin.Correct}
}

// sameSystem judges the answer to a reading (rec or err): an object that is not found is gone only if this is the
// state's own system. It returns err itself if the answer counts.
//
// It asks anew which system is there, since the answer may have come from another one than the walk began with: a
// volume was mounted meanwhile.
func (w *whereabouts) sameSystem(ctx context.Context, known string, rec *access.Record, err error,
	diags *diag.Diagnostics) error {
	var damaged *access.DamagedError
	isDamaged := errors.As(err, &damaged)
	if isNotFound(err) || isDamaged {
		there := w.look(ctx)
		if there.err != nil {
			return there.err
		}
		if elsewhere := w.belongs(known, there, answer(isDamaged)); elsewhere != nil {
			return elsewhere
		}
		return err
	}
	if err != nil {
		return err
	}
	if rec.System == "" {
		w.warnNameless(known, diags)
	}
	return nil // it is the very one
}

// isHome returns nil if the system is the one that a state knows, or holds the very object that the state means. No
// other system ever gave that uid, so whoever edited the id in the state stops nothing that takes access away.
func (w *whereabouts) isHome(ctx context.Context, ref access.Ref, k kept, there located) error {
	elsewhere := w.belongs(k.System, there, holdsIt)
	if elsewhere == nil || there.none || k.History.UID == "" {
		return elsewhere
	}
	if rec, err := w.system.Get(ctx, ref); err != nil || rec.UID != k.History.UID {
		return elsewhere
	}
	return nil
}

// refuseElsewhere asks which system is there now, and refuses one to which a state does not belong. One that cannot be
// asked is no reason if the object was not looked for yet: what comes after says why.
func (w *whereabouts) refuseElsewhere(ctx context.Context, known string, said answer) error {
	there := w.look(ctx)
	if there.err != nil && said == holdsIt {
		return nil // the revocation meets it as well, and has the words for it
	}
	if there.err != nil {
		return there.err
	}
	return w.belongs(known, there, said)
}

// refuseOlder refuses a copy of the system that is older than what the state knows: what is not found there was made
// since, and is in force wherever somebody goes by the newer one. It returns nil if the system does not tell when it
// was changed last. A copy that was changed since cannot be recognized. See
// TestAnOlderCopyOfTheDirectoryHasDestroyedNothing.
func (w *whereabouts) refuseOlder(ctx context.Context, h access.History, known string) error {
	dated, able := access.As[access.Dated](w.system)
	if !able || h.UID == "" {
		return nil
	}
	last, err := dated.ChangedAt(ctx)
	made := access.Latest(h.CreatedAt, h.RenewedAt)
	if err != nil || last.IsZero() || !made.After(last) {
		return err
	}
	e := w.elsewhere(known)
	e.older = fmt.Sprintf("was last changed on %s, but the state knows of something created in it on %s",
		access.At(last), access.At(made))
	return e
}

// elsewhereError says that a state is used on a system to which it does not belong, or on an older copy of its own
// (older says how that is known). known and there are ids: "" if the state knows none, or the system has none. none
// says that there is no system, place is where somebody looked, and correct says what to correct if it is the wrong
// one.
type elsewhereError struct {
	known, there, place, older, correct string
	none                                bool
}

// Error says what the state belongs to, and what is there.
func (e *elsewhereError) Error() string {
	if e.older != "" {
		return fmt.Sprintf("the access system %s in %s %s: it is an older copy", e.known, e.place, e.older)
	}
	belongs := "the state does not say to which access system it belongs"
	if e.known != "" {
		belongs = "the state belongs to the access system " + e.known
	}
	switch {
	case e.none:
		return fmt.Sprintf("%s, but there is none in %s", belongs, e.place)
	case e.there == "":
		return fmt.Sprintf("%s, but the one in %s has no id, and does not hold what the state means", belongs, e.place)
	case e.known == "":
		return fmt.Sprintf("%s, but the one in %s, %s, does not hold what the state means", belongs, e.place, e.there)
	}
	return fmt.Sprintf("%s, but the one in %s is %s", belongs, e.place, e.there)
}

// explainElsewhere says what it means for the access, and what to do: the state keeps it, and somebody has to point
// Terraform at the right system, or restore it. If the state names no system and there is one, nobody knows which of
// the two is wrong.
func explainElsewhere(e *elsewhereError) string {
	const kept = " Nothing was revoked or changed, and the state keeps it."
	if e.known == "" && !e.none && e.older == "" {
		return sentence(e) + ". Either the access is gone, or this is the wrong place to look for it: it may be in " +
			"force elsewhere." + kept + " If it is elsewhere, " + e.correct + ". If this is the right system, see in " +
			"partner_inventory what it holds, then: terraform state rm ADDRESS. That revokes nothing."
	}
	return sentence(e) + ". The access in the state is not gone: this is the wrong place to look for it." + kept +
		" Point Terraform at the system that the state belongs to: " + e.correct + ". If that system is lost, " +
		"restore it from a backup. Only if there is no backup: terraform state rm ADDRESS. That revokes nothing: as " +
		"long as gateways trust the lost system's authorities, policies or publications, they admit what it issued " +
		"until it ends by itself. Remove these by hand."
}

// warnAbsent warns that an inventory of a system that is not there is of nothing: it read as if partners held nothing.
// See TestAnInventoryOfNoSystemSaysSo.
func (w *whereabouts) warnAbsent(ctx context.Context, diags *diag.Diagnostics) {
	if w.locate(ctx).none {
		diags.AddWarning("There is no access system", fmt.Sprintf("There is nothing in %s, so this answer is empty. "+
			"It says nothing about what partners hold elsewhere: if there is an access system already, mount its "+
			"volume, or correct the directory, the address or the namespace.",
			w.system.Capabilities().Place))
	}
}

// warnNameless warns, once in a walk, that a system has lost its id, if a state knows it. See
// TestTheIDOfASystemIsDamaged.
func (w *whereabouts) warnNameless(known string, diags *diag.Diagnostics) {
	if known == "" {
		return
	}
	w.naming.Do(func() {
		diags.AddWarning("The access system has lost its id", fmt.Sprintf("The state belongs to the access system %s. "+
			"The one in %s holds what the state knows, but does not say which system it is: somebody removed or "+
			"damaged %s. Restore that from a backup. Until then, anything that is not found counts as lost, not as "+
			"revoked.", known, w.system.Capabilities().Place, w.system.Capabilities().Origin.KeptIn))
	})
}
