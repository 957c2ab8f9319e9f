// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
)

// trustIssuerOf makes sure that the account trusts the issuer of an identity's workload, for its audiences.
func (s *System) trustIssuerOf(ctx context.Context, f *family, p *page) error {
	if c := p.federated(); c != nil {
		return s.trustIssuer(ctx, f, *c.Federated)
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

// trustIssuer makes the account trust an issuer, where it does not. Whom somebody cut by taking the trust away stays cut.
func (s *System) trustIssuer(ctx context.Context, f *family, t access.FederatedTrust) error {
	s.trusting.Lock()
	defer s.trusting.Unlock()
	arn, audiences, err := s.standing(ctx, t.Issuer)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(t.Audiences, func(a string) bool { return !slices.Contains(audiences, a) }) {
		if err := s.heedIssuer(ctx, f, t.Issuer, arn, audiences); err != nil {
			return err
		}
	}
	return s.trustAnew(ctx, t, arn, audiences)
}

// heedTrust holds whom somebody cut off from an issuer, before a change lets them in by another issuer or audience.
func (s *System) heedTrust(ctx context.Context, f *family, c *access.Credential) error {
	if c.Federated.Account() {
		return nil
	}
	s.trusting.Lock()
	defer s.trusting.Unlock()
	arn, audiences, err := s.standing(ctx, c.Federated.Issuer)
	if err != nil || !distrusts(c, arn, audiences) {
		return err
	}
	return s.heedIssuer(ctx, f, c.Federated.Issuer, arn, audiences)
}

// standing returns the ARN of the trust in an issuer, "" where there is none, and for which audiences it is.
func (s *System) standing(ctx context.Context, issuer string) (arn string, audiences []string, err error) {
	arn, err = s.findIssuer(ctx, issuer)
	if err != nil || arn == "" {
		return "", nil, err
	}
	there, err := s.issuerOf(ctx, arn)
	return arn, there.Audiences, err
}

// distrusts reports whether the account has a trust in an issuer for none of the audiences of a credential.
func distrusts(c *access.Credential, arn string, audiences []string) bool {
	return arn == "" || !slices.ContainsFunc(c.Federated.Audiences, func(a string) bool { return slices.Contains(audiences, a) })
}

// heedIssuer holds the credentials that somebody cut by removing the account's trust in their issuer, or all their audiences from it. It does so before
// anybody makes that trust anew, which would let all of them in.
func (s *System) heedIssuer(ctx context.Context, f *family, issuer, arn string, audiences []string) error {
	h, err := s.store.load(ctx)
	if err != nil {
		return err
	}
	ctx, news := context.WithoutCancel(ctx), false
	for id, p := range h.pages {
		c := p.federated()
		if c == nil || c.Federated.Issuer != issuer || p.lifting || !p.named(roleOf(id)).Built || !distrusts(c, arn, audiences) || h.ledger.Held(h.holds, c) {
			continue
		}
		cut, err := s.staysDistrusted(ctx, c)
		if err != nil {
			return err
		}
		if !cut {
			continue
		}
		if err := s.store.mark(ctx, c.Ref().ID); err != nil {
			return err
		}
		if err := gone(s.putInline(ctx, roleOf(id), holdPolicy, policy.Cut().JSON())); err != nil {
			return err
		}
		news = true
	}
	if news {
		f.holds, err = s.store.marks(ctx)
	}
	return err
}

// staysDistrusted reports whether the account still has no trust for a credential when it is asked again: IAM lags behind what was just made.
func (s *System) staysDistrusted(ctx context.Context, c *access.Credential) (bool, error) {
	for range proofs {
		if err := access.Pause(ctx, s.settle()/proofs); err != nil {
			return false, err
		}
		if none, err := s.distrustsNow(ctx, c); err != nil || !none {
			return false, err
		}
	}
	return true, nil
}

// distrustsNow asks whether the account has no trust for a credential, and notes what it saw.
func (s *System) distrustsNow(ctx context.Context, c *access.Credential) (bool, error) {
	arn, audiences, err := s.standing(ctx, c.Federated.Issuer)
	if err != nil {
		return false, err
	}
	s.saw(c.Federated.Issuer, arn, audiences)
	return distrusts(c, arn, audiences), nil
}

// federated returns the credential of a workload; nil where there is none.
func (p *page) federated() *access.Credential {
	e := p.entries[access.Ref{Type: access.TypeCredential, ID: p.id.String() + "/" + string(access.Federated)}]
	if e == nil || e.Removed() {
		return nil
	}
	if c, ok := e.Credential(); ok && c.Federated != nil && !c.Federated.Account() {
		return c
	}
	return nil
}

// trustAnew makes the account trust an issuer for the audiences that it lacks.
func (s *System) trustAnew(ctx context.Context, f access.FederatedTrust, arn string, audiences []string) error {
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
		for _, audience := range f.Audiences {
			if slices.Contains(audiences, audience) {
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
	delete(s.issuersSeen, f.Issuer)
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
	all, err := s.all(ctx)
	if err != nil || slices.ContainsFunc(all, func(n *native) bool { return s.othersRely(n, arn) }) {
		return err
	}
	s.mu.Lock()
	delete(s.issuers, issuer)
	s.mu.Unlock()
	if err := gone(s.ask(ctx, "DeleteOpenIDConnectProvider", map[string]string{"OpenIDConnectProviderArn": arn}, nil)); err != nil {
		return err
	}
	if h, err = s.store.load(ctx); err != nil {
		return err
	}
	for _, p := range h.pages { // who began to need it meanwhile
		if c := p.federated(); c != nil && c.Federated.Issuer == issuer {
			return s.trustAnew(ctx, *c.Federated, "", nil)
		}
	}
	return nil
}

// othersRely reports whether a role that is not of this ledger lets in by the trust in an issuer: of another ledger, or made by hand.
func (s *System) othersRely(n *native, arn string) bool {
	own := s.store.name()
	return (own == "" || n.tagged(systemTag) != own) && n.trusts("Federated", arn)
}

// findIssuers looks for the trust in the issuers of an identity, and makes none. What is not found, or may not be read, is told of the credential.
func (s *System) findIssuers(ctx context.Context, p *page) error {
	for _, e := range p.entries {
		c, ok := e.Credential()
		if !ok || c.Federated == nil || c.Federated.Account() {
			continue
		}
		if arn, _ := s.issuerARN(c.Federated.Issuer); arn != "" || s.missed(c.Federated.Issuer) {
			continue
		}
		arn, audiences, err := s.standing(ctx, c.Federated.Issuer)
		if err != nil && !errors.Is(err, access.ErrNotPermitted) {
			return err
		}
		s.mu.Lock()
		if s.missing[c.Federated.Issuer] = access.WallClock(); arn != "" {
			s.issuers[c.Federated.Issuer] = arn
		}
		s.mu.Unlock()
		if err == nil {
			s.saw(c.Federated.Issuer, arn, audiences)
		}
	}
	return nil
}

// seenIssuer is the account's trust in an issuer, as a plan saw it.
type seenIssuer struct {
	arn       string
	audiences []string
}

// saw notes the account's trust in an issuer as it was just read.
func (s *System) saw(issuer, arn string, audiences []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issuersSeen[issuer] = seenIssuer{arn, audiences}
}

// isCutOff reports whether the account was seen to have no trust in the issuer of a credential, or for none of its audiences.
func (s *System) isCutOff(c *access.Credential) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen, is := s.issuersSeen[c.Federated.Issuer]
	return is && distrusts(c, seen.arn, seen.audiences)
}

// missed reports whether the trust in an issuer was looked for a moment ago, and not found: not each of a thousand resources asks again.
func (s *System) missed(issuer string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return access.WallClock().Sub(s.missing[issuer]) < s.options.Fresh
}
