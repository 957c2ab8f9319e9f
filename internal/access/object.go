// SPDX-License-Identifier: MPL-2.0

package access

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// Object is what this project governs: an [Identity], a [Credential] or a [Grant], as it is declared.
type Object interface {
	// Ref names the object.
	Ref() Ref
	// Holder is the identity that the object is of: for an identity, itself.
	Holder() IdentityID
	// Common are the terms that every object has.
	Common() *Terms
}

// Terms are what every object must say: who answers for it and when it ends; and who looked, and what was waived.
type Terms struct {
	Owner     string            `json:"owner"`
	ExpiresAt Moment            `json:"expires_at"`
	Review    *Review           `json:"review,omitempty"`
	Waivers   map[string]Waiver `json:"waivers,omitempty"`
}

// Common returns the terms themselves.
func (t *Terms) Common() *Terms { return t }

// Review is evidence that somebody looked and that the partner still needs the access.
type Review struct {
	At     Moment `json:"at"`
	By     string `json:"by"`
	Reason string `json:"reason"`
	// Decision is what was decided where the review comes from a worksheet, Access the digest of the access that it was
	// decided on, and Until the latest end that it allows; zero: none was given, and so no later end than there is.
	Decision Decision `json:"decision,omitempty"`
	Access   string   `json:"access,omitempty"`
	Until    Moment   `json:"until,omitzero"`
	// EndNow: what was decided to end, and is still declared, ends at the moment of the review.
	EndNow bool `json:"end,omitempty"`
	// Signature is what proves that By decided it: an SSH signature of this review, or the worksheet that it stands in.
	Signature string `json:"signature,omitempty"`
}

// Decision is what somebody decided who looked at access.
type Decision string

// The decisions. A review without one is one that keeps.
const (
	DecisionKeep   Decision = "keep"
	DecisionNarrow Decision = "narrow" // keep it, but less of it
	DecisionEnd    Decision = "end"
)

// Own reports whether a review is of one object alone: a row of a worksheet is, since it names the access that was
// looked at, and so is what somebody signed.
func (r *Review) Own() bool { return r != nil && (r.Access != "" || r.Signature != "") }

// Waiver sets one rule aside, for a while. Its key is the slug of the rule.
type Waiver struct {
	Reason   string `json:"reason"`
	Approver string `json:"approver"`
	Until    Moment `json:"until"`
	// Signature is what proves that Approver allowed it.
	Signature string `json:"signature,omitempty"`
}

// Agreement is the contract that access rests on.
type Agreement struct {
	Reference string `json:"reference"`
	EndsAt    Moment `json:"ends_at"`
}

// Subcontractors says whether other identities may hang on this one, and how many levels deep.
type Subcontractors struct {
	Allowed  bool  `json:"allowed"`
	MaxDepth int64 `json:"max_depth"`
}

// Identity is one partner's non-human identity for one use case in one environment. A Ceiling that is empty limits
// nothing; one that is not holds all grants of the identity.
type Identity struct {
	ID IdentityID `json:"id"`
	Terms
	Purpose        string          `json:"purpose"`
	Ceiling        []Pattern       `json:"ceiling,omitempty"`
	Agreement      *Agreement      `json:"agreement,omitempty"`
	Contact        string          `json:"contact,omitempty"`
	ParentID       IdentityID      `json:"parent_id"`
	Subcontractors *Subcontractors `json:"subcontractors,omitempty"`
	Suspended      bool            `json:"suspended,omitempty"`
	ExpectedUse    Span            `json:"expected_use"`
	HoldReleased   string          `json:"hold_released,omitempty"`
	// HoldReleasedBy is who lifts the hold, and HoldReleasedSignature proves it.
	HoldReleasedBy        string `json:"hold_released_by,omitempty"`
	HoldReleasedSignature string `json:"hold_released_signature,omitempty"`
}

// Ref names the identity.
func (i *Identity) Ref() Ref { return i.ID.Ref() }

// Holder returns the identity itself.
func (i *Identity) Holder() IdentityID { return i.ID }

// Levels returns how many levels of other identities may hang below the identity: 0 for none.
func (i *Identity) Levels() int64 {
	if i.Subcontractors == nil || !i.Subcontractors.Allowed {
		return 0
	}
	return i.Subcontractors.MaxDepth
}

// Credential is how a partner proves to be an identity. Exactly one of the four kinds is set.
type Credential struct {
	IdentityID IdentityID `json:"identity_id"`
	Terms
	Federated          *FederatedTrust     `json:"federated,omitempty"`
	Certificate        *CertificateRequest `json:"certificate,omitempty"`
	SSHCertificate     *SSHRequest         `json:"ssh_certificate,omitempty"`
	Secret             *SecretRequest      `json:"secret,omitempty"`
	Rotation           *Rotation           `json:"rotation,omitempty"`
	RevokeIssuedBefore Moment              `json:"revoke_issued_before"`
	AllowedCIDRs       []netip.Prefix      `json:"allowed_cidrs,omitempty"`
}

// FederatedTrust is trust in one workload of the partner's own OIDC issuer, or in one principal of his own account of
// AWS: then AWSPrincipal is set, and the first three are not.
type FederatedTrust struct {
	Issuer    string   `json:"issuer"`
	Subject   string   `json:"subject"`
	Audiences []string `json:"audiences"`
	// AWSPrincipal is the ARN of the partner's role, user or account; ExternalID what he has to say, ""
	// where the system makes one.
	AWSPrincipal string `json:"aws_principal,omitempty"`
	ExternalID   string `json:"external_id,omitempty"`
}

// Account reports whether the trust is in a partner's account of AWS, and not in an issuer.
func (f *FederatedTrust) Account() bool { return f != nil && f.AWSPrincipal != "" }

// CertificateRequest is the partner's PKCS #10 request in PEM, from which only the public key is taken.
type CertificateRequest struct {
	CSR string `json:"csr"`
}

// SSHRequest is the partner's SSH public key, as a line of authorized_keys.
type SSHRequest struct {
	PublicKey string `json:"public_key"`
}

// SecretRequest is the partner's age or SSH public key, which the secret is sealed to.
type SecretRequest struct {
	Recipient string `json:"recipient"`
}

// Rotation is how often a credential is issued anew, how long the old one works beside the new one, and a map that
// asks for a rotation when it changes.
type Rotation struct {
	Every   Span              `json:"every"`
	Overlap Span              `json:"overlap"`
	Trigger map[string]string `json:"trigger,omitempty"`
}

// Ref names the credential: its identity's id and its kind.
func (c *Credential) Ref() Ref {
	return Ref{TypeCredential, c.IdentityID.String() + "/" + string(c.Kind())}
}

// Holder returns the identity that the credential is of.
func (c *Credential) Holder() IdentityID { return c.IdentityID }

// IssueLife returns how long what is issued at a moment lives: until the rotation's every and overlap have passed, or
// the end, whichever is earlier.
func (c *Credential) IssueLife(issued, end time.Time) (until time.Time) {
	if c.Rotation == nil {
		return end
	}
	return Earliest(c.Rotation.life(issued), end)
}

// life returns when what is issued at a moment ends by its rotation. The two are added one by one: no length of time
// holds the sum of the longest.
func (r *Rotation) life(issued time.Time) time.Time {
	return issued.Add(r.Every.Duration).Add(r.Overlap.Duration)
}

// leastNotice is how long at least what was issued works on after its credential was given a rotation.
const leastNotice = 24 * time.Hour

// AgesUntil returns until when what was issued at a moment without a rotation works once the credential is
// given one now: as if it had rotated from the beginning, but for the overlap and a day at least, so that
// adding a rotation cuts nobody.
func (c *Credential) AgesUntil(issued, now time.Time) time.Time {
	if c.Rotation == nil {
		return time.Time{}
	}
	life := c.Rotation.life(issued)
	if least := now.Add(max(c.Rotation.Overlap.Duration, leastNotice)); life.Before(least) {
		return least
	}
	return life
}

// RotatesAt returns when what was issued at a moment is due to be issued anew; zero where the
// credential does not rotate.
func (c *Credential) RotatesAt(issued time.Time) time.Time {
	if c.Rotation == nil || issued.IsZero() {
		return time.Time{}
	}
	return issued.Add(c.Rotation.Every.Duration)
}

// Grant is what an identity may do: actions on the paths of one pattern, until a moment, for a purpose.
type Grant struct {
	IdentityID IdentityID `json:"identity_id"`
	Name       string     `json:"name"`
	Terms
	Resource Pattern  `json:"resource"`
	Actions  []string `json:"actions"`
	Purpose  string   `json:"purpose"`
}

// Granted is a grant with the end that is in force.
type Granted struct {
	*Grant
	EndsAt time.Time
}

// Ref names the grant: its identity's id and its name.
func (g *Grant) Ref() Ref { return Ref{TypeGrant, g.IdentityID.String() + "/" + g.Name} }

// Holder returns the identity that may do it.
func (g *Grant) Holder() IdentityID { return g.IdentityID }

// Bare returns the object of a reference with nothing but its name: what is known where its record is lost.
func Bare(ref Ref) (Object, error) {
	_, holder, err := ParseRef(ref.Type, ref.ID)
	if err != nil {
		return nil, err
	}
	last := ref.ID[strings.LastIndexByte(ref.ID, '/')+1:]
	switch ref.Type {
	case TypeIdentity:
		return &Identity{ID: holder}, nil
	case TypeGrant:
		return &Grant{IdentityID: holder, Name: last}, nil
	}
	c := &Credential{IdentityID: holder}
	traitOf(Kind(last)).begin(c)
	return c, nil
}

// Declaration returns the object as canonical JSON: the same object gives the same bytes, sets in sorted order.
func Declaration(o Object) ([]byte, error) {
	switch o := o.(type) {
	case *Identity:
		sorted := *o
		sorted.Ceiling = slices.Sorted(slices.Values(o.Ceiling))
		return json.Marshal(sorted)
	case *Credential:
		sorted := *o
		if o.Federated != nil {
			trust := *o.Federated
			trust.Audiences = slices.Sorted(slices.Values(trust.Audiences))
			sorted.Federated = &trust
		}
		sorted.AllowedCIDRs = order.Sorted(slices.Values(o.AllowedCIDRs), netip.Prefix.Compare)
		return json.Marshal(sorted)
	case *Grant:
		sorted := *o
		sorted.Actions = slices.Sorted(slices.Values(o.Actions))
		return json.Marshal(sorted)
	}
	panic(fmt.Sprintf("access: %T is no object", o))
}

// ParseDeclaration reads what Declaration wrote.
func ParseDeclaration(t Type, text []byte) (Object, error) {
	var o Object
	switch t {
	case TypeIdentity:
		o = new(Identity)
	case TypeCredential:
		o = new(Credential)
	case TypeGrant:
		o = new(Grant)
	default:
		return nil, fmt.Errorf("%q is no type of object", t)
	}
	if err := json.Unmarshal(text, o); err != nil {
		return nil, fmt.Errorf("declaration of a %s: %w", t, err)
	}
	return o, nil
}
