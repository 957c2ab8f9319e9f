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
		return append(terms, "purpose", "ceiling", "agreement", "contact", "parent_id", "subcontractors", "suspended", "expected_use", "hold_released",
			"hold_released_by", "hold_released_signature")
	case TypeCredential:
		return append(terms, "federated", "certificate", "ssh_certificate", "secret", "rotation", "revoke_issued_before", "allowed_cidrs")
	default:
		return append(terms, "purpose", "resource", "actions")
	}
}

// Widened reports whether an attribute of the object changed in a way that does not merely reduce access. An earlier end,
// fewer actions, a narrower pattern or network, a suspension and the like are reductions; so is no change at all.
// A waiver of an expiry rule that goes takes its until along, which was an end: what ends later by that is widened in expires_at.
// A change with no direction (another owner, another key) counts as widened, and is judged by the rules that read it.
func Widened(before, after Object, attribute string) bool {
	if b, a := before.Common(), after.Common(); b != nil && a != nil {
		switch attribute {
		case "owner":
			return b.Owner != a.Owner
		case "expires_at":
			return a.ExpiresAt.After(b.ExpiresAt.Time) || waived(after).After(waived(before))
		case "review":
			return !reflect.DeepEqual(b.Review, a.Review)
		case "waivers":
			return widenedWaivers(b.Waivers, a.Waivers)
		}
	}
	switch a := after.(type) {
	case *Identity:
		return widenedIdentity(before.(*Identity), a, attribute)
	case *Credential:
		return widenedCredential(before.(*Credential), a, attribute)
	case *Grant:
		return widenedGrant(before.(*Grant), a, attribute)
	}
	return true
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

func widenedIdentity(b, a *Identity, attribute string) bool {
	switch attribute {
	case "purpose":
		return b.Purpose != a.Purpose
	case "ceiling":
		return len(b.Ceiling) > 0 && !CeilingCovers(b.Ceiling, a.Ceiling)
	case "agreement":
		return b.Agreement != nil && (a.Agreement == nil || a.Agreement.EndsAt.After(b.Agreement.EndsAt.Time))
	case "contact":
		return b.Contact != a.Contact
	case "parent_id":
		return b.ParentID != a.ParentID
	case "subcontractors":
		return a.Levels() > b.Levels()
	case "suspended":
		return b.Suspended && !a.Suspended
	case "expected_use":
		return b.ExpectedUse.Duration != a.ExpectedUse.Duration
	case "hold_released":
		return rewritten(b.HoldReleased, a.HoldReleased)
	case "hold_released_by":
		return rewritten(b.HoldReleasedBy, a.HoldReleasedBy)
	case "hold_released_signature":
		return rewritten(b.HoldReleasedSignature, a.HoldReleasedSignature)
	}
	return b.ID != a.ID
}

// rewritten reports whether a text of what lifts a hold is another one. None lifts nothing.
func rewritten(before, after string) bool { return after != "" && after != before }

// CeilingCovers reports whether the inner ceiling lies inside the outer one. No ceiling limits nothing.
func CeilingCovers(outer, inner []Pattern) bool {
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

func widenedCredential(b, a *Credential, attribute string) bool {
	switch attribute {
	case "federated":
		return widenedTrust(b.Federated, a.Federated)
	case "certificate":
		return !sameCSR(b.Certificate, a.Certificate, true)
	case "ssh_certificate":
		return !sameSSHKey(b.SSHCertificate, a.SSHCertificate)
	case "secret":
		return !sameRecipient(b.Secret, a.Secret)
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
	return b.Issuer != a.Issuer || b.Subject != a.Subject || audience || !sameAccount(b, a)
}

func widenedRotation(b, a *Rotation) bool {
	if b == nil {
		return false
	}
	return a == nil || a.Every.Duration > b.Every.Duration || a.Overlap.Duration > b.Overlap.Duration
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
	if err != nil || failed != nil || bytes.Equal(b, a) || before.Ref() != after.Ref() {
		return false
	}
	return !slices.ContainsFunc(Attributes(after.Ref().Type), func(attribute string) bool { return Widened(before, after, attribute) })
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
