// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
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

// trustIssuers makes sure that the account trusts the issuers of an identity's federated credential, for its audiences.
func (s *System) trustIssuers(ctx context.Context, p *page) error {
	for _, e := range p.entries {
		c, ok := e.Credential()
		if !ok || e.Removed() || c.Federated == nil || c.Federated.Account() {
			continue
		}
		if err := s.trustIssuer(ctx, *c.Federated); err != nil {
			return err
		}
	}
	return nil
}

// issuerARN returns the ARN of the trust in an issuer, which trustIssuer has found.
func (s *System) issuerARN(issuer string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if arn := s.issuers[issuer]; arn != "" {
		return arn, nil
	}
	return "", fmt.Errorf("the account's trust in %s was not checked: %w", issuer, access.ErrUnavailable)
}

// trustIssuer makes the account trust an issuer, where it does not.
func (s *System) trustIssuer(ctx context.Context, f access.FederatedTrust) error {
	s.trusting.Lock()
	defer s.trusting.Unlock()
	arn, err := s.findIssuer(ctx, f.Issuer)
	if err != nil {
		return err
	}
	if arn == "" {
		in := map[string]string{"Url": f.Issuer}
		for n, audience := range f.Audiences {
			in["ClientIDList.member."+strconv.Itoa(n+1)] = audience
		}
		addTags(in, map[string]string{issuerTag: "terraform-provider-partner"})
		var out struct {
			ARN string `xml:"CreateOpenIDConnectProviderResult>OpenIDConnectProviderArn"`
		}
		err := s.ask(ctx, "CreateOpenIDConnectProvider", in, &out)
		if errors.Is(err, errExists) {
			out.ARN, err = s.findIssuer(ctx, f.Issuer)
		}
		if err != nil {
			return fmt.Errorf("trust %s: %w", f.Issuer, err)
		}
		arn = out.ARN
	} else {
		there, err := s.issuerOf(ctx, arn)
		if err != nil {
			return err
		}
		for _, audience := range f.Audiences {
			if slices.Contains(there.Audiences, audience) {
				continue
			}
			in := map[string]string{"OpenIDConnectProviderArn": arn, "ClientID": audience}
			if err := s.ask(ctx, "AddClientIDToOpenIDConnectProvider", in, nil); err != nil {
				return fmt.Errorf("trust %s for %s: %w", f.Issuer, audience, err)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issuers[f.Issuer] = arn
	return nil
}

// trusted is what IAM has of an issuer.
type trusted struct {
	Audiences []string `xml:"GetOpenIDConnectProviderResult>ClientIDList>member"`
	Tags      []tag    `xml:"GetOpenIDConnectProviderResult>Tags>member"`
}

func (s *System) issuerOf(ctx context.Context, arn string) (t trusted, err error) {
	err = s.ask(ctx, "GetOpenIDConnectProvider", map[string]string{"OpenIDConnectProviderArn": arn}, &t)
	return t, err
}

// findIssuer returns the ARN of the trust in an issuer; "" where there is none.
func (s *System) findIssuer(ctx context.Context, issuer string) (string, error) {
	var out struct {
		ARNs []string `xml:"ListOpenIDConnectProvidersResult>OpenIDConnectProviderList>member>Arn"`
	}
	if err := s.ask(ctx, "ListOpenIDConnectProviders", nil, &out); err != nil {
		return "", err
	}
	found := slices.IndexFunc(out.ARNs, func(arn string) bool { return isOfIssuer(arn, issuer) })
	if found < 0 {
		return "", nil
	}
	return out.ARNs[found], nil
}

// providerARN returns what AWS calls its trust in an issuer; "" where it is not known whose account it is.
func (s *System) providerARN(issuer string) string {
	account := s.accountNumber()
	if account == "" {
		return ""
	}
	return "arn:" + policy.PartitionOf(s.options.Region).Name + ":iam::" + account + ":oidc-provider/" + policy.Issuer(issuer)
}

// isOfIssuer reports whether an ARN is of the trust in an issuer. IAM names that without https://, and a slash at its end is no other issuer.
func isOfIssuer(arn, issuer string) bool {
	of := policy.IssuerOf(arn)
	return of != "" && strings.TrimSuffix(of, "/") == policy.Issuer(issuer)
}

// distrust removes the trust in an issuer that was made here and that no credential needs any more.
func (s *System) distrust(ctx context.Context, issuer string) error {
	s.trusting.Lock()
	defer s.trusting.Unlock()
	h, err := s.store.load(ctx)
	if err != nil {
		return err
	}
	for _, e := range h.ledger {
		if c, ok := e.Credential(); ok && c.Federated != nil && c.Federated.Issuer == issuer {
			return nil
		}
	}
	arn, err := s.findIssuer(ctx, issuer)
	if err != nil || arn == "" {
		return err
	}
	there, err := s.issuerOf(ctx, arn)
	if err != nil {
		return gone(err)
	}
	if !slices.ContainsFunc(there.Tags, func(t tag) bool { return t.Key == issuerTag }) {
		return nil
	}
	s.mu.Lock()
	delete(s.issuers, issuer)
	s.mu.Unlock()
	return gone(s.ask(ctx, "DeleteOpenIDConnectProvider", map[string]string{"OpenIDConnectProviderArn": arn}, nil))
}
