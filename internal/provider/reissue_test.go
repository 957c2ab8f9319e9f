// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// issuedCase is a credential that was issued for 22 days on the first, and what a change of it does.
type issuedCase struct {
	kind   access.Kind
	fixed  bool // also where the kind is not
	change func(*access.Credential)
	status string
	ends   time.Duration // how much later it ends
	// when what was issued ends, after the first; 22 days where it is 0, nothing is in force where it is -1
	until time.Duration
	cut   bool // its identity is suspended
	due   bool // its rotation has come, as Read says
	want  access.Issue
	anew  bool
	waits bool
}

func TestWhatReissues(t *testing.T) {
	const day = 24 * time.Hour
	first := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	moment := func(after time.Duration) access.Moment { return access.At(first.Add(after)) }
	trigger := func(c *access.Credential) { c.Rotation.Trigger = map[string]string{"incident": "7"} }
	networks := func(c *access.Credential) { c.AllowedCIDRs = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/25")} }
	stolen := func(c *access.Credential) { c.RevokeIssuedBefore = moment(day) }
	for name, c := range map[string]issuedCase{
		"nothing changes": {kind: access.Certificate},
		"another owner": {kind: access.Certificate,
			change: func(c *access.Credential) { c.Owner = "joe@example.com" }},
		"another rotation.every never rotates": {kind: access.Certificate, change: func(c *access.Credential) {
			c.Rotation.Every, _ = access.ParseSpan("48h")
		}},
		"a due certificate keeps its own end": {
			kind:   access.Certificate,
			status: "due",
			want:   access.IssueOverlap,
			anew:   true,
		},
		"a due SSH certificate keeps its own end": {
			kind:   access.SSHCertificate,
			status: "due",
			want:   access.IssueOverlap,
			anew:   true,
		},
		"a due secret works for the overlap": {
			kind:   access.Secret,
			status: "due",
			want:   access.IssueOverlap,
			anew:   true,
		},
		"an expiring one is left alone":             {kind: access.Secret, status: "expiring"},
		"a suspended one waits":                     {kind: access.Secret, status: "suspended"},
		"a later end where it ends by its rotation": {kind: access.Certificate, ends: day},
		"the same of an SSH certificate":            {kind: access.SSHCertificate, ends: 90 * day},
		"a later end of what ends at the old one": {
			kind:  access.Certificate,
			ends:  day,
			until: 30 * day,
			want:  access.IssueOverlap,
			anew:  true,
		},
		"a later end where nothing is in force": {
			kind:  access.Certificate,
			ends:  day,
			until: -1,
			want:  access.IssueOverlap,
			anew:  true,
		},
		"a later end of a secret": {kind: access.Secret, ends: day},
		"an end before what was signed": {
			kind: access.Certificate,
			ends: -20 * day,
			want: access.IssueReplace,
			anew: true,
		},
		"an earlier end that what was signed meets":  {kind: access.Certificate, ends: -5 * day},
		"an end before what was issued, of a secret": {kind: access.Secret, ends: -20 * day},
		"the same where the system cannot shorten it": {
			kind:  access.Secret,
			fixed: true,
			ends:  -20 * day,
			want:  access.IssueReplace,
			anew:  true,
		},
		"a later end of a secret that rotates": {kind: access.Secret, fixed: true, ends: day},
		"a later end where it cannot be moved": {
			kind:  access.Secret,
			fixed: true,
			ends:  day,
			until: 30 * day,
			want:  access.IssueOverlap,
			anew:  true,
		},
		"another CSR": {
			kind:   access.Certificate,
			change: func(c *access.Credential) { c.Certificate.CSR = "b" },
			want:   access.IssueReplace,
			anew:   true,
		},
		"another SSH key": {
			kind:   access.SSHCertificate,
			change: func(c *access.Credential) { c.SSHCertificate.PublicKey = "b" },
			want:   access.IssueReplace,
			anew:   true,
		},
		"another recipient works beside the old one": {
			kind:   access.Secret,
			change: func(c *access.Credential) { c.Secret.Recipient = "b" },
			want:   access.IssueOverlap,
			anew:   true,
		},
		"other networks of a certificate": {kind: access.Certificate, change: networks},
		"other networks of an SSH certificate": {
			kind:   access.SSHCertificate,
			change: networks,
			want:   access.IssueReplace,
			anew:   true,
		},
		"other networks of a secret": {kind: access.Secret, change: networks},
		"a trigger on a certificate": {
			kind:   access.Certificate,
			change: trigger,
			want:   access.IssueReplace,
			anew:   true,
		},
		"a trigger on a secret": {
			kind:   access.Secret,
			change: trigger,
			want:   access.IssueOverlap,
			anew:   true,
		},
		"a stolen certificate": {
			kind:   access.Certificate,
			change: stolen,
			want:   access.IssueReplace,
			anew:   true,
		},
		"a stolen secret has no overlap": {
			kind:   access.Secret,
			change: stolen,
			want:   access.IssueReplace,
			anew:   true,
		},
		"revoking what was issued before this one": {kind: access.Secret,
			change: func(c *access.Credential) { c.RevokeIssuedBefore = moment(-day) }},
		"a due one of a suspended identity waits": {kind: access.Secret, status: "due", cut: true},
		"an expired one that is extended": {
			kind:   access.Secret,
			status: "expired",
			due:    true,
			ends:   day,
			want:   access.IssueOverlap,
			anew:   true,
		},
		"an expired one of a suspended identity waits": {
			kind:   access.Secret,
			status: "expired",
			due:    true,
			ends:   day,
			cut:    true,
		},
		"a trigger waits": {
			kind:   access.Secret,
			status: "suspended",
			change: trigger,
			cut:    true,
			want:   access.IssueOverlap,
			waits:  true,
		},
		"a later end of a certificate waits": {
			kind:   access.Certificate,
			status: "suspended",
			ends:   day,
			until:  30 * day,
			cut:    true,
			want:   access.IssueOverlap,
			waits:  true,
		},
		"a stolen one is revoked, and waits": {
			kind:   access.Secret,
			status: "suspended",
			change: stolen,
			cut:    true,
			want:   access.IssueReplace,
			waits:  true,
		},
		"an earlier end is revoked, and waits": {
			kind:   access.Certificate,
			status: "suspended",
			ends:   -20 * day,
			cut:    true,
			want:   access.IssueReplace,
			waits:  true,
		},
		"a trigger where it cannot be shortened": {
			kind:   access.Secret,
			fixed:  true,
			change: trigger,
			want:   access.IssueReplace,
			anew:   true,
		},
		"the same when it is due": {
			kind:   access.Secret,
			fixed:  true,
			status: "due",
			change: trigger,
			want:   access.IssueOverlap,
			anew:   true,
		},
		"federated trust never has anything to issue": {
			kind:   access.Federated,
			status: "due",
			ends:   -20 * day,
			change: stolen,
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := issuedCredential(c.kind)
			after := issuedCredential(c.kind)
			if c.change != nil {
				c.change(after)
			}
			stateEnds := first.Add(30 * day)
			until := first.Add(cmp.Or(c.until, 22*day))
			if c.until < 0 {
				until = time.Time{}
			}
			issue, anew, why := reissue(change{
				before: before, after: after, stateStatus: c.status, stateEnds: stateEnds, ends: stateEnds.Add(c.ends),
				endsKnown: true,
				fixed: c.kind == access.Certificate ||
					c.kind == access.SSHCertificate ||
					c.fixed, cut: c.cut,
			}, kept{IssuedAt: first, IssuedUntil: until, Due: c.due})
			if issue != c.want || anew != c.anew || (c.anew || c.waits) != (why != "") {
				t.Errorf("issue %v, anew %v (%s), want %v, %v", issue, anew, why, c.want, c.anew)
			}
		})
	}
}

// What a reissue means for the partner stands in the plan: until when the old one works, and what to hand over.
func TestThePlanSaysWhatAReissueMeansForThePartner(t *testing.T) {
	const day = 24 * time.Hour
	first := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	until := first.Add(22 * day)
	for name, c := range map[string]struct {
		kind       access.Kind
		fixed, cut bool
		status     string
		change     func(*access.Credential)
		until      time.Time
		says       []string
	}{
		"a due secret": {kind: access.Secret, status: "due", until: until, says: []string{
			"rotated, with overlap", "its rotation is due",
			"for 48h after the apply, until 2026-12-23T00:00:00Z at the latest", "sealed_secret"}},
		"a due secret that cannot be shortened": {kind: access.Secret, fixed: true, status: "due", until: until,
			says: []string{
				"rotated, with overlap", "works beside the new one until 2026-12-23T00:00:00Z"}},
		"a due certificate": {kind: access.Certificate, fixed: true, status: "due", until: until, says: []string{
			"rotated, with overlap", "works beside the new one until 2026-12-23T00:00:00Z", "certificate (issued)"}},
		"a due secret without overlap": {kind: access.Secret, status: "due", until: until,
			says:   []string{"without overlap", "hand over the new one at once"},
			change: func(c *access.Credential) { c.Rotation.Overlap = access.Span{} }},
		"a due certificate that has no overlap": {
			kind:   access.Certificate,
			fixed:  true,
			status: "due",
			until:  first.Add(20 * day),
			says:   []string{"without overlap"},
		},
		"one that is revoked": {
			kind:   access.Certificate,
			fixed:  true,
			status: "due",
			says:   []string{"The partner has nothing that works"},
		},
		"a trigger on a certificate": {kind: access.Certificate, fixed: true, until: until,
			says:   []string{"without overlap", "rotation.trigger changed"},
			change: func(c *access.Credential) { c.Rotation.Trigger = map[string]string{"n": "7"} }},
		"a trigger while suspended": {kind: access.Secret, cut: true, until: until,
			says:   []string{"waits for its identity", "rotation.trigger changed", "first apply after"},
			change: func(c *access.Credential) { c.Rotation.Trigger = map[string]string{"n": "7"} }},
		"a stolen one while suspended": {kind: access.Secret, cut: true, until: until,
			says:   []string{"waits for its identity", "is revoked now"},
			change: func(c *access.Credential) { c.RevokeIssuedBefore = access.At(first.Add(day)) }},
		"a due one while suspended": {kind: access.Secret, cut: true, status: "due", until: until},
		"nothing":                   {kind: access.Secret, until: until},
		"another owner": {
			kind:   access.Secret,
			until:  until,
			change: func(c *access.Credential) { c.Owner = "joe@example.com" },
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := issuedCredential(c.kind)
			after := issuedCredential(c.kind)
			if c.change != nil {
				c.change(after)
			}
			ends := first.Add(60 * day)
			var diags diag.Diagnostics
			explainReissue(change{
				before:      before,
				after:       after,
				stateStatus: c.status,
				stateEnds:   ends,
				ends:        ends,
				endsKnown:   true,
				fixed:       c.fixed,
				cut:         c.cut,
			},
				kept{IssuedAt: first, IssuedUntil: c.until}, &diags)
			if len(diags) > 1 || (len(diags) > 0) != (len(c.says) > 0) {
				t.Fatalf("it says %v", diags)
			}
			for _, s := range c.says {
				if d := diags[0]; !strings.Contains(d.Summary()+" "+d.Detail(), s) {
					t.Errorf("it does not say %q: %s: %s", s, d.Summary(), d.Detail())
				}
			}
		})
	}
}

func issuedCredential(kind access.Kind) *access.Credential {
	every, _ := access.ParseSpan("480h")
	overlap, _ := access.ParseSpan("48h")
	c := &access.Credential{
		Terms:        access.Terms{Owner: "jane.doe@example.com"},
		Rotation:     &access.Rotation{Every: every, Overlap: overlap},
		AllowedCIDRs: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")},
	}
	switch kind {
	case access.Federated:
		c.Federated = &access.FederatedTrust{Issuer: "https://login.acme.test", Subject: "a", Audiences: []string{"b"}}
	case access.Certificate:
		c.Certificate = &access.CertificateRequest{CSR: "a"}
	case access.SSHCertificate:
		c.SSHCertificate = &access.SSHRequest{PublicKey: "a"}
	case access.Secret:
		c.Secret = &access.SecretRequest{Recipient: "a"}
	}
	return c
}
