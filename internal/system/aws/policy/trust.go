// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Whom a role trusts: one workload of an issuer, or one principal of another account. The trust ends with the
// credential, so nobody begins a session afterwards; those that are open end by partner-end.

// Issuer returns an issuer of OIDC as IAM names it in ARNs and conditions: "https://login.acme.test/" is
// "login.acme.test".
func Issuer(url string) string {
	return strings.TrimSuffix(strings.TrimPrefix(url, "https://"), "/")
}

// IssuerOf returns the issuer that the trust of an ARN is in, as IAM's conditions name it; "" if it is no such ARN. It
// may end in a slash, which the condition then needs as well.
func IssuerOf(provider string) string {
	_, name, _ := strings.Cut(provider, ":oidc-provider/")
	return name
}

// TrustOIDC returns the trust of a role in one workload of an issuer, until the end: a token of this subject, for one
// of these audiences, from these networks; no network means any. provider is the ARN of the account's trust in the
// issuer, from which the names of the conditions follow.
func TrustOIDC(provider string, trust access.FederatedTrust, end time.Time, allowed []netip.Prefix) Document {
	name := IssuerOf(provider)
	s := trustUntil("sts:AssumeRoleWithWebIdentity", end, allowed)
	s.Principal = map[string]string{"Federated": provider}
	s.Condition["StringEquals"] = map[string]Texts{
		name + ":sub": {trust.Subject},
		name + ":aud": distinct(trust.Audiences),
	}
	return document(s)
}

// TrustAccount returns the trust of a role in a principal of another account, which has to tell the external id, until
// the end. The external id keeps others who use the same vendor from naming our role to it ("confused deputy", AWS
// IAM).
func TrustAccount(p access.AWSPrincipal, externalID string, end time.Time, allowed []netip.Prefix) Document {
	s := trustUntil("sts:AssumeRole", end, allowed)
	s.Principal = map[string]string{"AWS": p.String()}
	s.Condition["StringEquals"] = map[string]Texts{"sts:ExternalId": {externalID}}
	return document(s)
}

// trustUntil returns a statement that allows to take on a role until an end; whom it names is still missing.
func trustUntil(action string, end time.Time, allowed []netip.Prefix) Statement {
	s := Statement{
		Effect:    allow,
		Action:    Texts{action},
		Condition: Conditions{"DateLessThan": {currentTime: {second(end)}}},
	}
	if len(allowed) > 0 {
		s.Condition["IpAddress"] = map[string]Texts{sourceIP: networks(allowed)}
	}
	return s
}

// Narrows compares the trust of a role with the one that IAM holds, which it returns: whether both trust the same
// parties, and whether this one lets them in for no longer and from nowhere else.
//
// It is asked if a trust may not be written. Then an earlier end and fewer networks need no new trust, since
// partner-end enforces both; another party does.
func (d Document) Narrows(text string) (held Document, parties, less bool) {
	if json.Unmarshal([]byte(text), &held) != nil ||
		len(held.Statement) != 1 ||
		len(d.Statement) != 1 {
		return held, false, false
	}
	own, other := d.Statement[0], held.Statement[0]
	parties = own.Effect == other.Effect &&
		maps.Equal(own.Principal, other.Principal) &&
		slices.Equal(own.Action, other.Action) &&
		maps.EqualFunc(own.Condition["StringEquals"], other.Condition["StringEquals"], slices.Equal[Texts])
	from := other.Condition["IpAddress"][sourceIP]
	until := other.Condition["DateLessThan"][currentTime]
	sooner := len(until) == 0 ||
		(len(own.Condition["DateLessThan"][currentTime]) == 1 &&
			own.Condition["DateLessThan"][currentTime][0] <= until[0])
	inside := len(from) == 0 ||
		(len(own.Condition["IpAddress"][sourceIP]) > 0 &&
			access.NetworkCovers(prefixes(from), prefixes(own.Condition["IpAddress"][sourceIP])))
	return held, parties, parties && sooner && inside
}

// prefixes reads networks; nil if one of them is none.
func prefixes(texts Texts) (all []netip.Prefix) {
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil
		}
		all = append(all, p)
	}
	return all
}

// NoTrust returns the trust of a role that nobody can assume. IAM takes no role without a trust, so it denies
// everybody.
func NoTrust() Document {
	return document(Statement{
		Effect: deny, Principal: map[string]string{"AWS": "*"},
		Action: Texts{"sts:AssumeRole", "sts:AssumeRoleWithWebIdentity"},
	})
}

// maxTrust is how many characters AWS takes as the trust of a role, if nobody has asked for more (AWS IAM, quotas).
const maxTrust = 2048

// CheckTrust returns an error if IAM could not hold what a credential trusts, or would read it as more. own is the
// number of the account that the access is to; "" if it is not known yet. here is its partition.
func CheckTrust(c *access.Credential, own string, here Partition) error {
	f := c.Federated
	switch {
	case f == nil:
		return nil
	case f.AWSPrincipal != "":
		return checkAccount(c, own, here)
	case !strings.HasPrefix(f.Issuer, "https://"):
		return fmt.Errorf("AWS trusts only issuers with https, but the issuer is %q", f.Issuer)
	case hasPort(f.Issuer):
		return fmt.Errorf("AWS trusts no issuer with a port or a query, but the issuer is %q", f.Issuer)
	case len(f.Audiences) == 0:
		return errors.New("it names no audience")
	}
	for _, text := range append(slices.Clone(f.Audiences), f.Subject) {
		if err := literal(text); err != nil {
			return err
		}
	}
	// the ARN is not known at plan: this is as long as they get
	provider := "arn:aws-us-gov:iam::123456789012:oidc-provider/" + Issuer(f.Issuer) // as long as they get
	return fitsTrust(TrustOIDC(provider, *f, c.ExpiresAt.Time, c.AllowedCIDRs))
}

// hasPort reports whether an issuer has what CreateOpenIDConnectProvider does not take: a port or a query. AWS refuses
// them only at apply.
func hasPort(issuer string) bool {
	u, err := url.Parse(issuer)
	return err != nil || u.Port() != "" || u.RawQuery != ""
}

// checkAccount returns an error if IAM could not hold the trust in a principal of another account. An external id that
// is made later is counted at its greatest length.
func checkAccount(c *access.Credential, own string, here Partition) error {
	f := c.Federated
	p, err := access.ParseAWSPrincipal(f.AWSPrincipal)
	switch {
	case err != nil:
		return err
	case p.Partition != here.Name:
		return fmt.Errorf("%s is in the partition %s, but the provider's region is in %s: nobody can come from one "+
			"into the other", p, p.Partition, here.Name)
	case p.Account == own:
		return fmt.Errorf("%s is in your own account: name a principal in the partner's account", p)
	case f.ExternalID == "":
		return fitsTrust(TrustAccount(p, strings.Repeat("x", madeExternalID), c.ExpiresAt.Time, c.AllowedCIDRs))
	}
	if err := access.CheckExternalID(f.ExternalID); err != nil {
		return err
	}
	return fitsTrust(TrustAccount(p, f.ExternalID, c.ExpiresAt.Time, c.AllowedCIDRs))
}

// madeExternalID is how long an external id is at most that is made here.
const madeExternalID = 64

// fitsTrust returns an error if a trust is longer than AWS takes.
func fitsTrust(d Document) error {
	if size := d.Size(); size > maxTrust {
		return fmt.Errorf("the role's trust policy would take %d characters, but AWS allows %d: name fewer audiences, "+
			"or fewer networks in allowed_cidrs", size, maxTrust)
	}
	return nil
}

// literal returns an error if IAM would read a text as more than itself: "${aws:username}" is replaced with a value of
// the request (AWS IAM, policy variables).
func literal(text string) error {
	if strings.Contains(text, "${") {
		return fmt.Errorf("%q contains ${, which IAM replaces with a value from the request: write the name itself",
			text)
	}
	return nil
}
