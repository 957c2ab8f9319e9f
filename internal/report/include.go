// SPDX-License-Identifier: MPL-2.0

package report

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/inventory"
	"github.com/partner-access/terraform-provider-partner/internal/journal"
	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// How a report takes in others. It reads their JSON, and neither their systems nor their journals, so that nobody needs
// a login for two systems. Whoever includes a report trusts its JSON: the page has its digest, and whoever asks can
// compare that with the original.

// Digest returns the SHA-256 of a report's JSON.
func Digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Include takes another report in, by its JSON: what it holds, what it found, and what was changed there. The report
// says which ones it holds. It has to be called before Narrow. With an error, parts may have been taken in, and the
// report is not to be shown.
func (r *Report) Include(text string) error {
	d, err := parseDocument(text)
	if err != nil {
		return err
	}
	for _, s := range d.Sources {
		if err := r.take(s, Digest(text)); err != nil {
			return err
		}
	}
	from := d.Sources[0].Label
	r.includeAccess(d, from)
	r.includeChanges(d, from)
	for _, gap := range d.Gaps {
		r.Gaps = append(r.Gaps, from+": "+gap)
	}
	for _, f := range d.Findings {
		one := Finding(f)
		one.Source = cmp.Or(one.Source, from)
		r.Findings = append(r.Findings, one)
	}
	return nil
}

// parseDocument reads a report's JSON. Fields that it does not know are ignored: a newer provider may have added them
// without a new version.
func parseDocument(text string) (d document, err error) {
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	if err := decoder.Decode(&d); err != nil {
		return d, fmt.Errorf("it is no JSON of a report: %w", err)
	}
	if d.Version != Version {
		return d, fmt.Errorf("it is of version %d, and this provider reads version %d", d.Version, Version)
	}
	if len(d.Sources) == 0 {
		return d, errors.New("it does not say which system it is of")
	}
	return d, nil
}

// includeAccess takes in what another report holds, now and before. What names no system is of the one that it is from.
func (r *Report) includeAccess(d document, from string) {
	for _, p := range d.Partners {
		r.party(p)
		for _, i := range p.Items {
			item := i.item(p.Partner)
			item.System = cmp.Or(item.System, from)
			r.Inventory.Items = append(r.Inventory.Items, item)
		}
	}
	if d.Former == nil {
		return
	}
	for _, o := range d.Former.Objects {
		o.Source = cmp.Or(o.Source, from)
		r.formerly = append(r.formerly, o)
	}
}

// includeChanges takes in what was changed in another report's systems, among our own changes in their order. The
// groups come as a map, whose order is chance, so changes are sorted, and by more than their moment: the same reports
// have to give the same bytes.
func (r *Report) includeChanges(d document, from string) {
	for _, group := range d.Changes {
		for _, a := range group {
			c := a.toChange()
			c.Source = cmp.Or(c.Source, from)
			r.changed = append(r.changed, c)
		}
	}
	order.Sort(r.changed, func(x, y *change) int {
		return cmp.Or(x.Asked.Compare(y.Asked), cmp.Compare(x.Change, y.Change), cmp.Compare(x.ID, y.ID))
	})
}

// take adds a source. One system twice would be counted twice. A system without an id is known by its label.
func (r *Report) take(d documentSource, digest string) error {
	for _, known := range r.sources() {
		sameSystem := d.ID != "" && d.ID == known.ID && d.Environment == known.Environment
		sameLabel := d.Label == known.Label() && d.ID == known.ID
		if sameSystem || sameLabel {
			return fmt.Errorf("the report already holds %s", known.Label())
		}
	}
	s := Source{
		System: d.System, ID: d.ID, Place: d.Place, Environment: d.Environment, Floor: d.Floor, At: d.At, From: d.From,
		To: d.To, Since: d.Since,
		Stacks: d.Stacks, Objects: d.Objects, Judged: d.Judged, UseUnknown: d.UseUnknown, OwnersUnknown: d.NoOwners,
		SHA256: digest,
	}
	for _, f := range d.Unchecked {
		s.Unchecked = append(s.Unchecked, inventory.Flag(f))
	}
	r.included = append(r.included, s)
	return nil
}

// party takes what another report knows of a partner, where this one knows nothing. The steps to cut it add up, since
// each system is cut by its own, and the later rehearsal counts.
func (r *Report) party(d documentPartner) {
	if d.Partner == "" {
		return
	}
	if r.Parties == nil {
		r.Parties = map[string]Party{}
	}
	p := r.Parties[d.Partner]
	if p.Kind == "" {
		p.Kind = d.Kind
	}
	if p.Contact == "" {
		p.Contact = d.Contact
	}
	if p.Agreement == nil && d.Agreement != nil {
		p.Agreement = &access.Agreement{Reference: d.Agreement.Reference, EndsAt: access.At(d.Agreement.EndsAt)}
	}
	p.Steps = append(slices.Clone(p.Steps), d.Steps...)
	if d.RehearsedAt.After(p.RehearsedAt) {
		p.RehearsedAt, p.Seconds = d.RehearsedAt, d.Seconds
	}
	r.Parties[d.Partner] = p
}

// item returns the inventory's item that itemOf made this of.
func (d documentItem) item(partner string) inventory.Item {
	i := inventory.Item{
		Type: access.Type(d.Type), ID: d.ID, NativeID: d.NativeID, Partner: partner, Environment: d.Environment,
		Name: d.Name, Parent: d.Parent, Kind: access.Kind(d.Kind),
		Owner: d.Owner, Purpose: d.Purpose, Contact: d.Contact, Stack: d.Stack, Resource: d.Resource,
		Actions: d.Actions, Ceiling: d.Ceiling,
		ExpiresAt: d.ExpiresAt, EndsAt: d.EndsAt, RotatesAt: d.RotatesAt, CreatedAt: d.CreatedAt,
		RenewedAt:  d.RenewedAt,
		ReviewedAt: d.ReviewedAt, LastUsedAt: d.LastUsedAt, Renewals: d.Renewals, Status: d.Status, Drift: d.Drift,
		EnforcedBy: d.EnforcedBy,
		Revocation: d.Revocation, Why: d.Why, Import: d.Import, System: d.Source, Issuer: d.Issuer, Subject: d.Subject,
		Audiences:   d.Audiences,
		Fingerprint: d.Fingerprint, Networks: d.Networks, Logins: d.Logins, OwnerLeft: d.OwnerLeft,
		UseUnknown: d.UseUnknown, ReviewDueAt: d.ReviewDueAt,
	}
	for _, f := range d.Flags {
		i.Flags = append(i.Flags, inventory.Flag(f))
	}
	if a := d.Agreement; a != nil {
		i.Agreement = &access.Agreement{Reference: a.Reference, EndsAt: access.At(a.EndsAt)}
	}
	if v := d.Review; v != nil {
		i.Review = &access.Review{At: access.At(v.At), By: v.By, Reason: v.Reason}
		i.Signed = signedWith(i.Signed, "review", v.SignedWith)
	}
	for rule, w := range d.Waivers {
		if i.Waivers == nil {
			i.Waivers = map[string]access.Waiver{}
		}
		i.Waivers[rule] = access.Waiver{Reason: w.Reason, Approver: w.Approver, Until: access.At(w.Until)}
		i.Signed = signedWith(i.Signed, rule, w.SignedWith)
	}
	return i
}

// signedWith notes with which key something was signed; nothing if key is "". It makes the map when it is first needed.
func signedWith(keys map[string]string, what, key string) map[string]string {
	if key == "" {
		return keys
	}
	if keys == nil {
		keys = map[string]string{}
	}
	keys[what] = key
	return keys
}

// toChange returns the change that appliedOf made this of. Its phase is its outcome; a change without an outcome has
// only its intent.
func (a applied) toChange() *change {
	c := &change{Asked: a.Asked, Outcome: a.Outcome, Line: journal.Line{
		Time: a.Asked, Verb: journal.Verb(a.Verb), Phase: journal.Phase(a.Outcome), Change: a.Change, Type: a.Type,
		ID: a.ID, System: a.System, Stack: a.Stack,
		Actor: journal.Actor{Name: a.Actor, Kind: a.ActorKind, Run: a.Run, Host: a.Host}, Owner: a.Owner,
		EndsAt: a.EndsAt,
		Swept:  a.Swept, Refused: a.Refused, Seconds: a.Seconds, Serial: a.Serial, Error: a.Error, Found: a.Found,
		Before: a.Before, After: a.After,
	}, Source: a.Source}
	if v := a.Review; v != nil {
		c.Review = &journal.Review{At: v.At, By: v.By, Reason: v.Reason}
		if v.SignedWith != "" {
			c.Review.Signed = &journal.Signed{Key: v.SignedWith}
		}
	}
	if c.Outcome == missing {
		c.Phase = journal.Intent
	}
	return c
}
