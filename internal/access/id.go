// SPDX-License-Identifier: MPL-2.0

package access

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Type is the type of a governed object.
type Type string

// The types of governed objects.
const (
	TypeIdentity   Type = "identity"
	TypeCredential Type = "credential"
	TypeGrant      Type = "grant"
)

// Ref names one object of a system.
type Ref struct {
	Type Type
	ID   string
}

// String returns the reference as people say it: "grant acme/prod/etl/daily".
func (r Ref) String() string { return string(r.Type) + " " + r.ID }

// partPattern is what each part of an id matches: lower case, digits and hyphens, so that no id climbs a path or
// changes the meaning of a policy that it is written into.
const partPattern = `^[a-z0-9][a-z0-9-]{0,62}$`

var part = regexp.MustCompile(partPattern)

// ValidPart reports whether s may be one part of an id.
func ValidPart(s string) bool { return part.MatchString(s) }

// CheckPart returns an error where a text may be no part of an id: what is the name of what, and what to write.
func CheckPart(text, what string) error {
	if ValidPart(text) {
		return nil
	}
	meant := strings.Trim(notSlug.ReplaceAllString(strings.ToLower(strings.TrimSpace(text)), "-"), "-")
	if ascii := strings.IndexFunc(text, func(c rune) bool { return c > '~' }) < 0; ascii && ValidPart(meant) {
		return fmt.Errorf("%q is not %s: write 1 to 63 of a-z 0-9 and -, beginning with a letter or a "+
			"digit, such as %s", text, what, meant)
	}
	return fmt.Errorf("%q is not %s: write 1 to 63 of a-z 0-9 and -, beginning with a letter or a digit", text, what)
}

// IdentityID names an identity: partner/environment/name.
type IdentityID struct{ Partner, Environment, Name string }

// String returns the id as text, or "" for the zero id.
func (id IdentityID) String() string {
	if id == (IdentityID{}) {
		return ""
	}
	return id.Partner + "/" + id.Environment + "/" + id.Name
}

// Ref returns the reference to the identity of this id.
func (id IdentityID) Ref() Ref { return Ref{TypeIdentity, id.String()} }

// Compare orders ids by their text, part by part.
func (id IdentityID) Compare(other IdentityID) int {
	return strings.Compare(id.String(), other.String())
}

// maxCommonName is ub-common-name of RFC 5280, appendix A.1.
const maxCommonName = 64

// CommonName returns the common name of the identity's X.509 certificates: its id. An id can have 191
// characters and a common name 64, so a longer one is its first 31, a colon (which no id has, so that it is
// nobody's id), and half of its SHA-256 in hexadecimal digits. It stands there for gateways that know clients
// by their subject only, such as nginx.
func (id IdentityID) CommonName() string {
	text := id.String()
	if len(text) <= maxCommonName {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	digest := hex.EncodeToString(sum[:16])
	return text[:maxCommonName-1-len(digest)] + ":" + digest
}

// MarshalText writes the id as text.
func (id IdentityID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (id *IdentityID) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*id = IdentityID{}
		return nil
	}
	parsed, err := ParseIdentityID(string(text))
	*id = parsed
	return err
}

// ParseIdentityID reads partner/environment/name.
func ParseIdentityID(text string) (IdentityID, error) {
	parts := strings.Split(text, "/")
	if len(parts) != 3 ||
		!ValidPart(parts[0]) ||
		!ValidPart(parts[1]) ||
		!ValidPart(parts[2]) {
		return IdentityID{}, fmt.Errorf("%q is not an identity's id: write partner/environment/name, each of a-z 0-9 "+
			"- and at most 63 characters", text)
	}
	return IdentityID{parts[0], parts[1], parts[2]}, nil
}

// parseCredentialID reads partner/environment/name/kind.
func parseCredentialID(text string) (IdentityID, Kind, error) {
	holder, last, err := splitChild(text)
	if err != nil || traitOf(Kind(last)) == nil {
		return IdentityID{}, "", fmt.Errorf("%q is not a credential's id: write partner/environment/name/kind, the "+
			"kind being %s", text, OneOf(Kinds()))
	}
	return holder, Kind(last), nil
}

// OneOf lists kinds as a choice: "federated, certificate or secret".
func OneOf(kinds []Kind) (text string) {
	for i, k := range kinds {
		switch {
		case i == 0:
		case i == len(kinds)-1:
			text += " or "
		default:
			text += ", "
		}
		text += string(k)
	}
	return text
}

// parseGrantID reads partner/environment/name/grant.
func parseGrantID(text string) (IdentityID, string, error) {
	holder, last, err := splitChild(text)
	if err != nil || !ValidPart(last) {
		return IdentityID{}, "", fmt.Errorf("%q is not a grant's id: write partner/environment/name/grant, each of "+
			"a-z 0-9 - and at most 63 characters", text)
	}
	return holder, last, nil
}

// ParseRef reads an id of a type, and returns the identity that the object is of.
func ParseRef(t Type, id string) (Ref, IdentityID, error) {
	var holder IdentityID
	var err error
	switch t {
	case TypeIdentity:
		holder, err = ParseIdentityID(id)
	case TypeCredential:
		holder, _, err = parseCredentialID(id)
	case TypeGrant:
		holder, _, err = parseGrantID(id)
	default:
		err = fmt.Errorf("%q is no type of object", t)
	}
	return Ref{t, id}, holder, err
}

func splitChild(text string) (IdentityID, string, error) {
	cut := strings.LastIndexByte(text, '/')
	if cut < 0 {
		return IdentityID{}, "", fmt.Errorf("%q has no parts", text)
	}
	holder, err := ParseIdentityID(text[:cut])
	return holder, text[cut+1:], err
}

var notSlug = regexp.MustCompile(`[^a-z0-9]+`)

// GrantName returns the name of a grant that was given none: the slug of its resource, and 8 hexadecimal digits of the
// SHA-256 of its resource and sorted actions, at most 63 characters.
func GrantName(resource Pattern, actions []string) string {
	sorted := slices.Sorted(slices.Values(actions))
	sum := sha256.Sum256([]byte(string(resource) + "\n" + strings.Join(sorted, "\n")))
	digest := hex.EncodeToString(sum[:4])
	slug := strings.Trim(notSlug.ReplaceAllString(strings.ToLower(string(resource)), "-"), "-")
	if limit := 63 - len(digest) - 1; len(slug) > limit {
		slug = strings.TrimRight(slug[:limit], "-")
	}
	if slug == "" {
		return digest
	}
	return slug + "-" + digest
}
