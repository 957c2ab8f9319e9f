// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// principal is a role or a user that was made for one thing that was issued.
type principal struct {
	Kind kind   `json:"kind"`
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

// root is the folder of all principals that are made here.
const root = "/partner/"

// folderOf returns the folder of an identity's principals.
func folderOf(id access.IdentityID) string { return root + id.Partner + "/" + id.Environment + "/" }

// mostName is how long the name of a principal may be.
const mostName = 64

// nameOf returns a principal's name. Names are unique in an account whatever their folder, and case does not tell them apart. Ids have no
// dots, so that no two are one; one that is too long is its beginning, a sign that no id has, and half of its SHA-256.
func nameOf(id access.IdentityID, of string) string {
	text := strings.Join([]string{"partner", id.Partner, id.Environment, id.Name, of}, ".")
	if len(text) <= mostName {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	digest := hex.EncodeToString(sum[:16])
	return text[:mostName-1-len(digest)] + "=" + digest
}

// roleOf returns the role of an identity's federated credential.
func roleOf(id access.IdentityID) principal {
	return principal{Kind: role, Name: nameOf(id, string(access.Federated)), Path: folderOf(id)}
}

// userOf returns the user of an identity's key of a number.
func userOf(id access.IdentityID, number int) principal {
	return principal{Kind: user, Name: nameOf(id, fmt.Sprintf("%s.%d", access.Secret, number)), Path: folderOf(id)}
}

// keys are the ids of the keys that it is known to have.
func (p principal) keys() []string {
	if p.Key == "" {
		return nil
	}
	return []string{p.Key}
}

// handle is what IAM tells it from others by: a role and a user may have one name.
func (p principal) handle() string { return string(p.Kind) + " " + p.Name }

// named returns the parameters that name it to IAM, with others.
func (p principal) named(more ...string) map[string]string {
	in := map[string]string{string(p.Kind) + "Name": p.Name}
	for n := 0; n+1 < len(more); n += 2 {
		in[more[n]] = more[n+1]
	}
	return in
}

// String names it as people do.
func (p principal) String() string {
	path := p.Path
	if path == "" {
		path = "/"
	}
	return strings.ToLower(string(p.Kind)) + path + p.Name
}

// arn returns its ARN.
func (p principal) arn(partition, account string) string {
	return "arn:" + partition + ":iam::" + account + ":" + p.String()
}

// kind is a kind of principal, by what IAM's actions call it.
type kind string

const (
	role kind = "Role"
	user kind = "User"
	// group is none that partners are given: somebody may have put a user into one.
	group kind = "Group"
)

const (
	uidTag    = "partner:uid"
	endTag    = "partner:ends-at"
	issuerTag = "partner:issuer"
	// systemTag is the id of the access system: two ledgers in one account share its names.
	systemTag = "partner:system"
	// identityTag says whose a principal is where the page does not.
	identityTag = "partner:identity"
)

// adoptedOf returns the user that an identity has adopted.
func adoptedOf(id access.IdentityID) principal {
	return principal{Kind: user, Name: nameOf(id, "adopted"), Path: folderOf(id)}
}

// wasTag says what a user was before it was moved to be adopted.
const wasTag = "partner:was"
