// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// The document of data.json. It is indexed by what a request proves, so that a decision looks up and never searches.
// The fields of each struct stand in the order of their JSON names: OPA signs a JSON file by its canonical form, and
// written so the file is that form itself.
type (
	document struct {
		Partner struct {
			Published published `json:"published"`
		} `json:"partner"`
	}
	published struct {
		Certificates map[string]proof              `json:"certificates"` // by fingerprint
		Environment  string                        `json:"environment"`
		Format       int                           `json:"format"`
		Identities   map[string]publishedIdentity  `json:"identities"`     // by id
		Issuer       string                        `json:"issuer"`         // of our own tokens
		Revoked      map[string]string             `json:"revoked_tokens"` // of these, by their jti: when each ends
		Secrets      map[string]proof              `json:"secrets"`        // by the hash of the key
		Serials      map[string]string             `json:"serials"`        // fingerprints by serial
		Trust        map[string]map[string][]proof `json:"trust"`          // by issuer and subject
		ValidUntil   string                        `json:"valid_until"`
		ValidUntilNS int64                         `json:"valid_until_ns"`
	}
	proof struct {
		Audiences []string `json:"audiences,omitempty"`
		end
		Identity string         `json:"identity"`
		Kind     access.Kind    `json:"kind"`
		Networks []netip.Prefix `json:"networks"` // [] is anywhere; a document without it admits from nowhere
		Serial   string         `json:"serial,omitempty"`
	}
	publishedIdentity struct {
		end
		Grants    []publishedGrant `json:"grants"`
		Lineage   []string         `json:"line"` // its own id, and those of what it hangs on
		Suspended bool             `json:"suspended"`
		UID       string           `json:"uid"`
	}
	publishedGrant struct {
		Actions []string `json:"actions"`
		end
		Name     string         `json:"name"`
		Open     bool           `json:"open"` // one or more segments follow
		Resource access.Pattern `json:"resource"`
		Segments []string       `json:"segments"`
	}
	end struct {
		EndsAt   string `json:"ends_at"`
		EndsAtNS int64  `json:"ends_at_ns"`
	}
)

const format = 3

// Data returns the policy data of a publication, as it is in data.json.
func Data(p Publication) ([]byte, error) {
	var d document
	d.Partner.Published = publish(p)
	text, err := canonical(d)
	if err != nil {
		return nil, fmt.Errorf("write the policy data: %w", err)
	}
	return text, nil
}

// canonical returns JSON as OPA hashes it: no white space, no escapes for HTML, and sorted names, if v has them sorted.
func canonical(v any) ([]byte, error) {
	var out bytes.Buffer
	w := json.NewEncoder(&out)
	w.SetEscapeHTML(false)
	if err := w.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// publish returns the document of a publication, with its proofs in an order of their own: the same
// access gives the same bytes.
func publish(p Publication) published {
	valid := ending(p.ValidUntil)
	out := published{
		Certificates: map[string]proof{}, Environment: p.Environment, Format: format,
		Identities: make(map[string]publishedIdentity, len(p.Identities)), Issuer: Issuer(p.Environment),
		Revoked: map[string]string{},
		Secrets: map[string]proof{}, Serials: map[string]string{},
		Trust: map[string]map[string][]proof{}, ValidUntil: valid.EndsAt, ValidUntilNS: valid.EndsAtNS,
	}
	for _, i := range p.Identities {
		out.Identities[i.ID.String()] = publishedIdentity{ending(i.EndsAt), grants(i.Grants), lineage(i), i.Suspended,
			i.UID}
		for _, c := range i.Credentials {
			out.add(i.ID.String(), c)
		}
	}
	for id, ends := range p.RevokedTokens {
		out.Revoked[id] = ending(ends).EndsAt
	}
	for _, subjects := range out.Trust {
		for _, proofs := range subjects {
			order.Sort(proofs, func(a, b proof) int {
				return cmp.Or(cmp.Compare(a.Identity, b.Identity), slices.Compare(a.Audiences, b.Audiences),
					cmp.Compare(a.EndsAtNS, b.EndsAtNS))
			})
		}
	}
	return out
}

// lineage returns the id of an identity, and behind it those of what it hangs on.
func lineage(i Identity) []string {
	ids := []string{i.ID.String()}
	for _, above := range i.Above {
		ids = append(ids, above.String())
	}
	return ids
}

// add publishes one credential. SSH certificates are not in it: no gateway but sshd sees them.
func (d *published) add(identity string, c Credential) {
	entry := proof{end: ending(c.EndsAt), Identity: identity, Kind: c.Kind, Networks: networks(c.Networks)}
	switch {
	case c.Kind == access.Federated && c.Trust != nil:
		entry.Audiences = slices.Sorted(slices.Values(c.Trust.Audiences))
		if d.Trust[c.Trust.Issuer] == nil {
			d.Trust[c.Trust.Issuer] = map[string][]proof{}
		}
		d.Trust[c.Trust.Issuer][c.Trust.Subject] = append(d.Trust[c.Trust.Issuer][c.Trust.Subject], entry)
	case c.Kind == access.Certificate && c.Fingerprint != "":
		fingerprint := strings.ToLower(c.Fingerprint)
		if c.Serial != "" {
			entry.Serial = strings.TrimLeft(strings.ToLower(c.Serial), "0") // programs differ in zeros and case
			d.Serials[entry.Serial] = fingerprint
		}
		d.Certificates[fingerprint] = entry
	case c.Kind == access.Secret && c.KeyHash != "":
		d.Secrets[strings.ToLower(c.KeyHash)] = entry
	}
}

func networks(given []netip.Prefix) []netip.Prefix {
	if len(given) == 0 {
		return []netip.Prefix{}
	}
	return access.MergeNetworks(given)
}

// grants returns grants as they are published, by name.
func grants(given []Grant) []publishedGrant {
	out := make([]publishedGrant, len(given))
	for i, g := range given {
		segments, open := strings.CutSuffix("/"+string(g.Resource), "/*")
		out[i] = publishedGrant{
			Actions: slices.Sorted(slices.Values(g.Actions)), end: ending(g.EndsAt),
			Name: g.Name, Open: open, Resource: g.Resource, Segments: strings.Split(segments, "/")[1:],
		}
	}
	order.Sort(out, func(a, b publishedGrant) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

var (
	firstNS = time.Unix(0, 0)
	lastNS  = time.Unix(0, math.MaxInt64)
)

// ending returns a moment for people and as nanoseconds since 1970, for cheap comparison. What does not fit in these is
// cut to the range: the zero time has long passed, and the year 9999 ends in 2262.
func ending(t time.Time) end {
	if t.Before(firstNS) {
		t = firstNS
	}
	if t.After(lastNS) {
		t = lastNS
	}
	return end{t.UTC().Format(time.RFC3339Nano), t.UnixNano()}
}
