// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// firstLook is for how long STS may take to tell whose account it is, and then IAM.
const firstLook = 10 * time.Second

// Enter finds out whose account it is, which the words about a role need. Where there is no STS it is not known; where STS does not answer, what
// IAM has of partners says so.
func (s *System) Enter(ctx context.Context) error {
	if s.accountNumber() != "" || s.options.Endpoints.STS == "" && s.options.Endpoints.IAM != "" {
		return nil
	}
	var out struct {
		Account string `xml:"GetCallerIdentityResult>Account"`
		ARN     string `xml:"GetCallerIdentityResult>Arn"`
	}
	limited, cancel := context.WithTimeout(ctx, firstLook)
	defer cancel()
	if err := s.sts(limited, &out, url.Values{"Action": {"GetCallerIdentity"}}); err != nil {
		if out.Account = s.accountByIAM(ctx); out.Account == "" {
			return fmt.Errorf("ask AWS whose account it is: %w", err)
		}
	}
	s.client.mu.Lock()
	defer s.client.mu.Unlock()
	s.account, s.caller = out.Account, out.ARN
	return nil
}

// accountByIAM returns the number of the account by the ARN of a principal that was made here; "" where there is none.
func (s *System) accountByIAM(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, firstLook)
	defer cancel()
	for _, k := range []kind{role, user} {
		var out struct {
			Role string `xml:"ListRolesResult>Roles>member>Arn"`
			User string `xml:"ListUsersResult>Users>member>Arn"`
		}
		if err := s.ask(ctx, "List"+string(k)+"s", map[string]string{"PathPrefix": root, "MaxItems": "1"}, &out); err != nil {
			return ""
		}
		if parts := strings.Split(out.Role+out.User, ":"); len(parts) == 6 {
			return parts[4]
		}
	}
	return ""
}

// accountNumber returns the number of the account; "" where it is not known.
func (c *client) accountNumber() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.account
}

// callerARN returns the ARN of whom the provider is logged in as; "" where it is not known.
func (c *client) callerARN() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.caller
}

// groupsOf lists the groups that a user is a member of.
func (s *System) groupsOf(ctx context.Context, p principal) (groups []string, err error) {
	err = s.pages(ctx, "ListGroupsForUser", p.named(), func(body []byte) error {
		var page struct {
			Names []string `xml:"ListGroupsForUserResult>Groups>member>GroupName"`
		}
		err := xml.Unmarshal(body, &page)
		groups = append(groups, page.Names...)
		return err
	})
	return groups, supported(gone(err))
}

// leave takes a user out of groups.
func (s *System) leave(ctx context.Context, p principal, groups []string) error {
	for _, g := range groups {
		if err := gone(s.ask(ctx, "RemoveUserFromGroup", p.named("GroupName", g), nil)); err != nil {
			return err
		}
	}
	return nil
}
