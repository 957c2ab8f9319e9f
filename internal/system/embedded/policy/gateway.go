// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Request is what a gateway asks about: one of a key's hash, a certificate's fingerprint, and the claims of
// a token; from anywhere.
type Request struct {
	KeyHash, Fingerprint      string
	Issuer, Subject, Audience string
	Action, Path              string
}

// Allows decides as policy.rego does, on the bytes of data.json and hold.json: for rehearsals, which have no OPA at
// hand. A test compares the two.
func Allows(data, hold []byte, r Request, now time.Time) (bool, error) {
	var d document
	var h holdDocument
	if err := json.Unmarshal(data, &d); err != nil {
		return false, fmt.Errorf("read the policy data: %w", err)
	}
	if err := json.Unmarshal(hold, &h); err != nil {
		return false, fmt.Errorf("read who is on hold: %w", err)
	}
	p, ns := d.Partner.Published, now.UnixNano()
	if ns >= p.ValidUntilNS {
		return false, nil
	}
	return slices.ContainsFunc(p.proofs(r), func(proven proof) bool {
		holder, there := p.Identities[proven.Identity]
		return there &&
			proven.stands(h.Hold, ns) &&
			holder.stands(h.Hold, ns) &&
			holder.may(r, ns)
	}), nil
}

// stands reports whether a credential proves an identity at a moment, in nanoseconds since 1970. One that is bound to
// networks proves none here: nobody knows from where a rehearsal comes.
func (p proof) stands(h held, ns int64) bool {
	return ns < p.EndsAtNS && len(p.Networks) == 0 && !h.Held[p.Identity+"/"+string(p.Kind)]
}

// stands reports whether an identity has access at a moment, in nanoseconds since 1970.
func (i publishedIdentity) stands(h held, ns int64) bool {
	return ns < i.EndsAtNS && !i.Suspended && !h.holds(i.Lineage)
}

// may reports whether a grant of an identity allows a request at a moment, in nanoseconds since 1970.
func (i publishedIdentity) may(r Request, ns int64) bool {
	return slices.ContainsFunc(i.Grants, func(g publishedGrant) bool {
		return ns < g.EndsAtNS && slices.Contains(g.Actions, r.Action) && g.Resource.Matches(r.Path)
	})
}

// proofs returns the published credentials that a request proves to hold.
func (d *published) proofs(r Request) (found []proof) {
	if p, ok := d.Secrets[r.KeyHash]; ok {
		found = append(found, p)
	}
	if p, ok := d.Certificates[r.Fingerprint]; ok {
		found = append(found, p)
	}
	for _, p := range d.Trust[r.Issuer][r.Subject] {
		if slices.Contains(p.Audiences, r.Audience) {
			found = append(found, p)
		}
	}
	return found
}

// holds reports whether an identity is cut, or what it hangs on.
func (h *held) holds(lineage []string) bool {
	return slices.ContainsFunc(lineage, func(id string) bool {
		partner, _, _ := strings.Cut(id, "/")
		return h.Held[id] || (h.Held[partner] && !h.Released[id])
	})
}

// Login reports whether a line of a principals file lets an identity in at a moment, as sshd reads it. The zone is the
// one that the file was written for: see Publication.
func Login(principals []byte, id access.IdentityID, now time.Time, zone *time.Location) (bool, error) {
	for line := range strings.Lines(string(principals)) {
		options, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name != id.String() {
			continue
		}
		_, rest, _ := strings.Cut(options, `expiry-time="`)
		text, _, _ := strings.Cut(rest, `"`)
		until, err := readExpiryTime(text, zone)
		if err != nil {
			return false, fmt.Errorf("read the principals: the line of %s has no expiry-time", id)
		}
		return !now.Truncate(time.Second).After(until), nil
	}
	return false, nil
}
