package provider

import (
	"net/netip"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// issuedCase is a credential that was issued for 22 days on the first, and what a change of it does.
type issuedCase struct {
	kind   access.Kind
	fixed  bool // also where the kind is not
	change func(*access.Credential)
	status string
	ends   time.Duration // how much later it ends
	want   access.Issue
	anew   bool
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
		"another owner":   {kind: access.Certificate, change: func(c *access.Credential) { c.Owner = "joe@example.com" }},
		"another rotation.every never rotates": {kind: access.Certificate, change: func(c *access.Credential) {
			c.Rotation.Every, _ = access.ParseSpan("48h")
		}},
		"a due certificate keeps its own end":         {kind: access.Certificate, status: "due", want: access.IssueOverlap, anew: true},
		"a due SSH certificate keeps its own end":     {kind: access.SSHCertificate, status: "due", want: access.IssueOverlap, anew: true},
		"a due secret works for the overlap":          {kind: access.Secret, status: "due", want: access.IssueOverlap, anew: true},
		"an expiring one is left alone":               {kind: access.Secret, status: "expiring"},
		"a suspended one waits":                       {kind: access.Secret, status: "suspended"},
		"a later end of a certificate":                {kind: access.Certificate, ends: day, want: access.IssueOverlap, anew: true},
		"a later end of a secret":                     {kind: access.Secret, ends: day},
		"an end before what was signed":               {kind: access.Certificate, ends: -20 * day, want: access.IssueReplace, anew: true},
		"an earlier end that what was signed meets":   {kind: access.Certificate, ends: -5 * day},
		"an end before what was issued, of a secret":  {kind: access.Secret, ends: -20 * day},
		"the same where the system cannot shorten it": {kind: access.Secret, fixed: true, ends: -20 * day, want: access.IssueReplace, anew: true},
		"a later end where it cannot be moved":        {kind: access.Secret, fixed: true, ends: day, want: access.IssueOverlap, anew: true},
		"another CSR":                                 {kind: access.Certificate, change: func(c *access.Credential) { c.Certificate.CSR = "b" }, want: access.IssueReplace, anew: true},
		"another SSH key":                             {kind: access.SSHCertificate, change: func(c *access.Credential) { c.SSHCertificate.PublicKey = "b" }, want: access.IssueReplace, anew: true},
		"another recipient works beside the old one":  {kind: access.Secret, change: func(c *access.Credential) { c.Secret.Recipient = "b" }, want: access.IssueOverlap, anew: true},
		"other networks of a certificate":             {kind: access.Certificate, change: networks, want: access.IssueReplace, anew: true},
		"other networks of an SSH certificate":        {kind: access.SSHCertificate, change: networks, want: access.IssueReplace, anew: true},
		"other networks of a secret":                  {kind: access.Secret, change: networks},
		"a trigger on a certificate":                  {kind: access.Certificate, change: trigger, want: access.IssueReplace, anew: true},
		"a trigger on a secret":                       {kind: access.Secret, change: trigger, want: access.IssueOverlap, anew: true},
		"a stolen certificate":                        {kind: access.Certificate, change: stolen, want: access.IssueReplace, anew: true},
		"a stolen secret has no overlap":              {kind: access.Secret, change: stolen, want: access.IssueReplace, anew: true},
		"revoking what was issued before this one":    {kind: access.Secret, change: func(c *access.Credential) { c.RevokeIssuedBefore = moment(-day) }},
		"federated trust never has anything to issue": {kind: access.Federated, status: "due", ends: -20 * day, change: stolen},
	} {
		t.Run(name, func(t *testing.T) {
			before, after := issuedCredential(c.kind), issuedCredential(c.kind)
			if c.change != nil {
				c.change(after)
			}
			stateEnds := first.Add(30 * day)
			issue, anew, why := reissue(change{
				before: before, after: after, stateStatus: c.status, stateEnds: stateEnds, ends: stateEnds.Add(c.ends), endsKnown: true,
				fixed: c.kind == access.Certificate || c.kind == access.SSHCertificate || c.fixed,
			}, kept{IssuedAt: first, IssuedUntil: first.Add(22 * day)})
			if issue != c.want || anew != c.anew || anew != (why != "") {
				t.Errorf("issue %v, anew %v (%s), want %v, %v", issue, anew, why, c.want, c.anew)
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
