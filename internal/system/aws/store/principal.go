// SPDX-License-Identifier: MPL-2.0

package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Principal is a role or a user that was made for one thing that was issued.
type Principal struct {
	Kind Kind   `json:"kind"`
	Name string `json:"name"`
	// Path is the folder of its identity: /partner/acme/prod/.
	Path string `json:"path"`
	// Key is the id of its access key, where it is a user; "" until it has one.
	Key string `json:"key,omitempty"`
	// Built: IAM had all of it once. What is missing of it since, somebody took away.
	Built bool `json:"built,omitempty"`
	// Granted: IAM had its policy partner-grants since the page names a grant.
	Granted bool `json:"granted,omitempty"`
	// Known: IAM had it once. What bears its name and another ledger's tag is it, and somebody changed the tag.
	Known bool `json:"known,omitempty"`
}

// Root is the folder of all principals that are made here.
const Root = "/partner/"

// FolderOf returns the folder of an identity's principals.
func FolderOf(id access.IdentityID) string { return Root + id.Partner + "/" + id.Environment + "/" }

// mostName is how long the name of a principal may be.
const mostName = 64

// NameOf returns a principal's name. Names are unique in an account whatever their folder, and case does not tell
// them apart. Ids have no dots, so that no two are one; one that is too long is its beginning, a sign that no id has,
// and half of its SHA-256.
func NameOf(id access.IdentityID, of string) string {
	text := strings.Join([]string{"partner", id.Partner, id.Environment, id.Name, of}, ".")
	if len(text) <= mostName {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	digest := hex.EncodeToString(sum[:16])
	return text[:mostName-1-len(digest)] + "=" + digest
}

// RoleOf returns the role of an identity's federated credential.
func RoleOf(id access.IdentityID) Principal {
	return Principal{Kind: Role, Name: NameOf(id, string(access.Federated)), Path: FolderOf(id)}
}

// UserOf returns the user of an identity's key of a number.
func UserOf(id access.IdentityID, number int) Principal {
	return Principal{Kind: User, Name: NameOf(id, fmt.Sprintf("%s.%d", access.Secret, number)), Path: FolderOf(id)}
}

// Keys are the ids of the keys that it is known to have.
func (p Principal) Keys() []string {
	if p.Key == "" {
		return nil
	}
	return []string{p.Key}
}

// Handle is what IAM tells it from others by: a role and a user may have one name.
func (p Principal) Handle() string { return string(p.Kind) + " " + p.Name }

// String names it as people do.
func (p Principal) String() string {
	path := p.Path
	if path == "" {
		path = "/"
	}
	return strings.ToLower(string(p.Kind)) + path + p.Name
}

// ARN returns its ARN.
func (p Principal) ARN(partition, account string) string {
	return "arn:" + partition + ":iam::" + account + ":" + p.String()
}

// Kind is a kind of principal, as IAM calls it.
type Kind string

// The kinds of principals that partners are given.
const (
	Role Kind = "Role"
	User Kind = "User"
)

// AdoptedOf returns the user that an identity has adopted.
func AdoptedOf(id access.IdentityID) Principal {
	return Principal{Kind: User, Name: NameOf(id, "adopted"), Path: FolderOf(id)}
}
