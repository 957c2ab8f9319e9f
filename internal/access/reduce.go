// SPDX-License-Identifier: MPL-2.0

package access

import (
	"bytes"
	"reflect"
	"slices"
)

// Attributes returns the arguments of a type of object by their Terraform names, except those that its id is made of.
func Attributes(t Type) []string {
	terms := []string{"owner", "expires_at", "review", "waivers"}
	switch t {
	case TypeIdentity:
		return append(terms, "purpose", "ceiling", "agreement", "contact", "parent_id", "subcontractors", "suspended",
			"expected_use", "hold_released",
			"hold_released_by", "hold_released_signature")
	case TypeCredential:
		for _, kind := range Kinds() {
			terms = append(terms, string(kind))
		}
		return append(terms, "rotation", "revoke_issued_before", "allowed_cidrs")
	default:
		return append(terms, "purpose", "resource", "actions")
	}
}

// Widened reports whether an attribute of the object changed in a way that does not merely reduce access. An earlier
// end, fewer actions, a narrower pattern or network, a suspension and the like are reductions; so is no change at
// all. A waiver of an expiry rule that goes takes its until along, which was an end: what ends later by that is
// widened in expires_at. A change with no direction (another owner, another key) counts as widened, and is judged by
// the rules that read it.
func Widened(before, after Object, attribute string) bool {
	if widened, ok := widenedTerms[attribute]; ok &&
		before.Common() != nil &&
		after.Common() != nil {
		return widened(before, after)
	}
	switch a := after.(type) {
	case *Identity:
		b := before.(*Identity)
		if widened, ok := widenedIdentity[attribute]; ok {
			return widened(b, a)
		}
		return b.ID != a.ID
	case *Credential:
		return widenedCredential(before.(*Credential), a, attribute)
	case *Grant:
		return widenedGrant(before.(*Grant), a, attribute)
	}
	return true
}

// Lessens reports whether a change takes some access away, whatever else it changes: an attribute is narrower
// afterwards.
func Lessens(before, after Object) bool {
	if b, is := before.(*Credential); is && !b.RevokeIssuedBefore.Equal(after.(*Credential).RevokeIssuedBefore.Time) {
		return true
	}
	return slices.ContainsFunc(Attributes(after.Ref().Type), func(attribute string) bool {
		return Widened(after, before, attribute) && !Widened(before, after, attribute)
	})
}

// widenedTerms has how each of the terms widens that every object has.
var widenedTerms = map[string]func(before, after Object) bool{
	"owner": func(before, after Object) bool { return before.Common().Owner != after.Common().Owner },
	"expires_at": func(before, after Object) bool {
		return after.Common().ExpiresAt.After(before.Common().ExpiresAt.Time) || waived(after).After(waived(before))
	},
	"review": func(before, after Object) bool {
		return !reflect.DeepEqual(before.Common().Review, after.Common().Review)
	},
	"waivers": func(before, after Object) bool {
		return widenedWaivers(before.Common().Waivers, after.Common().Waivers)
	},
}

// widenedWaivers reports whether one was added, lengthened or rewritten: without it a rule holds again.
func widenedWaivers(before, after map[string]Waiver) bool {
	for slug, a := range after {
		b, there := before[slug]
		later := a.Until.After(b.Until.Time)
		if a.Until, b.Until = (Moment{}), (Moment{}); !there || later || a != b {
			return true
		}
	}
	return false
}

// widenedIdentity has how each argument of an identity widens, from b to a; of all others, another id alone does.
var widenedIdentity = map[string]func(b, a *Identity) bool{
	"purpose":        func(b, a *Identity) bool { return b.Purpose != a.Purpose },
	"ceiling":        func(b, a *Identity) bool { return len(b.Ceiling) > 0 && !ceilingCovers(b.Ceiling, a.Ceiling) },
	"agreement":      func(b, a *Identity) bool { return widenedAgreement(b.Agreement, a.Agreement) },
	"contact":        func(b, a *Identity) bool { return b.Contact != a.Contact },
	"parent_id":      func(b, a *Identity) bool { return b.ParentID != a.ParentID },
	"subcontractors": func(b, a *Identity) bool { return a.Levels() > b.Levels() },
	"suspended":      func(b, a *Identity) bool { return b.Suspended && !a.Suspended },
	"expected_use":   func(b, a *Identity) bool { return b.ExpectedUse.Duration != a.ExpectedUse.Duration },
	"hold_released":  func(b, a *Identity) bool { return rewritten(b.HoldReleased, a.HoldReleased) },
	"hold_released_by": func(b, a *Identity) bool {
		return rewritten(b.HoldReleasedBy, a.HoldReleasedBy)
	},
	"hold_released_signature": func(b, a *Identity) bool {
		return rewritten(b.HoldReleasedSignature, a.HoldReleasedSignature)
	},
}

// widenedAgreement reports whether an agreement ends later, or is gone, and with it the end that it set.
func widenedAgreement(b, a *Agreement) bool {
	return b != nil && (a == nil || a.EndsAt.After(b.EndsAt.Time))
}

// rewritten reports whether a text of what lifts a hold is another one. None lifts nothing.
func rewritten(before, after string) bool { return after != "" && after != before }

// ceilingCovers reports whether the inner ceiling lies inside the outer one. No ceiling limits nothing.
func ceilingCovers(outer, inner []Pattern) bool {
	if len(outer) == 0 {
		return true
	}
	if len(inner) == 0 {
		return false
	}
	return !slices.ContainsFunc(inner, func(p Pattern) bool {
		_, outside := Outside(outer, p)
		return outside
	})
}

// widenedCredential reports whether one argument gives more than before. A moment of revoke_issued_before only takes
// away. Any argument that is not named here says whose the credential is.
func widenedCredential(b, a *Credential, attribute string) bool {
	if kind := traitOf(Kind(attribute)); kind != nil {
		return kind.widens(b, a)
	}
	switch attribute {
	case "rotation":
		return widenedRotation(b.Rotation, a.Rotation)
	case "allowed_cidrs":
		return !NetworkCovers(b.AllowedCIDRs, a.AllowedCIDRs)
	case "revoke_issued_before":
		return false
	}
	return b.IdentityID != a.IdentityID
}

func widenedTrust(b, a *FederatedTrust) bool {
	if b == nil || a == nil {
		return b != a
	}
	audience := len(b.Audiences) > 0 && (len(a.Audiences) == 0 || !subset(a.Audiences, b.Audiences))
	return b.Issuer != a.Issuer ||
		b.Subject != a.Subject ||
		audience ||
		!sameAccount(b, a)
}

func widenedRotation(b, a *Rotation) bool {
	if b == nil {
		return false
	}
	return a == nil ||
		a.Every.Duration > b.Every.Duration ||
		a.Overlap.Duration > b.Overlap.Duration
}

func widenedGrant(b, a *Grant, attribute string) bool {
	switch attribute {
	case "purpose":
		return b.Purpose != a.Purpose
	case "resource":
		return !b.Resource.Contains(a.Resource)
	case "actions":
		return !subset(a.Actions, b.Actions)
	}
	return b.IdentityID != a.IdentityID || b.Name != a.Name
}

func subset(inner, outer []string) bool {
	return !slices.ContainsFunc(inner, func(s string) bool { return !slices.Contains(outer, s) })
}

// Narrows reports whether a change takes access away and gives none: something differs, and nothing is widened.
func Narrows(before, after Object) bool {
	b, err := Declaration(before)
	a, failed := Declaration(after)
	if err != nil ||
		failed != nil ||
		bytes.Equal(b, a) ||
		before.Ref() != after.Ref() {
		return false
	}
	return !slices.ContainsFunc(Attributes(after.Ref().Type),
		func(attribute string) bool { return Widened(before, after, attribute) })
}

// SameButName reports whether two objects of a type declare the same, but for what their ids are made of.
func SameButName(b, a Object) bool {
	was, failed := Declaration(nameless(b))
	is, err := Declaration(nameless(a))
	return err == nil && failed == nil && bytes.Equal(was, is)
}

// nameless returns a copy of an object without what its id is made of.
func nameless(o Object) Object {
	switch o := o.(type) {
	case *Identity:
		copied := *o
		copied.ID = IdentityID{}
		return &copied
	case *Credential:
		copied := *o
		copied.IdentityID = IdentityID{}
		return &copied
	case *Grant:
		copied := *o
		copied.IdentityID, copied.Name = IdentityID{}, ""
		return &copied
	}
	return o
}
