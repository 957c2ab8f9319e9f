// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
)

// mute is a system that holds nothing, and notes what it is asked to revoke.
type mute struct {
	access.System
	revoked []access.Ref
	err     error
}

func (*mute) Capabilities() access.Capabilities { return access.Capabilities{} }

func (m *mute) Delete(_ context.Context, ref access.Ref, _ string) ([]access.Ref, error) {
	m.revoked = append(m.revoked, ref)
	return nil, m.err
}

func TestTheEndIsReadBack(t *testing.T) {
	asked := time.Date(2027, 2, 28, 0, 0, 0, 0, time.UTC)
	issuedAt := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	rotated := issuedAt.Add(22 * 24 * time.Hour) // what was issued lives for every and overlap
	for name, c := range map[string]struct {
		enforced, issued time.Duration // beyond what was asked for
		kept             bool          // nothing was issued
		revokes          error
		fails, warns     bool
		says             []string
	}{
		"as asked":         {},
		"a little earlier": {enforced: -90 * time.Second, issued: -90 * time.Second},
		"earlier": {
			enforced: -91 * time.Second,
			warns:    true,
			says:     []string{"2027-02-28T00:00:00Z", "2027-02-27T23:58:29Z"},
		},
		"a second later": {
			enforced: time.Second,
			fails:    true,
			says:     []string{"2027-02-28T00:00:00Z", "2027-02-28T00:00:01Z", "was revoked"},
		},
		"what was issued ends later": {
			issued: time.Hour,
			fails:  true,
			says:   []string{"the certificate or secret of", "2026-12-23T00:00:00Z", "2026-12-23T01:00:00Z"},
		},
		"what was issued ends earlier": {
			issued: -time.Hour,
			warns:  true,
			says:   []string{"the certificate or secret of", "2026-12-23T00:00:00Z", "2026-12-22T23:00:00Z"},
		},
		"what was issued before is no news": {issued: -time.Hour, kept: true},
		"a later one that cannot be revoked": {
			enforced: time.Second,
			revokes:  errors.New("the server is away"),
			fails:    true,
			says:     []string{"The server is away", "by hand now"},
		},
		"a later one that is gone already": {
			enforced: time.Second,
			revokes:  access.ErrNotFound,
			fails:    true,
			says:     []string{"was revoked"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			system := &mute{err: c.revokes}
			g := &governed[credentialModel, *credentialModel]{configured{newSession(system, guardrail.Settings{},
				"partners")}, access.TypeCredential}
			credential := issuedCredential(access.Secret)
			seen := observed{Record: &access.Record{
				Object: credential, EndsAt: asked.Add(c.enforced),
				Issued: &access.Issued{At: issuedAt, Until: rotated.Add(c.issued)},
			}}
			var diags diag.Diagnostics
			ok := g.readBack(t.Context(), seen, asked, !c.kept, &diags)
			if ok == c.fails || diags.HasError() != c.fails || len(system.revoked) > 0 != c.fails {
				t.Errorf("ok %v, revoked %v: %v", ok, system.revoked, diags)
			}
			if (diags.WarningsCount() > 0) != c.warns {
				t.Errorf("it warns of %v", diags.Warnings())
			}
			var said strings.Builder
			for _, d := range diags {
				said.WriteString(d.Summary() + " " + d.Detail() + " ")
			}
			for _, s := range c.says {
				if !strings.Contains(said.String(), s) {
					t.Errorf("it does not say %q: %s", s, &said)
				}
			}
		})
	}
}
