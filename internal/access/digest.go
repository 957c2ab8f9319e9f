// SPDX-License-Identifier: MPL-2.0

package access

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
)

// digestVersion begins every digest. A spreadsheet takes nothing that begins with it for a number, a date or a formula.
const digestVersion = "v1"

// Digest returns a digest of exactly the access that an object gives: to whom, by which key or trust, from where, to do
// what. Ends, owners and words are not in it. The same access gives the same digest, however it is written. Its second
// part is of the object's type and id alone.
func Digest(o Object) string {
	ref := o.Ref()
	return strings.Join([]string{digestVersion, nameDigest(ref), hexOf(canonical(o), 16)}, "-")
}

// DigestNames reports whether a digest is of an object with this type and id, whatever its access is.
func DigestNames(digest string, ref Ref) bool {
	parts := strings.Split(digest, "-")
	return len(parts) == 3 &&
		parts[0] == digestVersion &&
		parts[1] == nameDigest(ref) &&
		len(parts[2]) == 32
}

func nameDigest(ref Ref) string { return hexOf([]byte(ref.String()), 4) }

func hexOf(text []byte, bytes int) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:bytes])
}

// canonical returns the access of an object as JSON: the same access gives the same bytes.
func canonical(o Object) []byte {
	var gives any
	switch o := o.(type) {
	case *Identity:
		gives = struct {
			ID, Parent string
			Ceiling    []Pattern
			Levels     int64
		}{o.ID.String(), o.ParentID.String(), slices.Compact(slices.Sorted(slices.Values(o.Ceiling))), o.Levels()}
	case *Credential:
		gives = credentialGives(o)
	case *Grant:
		gives = struct {
			ID       string
			Resource Pattern
			Actions  []string
		}{o.Ref().ID, o.Resource, slices.Compact(slices.Sorted(slices.Values(o.Actions)))}
	}
	text, _ := json.Marshal(gives) // texts and a number: they can always be written
	return text
}

// credentialGives returns what the digest of a credential is of. What came later is left out where it is empty, so that
// digests that were signed before stay what they were.
func credentialGives(c *Credential) any {
	var networks []string
	for _, n := range MergeNetworks(c.AllowedCIDRs) {
		networks = append(networks, n.String())
	}
	gives := struct {
		ID, Key, Issuer, Subject string
		Audiences, Networks      []string
		Principal                string `json:",omitempty"`
		ExternalID               string `json:",omitempty"`
	}{ID: c.Ref().ID, Key: c.KeyFingerprint(), Networks: networks}
	if trust := c.Federated; trust != nil {
		gives.Issuer, gives.Subject = trust.Issuer, trust.Subject
		gives.Principal = trust.AWSPrincipal
		gives.ExternalID = trust.ExternalID
		gives.Audiences = slices.Compact(slices.Sorted(slices.Values(trust.Audiences)))
	}
	return gives
}
