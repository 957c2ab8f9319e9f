// SPDX-License-Identifier: MPL-2.0

package systemtest

import (
	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// cutCases returns the cases about suspension: access that is cut for a while, with all that hangs on it.
func cutCases() []contract {
	return []contract{
		{name: "a suspension reaches everything below, and is taken back", run: suspension},
		{name: "withdrawing subcontractors suspends the children at once", run: withdrawal},
		{name: "a suspended identity may still be changed below", run: changeSuspended},
	}
}

// suspension suspends the top identity of a tree and lets it go on, and then suspends the child alone. What is below is
// cut and what is above or beside is not, which the enforcement is asked about with each kind of credential.
func suspension(w *world) {
	objects, holders := w.tree(50, 40)
	w.put(w.identity("bystander", 40))
	for _, step := range []struct {
		declared *access.Identity
		top      bool
	}{
		{w.identity("top", 50, allowing(1), suspended), true},
		{w.identity("top", 50, allowing(1)), false},
	} {
		w.put(step.declared, known(w.get(step.declared.Ref()).UID))
		for _, o := range objects {
			w.cut(o.Ref(), step.top)
		}
		for _, h := range holders {
			w.mayIf("while suspension is "+text(w, step.top), h, "weekly", !step.top)
		}
	}
	child := w.child("child", "top", 40)
	child.Suspended = true
	w.put(child, known(w.get(child.Ref()).UID))
	w.cut(id("top").Ref(), false)
	w.cut(w.grant("top", "daily", 1).Ref(), false)
	w.cut(w.grant("child", "weekly", 1).Ref(), true)
	w.cut(id("bystander").Ref(), false)
}

// withdrawal takes the right to have subcontractors away from an identity that has one: by removing the block, and by
// allowed = false. The child is cut, and comes back with the right.
func withdrawal(w *world) {
	_, holders := w.tree(50, 40)
	top := w.get(id("top").Ref())
	for _, step := range []struct {
		subcontractors *access.Subcontractors
		cut            bool
	}{
		{nil, true},
		{&access.Subcontractors{Allowed: true, MaxDepth: 1}, false},
		{&access.Subcontractors{Allowed: false, MaxDepth: 1}, true},
	} {
		w.put(w.identity("top", 50, func(i *access.Identity) { i.Subcontractors = step.subcontractors }),
			known(top.UID))
		w.cut(id("top").Ref(), false)
		w.cut(w.grant("top", "daily", 1).Ref(), false)
		w.cut(id("child").Ref(), step.cut)
		w.cut(w.grant("child", "weekly", 1).Ref(), step.cut)
		for _, h := range holders {
			w.mayIf("with subcontractors "+text(w, step.subcontractors), h, "weekly", !step.cut)
		}
	}
}

// changeSuspended shortens a grant of a suspended identity. Less is never refused, and the change holds once the
// identity goes on.
func changeSuspended(w *world) {
	i := w.put(w.identity("etl", 40, suspended))
	g := w.grant("etl", "daily", 30)
	r := w.put(g)
	if !r.Suspended {
		w.Error("a grant of a suspended identity is not suspended")
	}
	g.ExpiresAt = w.in(20)
	w.put(g, known(r.UID))
	w.ends(g.Ref(), w.in(20))
	w.put(w.identity("etl", 40), known(i.UID))
	w.cut(g.Ref(), false)
}
