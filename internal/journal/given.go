// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"net/netip"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
	"github.com/partner-access/terraform-provider-partner/internal/signed"
)

// Given is what an object gives, and on what terms, in the words of the configuration: who reaches what, from where,
// until when, on whose word. There is no secret in it, and of what a partner handed in only the fingerprint of the key.
type Given struct {
	Owner string `json:"owner,omitempty"`
	// ExpiresAt is the end that is declared, EndsAt the earliest of all that count, which the system enforces.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	EndsAt    time.Time `json:"ends_at,omitzero"`
	Purpose   string    `json:"purpose,omitempty"`
	// Resource and Actions are a grant's.
	Resource string   `json:"resource,omitempty"`
	Actions  []string `json:"actions,omitempty"`
	// Ceiling and what follows are an identity's.
	Ceiling        []string   `json:"ceiling,omitempty"`
	ParentID       string     `json:"parent_id,omitempty"`
	Subcontractors int64      `json:"subcontractors,omitempty"` // how many levels of them it allows
	Agreement      *Agreement `json:"agreement,omitempty"`
	Contact        string     `json:"contact,omitempty"`
	ExpectedUse    string     `json:"expected_use,omitempty"`
	HoldReleased   string     `json:"hold_released,omitempty"`
	HoldReleasedBy string     `json:"hold_released_by,omitempty"`
	HoldSigned     *Signed    `json:"hold_released_signed,omitempty"`
	AdoptedFrom    string     `json:"adopted_from,omitempty"`
	// Trust and what follows are a credential's.
	Trust              *Trust    `json:"trust,omitempty"`
	AllowedCIDRs       []string  `json:"allowed_cidrs,omitempty"`
	Rotation           *Rotation `json:"rotation,omitempty"`
	RevokeIssuedBefore time.Time `json:"revoke_issued_before,omitzero"`
	// Floor is what a floor says, a line for each setting; nothing where it was lifted.
	Floor []string `json:"floor,omitempty"`
	// Suspended and Held: it gives nothing meanwhile.
	Suspended bool `json:"suspended,omitempty"`
	Held      bool `json:"held,omitempty"`
	// Review is the object's own, which need not be the one that counts.
	Review  *Review           `json:"review,omitempty"`
	Waivers map[string]Waiver `json:"waivers,omitempty"`
}

// Trust is what proves that somebody is the partner: a workload of an issuer of its own, or the key that it handed in.
type Trust struct {
	Issuer    string   `json:"issuer,omitempty"`
	Subject   string   `json:"subject,omitempty"`
	Audiences []string `json:"audiences,omitempty"`
	// Key is the SHA-256 of the public key; of a secret, of the recipient that it is sealed to.
	Key string `json:"key,omitempty"`
}

// Agreement is the contract that access rests on.
type Agreement struct {
	Reference string    `json:"reference"`
	EndsAt    time.Time `json:"ends_at"`
}

// Rotation is how often a credential is issued anew, and how long the old one works beside the new one.
type Rotation struct {
	Every   string `json:"every"`
	Overlap string `json:"overlap,omitempty"`
}

// Waiver is a rule that was set aside.
type Waiver struct {
	Approver string    `json:"approver"`
	Until    time.Time `json:"until"`
	Reason   string    `json:"reason"`
	Signed   *Signed   `json:"signed,omitempty"`
}

// given returns what a record gives.
func given(r *access.Record) *Given {
	if r == nil || r.Object == nil {
		return nil
	}
	g := declared(r.Object, r.EndsAt)
	g.Suspended = r.Suspended || g.Suspended
	g.Held = r.Held
	g.AdoptedFrom = r.AdoptedFrom
	return g
}

// declared returns what an object is declared to give until an end.
func declared(o access.Object, end time.Time) *Given {
	terms := o.Common()
	g := &Given{
		Owner: terms.Owner, ExpiresAt: terms.ExpiresAt.UTC(), EndsAt: end.UTC(), Review: reviewOf(terms.Review),
	}
	for slug, w := range terms.Waivers {
		if g.Waivers == nil {
			g.Waivers = map[string]Waiver{}
		}
		g.Waivers[slug] = Waiver{
			Approver: w.Approver,
			Until:    w.Until.UTC(),
			Reason:   w.Reason,
			Signed:   signedBy(w.Signature),
		}
	}
	switch o := o.(type) {
	case *access.Identity:
		g.identity(o)
	case *access.Credential:
		g.credential(o)
	case *access.Grant:
		g.Purpose, g.Resource, g.Actions = o.Purpose, string(o.Resource), slices.Sorted(slices.Values(o.Actions))
	}
	return g
}

// identity takes down what is declared of an identity. Lists are sorted and moments in UTC, so that the same
// declaration is the same line.
func (g *Given) identity(i *access.Identity) {
	g.Purpose = i.Purpose
	g.Contact = i.Contact
	g.Suspended = i.Suspended
	g.HoldReleased = i.HoldReleased
	g.HoldReleasedBy, g.HoldSigned = i.HoldReleasedBy, signedBy(i.HoldReleasedSignature)
	for _, p := range slices.Sorted(slices.Values(i.Ceiling)) {
		g.Ceiling = append(g.Ceiling, string(p))
	}
	if i.ParentID != (access.IdentityID{}) {
		g.ParentID = i.ParentID.String()
	}
	if s := i.Subcontractors; s != nil && s.Allowed {
		g.Subcontractors = s.MaxDepth
	}
	if a := i.Agreement; a != nil {
		g.Agreement = &Agreement{Reference: a.Reference, EndsAt: a.EndsAt.UTC()}
	}
	if i.ExpectedUse.Duration != 0 {
		g.ExpectedUse = i.ExpectedUse.Duration.String()
	}
}

// credential takes down what is declared of a credential: whom it trusts or what it was issued for, by its fingerprint.
func (g *Given) credential(c *access.Credential) {
	g.Trust, g.RevokeIssuedBefore = trustOf(c), c.RevokeIssuedBefore.UTC()
	for _, network := range order.Sorted(slices.Values(c.AllowedCIDRs), netip.Prefix.Compare) {
		g.AllowedCIDRs = append(g.AllowedCIDRs, network.String())
	}
	if r := c.Rotation; r != nil {
		g.Rotation = &Rotation{Every: r.Every.Duration.String()}
		if r.Overlap.Duration != 0 {
			g.Rotation.Overlap = r.Overlap.Duration.String()
		}
	}
}

// reviewOf returns a review as the journal has it, with the fingerprint of the key that signed it and not the
// signature.
func reviewOf(r *access.Review) *Review {
	if r == nil {
		return nil
	}
	return &Review{
		At:       r.At.UTC(),
		By:       r.By,
		Reason:   r.Reason,
		Decision: string(r.Decision),
		Access:   r.Access,
		Signed:   signedBy(r.Signature),
	}
}

// signedBy returns how a decision was signed; nil where it was not.
func signedBy(signature string) *Signed {
	mark, err := signed.MarkOf(signature)
	if err != nil {
		return nil
	}
	return &Signed{Key: mark.Key, Digest: mark.Digest, Worksheet: mark.Sheet}
}

// trustOf returns whom a credential trusts. A key that cannot be read has no fingerprint: the change
// was refused, or will be.
func trustOf(c *access.Credential) *Trust {
	if c.Federated != nil {
		t := &Trust{}
		t.Issuer, t.Subject, t.Audiences = c.Federated.Named()
		return t
	}
	if key := c.KeyFingerprint(); key != "" {
		return &Trust{Key: key}
	}
	return nil
}
