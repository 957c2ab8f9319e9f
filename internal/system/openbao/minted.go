// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// What an engine gave out while a grant stood. A destroy says it as a warning, since it cannot be taken back: OpenBao
// keeps neither with a certificate nor with a lease as whom it was asked for, and to revoke all of it would cut off
// others. Nothing here fails: what cannot be looked up is said to be unknown.

// mostNamed is how many certificates a warning names.
const mostNamed = 10

// Minted names what the engine of a privileged grant gave out since a moment and nobody has revoked, as sentences with
// the commands that revoke it.
func (s *scout) Minted(ctx context.Context, g *access.Grant, since time.Time) []string {
	m, ok := s.mountOfGrant(ctx, g)
	_, wild := g.Resource.Fixed()
	var ended []string
	if s.sessions.hasEnded(g.IdentityID) {
		ended = []string{"The partner's sessions were revoked, with everything leased to them."}
	}
	switch {
	case ok && m.kind == "pki":
		return append(ended, s.signedSince(ctx, m, since)...)
	case ok && !wild:
		return append(ended, s.leased(ctx, g.Resource)...)
	}
	return append(ended, fmt.Sprintf("What came from %s is not known here: see OpenBao's audit log.", g.Resource))
}

// mountOfGrant returns the one mount that a grant lies on; not ok if that is not certain.
func (s *scout) mountOfGrant(ctx context.Context, g *access.Grant) (place, bool) {
	at, err := s.lookOnce(ctx)
	if err != nil {
		return place{}, false
	}
	s.probing.Lock()
	on, certain := s.lay(at.engines, at.children, at.unlisted, nil).at(g.Resource.Segments())
	s.probing.Unlock()
	if !certain {
		return place{}, false
	}
	return on[0], true
}

// signedSince names the certificates that an authority signed since a moment, and that neither ended nor were revoked.
// An engine dates them back, by 30 s unless the role says otherwise (not_before_duration), so ten minutes are allowed
// for.
func (s *scout) signedSince(ctx context.Context, m place, since time.Time) []string {
	var all struct {
		Certificates map[string]signedCertificate `json:"key_info"`
	}
	if err := client.Gone(s.client.List(ctx, m.String()+"certs/detailed", &all)); err != nil {
		return []string{fmt.Sprintf("Nobody knows which certificates %s signed since %s: the login may not list "+
			"%scerts/detailed.", m, access.At(since), m)}
	}
	var revoked struct {
		Keys []string `json:"keys"`
	}
	_ = s.client.List(ctx, m.String()+"certs/revoked", &revoked) // who may not list it is told of all
	var named []string
	for _, serial := range slices.Sorted(maps.Keys(all.Certificates)) {
		c := all.Certificates[serial]
		if slices.Contains(revoked.Keys, serial) {
			continue
		}
		if c.NotAfter.After(s.now()) && c.NotBefore.After(since.Add(-10*time.Minute)) {
			named = append(named, fmt.Sprintf("%s (%s, until %s)", serial, c.CommonName, access.At(c.NotAfter)))
		}
	}
	said := "Certificates that a role does not store are not among them, and only the audit log says who asked"
	if len(named) == 0 {
		return []string{fmt.Sprintf("%s stores no certificate that it signed since %s and that is still valid. %s.", m,
			access.At(since), said)}
	}
	more := ""
	if n := len(named) - mostNamed; n > 0 {
		named, more = named[:mostNamed], fmt.Sprintf(", and %d more", n)
	}
	return []string{fmt.Sprintf("%s signed these since %s, and they are still valid: %s%s. %s. Revoke the "+
		"partner's: %s",
		m, access.At(since), strings.Join(named, ", "), more, said,
		s.ownShell().revoke(strings.TrimSuffix(m.String(), "/"), "SERIAL"))}
}

// leased says how many leases there are of a path, everybody's. Those of a session end with it.
func (s *scout) leased(ctx context.Context, path access.Pattern) []string {
	const sessions = "A lease ends with the session that got it, at the latest"
	leases, err := s.countLeases(ctx, path)
	switch {
	case err != nil:
		return []string{fmt.Sprintf("Nobody knows how many leases of %s there are: the login may not list them. %s. "+
			"What has no lease, such as a signature or an export, is only in the audit log.", path, sessions)}
	case leases == 0:
		return []string{fmt.Sprintf("There is no lease of %s. What has no lease, such as a signature or an export, is "+
			"only in the audit log.", path)}
	}
	return []string{fmt.Sprintf("There are %d leases of %s, the partner's and all others. %s. To end all of "+
		"them now: %s",
		leases, path, sessions, s.ownShell().revokeLeases(string(path)))}
}

// countLeases counts the leases of a path. Listing them takes a right that no shipped policy has.
func (s *scout) countLeases(ctx context.Context, path access.Pattern) (int, error) {
	var all struct {
		Keys []string `json:"keys"`
	}
	err := client.Gone(s.client.List(ctx, "sys/leases/lookup/"+string(path), &all))
	return len(all.Keys), err
}
