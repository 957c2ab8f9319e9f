// SPDX-License-Identifier: MPL-2.0

package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Principal is a role or a user that was made for one thing that was issued: a federated credential has a role, each
// access key a user. IAM can end neither a key nor the sessions of one of two credentials by itself, so each has a
// principal that can end.
type Principal struct {
	Kind Kind `json:"kind"`
	// Name follows from the identity (see NameOf), so a page can claim no other's.
	Name string `json:"name"`
	// Path is the folder of its identity: /partner/acme/prod/.
	Path string `json:"path"`
	// Key is the id of its access key, where it is a user; "" until it has one.
	Key string `json:"key,omitempty"`
	// Built: IAM had all of it once. What is missing of it since, somebody took away, which is a cut by hand.
	Built bool `json:"built,omitempty"`
	// Granted: IAM had its policy partner-grants, since the page names a grant.
	Granted bool `json:"granted,omitempty"`
	// Known: IAM had it once. If something bears its name and another ledger's tag, it is this one, and somebody
	// changed the tag.
	Known bool `json:"known,omitempty"`
}

// Root is the folder of all principals that are made here.
const Root = "/partner/"

// FolderOf returns the folder of an identity's principals, such as /partner/acme/prod/. The shipped rights are bound to
// it.
func FolderOf(id access.IdentityID) string { return Root + id.Partner + "/" + id.Environment + "/" }

// mostName is how long the name of a principal may be (AWS IAM, quotas: names of roles and users).
const mostName = 64

// NameOf returns a principal's name, such as partner.acme.prod.etl.secret.1. Names are unique in an account whatever
// their folder, and case does not tell them apart (AWS IAM, quotas). Ids have no dots, so no two of them give one name.
// One that is too long is its beginning, a sign that no id has, and half of its SHA-256.
func NameOf(id access.IdentityID, of string) string {
	text := strings.Join([]string{"partner", id.Partner, id.Environment, id.Name, of}, ".")
	if len(text) <= mostName {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	digest := hex.EncodeToString(sum[:16])
	return text[:mostName-1-len(digest)] + "=" + digest
}

// RoleOf returns the role of an identity's federated credential, of which it has one at most.
func RoleOf(id access.IdentityID) Principal {
	return Principal{Kind: Role, Name: NameOf(id, string(access.Federated)), Path: FolderOf(id)}
}

// UserOf returns the user of an identity's key of a number. Each key that is issued has a new one, and so a name that
// no key had before.
func UserOf(id access.IdentityID, number int) Principal {
	return Principal{Kind: User, Name: NameOf(id, fmt.Sprintf("%s.%d", access.Secret, number)), Path: FolderOf(id)}
}

// Keys returns the ids of the keys that it is known to have: one, or none.
func (p Principal) Keys() []string {
	if p.Key == "" {
		return nil
	}
	return []string{p.Key}
}

// Handle returns what IAM tells it from others by: a role and a user may have one name.
func (p Principal) Handle() string { return string(p.Kind) + " " + p.Name }

// String names it as people do: "role/partner/acme/prod/partner.acme.prod.etl.federated".
func (p Principal) String() string {
	path := p.Path
	if path == "" {
		path = "/"
	}
	return strings.ToLower(string(p.Kind)) + path + p.Name
}

// ARN returns its ARN in an account.
func (p Principal) ARN(partition, account string) string {
	return "arn:" + partition + ":iam::" + account + ":" + p.String()
}

// Kind is a kind of principal, as the names of IAM's actions have it: "Create" + Kind.
type Kind string

// The kinds of principals that partners are given.
const (
	Role Kind = "Role"
	User Kind = "User"
)

// AdoptedOf returns the user that an identity has adopted, by the name that it was moved to.
func AdoptedOf(id access.IdentityID) Principal {
	return Principal{Kind: User, Name: NameOf(id, "adopted"), Path: FolderOf(id)}
}
