// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"encoding/xml"
	"errors"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// all reads every role and user of the account with GetAccountAuthorizationDetails: a thousand a page, with all that
// hangs on them but keys, and the text of what is attached.
func (rd *reader) all(ctx context.Context) (all []*native, err error) {
	in := map[string]string{
		"Filter.member.1": string(store.Role),
		"Filter.member.2": string(store.User),
		"MaxItems":        "1000",
	}
	err = rd.at.Pages(ctx, "GetAccountAuthorizationDetails", in, func(body []byte) error {
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

// listed returns a principal as the listing has it.
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

// detail reads all principals of the account in one listing, once for each reading of the ledger, and puts those that
// are ours on its shelf. If IAM has no such listing, or this login may not, each is asked for by itself.
func (rd *reader) detail(ctx context.Context, h *shelf) error {
	rd.details.Lock()
	defer rd.details.Unlock()
	if h.Whole() {
		return nil
	}
	all, err := rd.all(ctx)
	var said *client.Error
	unlisted := errors.As(err, &said) && (said.Unknown() || said.Status == 403)
	if unlisted { // each is asked for then
		all, err = nil, nil
	}
	if err != nil {
		return err
	}
	ours := map[string]*native{}
	for _, n := range all {
		if strings.HasPrefix(n.Path, store.Root) {
			ours[n.asPrincipal().Handle()] = n
		}
	}
	h.SetAll(all, ours, unlisted)
	return nil
}

// listed returns all principals of the account as that listing has them, or as they are now if it was not to be had.
func (rd *reader) listed(ctx context.Context, h *shelf) ([]*native, error) {
	if all := h.All(); all != nil {
		return all, nil
	}
	return rd.all(ctx)
}
