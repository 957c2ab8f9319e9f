// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"maps"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/ca"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// publication returns all access that is in force, or will be by itself: ends stand in it, and gateways compare them
// with their own clocks. What was removed, and credentials that were cut alone, are left out; an identity that is
// suspended or held stands in it as such, so that gateways can say why they refuse.
func (at *directory) publication(d *draft) policy.Publication {
	p := policy.Publication{
		Environment: at.options.Environment, Now: d.Now,
		ValidUntil:    d.Now.Add(at.options.PublicationLife).Truncate(time.Second),
		RevokedTokens: d.revokedTokens(), Hold: d.hold(), SSHDZone: at.options.SSHDZone,
	}
	index := map[access.IdentityID]int{}
	for _, e := range d.Ledger {
		if i, ok := e.Object.(*access.Identity); ok && !e.Removed() {
			stands := d.Standing(i.ID)
			index[i.ID] = len(p.Identities)
			p.Identities = append(p.Identities, policy.Identity{
				ID: i.ID, UID: e.History.UID, Above: d.Lineage(i.ID)[1:], EndsAt: stands.End,
				Suspended: d.cutIdentity(i.ID),
			})
		}
	}
	for _, e := range d.Ledger {
		n, found := index[e.Object.Holder()]
		if !found || e.Removed() {
			continue
		}
		holder := &p.Identities[n]
		switch o := e.Object.(type) {
		case *access.Credential:
			if d.HeldAlone(d.Holds, o) {
				continue
			}
			holder.Credentials = append(holder.Credentials, credentials(o, e, holder.EndsAt)...)
		case *access.Grant:
			holder.Grants = append(holder.Grants, policy.Grant{
				Name: o.Name, Resource: o.Resource, Actions: o.Actions, EndsAt: access.Earliest(e.Bound, holder.EndsAt),
			})
		}
	}
	return p
}

// credentials returns the proofs of one credential, each with its own end: of two secrets in an overlap, the old one
// ends before the new one.
func credentials(c *access.Credential, e *ledger.Entry, above time.Time) []policy.Credential {
	end := access.Earliest(e.Bound, above)
	if c.Federated != nil {
		return []policy.Credential{{Kind: c.Kind(), EndsAt: end, Networks: c.AllowedCIDRs, Trust: c.Federated}}
	}
	var proofs []policy.Credential
	for _, i := range e.Issued {
		proofs = append(proofs, policy.Credential{
			Kind: c.Kind(), EndsAt: i.End(end), Networks: c.AllowedCIDRs,
			Serial: i.Serial, Fingerprint: i.Fingerprint, KeyHash: i.KeyHash,
		})
	}
	return proofs
}

// revocationsOf returns the certificates that were revoked, and those on hold because their identity is cut: a gateway
// that asks only the lists would let them in.
func revocationsOf(d *draft) revocations {
	var out revocations
	for _, name := range slices.Sorted(maps.Keys(d.revoked)) {
		r := d.revoked[name]
		out.add(r.Kind, ca.Revoked{Serial: r.Serial, At: r.At, Hold: r.Withheld})
	}
	for _, ref := range order.Sorted(maps.Keys(d.Ledger), ledger.CompareRefs) {
		e := d.Ledger[ref]
		if c, ok := e.Credential(); ok &&
			len(e.Issued) > 0 &&
			!e.Removed() &&
			d.cut(c) {
			for _, i := range e.Issued {
				out.add(c.Kind(), ca.Revoked{Serial: i.Serial, At: d.Now, Hold: true})
			}
		}
	}
	return out
}
