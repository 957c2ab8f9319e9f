// SPDX-License-Identifier: MPL-2.0

package systemtest

import (
	"slices"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// removalCases returns the cases about destroying: what a destroy says to be done has cut.
func removalCases() []contract {
	return []contract{
		{name: "a delete revokes, and nothing of it remains", run: revokes},
		{name: "a second delete is not found", run: deleteTwice},
		{name: "deleting an identity sweeps everything below and names it", run: sweeps},
		{name: "deleting a grant or credential leaves the others", run: leavesOthers},
	}
}

// revokes removes a credential of each kind. It is refused from then on, also once another one is there in its place.
func revokes(w *world) {
	w.granted()
	for _, kind := range w.System.Capabilities().Kinds {
		c := w.credential("etl", kind, 60)
		r := w.put(c)
		h := w.holder(c, r.Issued)
		w.may("before", h, "daily")
		if swept := w.remove(r); len(swept) > 0 {
			w.Errorf("deleting %s swept %v", c.Ref(), swept)
		}
		w.gone(c.Ref())
		w.mayNot("after the delete", h, "daily")
		again := w.put(c)
		// there the partner's own issuer proves it
		w.mayIf("with the one of before, after a new one", h, "daily", kind == access.Federated)
		w.remove(again)
	}
}

// deleteTwice removes what is gone: not found, through every handle, so that a destroy that is run again ends well.
func deleteTwice(w *world) {
	i := w.put(w.identity("etl", 40))
	g := w.put(w.grant("etl", "daily", 30))
	for _, r := range []*access.Record{g, i} {
		w.remove(r)
		_, err := w.System.Delete(w.ctx(), r.Object.Ref(), r.UID)
		w.refused("delete "+r.Object.Ref().String()+" again", err, access.ErrNotFound)
		_, err = w.Second().Delete(w.ctx(), r.Object.Ref(), r.UID)
		w.refused("delete "+r.Object.Ref().String()+" again elsewhere", err, access.ErrNotFound)
	}
}

// sweeps removes the top identity of a tree, with a grant of another stack's on each identity. All that hung on it is
// gone, is named in the answer, and is refused; nothing can be created below it.
func sweeps(w *world) {
	objects, holders := w.tree(50, 40)
	for _, o := range []access.Object{w.grant("top", "foreign", 30), w.grant("child", "foreign", 30)} {
		w.put(o, by(theirs))
		objects = append(objects, o)
	}
	bystander := w.put(w.identity("bystander", 40))
	var want []access.Ref
	for _, o := range objects[1:] {
		want = append(want, o.Ref())
	}
	swept := w.remove(w.get(id("top").Ref()))
	order.Sort(swept, compare)
	order.Sort(want, compare)
	if !slices.Equal(swept, want) {
		w.Errorf("swept %v, want %v", swept, want)
	}
	for _, o := range objects {
		w.gone(o.Ref())
	}
	for _, h := range holders {
		w.mayNot("after the sweep", h, "weekly")
	}
	w.same("the bystander", w.get(bystander.Object.Ref()), bystander)
	_, err := w.try(w.grant("child", "late", 10))
	w.refused("a grant of a swept child", err, access.ErrNoIdentity)
}

// leavesOthers removes one grant and looks at the others.
func leavesOthers(w *world) {
	w.granted()
	other := w.put(w.grant("etl", "weekly", 30))
	w.remove(w.get(w.grant("etl", "daily", 1).Ref()))
	w.gone(w.grant("etl", "daily", 1).Ref())
	w.same("the other grant", w.get(other.Object.Ref()), other)
	if refs := w.refs(); len(refs) != 2 {
		w.Errorf("there is %v", refs)
	}
}
