// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// issuers are the issuers of tokens that the account trusts. A trust in an issuer lets in all partners whose workloads
// it names: so one that is gone is taken for a cut of each of them, before anything makes it anew.
type issuers struct {
	at     *account
	store  *pages
	reader *reader

	// trusting is held while the trust in an issuer is made or removed, so that two changes of one process do not undo
	// each other. Between processes, what is removed is looked at again afterwards (distrust).
	trusting sync.Mutex

	// mu guards what follows.
	mu sync.Mutex
	// arns are the ARNs of the trusts that are there, by the issuer's URL.
	arns map[string]string
	// seen is what the account was seen to trust, by the issuer's URL. A page of the ledger cannot tell that.
	seen map[string]seenIssuer
	// missing is when a trust was looked for last, by the issuer's URL.
	missing map[string]time.Time
}

// trustIssuerOf makes sure that the account trusts the issuer of an identity's workload, for its audiences.
func (iss *issuers) trustIssuerOf(ctx context.Context, f *family, p *page) error {
	if c := p.Federated(); c != nil {
		return iss.trustIssuer(ctx, f, *c.Federated)
	}
	return nil
}

// issuerARN returns the ARN of the trust in an issuer, which trustIssuer has found; access.ErrUnavailable if it was not
// looked for, or is not there. The name in it may differ from the issuer's in a slash, so it is not made up.
func (iss *issuers) issuerARN(issuer string) (string, error) {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	if arn := iss.arns[issuer]; arn != "" {
		return arn, nil
	}
	return "", fmt.Errorf("the account's trust in %s was not checked: %w", issuer, access.ErrUnavailable)
}

// trustIssuer makes the account trust an issuer for some audiences, if it does not. Before that, those are held whom
// somebody cut by taking the trust away.
func (iss *issuers) trustIssuer(ctx context.Context, f *family, t access.FederatedTrust) error {
	iss.trusting.Lock()
	defer iss.trusting.Unlock()
	arn, audiences, err := iss.standing(ctx, t.Issuer)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(t.Audiences, func(a string) bool { return !slices.Contains(audiences, a) }) {
		if err := iss.heedIssuer(ctx, f, t.Issuer, arn, audiences); err != nil {
			return err
		}
	}
	return iss.trustAnew(ctx, t, arn, audiences)
}

// heedTrust holds those whom somebody cut off from an issuer, before a change lets them in by another issuer or
// audience (TestAChangedTrustIsNoCutAndUndoesNone).
func (iss *issuers) heedTrust(ctx context.Context, f *family, c *access.Credential) error {
	if c.Federated.Account() {
		return nil
	}
	iss.trusting.Lock()
	defer iss.trusting.Unlock()
	arn, audiences, err := iss.standing(ctx, c.Federated.Issuer)
	if err != nil || !distrusts(c, arn, audiences) {
		return err
	}
	return iss.heedIssuer(ctx, f, c.Federated.Issuer, arn, audiences)
}

// standing returns the ARN of the trust in an issuer, "" if there is none, and for which audiences it is. It asks.
func (iss *issuers) standing(ctx context.Context, issuer string) (arn string, audiences []string, err error) {
	arn, err = iss.findIssuer(ctx, issuer)
	if err != nil || arn == "" {
		return "", nil, err
	}
	there, err := iss.issuerOf(ctx, arn)
	return arn, there.Audiences, err
}

// distrusts reports whether the account has no trust in an issuer for any of the audiences of a credential.
func distrusts(c *access.Credential, arn string, audiences []string) bool {
	return arn == "" ||
		!slices.ContainsFunc(c.Federated.Audiences, func(a string) bool { return slices.Contains(audiences, a) })
}

// heedIssuer holds the credentials that somebody cut by removing the account's trust in their issuer, or all their
// audiences from it. It does so before anybody makes that trust anew, which would let all of them in: one trust is for
// all partners of an issuer.
func (iss *issuers) heedIssuer(ctx context.Context, f *family, issuer, arn string, audiences []string) error {
	h, err := iss.store.Load(ctx)
	if err != nil {
		return err
	}
	ctx, news := context.WithoutCancel(ctx), false
	for id, p := range h.Pages {
		c := p.Federated()
		if c == nil || c.Federated.Issuer != issuer || !distrusts(c, arn, audiences) {
			continue
		}
		known := p.Lifting || h.Ledger.Held(h.Holds, c)
		if known || !p.Named(store.RoleOf(id)).Built {
			continue
		}
		cut, err := iss.staysDistrusted(ctx, c)
		if err != nil {
			return err
		}
		if !cut {
			continue
		}
		if err := iss.hold(ctx, c); err != nil {
			return err
		}
		news = true
	}
	if news {
		f.Holds, err = iss.store.Marks(ctx)
	}
	return err
}

// hold marks a credential as cut by hand, and denies its role everything: the mark first, which outlives the role.
func (iss *issuers) hold(ctx context.Context, c *access.Credential) error {
	if err := iss.store.Mark(ctx, c.Ref().ID); err != nil {
		return err
	}
	return client.Gone(iss.at.putInline(ctx, store.RoleOf(c.IdentityID), holdPolicy, policy.Cut().JSON()))
}

// staysDistrusted reports whether the account still has no trust for a credential when it is asked again: IAM lags
// behind what was just made (TestAnIssuerThatOneReadingMissesIsNotCutOff).
func (iss *issuers) staysDistrusted(ctx context.Context, c *access.Credential) (bool, error) {
	for range proofs {
		if err := access.Pause(ctx, iss.at.settle()/proofs); err != nil {
			return false, err
		}
		if none, err := iss.distrustsNow(ctx, c); err != nil || !none {
			return false, err
		}
	}
	return true, nil
}

// distrustsNow asks whether the account has no trust for a credential, and notes what it saw.
func (iss *issuers) distrustsNow(ctx context.Context, c *access.Credential) (bool, error) {
	arn, audiences, err := iss.standing(ctx, c.Federated.Issuer)
	if err != nil {
		return false, err
	}
	iss.saw(c.Federated.Issuer, arn, audiences)
	return distrusts(c, arn, audiences), nil
}

// trustAnew makes the account trust an issuer for the audiences that it lacks. The tag says that it was made here: only
// such a one is ever removed.
func (iss *issuers) trustAnew(ctx context.Context, f access.FederatedTrust, arn string, audiences []string) error {
	if arn == "" {
		in := map[string]string{"Url": f.Issuer}
		for n, audience := range f.Audiences {
			in["ClientIDList.member."+strconv.Itoa(n+1)] = audience
		}
		addTags(in, map[string]string{issuerTag: "terraform-provider-partner"})
		var out struct {
			ARN string `xml:"CreateOpenIDConnectProviderResult>OpenIDConnectProviderArn"`
		}
		err := iss.at.Ask(ctx, "CreateOpenIDConnectProvider", in, &out)
		if errors.Is(err, client.ErrExists) {
			out.ARN, err = iss.findIssuer(ctx, f.Issuer)
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
			if err := iss.at.Ask(ctx, "AddClientIDToOpenIDConnectProvider", in, nil); err != nil {
				return fmt.Errorf("trust %s for %s: %w", f.Issuer, audience, err)
			}
		}
	}
	iss.mu.Lock()
	defer iss.mu.Unlock()
	iss.arns[f.Issuer] = arn
	delete(iss.seen, f.Issuer)
	return nil
}

// trusted is what IAM has of an issuer.
type trusted struct {
	Audiences []string `xml:"GetOpenIDConnectProviderResult>ClientIDList>member"`
	Tags      []tag    `xml:"GetOpenIDConnectProviderResult>Tags>member"`
}

// issuerOf reads the trust in an issuer.
func (iss *issuers) issuerOf(ctx context.Context, arn string) (t trusted, err error) {
	err = iss.at.Ask(ctx, "GetOpenIDConnectProvider", map[string]string{"OpenIDConnectProviderArn": arn}, &t)
	return t, err
}

// findIssuer returns the ARN of the trust in an issuer; "" if there is none. IAM finds none by its URL, so all are
// listed.
func (iss *issuers) findIssuer(ctx context.Context, issuer string) (string, error) {
	var out struct {
		ARNs []string `xml:"ListOpenIDConnectProvidersResult>OpenIDConnectProviderList>member>Arn"`
	}
	if err := iss.at.Ask(ctx, "ListOpenIDConnectProviders", nil, &out); err != nil {
		return "", err
	}
	found := slices.IndexFunc(out.ARNs, func(arn string) bool { return isOfIssuer(arn, issuer) })
	if found < 0 {
		return "", nil
	}
	return out.ARNs[found], nil
}

// providerARN returns what AWS calls its trust in an issuer; "" if it is not known whose account it is.
func (iss *issuers) providerARN(issuer string) string {
	account := iss.at.accountNumber()
	if account == "" {
		return ""
	}
	return "arn:" + policy.PartitionOf(iss.at.Site.Region).Name + ":iam::" + account + ":oidc-provider/" +
		policy.Issuer(issuer)
}

// isOfIssuer reports whether an ARN is of the trust in an issuer. IAM names that without https://, and a slash at its
// end is no other issuer.
func isOfIssuer(arn, issuer string) bool {
	of := policy.IssuerOf(arn)
	return of != "" && strings.TrimSuffix(of, "/") == policy.Issuer(issuer)
}

// distrust removes the trust in an issuer that was made here and that no credential needs any more. A change that began
// to need it while it was removed gets it back.
func (iss *issuers) distrust(ctx context.Context, issuer string) error {
	iss.trusting.Lock()
	defer iss.trusting.Unlock()
	arn, err := iss.unneeded(ctx, issuer)
	if err != nil || arn == "" {
		return err
	}
	iss.mu.Lock()
	delete(iss.arns, issuer)
	iss.mu.Unlock()
	if err := client.Gone(iss.at.Ask(ctx, "DeleteOpenIDConnectProvider",
		map[string]string{"OpenIDConnectProviderArn": arn}, nil)); err != nil {
		return err
	}
	h, err := iss.store.Load(ctx)
	if err != nil {
		return err
	}
	for _, p := range h.Pages { // who began to need it meanwhile
		if c := p.Federated(); c != nil && c.Federated.Issuer == issuer {
			return iss.trustAnew(ctx, *c.Federated, "", nil)
		}
	}
	return nil
}

// unneeded returns the ARN of the trust in an issuer, if it was made here and nobody needs it any more; otherwise "".
// Roles of another ledger may rely on it, which would take its removal for a cut of all their partners. So all roles
// are asked for; if they cannot be listed, the trust stays.
func (iss *issuers) unneeded(ctx context.Context, issuer string) (arn string, err error) {
	h, err := iss.store.Load(ctx)
	if err != nil || anyBy(h.Ledger, issuer) {
		return "", err
	}
	arn, err = iss.findIssuer(ctx, issuer)
	if err != nil || arn == "" {
		return "", err
	}
	there, err := iss.issuerOf(ctx, arn)
	if err != nil || !slices.ContainsFunc(there.Tags, func(t tag) bool { return t.Key == issuerTag }) {
		return "", client.Gone(err)
	}
	all, err := iss.reader.all(ctx)
	if err != nil || slices.ContainsFunc(all, func(n *native) bool { return iss.othersRely(n, arn) }) {
		return "", err
	}
	return arn, nil
}

// anyBy reports whether a credential in a ledger is by an issuer, also one whose removal was begun.
func anyBy(l ledger.Ledger, issuer string) bool {
	for _, e := range l {
		if c, ok := e.Credential(); ok && c.Federated != nil && c.Federated.Issuer == issuer {
			return true
		}
	}
	return false
}

// othersRely reports whether a role that is not of this ledger lets in by the trust in an issuer: of another
// ledger, or made by hand.
func (iss *issuers) othersRely(n *native, arn string) bool {
	own := iss.store.SystemID()
	return (own == "" || n.tagged(systemTag) != own) && n.trusts("Federated", arn)
}

// findIssuers looks for the trust in the issuers of an identity, and makes none. What is not found, or may not be read,
// is told of the credential.
func (iss *issuers) findIssuers(ctx context.Context, p *page) error {
	for _, e := range p.Entries {
		c, ok := e.Credential()
		if !ok || c.Federated == nil || c.Federated.Account() {
			continue
		}
		if arn, _ := iss.issuerARN(c.Federated.Issuer); arn != "" || iss.missed(c.Federated.Issuer) {
			continue
		}
		arn, audiences, err := iss.standing(ctx, c.Federated.Issuer)
		if err != nil && !errors.Is(err, access.ErrNotPermitted) {
			return err
		}
		iss.mu.Lock()
		if iss.missing[c.Federated.Issuer] = access.WallClock(); arn != "" {
			iss.arns[c.Federated.Issuer] = arn
		}
		iss.mu.Unlock()
		if err == nil {
			iss.saw(c.Federated.Issuer, arn, audiences)
		}
	}
	return nil
}

// seenIssuer is the account's trust in an issuer, as it was seen; without an ARN, there was none.
type seenIssuer struct {
	arn       string
	audiences []string
}

// saw notes the account's trust in an issuer as it was just read.
func (iss *issuers) saw(issuer, arn string, audiences []string) {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	iss.seen[issuer] = seenIssuer{arn, audiences}
}

// isCutOff reports whether the account was seen to have no trust in the issuer of a credential, or for none of its
// audiences. An issuer that nobody looked for is not cut off.
func (iss *issuers) isCutOff(c *access.Credential) bool {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	seen, is := iss.seen[c.Federated.Issuer]
	return is && distrusts(c, seen.arn, seen.audiences)
}

// missed reports whether the trust in an issuer was looked for a moment ago, and not found: not each of a thousand
// resources asks again.
func (iss *issuers) missed(issuer string) bool {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	return access.WallClock().Sub(iss.missing[issuer]) < iss.at.options.Fresh
}
