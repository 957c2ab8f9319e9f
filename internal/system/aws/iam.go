// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
)

// kind is a kind of principal, by what IAM's actions call it.
type kind string

const (
	role kind = "Role"
	user kind = "User"
	// group is none that partners are given: somebody may have put a user into one.
	group kind = "Group"
)

// iamVersion is the only version of IAM's interface.
const iamVersion = "2010-05-08"

// ofForms returns the header of what IAM and STS are asked with.
func ofForms() map[string]string {
	return map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
}

// ask sends an action to IAM, and reads the answer into out.
func (c *client) ask(ctx context.Context, action string, in map[string]string, out any) error {
	return c.query(ctx, action, in, out, false)
}

func (c *client) query(ctx context.Context, action string, in map[string]string, out any, once bool) error {
	if err := c.lacking(action); err != nil {
		return err
	}
	form := url.Values{"Action": {action}, "Version": {iamVersion}}
	for name, value := range in {
		form.Set(name, value)
	}
	r := request{
		service: "iam", region: policy.PartitionOf(c.options.Region).IAMRegion, method: http.MethodPost, url: c.options.iamEndpoint(),
		header: ofForms(), body: []byte(form.Encode()), once: once,
	}
	a, err := c.send(ctx, r)
	for errors.Is(err, errAbsent) && c.unheard(action, in) {
		if err := access.Pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
		a, err = c.send(ctx, r)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", action, err)
		c.noteLacking(action, err)
		return err
	}
	if out == nil {
		return nil
	}
	return decoded(action, a, out)
}

// noteLacking notes that another cloud than AWS does not serve an action, and lacking returns its answer: it is not asked again for each principal.
func (c *client) noteLacking(action string, err error) {
	var said *apiError
	if c.options.Endpoints.IAM == "" || !errors.As(err, &said) || said.code != "InvalidAction" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lacks[action] = err
}

func (c *client) lacking(action string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lacks[action]
}

// noteMade notes that a principal was made, and noteRemoved that it is to go.
func (c *client) noteMade(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made[name] = access.WallClock()
}

func (c *client) noteRemoved(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.made, name)
}

// ofPrincipals begin the actions that are about a principal and nothing that hangs on it: what they do not find is the principal.
var ofPrincipals = regexp.MustCompile(`^(Put|Update|Tag|List|CreateAccessKey$|GetRole$|GetUser$)`)

// unheard reports whether IAM may not have heard yet of the principal that an action is about, since it was made a moment ago.
func (c *client) unheard(action string, in map[string]string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, made := c.made[in["RoleName"]+in["UserName"]]
	return made && ofPrincipals.MatchString(action) && access.WallClock().Sub(at) < c.options.Patience
}

// pages asks for all pages of a list, and gives each to read.
func (c *client) pages(ctx context.Context, action string, in map[string]string, read func(body []byte) error) error {
	for {
		var raw struct {
			Inner []byte `xml:",innerxml"`
		}
		if err := c.ask(ctx, action, in, &raw); err != nil {
			return err
		}
		body := []byte("<answer>" + string(raw.Inner) + "</answer>")
		if err := read(body); err != nil {
			return fmt.Errorf("%w: %s: %w", access.ErrUnavailable, action, err)
		}
		switch next, more := following(body); {
		case !more:
			return nil
		case next == "" || next == in["Marker"]: // what is missing would be taken for gone
			return fmt.Errorf("%w: %s: the answer is incomplete and does not say where it continues", access.ErrUnavailable, action)
		default:
			in["Marker"] = next
		}
	}
}

// following returns where the next page of a list begins, and whether there is one. Who does not say that names the place where there is.
func following(body []byte) (next string, more bool) {
	told := false
	for d := xml.NewDecoder(bytes.NewReader(body)); ; {
		t, err := d.Token()
		if err != nil {
			return next, more || !told && next != ""
		}
		begin, ok := t.(xml.StartElement)
		switch {
		case ok && begin.Name.Local == "Marker":
			_ = d.DecodeElement(&next, &begin)
		case ok && begin.Name.Local == "IsTruncated":
			told = d.DecodeElement(&more, &begin) == nil
		}
	}
}

// tag is one that IAM keeps of a principal.
type tag struct {
	Key   string `xml:"Key"`
	Value string `xml:"Value"`
}

// addTags adds tags to the parameters of an action.
func addTags(in, tags map[string]string) {
	for n, name := range slices.Sorted(maps.Keys(tags)) {
		at := "Tags.member." + strconv.Itoa(n+1)
		in[at+".Key"], in[at+".Value"] = name, tags[name]
	}
}

// described is what IAM tells of a role or a user.
type described struct {
	Name     string    `xml:"RoleName"`
	User     string    `xml:"UserName"`
	Path     string    `xml:"Path"`
	ARN      string    `xml:"Arn"`
	Created  time.Time `xml:"CreateDate"`
	Trust    string    `xml:"AssumeRolePolicyDocument"`
	Boundary string    `xml:"PermissionsBoundary>PermissionsBoundaryArn"`
	Tags     []tag     `xml:"Tags>member"`
	// Use is when a role was used last; nil where that is not told.
	Use *struct {
		At time.Time `xml:"LastUsedDate"`
	} `xml:"RoleLastUsed"`
	// What only GetAccountAuthorizationDetails tells.
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

// uid returns the uid that its tags tell of; "" where they tell none.
func (d *described) uid() string { return d.tagged(uidTag) }

type inline struct {
	Name string `xml:"PolicyName"`
	Text string `xml:"PolicyDocument"`
}

type attached struct {
	ARN string `xml:"PolicyArn"`
}

// key is an access key, as IAM tells of it.
type key struct {
	ID      string    `xml:"AccessKeyId"`
	Status  string    `xml:"Status"`
	Created time.Time `xml:"CreateDate"`
}

// plain returns a policy's text: IAM answers with it in the code of URLs.
func plain(text string) string {
	if !strings.HasPrefix(text, "%") {
		return text
	}
	if decoded, err := url.PathUnescape(text); err == nil {
		return decoded
	}
	return text
}

// describe reads a principal; errAbsent where there is none.
func (c *client) describe(ctx context.Context, p principal) (d described, err error) {
	var out struct {
		Role described `xml:"GetRoleResult>Role"`
		User described `xml:"GetUserResult>User"`
	}
	if err := c.ask(ctx, "Get"+string(p.Kind), p.named(), &out); err != nil {
		return d, err
	}
	if d = out.Role; p.Kind == user {
		d = out.User
		d.Name = d.User
	}
	d.Trust = plain(d.Trust)
	return d, nil
}

// inlineNames lists the inline policies of a principal.
func (c *client) inlineNames(ctx context.Context, p principal) (names []string, err error) {
	err = c.pages(ctx, "List"+string(p.Kind)+"Policies", p.named(), func(body []byte) error {
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
func (c *client) inlineText(ctx context.Context, p principal, name string) (string, error) {
	var out struct {
		Role  string `xml:"GetRolePolicyResult>PolicyDocument"`
		User  string `xml:"GetUserPolicyResult>PolicyDocument"`
		Group string `xml:"GetGroupPolicyResult>PolicyDocument"`
	}
	err := c.ask(ctx, "Get"+string(p.Kind)+"Policy", p.named("PolicyName", name), &out)
	return plain(out.Role + out.User + out.Group), err
}

// attachedTo lists the managed policies that hang on a principal.
func (c *client) attachedTo(ctx context.Context, p principal) (arns []string, err error) {
	err = c.pages(ctx, "ListAttached"+string(p.Kind)+"Policies", p.named(), func(body []byte) error {
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
func (c *client) keysOf(ctx context.Context, p principal) (keys []key, err error) {
	err = c.pages(ctx, "ListAccessKeys", p.named(), func(body []byte) error {
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

// keyLastUsed returns when a key was used last; zero where it never was.
func (c *client) keyLastUsed(ctx context.Context, id string) (time.Time, error) {
	var out struct {
		At string `xml:"GetAccessKeyLastUsedResult>AccessKeyLastUsed>LastUsedDate"`
	}
	if err := c.ask(ctx, "GetAccessKeyLastUsed", map[string]string{"AccessKeyId": id}, &out); err != nil {
		return time.Time{}, err
	}
	if out.At == "" || out.At == "N/A" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, out.At)
	return at.UTC(), err
}

// keyOwner returns the user whose a key is; "" where there is no such key, or IAM does not tell.
func (c *client) keyOwner(ctx context.Context, id string) (string, error) {
	var out struct {
		User string `xml:"GetAccessKeyLastUsedResult>UserName"`
	}
	err := c.ask(ctx, "GetAccessKeyLastUsed", map[string]string{"AccessKeyId": id}, &out)
	if errors.Is(err, access.ErrNotPermitted) { // so AWS answers of a key that it does not have
		return "", nil
	}
	return out.User, supported(gone(err))
}

// putInline writes an inline policy of a principal.
func (c *client) putInline(ctx context.Context, p principal, name, text string) error {
	return c.ask(ctx, "Put"+string(p.Kind)+"Policy", p.named("PolicyName", name, "PolicyDocument", text), nil)
}

// dropInline removes an inline policy of a principal.
func (c *client) dropInline(ctx context.Context, p principal, name string) error {
	return gone(c.ask(ctx, "Delete"+string(p.Kind)+"Policy", p.named("PolicyName", name), nil))
}

// namesAt lists the roles or users at a folder.
func (c *client) namesAt(ctx context.Context, k kind, folder string) (names []string, err error) {
	err = c.pages(ctx, "List"+string(k)+"s", map[string]string{"PathPrefix": folder}, func(body []byte) error {
		var page struct {
			Roles []string `xml:"ListRolesResult>Roles>member>RoleName"`
			Users []string `xml:"ListUsersResult>Users>member>UserName"`
		}
		err := xml.Unmarshal(body, &page)
		names = append(append(names, page.Roles...), page.Users...)
		return err
	})
	return names, supported(err)
}
