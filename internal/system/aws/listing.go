// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"encoding/xml"
)

// all reads every role and user of the account with GetAccountAuthorizationDetails: a thousand a page, with all that hangs on them.
func (s *System) all(ctx context.Context) (all []*native, err error) {
	in := map[string]string{"Filter.member.1": string(role), "Filter.member.2": string(user), "MaxItems": "1000"}
	err = s.pages(ctx, "GetAccountAuthorizationDetails", in, func(body []byte) error {
		var page struct {
			Result struct {
				Roles []described `xml:"RoleDetailList>member"`
				Users []described `xml:"UserDetailList>member"`
			} `xml:"GetAccountAuthorizationDetailsResult"`
		}
		if err := xml.Unmarshal(body, &page); err != nil {
			return err
		}
		for _, d := range page.Result.Roles {
			all = append(all, listed(d, d.RolePolicies))
		}
		for _, d := range page.Result.Users {
			d.Name = d.User
			all = append(all, listed(d, d.UserPolicies))
		}
		return nil
	})
	return all, err
}

func listed(d described, policies []inline) *native {
	d.Trust = plain(d.Trust)
	n := &native{described: d, there: true, policies: map[string]string{}}
	for _, p := range policies {
		n.policies[p.Name] = plain(p.Text)
	}
	for _, a := range d.Attached {
		n.attached = append(n.attached, a.ARN)
	}
	return n
}
