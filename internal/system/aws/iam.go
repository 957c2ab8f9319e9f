// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// Each function here is one action of IAM, or one listing in all its pages, in the words of the other files. An
// action's name is made of the kind of principal ("Get" + "Role"), since IAM has the same ones for both.
//
// What removes takes "no such thing" for done. What may not be read, or a cloud does not know, is for the caller to
// weigh, but for listings that other clouds lack.

// group is a kind of principal that partners are not given. Somebody may have put a user into one, to give it something
// or to cut it.
const group kind = "Group"

// naming returns the parameters that name a principal to IAM, with others, as pairs of names and values.
func naming(p principal, more ...string) map[string]string {
	in := map[string]string{string(p.Kind) + "Name": p.Name}
	for n := 0; n+1 < len(more); n += 2 {
		in[more[n]] = more[n+1]
	}
	return in
}

// tag is one that IAM keeps of a principal.
type tag struct {
	Key   string `xml:"Key"`
	Value string `xml:"Value"`
}

// addTags adds tags to the parameters of an action. Lists are numbered from 1 in IAM's protocol.
func addTags(in, tags map[string]string) {
	for n, name := range slices.Sorted(maps.Keys(tags)) {
		at := "Tags.member." + strconv.Itoa(n+1)
		in[at+".Key"], in[at+".Value"] = name, tags[name]
	}
}

// described is what IAM tells of a role or a user, in whatever answer: the fields that an answer does not have stay
// empty.
type described struct {
	Name    string    `xml:"RoleName"`
	User    string    `xml:"UserName"`
	Path    string    `xml:"Path"`
	ARN     string    `xml:"Arn"`
	Created time.Time `xml:"CreateDate"`
	Trust   string    `xml:"AssumeRolePolicyDocument"`
	// Boundary is its permissions boundary; "" if there is none, or the listing does not tell (see
	// observer.withBoundary).
	Boundary string `xml:"PermissionsBoundary>PermissionsBoundaryArn"`
	Tags     []tag  `xml:"Tags>member"`
	// Use is when a role was used last; nil if that is not told, which is another thing than never.
	Use *struct {
		At time.Time `xml:"LastUsedDate"`
	} `xml:"RoleLastUsed"`
	// The rest is what only GetAccountAuthorizationDetails tells.
	RolePolicies []inline   `xml:"RolePolicyList>member"`
	UserPolicies []inline   `xml:"UserPolicyList>member"`
	Attached     []attached `xml:"AttachedManagedPolicies>member"`
	Groups       []string   `xml:"GroupList>member"`
}

// tagged returns the value of a tag; "" where there is none.
func (d *described) tagged(name string) string {
	for _, t := range d.Tags {
		if t.Key == name {
			return t.Value
		}
	}
	return ""
}

// uid returns the uid of the object that it was made for, by its tags; "" if they tell none, so that it was not made
// here or somebody took the tags away.
func (d *described) uid() string { return d.tagged(uidTag) }

// inline is a policy of a principal's own, and attached one that it shares.
type inline struct {
	Name string `xml:"PolicyName"`
	Text string `xml:"PolicyDocument"`
}

type attached struct {
	ARN string `xml:"PolicyArn"`
}

// key is an access key, as IAM tells of it. Its Status is "Active" or "Inactive".
type key struct {
	ID      string    `xml:"AccessKeyId"`
	Status  string    `xml:"Status"`
	Created time.Time `xml:"CreateDate"`
}

// plain returns a policy's text. IAM answers with it in the code of URLs (RFC 3986), as GetRolePolicy documents; other
// clouds may answer with it as it is.
func plain(text string) string {
	if !strings.HasPrefix(text, "%") {
		return text
	}
	if decoded, err := url.PathUnescape(text); err == nil {
		return decoded
	}
	return text
}

// describe reads a principal, without what hangs on it; client.ErrAbsent if there is none.
func (ac *account) describe(ctx context.Context, p principal) (d described, err error) {
	var out struct {
		Role described `xml:"GetRoleResult>Role"`
		User described `xml:"GetUserResult>User"`
	}
	if err := ac.Ask(ctx, "Get"+string(p.Kind), naming(p), &out); err != nil {
		return d, err
	}
	if d = out.Role; p.Kind == store.User {
		d = out.User
		d.Name = d.User
	}
	d.Trust = plain(d.Trust)
	return d, nil
}

// inlineNames lists the inline policies of a principal.
func (ac *account) inlineNames(ctx context.Context, p principal) (names []string, err error) {
	err = ac.Pages(ctx, "List"+string(p.Kind)+"Policies", naming(p), func(body []byte) error {
		var page struct {
			Role  []string `xml:"ListRolePoliciesResult>PolicyNames>member"`
			User  []string `xml:"ListUserPoliciesResult>PolicyNames>member"`
			Group []string `xml:"ListGroupPoliciesResult>PolicyNames>member"`
		}
		err := xml.Unmarshal(body, &page)
		names = append(names, slices.Concat(page.Role, page.User, page.Group)...)
		return err
	})
	return names, err
}

// inlineText reads an inline policy of a principal.
func (ac *account) inlineText(ctx context.Context, p principal, name string) (string, error) {
	var out struct {
		Role  string `xml:"GetRolePolicyResult>PolicyDocument"`
		User  string `xml:"GetUserPolicyResult>PolicyDocument"`
		Group string `xml:"GetGroupPolicyResult>PolicyDocument"`
	}
	err := ac.Ask(ctx, "Get"+string(p.Kind)+"Policy", naming(p, "PolicyName", name), &out)
	return plain(out.Role + out.User + out.Group), err
}

// attachedTo lists the managed policies that hang on a principal.
func (ac *account) attachedTo(ctx context.Context, p principal) (arns []string, err error) {
	err = ac.Pages(ctx, "ListAttached"+string(p.Kind)+"Policies", naming(p), func(body []byte) error {
		var page struct {
			Role  []attached `xml:"ListAttachedRolePoliciesResult>AttachedPolicies>member"`
			User  []attached `xml:"ListAttachedUserPoliciesResult>AttachedPolicies>member"`
			Group []attached `xml:"ListAttachedGroupPoliciesResult>AttachedPolicies>member"`
		}
		err := xml.Unmarshal(body, &page)
		for _, a := range slices.Concat(page.Role, page.User, page.Group) {
			arns = append(arns, a.ARN)
		}
		return err
	})
	return arns, err
}

// keysOf lists the access keys of a user.
func (ac *account) keysOf(ctx context.Context, p principal) (keys []key, err error) {
	err = ac.Pages(ctx, "ListAccessKeys", naming(p), func(body []byte) error {
		var page struct {
			Keys []key `xml:"ListAccessKeysResult>AccessKeyMetadata>member"`
		}
		err := xml.Unmarshal(body, &page)
		keys = append(keys, page.Keys...)
		return err
	})
	return keys, err
}

// lastUsed returns when a role was used last, zero where it never was, and whether that is told.
func (d *described) lastUsed() (at time.Time, told bool) {
	if d.Use == nil {
		return at, false
	}
	return d.Use.At.UTC(), true
}

// keyLastUsed returns when a key was used last; zero if it never was. IAM says "N/A" then, or nothing.
func (ac *account) keyLastUsed(ctx context.Context, id string) (time.Time, error) {
	var out struct {
		At string `xml:"GetAccessKeyLastUsedResult>AccessKeyLastUsed>LastUsedDate"`
	}
	if err := ac.Ask(ctx, "GetAccessKeyLastUsed", map[string]string{"AccessKeyId": id}, &out); err != nil {
		return time.Time{}, err
	}
	if out.At == "" || out.At == "N/A" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, out.At)
	return at.UTC(), err
}

// keyOwner returns the user whose a key is; "" if there is no such key, or IAM does not tell. GetAccessKeyLastUsed is
// the one action that finds a user by its key.
func (ac *account) keyOwner(ctx context.Context, id string) (string, error) {
	var out struct {
		User string `xml:"GetAccessKeyLastUsedResult>UserName"`
	}
	err := ac.Ask(ctx, "GetAccessKeyLastUsed", map[string]string{"AccessKeyId": id}, &out)
	// so AWS answers of a key that it does not have
	if errors.Is(err, access.ErrNotPermitted) {
		return "", nil
	}
	return out.User, client.Supported(client.Gone(err))
}

// putInline writes an inline policy of a principal, in place of one of that name.
func (ac *account) putInline(ctx context.Context, p principal, name, text string) error {
	return ac.Ask(ctx, "Put"+string(p.Kind)+"Policy", naming(p, "PolicyName", name, "PolicyDocument", text), nil)
}

// bound puts a principal within a boundary.
func (ac *account) bound(ctx context.Context, p principal, boundary string) error {
	return ac.Ask(ctx, "Put"+string(p.Kind)+"PermissionsBoundary", naming(p, "PermissionsBoundary", boundary), nil)
}

// dropInline removes an inline policy of a principal; one that is gone is no error.
func (ac *account) dropInline(ctx context.Context, p principal, name string) error {
	return client.Gone(ac.Ask(ctx, "Delete"+string(p.Kind)+"Policy", naming(p, "PolicyName", name), nil))
}

// namesAt lists the roles or users at a folder and below it.
func (ac *account) namesAt(ctx context.Context, k kind, folder string) (names []string, err error) {
	err = ac.Pages(ctx, "List"+string(k)+"s", map[string]string{"PathPrefix": folder}, func(body []byte) error {
		var page struct {
			Roles []string `xml:"ListRolesResult>Roles>member>RoleName"`
			Users []string `xml:"ListUsersResult>Users>member>UserName"`
		}
		err := xml.Unmarshal(body, &page)
		names = append(append(names, page.Roles...), page.Users...)
		return err
	})
	return names, client.Supported(err)
}

// groupsOf lists the groups that a user is a member of.
func (ac *account) groupsOf(ctx context.Context, p principal) (groups []string, err error) {
	err = ac.Pages(ctx, "ListGroupsForUser", naming(p), func(body []byte) error {
		var page struct {
			Names []string `xml:"ListGroupsForUserResult>Groups>member>GroupName"`
		}
		err := xml.Unmarshal(body, &page)
		groups = append(groups, page.Names...)
		return err
	})
	return groups, client.Supported(client.Gone(err))
}

// leave takes a user out of groups.
func (ac *account) leave(ctx context.Context, p principal, groups []string) error {
	for _, g := range groups {
		if err := client.Gone(ac.Ask(ctx, "RemoveUserFromGroup", naming(p, "GroupName", g), nil)); err != nil {
			return err
		}
	}
	return nil
}

// dropKey deletes an access key; one that is gone is no error.
func (ac *account) dropKey(ctx context.Context, p principal, id string) error {
	return client.Gone(ac.Ask(ctx, "DeleteAccessKey", naming(p, "AccessKeyId", id), nil))
}

// dropPassword takes from a user its password for the console, which somebody may have given it. Without one it is no
// error.
func (ac *account) dropPassword(ctx context.Context, p principal) error {
	return client.Supported(client.Gone(ac.Ask(ctx, "DeleteLoginProfile", naming(p), nil)))
}

// detach takes a managed policy off a principal; one that is gone is no error.
func (ac *account) detach(ctx context.Context, p principal, arn string) error {
	return client.Gone(ac.Ask(ctx, "Detach"+string(p.Kind)+"Policy", naming(p, "PolicyArn", arn), nil))
}

// opened is what is sealed to the partner, as JSON: what `credential_process` of AWS's own programs is to print.
// Version is always 1.
type opened struct {
	Version         int
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
}

// createKey makes an access key. It is not asked for again if the answer was lost: nobody would ever know the first
// one, and a user has room for two.
func (ac *account) createKey(ctx context.Context, u principal) (made opened, err error) {
	var out struct {
		ID     string `xml:"CreateAccessKeyResult>AccessKey>AccessKeyId"`
		Secret string `xml:"CreateAccessKeyResult>AccessKey>SecretAccessKey"`
	}
	if err := ac.Query(ctx, "CreateAccessKey", naming(u), &out, true); err != nil {
		return made, err
	}
	if out.ID == "" || out.Secret == "" {
		return made, fmt.Errorf("%w: CreateAccessKey answers without a key", access.ErrUnavailable)
	}
	return opened{1, out.ID, out.Secret}, nil
}

// managed reads a policy that can be attached, in the version that is in force.
func (ac *account) managed(ctx context.Context, arn string) (string, error) {
	var p struct {
		Version string `xml:"GetPolicyResult>Policy>DefaultVersionId"`
	}
	if err := ac.Ask(ctx, "GetPolicy", map[string]string{"PolicyArn": arn}, &p); err != nil {
		return "", err
	}
	var v struct {
		Text string `xml:"GetPolicyVersionResult>PolicyVersion>Document"`
	}
	err := ac.Ask(ctx, "GetPolicyVersion", map[string]string{"PolicyArn": arn, "VersionId": p.Version}, &v)
	return plain(v.Text), err
}
