// SPDX-License-Identifier: MPL-2.0

package report

import (
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/inventory"
	"github.com/partner-access/terraform-provider-partner/internal/journal"
)

// documentItem is one object as JSON has it. Source is the system that it is in, "" for the report's own; Standing is
// what its identity can do, and stands with the first item of a holding only. The other fields are inventory.Item's.
type documentItem struct {
	Type        string                    `json:"type"`
	ID          string                    `json:"id,omitempty"`
	NativeID    string                    `json:"native_id,omitempty"`
	Environment string                    `json:"environment,omitempty"`
	Name        string                    `json:"name,omitempty"`
	Parent      string                    `json:"parent,omitempty"`
	Kind        string                    `json:"kind,omitempty"`
	Owner       string                    `json:"owner,omitempty"`
	Purpose     string                    `json:"purpose,omitempty"`
	Contact     string                    `json:"contact,omitempty"`
	Stack       string                    `json:"stack,omitempty"`
	Resource    string                    `json:"resource,omitempty"`
	Actions     []string                  `json:"actions,omitempty"`
	Ceiling     []string                  `json:"ceiling,omitempty"`
	Agreement   *documentAgreement        `json:"agreement,omitempty"`
	Review      *documentReview           `json:"review,omitempty"`
	Waivers     map[string]documentWaiver `json:"waivers,omitempty"`
	ExpiresAt   time.Time                 `json:"expires_at,omitzero"`
	EndsAt      time.Time                 `json:"ends_at,omitzero"`
	RotatesAt   time.Time                 `json:"rotates_at,omitzero"`
	CreatedAt   time.Time                 `json:"created_at,omitzero"`
	RenewedAt   time.Time                 `json:"renewed_at,omitzero"`
	ReviewedAt  time.Time                 `json:"reviewed_at,omitzero"`
	LastUsedAt  time.Time                 `json:"last_used_at,omitzero"`
	Renewals    int64                     `json:"renewals"`
	Status      string                    `json:"status,omitempty"`
	Flags       []string                  `json:"flags"`
	Drift       []string                  `json:"drift,omitempty"`
	EnforcedBy  string                    `json:"enforced_by,omitempty"`
	Revocation  []string                  `json:"revocation,omitempty"`
	Why         string                    `json:"why,omitempty"`
	Import      string                    `json:"import,omitempty"`
	Standing    string                    `json:"standing,omitempty"`
	Source      string                    `json:"source,omitempty"`
	Issuer      string                    `json:"issuer,omitempty"`
	Subject     string                    `json:"subject,omitempty"`
	Audiences   []string                  `json:"audiences,omitempty"`
	Fingerprint string                    `json:"fingerprint,omitempty"`
	Networks    []string                  `json:"networks,omitempty"`
	Logins      int                       `json:"logins,omitempty"`
	OwnerLeft   bool                      `json:"owner_left,omitempty"`
	UseUnknown  bool                      `json:"use_unknown,omitempty"`
	ReviewDueAt time.Time                 `json:"review_due_at,omitzero"`
}

// itemOf returns one object as JSON has it, without what only its partner's part says (Standing).
func itemOf(i *inventory.Item) documentItem {
	d := documentItem{
		Type: string(i.Type), ID: i.ID, NativeID: i.NativeID, Environment: i.Environment, Name: i.Name,
		Parent: i.Parent, Kind: string(i.Kind),
		Owner: i.Owner, Purpose: i.Purpose, Contact: i.Contact, Stack: i.Stack, Resource: i.Resource,
		Actions: i.Actions, Ceiling: i.Ceiling,
		ExpiresAt: i.ExpiresAt.UTC(), EndsAt: i.EndsAt.UTC(), RotatesAt: i.RotatesAt.UTC(),
		CreatedAt: i.CreatedAt.UTC(), RenewedAt: i.RenewedAt.UTC(),
		ReviewedAt: i.ReviewedAt.UTC(), LastUsedAt: i.LastUsedAt.UTC(), Renewals: i.Renewals, Status: i.Status,
		Flags: append([]string{}, flagsOf(i)...),
		Drift: i.Drift, EnforcedBy: i.EnforcedBy, Revocation: i.Revocation, Why: i.Why, Import: i.Import,
		Source: i.System, Issuer: i.Issuer, Subject: i.Subject, Audiences: i.Audiences, Fingerprint: i.Fingerprint,
		Networks: i.Networks,
		Logins:   i.Logins, OwnerLeft: i.OwnerLeft, UseUnknown: i.UseUnknown, ReviewDueAt: i.ReviewDueAt.UTC(),
	}
	if a := i.Agreement; a != nil {
		d.Agreement = &documentAgreement{Reference: a.Reference, EndsAt: a.EndsAt.UTC()}
	}
	if v := i.Review; v != nil {
		d.Review = &documentReview{At: v.At.UTC(), By: v.By, Reason: v.Reason, SignedWith: i.Signed["review"]}
	}
	for rule, w := range i.Waivers {
		if d.Waivers == nil {
			d.Waivers = map[string]documentWaiver{}
		}
		d.Waivers[rule] = documentWaiver{
			Reason:     w.Reason,
			Approver:   w.Approver,
			Until:      w.Until.UTC(),
			SignedWith: i.Signed[rule],
		}
	}
	return d
}

// applied is a change, flat: who reads it need not know the journal's form.
type applied struct {
	Asked     time.Time       `json:"asked"`
	Verb      string          `json:"verb"`
	Change    string          `json:"change,omitempty"`
	Type      string          `json:"type"`
	ID        string          `json:"id"`
	System    string          `json:"system,omitempty"`
	Stack     string          `json:"stack,omitempty"`
	Actor     string          `json:"actor"`
	ActorKind string          `json:"actor_kind,omitempty"`
	Run       string          `json:"run,omitempty"`
	Host      string          `json:"host,omitempty"`
	Owner     string          `json:"owner,omitempty"`
	EndsAt    time.Time       `json:"ends_at,omitzero"`
	Reach     string          `json:"reach,omitempty"`
	Review    *documentReview `json:"review,omitempty"`
	Swept     []string        `json:"swept,omitempty"`
	Refused   time.Time       `json:"refused,omitzero"`
	Seconds   float64         `json:"seconds_to_refusal,omitzero"`
	Serial    string          `json:"serial,omitempty"`
	Outcome   string          `json:"outcome"`
	Error     string          `json:"error,omitempty"`
	Found     []string        `json:"found,omitempty"`
	Before    *journal.Given  `json:"before,omitempty"`
	After     *journal.Given  `json:"after,omitempty"`
	Source    string          `json:"source,omitempty"`
}

// appliedOf returns changes as JSON has them, [] for none.
func appliedOf(changes []*change) []applied {
	all := []applied{}
	for _, c := range changes {
		a := applied{
			Asked: c.Asked.UTC(), Verb: string(c.Verb), Change: c.Change, Type: c.Type, ID: c.ID, System: c.System,
			Stack: c.Stack, Actor: c.Actor.Name,
			ActorKind: c.Actor.Kind, Run: c.Actor.Run, Host: c.Actor.Host, Owner: c.Owner, EndsAt: c.EndsAt.UTC(),
			Swept: c.Swept, Refused: c.Refused.UTC(),
			Seconds: c.Seconds, Serial: c.Serial, Outcome: c.Outcome, Error: c.Error, Reach: c.Reach(), Found: c.Found,
			Before: c.Before, After: c.After, Source: c.Source,
		}
		if v := c.Review; v != nil {
			a.Review = &documentReview{At: v.At.UTC(), By: v.By, Reason: v.Reason, SignedWith: keyOf(v.Signed)}
		}
		all = append(all, a)
	}
	return all
}
