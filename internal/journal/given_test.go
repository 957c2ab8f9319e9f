// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

func span(t *testing.T, text string) access.Span {
	t.Helper()
	s, err := access.ParseSpan(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// full are objects of each type in which every argument is set.
func full(t *testing.T) []access.Object {
	t.Helper()
	terms := access.Terms{
		Owner: "jane.doe@example.com", ExpiresAt: access.At(noon),
		Review: &access.Review{At: access.At(noon), By: "john.roe@example.com", Reason: "Still needed"},
		Waivers: map[string]access.Waiver{"expiry/too-long": {
			Reason:   "The migration",
			Approver: "ciso@example.com",
			Until:    access.At(noon),
		}},
	}
	id := anIdentity().ID
	return []access.Object{
		&access.Identity{
			ID: id, Terms: terms, Purpose: "Nightly order feed", Ceiling: []access.Pattern{"orders/acme/*"},
			Agreement: &access.Agreement{Reference: "MSA-1", EndsAt: access.At(noon)}, Contact: "noc@acme.test",
			ParentID:       access.IdentityID{Partner: "globex", Environment: "prod", Name: "main"},
			Subcontractors: &access.Subcontractors{Allowed: true, MaxDepth: 2},
			Suspended:      true, ExpectedUse: span(t, "24h"), HoldReleased: "INC-1",
		},
		&access.Credential{
			IdentityID: id, Terms: terms, Federated: &access.FederatedTrust{
				Issuer:    "https://login.acme.test",
				Subject:   "svc",
				Audiences: []string{"orders"},
			},
			Rotation: &access.Rotation{
				Every:   span(t, "720h"),
				Overlap: span(t, "48h"),
				Trigger: map[string]string{"secret": "hunter2"},
			},
			RevokeIssuedBefore: access.At(noon), AllowedCIDRs: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")},
		},
		&access.Credential{
			IdentityID: id,
			Terms:      terms,
			Secret:     &access.SecretRequest{Recipient: "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg"},
		},
		&access.Credential{IdentityID: id, Terms: terms, SSHCertificate: &access.SSHRequest{
			PublicKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ jane@laptop",
		}},
		&access.Grant{
			IdentityID: id,
			Name:       "daily",
			Terms:      terms,
			Resource:   "orders/acme/daily/*",
			Actions:    []string{"read", "list"},
			Purpose:    "Read the files",
		},
	}
}

// Whatever is declared is in the journal: else a change of it would be a line that says that nothing changed.
func TestEveryArgumentIsTold(t *testing.T) {
	t.Parallel()
	// the id of the line; a trigger may be anything
	untold := map[string]bool{"IdentityID": true, "ID": true, "Name": true, "Trigger": true}
	for _, o := range full(t) {
		before, err := json.Marshal(declared(o, noon))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(before), "hunter2") ||
			strings.Contains(string(before), "age1") ||
			strings.Contains(string(before), "AAAA") {
			t.Errorf("%s: more than a fingerprint: %s", o.Ref(), before)
		}
		fields := reflect.ValueOf(o).Elem()
		fields.FieldByName("Terms").FieldByName("Owner").SetString("somebody else")
		for i := range fields.NumField() {
			name, field := fields.Type().Field(i).Name, fields.Field(i)
			if untold[name] || field.IsZero() {
				continue
			}
			was := reflect.ValueOf(field.Interface())
			field.SetZero()
			if name == "Terms" {
				field.FieldByName("Owner").SetString("jane.doe@example.com")
				for _, term := range []string{"ExpiresAt", "Review", "Waivers"} {
					field.FieldByName(term).Set(was.FieldByName(term))
				}
				for _, term := range []string{"Owner", "ExpiresAt", "Review", "Waivers"} {
					kept := reflect.ValueOf(field.FieldByName(term).Interface())
					field.FieldByName(term).SetZero()
					if after, _ := json.Marshal(declared(o, noon)); string(after) == string(before) {
						t.Errorf("%s: its %s is not told", o.Ref(), term)
					}
					field.FieldByName(term).Set(kept)
				}
				continue
			}
			fields.FieldByName("Terms").FieldByName("Owner").SetString("jane.doe@example.com")
			if after, _ := json.Marshal(declared(o, noon)); string(after) == string(before) {
				t.Errorf("%s: its %s is not told", o.Ref(), name)
			}
			field.Set(was)
		}
	}
	var told []string
	for _, o := range full(t) {
		told = append(told, declared(o, noon).Reached())
	}
	want := []string{
		"within orders/acme/*; suspended", "svc of https://login.acme.test for orders; from 203.0.113.0/24",
		"key SHA256:", "key SHA256:", "list, read on orders/acme/daily/*",
	}
	if !slices.EqualFunc(told, want, strings.HasPrefix) {
		t.Errorf("%q", told)
	}
}

// A change has what was before it and what is to be, and its outcome what is; a removal what was, and what went along.
func TestALineSaysWhatChanged(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	grant := &access.Grant{
		IdentityID: anIdentity().ID, Name: "daily",
		Terms:    access.Terms{Owner: "jane.doe@example.com", ExpiresAt: access.At(noon.AddDate(0, 2, 0))},
		Resource: "orders/acme/daily/*", Actions: []string{"read"},
	}
	o.put(access.Change{Object: anIdentity()})
	o.put(access.Change{Object: grant})
	wider := *grant
	wider.Actions = []string{"list", "read"}
	o.put(access.Change{Object: &wider, UID: "uid-1"})
	lines := o.lines()
	created, intent, done := lines[2], lines[4], lines[5]
	if created.Before != nil ||
		created.After == nil ||
		created.After.Resource != "orders/acme/daily/*" {
		t.Errorf("%+v", created)
	}
	if intent.Before == nil ||
		strings.Join(intent.Before.Actions, ",") != "read" ||
		strings.Join(intent.After.Actions, ",") != "list,read" ||
		done.Before != nil || strings.Join(done.After.Actions, ",") != "list,read" ||
		!done.After.EndsAt.Equal(grant.ExpiresAt.Time) {
		t.Errorf("%+v\n%+v", intent, done)
	}
	if _, err := o.Delete(t.Context(), anIdentity().Ref(), "uid-1"); err != nil {
		t.Fatal(err)
	}
	gone := o.lines()[6:]
	if gone[0].Before == nil ||
		gone[0].After != nil ||
		gone[1].Before != nil ||
		gone[1].SweptBefore[grant.Ref().String()] == nil ||
		gone[1].SweptBefore[grant.Ref().String()].Resource != "orders/acme/daily/*" {
		t.Errorf("%+v", gone)
	}
}

func TestRecallTellsAPastFromTheLinesAlone(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	review := &access.Review{At: access.At(noon), By: "ciso@example.com", Reason: "Still needed"}
	i := anIdentity()
	i.Review = review
	o.put(access.Change{Object: i})
	grant := &access.Grant{
		IdentityID: i.ID, Name: "daily",
		Terms:    access.Terms{Owner: "jane.doe@example.com", ExpiresAt: access.At(noon.AddDate(0, 2, 0))},
		Resource: "orders/acme/daily/*", Actions: []string{"read"},
	}
	o.put(access.Change{Object: grant})
	wider := *grant
	wider.Actions = []string{"list", "read"}
	o.put(access.Change{Object: &wider, UID: "uid-1"})
	o.memory.err = access.ErrUnavailable
	if _, err := o.Delete(t.Context(), grant.Ref(), "uid-1"); err == nil {
		t.Fatal("it was removed")
	}
	o.memory.err = nil
	if _, err := o.Delete(t.Context(), i.Ref(), "uid-1"); err != nil {
		t.Fatal(err)
	}
	pasts, doubts := Recall(o.lines())
	if len(doubts) > 0 || len(pasts) != 2 {
		t.Fatalf("%d of them; %q", len(pasts), doubts)
	}
	p := pasts[1]
	if len(p.Spans) != 2 ||
		p.Spans[0].Given.Reached() != "read on orders/acme/daily/*" ||
		p.Spans[1].Given.Reached() != "list, read on orders/acme/daily/*" ||
		!p.Spans[0].To.Equal(p.Spans[1].From) || !p.Spans[1].To.Equal(p.Cuts[0].Refused) || p.Spans[0].From.IsZero() {
		t.Errorf("%+v", p)
	}
	if len(p.Words) != 1 || p.Words[0].By != "ciso@example.com" || p.Words[0].Verb != Create {
		t.Errorf("on whose word: %+v", p.Words)
	}
	if len(p.Cuts) != 1 ||
		p.Cuts[0].Verb != Revoke ||
		p.Cuts[0].Seconds != 1.5 ||
		p.Cuts[0].By != "jane" {
		t.Errorf("how fast: %+v", p.Cuts)
	}
	if !p.Removed.Equal(p.Cuts[0].Refused) {
		t.Errorf("removed at %v", p.Removed)
	}
}

// What ended by itself reached nothing until it was cleared away; what was cut by hand was cut then; and what lines of
// version 1 leave out is not made up.
func TestRecallOfEndsCutsAndOldLines(t *testing.T) {
	t.Parallel()
	day := func(n int) time.Time { return noon.AddDate(0, 0, n) }
	old := []Line{
		{
			Schema: 1,
			Seq:    1,
			Time:   day(0),
			Phase:  Intent,
			Verb:   Create,
			Change: "a",
			Type:   "grant",
			ID:     "acme/prod/etl/daily",
			EndsAt: day(9),
		},
		{
			Schema: 1,
			Seq:    2,
			Time:   day(0),
			Phase:  Done,
			Verb:   Create,
			Change: "a",
			Type:   "grant",
			ID:     "acme/prod/etl/daily",
			UID:    "u",
			Owner:  "jane",
			EndsAt: day(9),
		},
		{Seq: 3, Time: day(3), Phase: Found, Verb: Cut, Change: "b", Type: "partner", ID: "acme", FoundAt: day(2)},
		{
			Seq:    4,
			Time:   day(20),
			Phase:  Intent,
			Verb:   Revoke,
			Change: "b",
			Type:   "grant",
			ID:     "acme/prod/etl/daily",
			UID:    "u",
		},
		{
			Seq:     5,
			Time:    day(20),
			Phase:   Done,
			Verb:    Revoke,
			Change:  "b",
			Type:    "grant",
			ID:      "acme/prod/etl/daily",
			UID:     "u",
			Refused: day(20),
			Seconds: 2,
		},
		{
			Seq:    6,
			Time:   day(21),
			Phase:  Intent,
			Verb:   Revoke,
			Change: "c",
			Type:   "identity",
			ID:     "acme/prod/etl",
			Before: &Given{EndsAt: day(30)},
		},
	}
	pasts, doubts := Recall(old)
	if len(pasts) != 1 ||
		len(doubts) != 1 ||
		!strings.HasPrefix(doubts[0], "Line 6, revoke of identity acme/prod/etl, has an intent but no outcome") {
		t.Fatalf("%d, %q", len(pasts), doubts)
	}
	p := pasts[0]
	if len(p.Spans) != 1 ||
		!p.Spans[0].To.Equal(day(9)) ||
		p.Spans[0].Given.Reached() != "" ||
		p.Spans[0].Given.Owner != "jane" {
		t.Errorf("%+v", p.Spans)
	}
	if len(p.Cuts) != 2 ||
		p.Cuts[0].Verb != Cut ||
		!p.Cuts[0].At.Equal(day(2)) ||
		p.Cuts[1].Seconds != 2 {
		t.Errorf("%+v", p.Cuts)
	}
}
