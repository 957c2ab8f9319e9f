// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"fmt"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// What differs from the declaration is told in sentences that say what becomes of it: what the next apply takes back,
// what stays because it only denies, and what nothing here may touch. A difference of which nobody could tell is a
// sentence, too, and never taken for none. All of this is pure.

// drift returns what IAM has of a principal beyond the declaration, a sentence each. If not all of it may be read, that
// is the only one: what might be there would make any other untrue.
func (w *wanted) drift(n *native) (said []string) {
	if why := w.cutBy(n); why != "" {
		said = append(said, fmt.Sprintf("Somebody cut %s by hand: %s. It stays cut until hold_released releases it.",
			w.Name, why))
		if w.goesOn(n) {
			said = append(said, fmt.Sprintf("Sessions of %s that are open go on until the next apply denies them "+
				"everything.", w.Name))
		}
	}
	if !n.there {
		return w.absence(said)
	}
	if n.unread != nil {
		return []string{fmt.Sprintf("Cannot tell whether %s is as declared: %s.", w.Name, n.unread)}
	}
	said = append(said, w.untold(n)...)
	said = append(said, w.boundaryDrift(n)...)
	said = append(said, w.policyDrift(n)...)
	if w.Kind == store.Role && w.untrusted == nil && !w.trust.Is(n.Trust) {
		said = append(said, fmt.Sprintf("The trust of %s differs from the declaration.", w.Name))
	}
	said = append(said, w.addedDrift(n)...)
	switch {
	case n.keys == nil:
	case w.adopted:
		said = append(said, w.adoptedDrift(n.keys)...)
	case w.Kind == store.User:
		said = append(said, keyDrift(w.principal, n.keys)...)
	}
	return said
}

// goesOn reports whether whoever came in before a principal was cut is still in. AWS ends no session if a key or a
// trust is taken away: only a deny acts in it.
func (w *wanted) goesOn(n *native) bool {
	return n.there &&
		n.policies[grantsPolicy] != "" &&
		n.policies[cutPolicy] == "" &&
		!n.held() &&
		w.deniedBy(n) == ""
}

// absence adds that a principal is gone. Of a role that somebody cut by removing it, that is said already: no apply
// makes it again.
func (w *wanted) absence(said []string) []string {
	switch {
	case w.adopted:
		return said
	case w.Kind == store.User:
		return append(said, fmt.Sprintf("The user %s is gone, with its key: only a rotation issues another one.",
			w.Name))
	case len(said) > 0:
		return said
	default:
		return []string{fmt.Sprintf("The role %s is gone: the next apply creates it again.", w.Name)}
	}
}

// untold returns what cannot be compared: somebody took the tags away, moved it, or it cannot be told what it should
// be.
func (w *wanted) untold(n *native) (said []string) {
	if n.Path != w.Path {
		said = append(said, fmt.Sprintf("Somebody moved %s to %s. Until it is at %s again, nothing here changes or "+
			"removes it.", w.Name, n.Path, w.Path))
	}
	if n.uid() == "" {
		said = append(said, fmt.Sprintf("The tags of %s, which mark it as ours, are gone.", w.Name))
	}
	if of, own := n.tagged(systemTag), w.tags[systemTag]; of != own && of != "" && own != "" {
		said = append(said, fmt.Sprintf("The tag %s of %s names another access system, %s. Until it is %s again, "+
			"nothing here changes or removes %[2]s.", systemTag, w.Name, of, own))
	}
	if w.unclear != nil {
		said = append(said, fmt.Sprintf("Cannot tell what %s should allow: %s.", w.Name, w.unclear))
	}
	if w.untrusted != nil {
		said = append(said, fmt.Sprintf("Cannot tell whom %s should trust: %s.", w.Name, w.untrusted))
	}
	return said
}

// boundaryDrift compares the boundary with the declared one. If none is declared, any is somebody's limit, and is no
// difference.
func (w *wanted) boundaryDrift(n *native) []string {
	switch {
	case w.boundary == "" || n.Boundary == w.boundary:
		return nil
	case n.Boundary == "":
		return []string{fmt.Sprintf("%s has no boundary, but %s is declared.", w.Name, w.boundary)}
	default:
		return []string{fmt.Sprintf("The boundary of %s is %s, but %s is declared.", w.Name, n.Boundary, w.boundary)}
	}
}

// policyDrift compares the policies that are written here with what they are to say. partner-hold is none of them: it
// is told as a cut.
func (w *wanted) policyDrift(n *native) (said []string) {
	if len(w.left) > 0 {
		said = append(said, w.misfit(strings.Join(w.left, ", ")))
	}
	for _, name := range []string{endPolicy, grantsPolicy, cutPolicy} {
		if w.unclear != nil && name == grantsPolicy {
			continue
		}
		d, has := w.policies[name], n.policies[name]
		switch {
		case d.Empty() && has != "":
			said = append(said, fmt.Sprintf("The policy %s of %s is not declared.", name, w.Name))
		case !d.Empty() && has == "":
			said = append(said, fmt.Sprintf("The policy %s of %s is gone.", name, w.Name))
		case !d.Empty() && !d.Is(has):
			said = append(said, fmt.Sprintf("The policy %s of %s differs from the declaration.", name, w.Name))
		}
	}
	return said
}

// addedDrift returns what somebody gave a principal beside what is written here, and what becomes of it: what only
// takes access away is never removed.
func (w *wanted) addedDrift(n *native) (said []string) {
	for name, text := range n.undeclared() {
		becomes := "The next apply removes it."
		if policy.OnlyDenies(text) {
			becomes = "It only denies, so it stays until somebody removes it."
		}
		said = append(said, fmt.Sprintf("%s has a policy %q that is not declared. %s", w.Name, name, becomes))
	}
	for _, arn := range n.attached {
		becomes := "The next apply removes it."
		switch {
		case n.managed[arn] == unreadable:
			becomes = "What it says may not be read, so it stays. Give the login the policy plan, or detach it."
		case n.lessens(arn):
			becomes = "It takes access away, so it stays."
		}
		said = append(said, fmt.Sprintf("The policy %s is attached to %s. %s", arn, w.Name, becomes))
	}
	for _, g := range n.Groups {
		becomes := "The next apply takes it out."
		switch said := n.managed[ofGroup(g)]; {
		case said == unreadable:
			becomes = "What it says may not be read, so the next apply takes it out. If it is to cut, give the login " +
				"the policy plan."
		case policy.OnlyDenies(said):
			becomes = "It takes access away, so it stays."
		}
		said = append(said, fmt.Sprintf("%s is a member of %s. %s", w.Name, g, becomes))
	}
	return said
}

// adoptedDrift tells of keys that a user was not adopted with, and that none is left of those that it was.
func (w *wanted) adoptedDrift(keys []key) (said []string) {
	left := false
	for _, k := range keys {
		if w.added(k) {
			said = append(said, fmt.Sprintf("Somebody gave %s the access key %s. The next apply removes it.", w.Name,
				k.ID))
		} else {
			left = true
		}
	}
	if !left {
		said = append(said, fmt.Sprintf("%s has none of the keys that it was adopted with. The next apply removes it.",
			w.Name))
	}
	return said
}

// keyDrift compares the keys of a user that was made here with the one that was issued.
func keyDrift(p principal, keys []key) (said []string) {
	name := p.Name
	switch {
	case len(keys) == 0:
		said = append(said, fmt.Sprintf("The access key of %s is gone: only a rotation issues another one.", name))
	case len(keys) > 1:
		said = append(said, fmt.Sprintf("%s has %d access keys, but only one was issued. All of them end with it.",
			name, len(keys)))
	}
	for _, k := range keys {
		if len(keys) == 1 && p.Key != "" && k.ID != p.Key {
			said = append(said, fmt.Sprintf("The access key %s of %s is not the one that was issued.", k.ID, name))
		}
		if k.Status == "Inactive" {
			said = append(said, fmt.Sprintf("The access key %s of %s is inactive.", k.ID, name))
		}
	}
	return said
}

// misfit says that grants do not fit, and what to do.
func (w *wanted) misfit(names string) string {
	return fmt.Sprintf("The policies of %s have no room for %s, so it has no effect there. Merge grants, or give "+
		"several the same actions and the same end.", w.Name, names)
}

// grantDrift says that what a principal is granted by one grant is not what is declared; "" if it is, or if that cannot
// be told, which its credential says. A policy cannot be compared grant by grant, since grants are united in it.
func (w *wanted) grantDrift(n *native, grant string) string {
	d := w.policies[grantsPolicy]
	switch {
	case slices.Contains(w.left, grant):
		return w.misfit(grant)
	case !n.there ||
		n.unread != nil ||
		w.unclear != nil ||
		(d.Empty() && n.policies[grantsPolicy] == ""):
		return ""
	case n.policies[grantsPolicy] == "":
		return fmt.Sprintf("The policy %s of %s is gone.", grantsPolicy, w.Name)
	case d.Empty() || !d.Is(n.policies[grantsPolicy]):
		return fmt.Sprintf("The policy %s of %s differs from the declaration.", grantsPolicy, w.Name)
	}
	return ""
}
