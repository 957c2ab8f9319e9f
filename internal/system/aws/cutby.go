// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"cmp"
	"slices"

	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// By what a principal was cut is read off the difference between what a page says that IAM had (Built, Granted, Key)
// and what it has now. All of this is pure; lookout asks again before it believes it.

// cutBy says how somebody cut a principal by AWS's own means, as the end of a sentence about it; "" if nobody did. A
// key that was rotated is none that matters: its credential goes on with another one. What could not be read in full
// tells nothing.
func (w *wanted) cutBy(n *native) string {
	switch {
	case w.Kind == store.User && !w.newest: // its credential goes on with another one
		return ""
	case !n.there:
		return w.removed()
	case n.unread != nil:
		return ""
	}
	return cmp.Or(w.taken(n), w.deniedBy(n), w.keyTaken(n))
}

// deniedBy says by what somebody denied a principal everything, or all that it is granted; "" if nothing does. It is
// weighed against the grants that IAM has first, and against what is declared only after that: a page that already has
// a new grant would find that not everything is denied, and give the new grant to a partner that was cut
// (TestAGrantUndoesNoCutThatNobodyHasAppliedYet).
func (w *wanted) deniedBy(n *native) string {
	return cmp.Or(deniedBy(n, policy.Held(n.policies[grantsPolicy])), deniedBy(n, w.policies[grantsPolicy]))
}

// taken says what of what lets a principal do something somebody took away; "" if nobody did. Only what was there once
// can have been taken away.
func (w *wanted) taken(n *native) string {
	switch {
	case w.Kind == store.Role && w.Built && policy.LetsNobodyIn(n.Trust, w.own):
		return "its trust policy lets nobody in"
	case w.Granted &&
		w.unclear == nil &&
		!w.policies[grantsPolicy].Empty() &&
		n.policies[grantsPolicy] == "":
		return "its policy " + grantsPolicy + " was removed"
	case w.cutOff != nil && w.Built:
		return "the account no longer trusts its issuer for its audience"
	}
	return ""
}

// keyTaken says how somebody cut the keys of a user that are known; "" if nobody did.
func (w *wanted) keyTaken(n *native) string {
	// beside another credential, everybody is told to remove its keys, to retire it
	retires := w.adopted && !w.alone
	if w.Kind == store.User && w.Built && n.keys != nil && !retires {
		return w.keyCut(n.keys)
	}
	return ""
}

// removed says that a principal that is not there was cut by that; "" if it was never made, or is adopted: everybody is
// told to remove such a one.
func (w *wanted) removed() string {
	if w.adopted || !w.Built {
		return ""
	}
	return "it was removed"
}

// keyCut says how somebody cut the keys by which a user comes in; "" if nobody did. Of an adopted one, all keys have to
// be inactive: to remove them is how it is retired, and keys that somebody added since are none of its own.
func (w *wanted) keyCut(keys []key) string {
	if !w.adopted {
		return keyCut(keys, w.Key)
	}
	left := slices.DeleteFunc(slices.Clone(keys), w.added)
	if len(left) == 0 || slices.ContainsFunc(left, func(k key) bool { return k.Status != "Inactive" }) {
		return ""
	}
	return "none of its access keys is active"
}

// keyCut says how somebody cut the key that was issued; "" if nobody did, or none was issued yet.
func keyCut(keys []key, issued string) string {
	at := slices.IndexFunc(keys, func(k key) bool { return k.ID == issued })
	switch {
	case issued == "":
		return ""
	case at < 0:
		return "its access key was removed"
	case keys[at].Status == "Inactive":
		return "its access key is inactive"
	}
	return ""
}

// added reports whether somebody gave a user a key that nobody sealed, and that it was not adopted with. The next apply
// removes it.
func (w *wanted) added(k key) bool {
	if w.adopted {
		return !slices.Contains(w.logins, k.ID)
	}
	return w.Key != "" && k.ID != w.Key
}
