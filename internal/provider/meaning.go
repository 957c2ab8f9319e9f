// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Which object a state means stands in it three times: as its id, in its arguments, and as a uid in its private part.
// Each may have been edited. If the system does not hold the uid under the id, it is asked what it knows of that uid
// (it remembers ended ones for a year):
//
//   - A uid that ended is of an object that was replaced or removed since, and that is nobody's to touch any more.
//   - A uid that this system never gave to anything says nothing. Then the id is believed if nothing contradicts it,
//     and what this stack holds there is meant.
//
// So no edit makes Terraform forget access that lives. Before this, an edited uid or id made a refresh drop the
// resource, and a destroy say "0 destroyed" while the partner's access lived:
// TestNoEditOfWhatAStateMeansHidesAccessFromADestroy.

// errUntold: the state contradicts itself, and means nothing that the system holds. errReplaced: what it means was
// replaced since by another object of this stack, which stays. errReplaced is an access.ErrNotFound; errUntold is not,
// so that what cannot be told never counts as gone.
var (
	errUntold   = errors.New("the state does not say which one it means")
	errReplaced = fmt.Errorf("another one has taken its place: %w", access.ErrNotFound)
)

// said returns what a state's arguments mean; zero if they mean nothing. intact says that they are as this provider
// wrote them, by their fingerprint.
func (g *governed[M, P]) said(state *M, k kept) (ref access.Ref, intact bool) {
	o := claimed[M, P](state)
	if o == nil {
		return ref, false
	}
	declared, _ := access.Declaration(o)
	if len(k.Applied) > 0 { // the system held something else since: its id is the same
		if was, err := access.ParseDeclaration(g.kind, k.Applied); err == nil && was.Ref() == o.Ref() {
			declared = k.Applied
		}
	}
	return o.Ref(), k.Print != "" && printOf(declared) == k.Print
}

// weigh says which object a state means if the system does not hold its uid under its id, and by which uid: "" if what
// stands there of this stack is meant, whatever its uid. Of the three witnesses, two that agree are believed:
//
//   - the uid, if the system knows whose it was and the id or the arguments say the same, or nothing contradicts it
//   - else id and arguments, if they say the same or there are no arguments
//   - else the arguments, if they are as they were written
//
// Otherwise it is errUntold. So what one edit does to a state is told:
//
//	the uid is one that never was                     id and arguments agree: that object is meant
//	the id is another one, there or not               uid and arguments agree: that object is meant
//	id and uid are nowhere                            the arguments are as written: that object is meant
//	the uid is of what was replaced under this id     the uid is believed, and is not what stands there: not touched
//
// TestNoEditOfWhatAStateMeansHidesAccessFromADestroy makes these edits, and more, in the state of the real CLI.
func (g *governed[M, P]) weigh(ctx context.Context, state *M, ref access.Ref, k kept) (access.Ref, string, error) {
	rememberer, able := access.As[access.Rememberer](g.system)
	if !able {
		return ref, k.History.UID, nil
	}
	said, intact := g.said(state, k)
	if uid := k.History.UID; uid != "" {
		contradicts := intact && said == ref // id and arguments mean what the uid does not
		had, believed, err := g.hadUID(ctx, rememberer, ref, said, uid, contradicts)
		if err != nil {
			return ref, uid, err
		}
		if believed {
			return had, uid, nil
		}
	}
	switch {
	case said == ref, said == (access.Ref{}):
		return ref, "", nil
	case intact:
		return said, "", nil
	}
	return ref, "", errUntold
}

// hadUID returns what the system says that a uid was of, and whether to believe the uid: alone, it counts only for what
// is still there, and for nothing that id and arguments contradict. If either of them agrees, it counts also for what
// has ended. A uid that the system never gave is no error, and not believed.
func (g *governed[M, P]) hadUID(ctx context.Context, system access.Rememberer, ref, said access.Ref, uid string,
	contradicts bool) (had access.Ref, believed bool, err error) {
	had, until, err := system.Whose(ctx, ref, uid)
	if err != nil {
		if isNotFound(err) {
			err = nil
		}
		return had, false, err
	}
	agrees := had == ref || had == said
	return had, had.Type == g.kind && (agrees || (until.IsZero() && !contradicts)), nil
}

// resolve finds what a state means if the system does not hold its uid under its id. It returns the record that is
// meant, of this stack, with a warning; ErrNotFound if that is gone or another stack's, errReplaced if it is another
// one of this stack's, and errUntold if nobody can tell.
//
// It takes up to three requests, and only for a state that is wrong or an object that is gone.
func (g *governed[M, P]) resolve(ctx context.Context, state *M, ref access.Ref, k kept,
	diags *diag.Diagnostics) (*access.Record, access.Ref, error) {
	said, intact := g.said(state, k)
	is, err := g.system.Get(ctx, ref)
	gone := func(at access.Ref) bool {
		return isNotFound(err) &&
			k.History.UID != "" &&
			intact &&
			said == at
	}
	// Id and arguments agree, are as they were written, and the system has nothing there: gone, whatever its uid was.
	// This is the common case, somebody deleted it by hand, and it needs no memory of uids.
	if gone(ref) {
		return nil, ref, err // whatever its uid was
	}
	meant, uid, weighed := g.weigh(ctx, state, ref, k)
	if weighed != nil {
		return nil, ref, weighed
	}
	if meant != ref {
		is, err = g.system.Get(ctx, meant)
	}
	switch {
	// nothing agrees with anything, and nothing is there
	case isNotFound(err) && uid == "" && !gone(meant):
		return nil, meant, errUntold
	case err != nil:
		return nil, meant, err
	case g.isAnother(is, uid):
		sayAnother(meant, is, k.History.UID, diags)
		if is.Stack == g.stack {
			return nil, meant, errReplaced
		}
		return nil, meant, access.ErrNotFound
	}
	diags.AddWarning("The state is wrong: "+meant.String(),
		fmt.Sprintf("It names %s with the uid %q, which the system does not know: somebody edited the state, or its "+
			"private part is lost. By everything else in it, it means %s, created on %s, which the stack %q holds. "+
			"The provider reads, changes and revokes that one.", ref, k.History.UID, meant, access.At(is.CreatedAt),
			is.Stack))
	return is, meant, nil
}

// isAnother reports whether a record is another one than a uid names, or without a uid, none of this stack's.
func (g *governed[M, P]) isAnother(is *access.Record, uid string) bool {
	if uid != "" {
		return is.UID != uid
	}
	return is.Stack != g.stack
}

// sayUntold warns of a state that means nothing that can be told. It is not forgotten, and stops nobody else's plan: a
// refresh that failed here stopped every plan of the configuration once.
func sayUntold(ref access.Ref, diags *diag.Diagnostics) {
	diags.AddWarning("The state does not say what it means: "+ref.String(), "Its private part is missing or was "+
		"edited, and the system has nothing with that id. It stays in the state. If it is gone, forget it: "+
		"terraform state rm. If not, import it by its correct id.")
}
