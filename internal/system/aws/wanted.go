// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// wanted is what a principal has to be, by the ledger.
type wanted struct {
	principal
	// credential is what it is made for, and newest that the credential has nothing newer.
	credential access.Ref
	newest     bool
	// cut: somebody cut it by AWS's own means.
	cut bool
	end time.Time
	// trust is who may take on a role; nothing for a user.
	trust policy.Document
	// policies are its inline policies. One that is not in it is not to be there; holdPolicy is written, and
	// removed only where lifted.
	policies map[string]policy.Document
	lifted   bool
	// adopted: somebody made it by hand, and its identity has adopted it.
	adopted bool
	// logins are the keys that it was adopted with. alone: its identity has no credential beside them.
	logins []string
	alone  bool
	tags   map[string]string
	owner  access.IdentityID
	// boundary is the permissions boundary that the configuration names; "" for none.
	boundary string
	// left are the names of the grants that do not fit into its policies, and so give nothing.
	left []string
	// unclear is why it cannot be told what is to be allowed, and untrusted why it cannot be told who is to be trusted;
	// nil where they can. What ends and cuts it is known all the same.
	unclear, untrusted error
	// made: it is to be there, and is made where it is not.
	made bool
	// nobody is why AWS took no trust in whom it is declared; nil where it did.
	nobody error
	// own is the number of this account where its trust is in somebody else.
	own string
	// cutOff is its credential where the account has no trust in its issuer any more; nil where it has.
	cutOff *access.Credential
	// issuer is that of a workload, and trusts the trust in it, by the ARN of what the account has of the
	// issuer; of a partner's account, by the external id. provider is what that ARN is on AWS; "" where it is
	// not known whose account it is.
	issuer, provider string
	trusts           func(provider string) policy.Document
}

// compiler says what principals have to be, by the ledger and the configuration alone. It asks IAM nothing.
type compiler struct {
	at      *account
	store   *pages
	issuers *issuers
}

// wantedOf returns what the principals of an identity have to be.
func (cp *compiler) wantedOf(l ledger.Ledger, holds ledger.Holds, p *page) (all []wanted) {
	stands := l.Standing(p.ID)
	grants := grantsIn(l, p)
	if w, is := cp.wantedAdopted(l, holds, p, grants); is {
		all = append(all, w)
	}
	for _, ref := range store.SortedRefs(p.Entries) {
		e := p.Entries[ref]
		c, ok := e.Credential()
		if !ok || e.Removed() {
			continue
		}
		end := l.End(e)
		base := wanted{
			end:        end,
			owner:      p.ID,
			lifted:     p.Lifting,
			boundary:   cp.at.options.Boundary,
			credential: ref,
			newest:     true,
			tags:       cp.tagsOf(p, e),
		}
		cut, held := stands.Cut(), l.Held(holds, c)
		if c.Kind() == access.Federated {
			w := base
			w.principal = p.Named(store.RoleOf(p.ID))
			w.compile(grants, c, cp.at.options.Words, cut, held)
			w.trust, w.untrusted = cp.trustOf(c, end)
			// unlike the shadow of a rehearsal
			if own := cp.at.accountNumber(); !strings.Contains(c.Federated.AWSPrincipal, "::"+own+":") {
				w.own = own
			}
			if principal, err := access.ParseAWSPrincipal(c.Federated.AWSPrincipal); c.Federated.Account() &&
				err == nil {
				w.trusts = func(id string) policy.Document {
					return policy.TrustAccount(principal, id, end, c.AllowedCIDRs)
				}
			} else if !c.Federated.Account() {
				w.issuer, w.provider = c.Federated.Issuer, cp.issuers.providerARN(c.Federated.Issuer)
				if cp.issuers.isCutOff(c) {
					w.cutOff = c
				}
				w.trusts = func(provider string) policy.Document {
					return policy.TrustOIDC(provider, *c.Federated, end, c.AllowedCIDRs)
				}
			}
			all = append(all, w)
			continue
		}
		for _, i := range e.Issued {
			w := base
			w.end = i.End(end)
			w.principal, w.newest = p.Named(principal{Kind: store.User, Name: i.Accessor, Path: store.FolderOf(p.ID)}),
				!i.Superseded
			w.compile(grants, c, cp.at.options.Words, cut, held)
			all = append(all, w)
		}
	}
	return all
}

// compile writes the policies of a principal.
func (w *wanted) compile(grants []policy.Grant, c *access.Credential, words policy.Words, cut, held bool) {
	w.policies = map[string]policy.Document{endPolicy: policy.End(w.end, c.AllowedCIDRs)}
	w.tags = maps.Clone(w.tags)
	w.tags[endTag] = w.end.UTC().Format(time.RFC3339)
	var allowed policy.Document
	if allowed, w.left, w.unclear = policy.CompileFitting(grants, w.end, words, policy.Room(c)); !allowed.Empty() {
		w.policies[grantsPolicy] = allowed
	}
	if cut {
		w.policies[cutPolicy] = policy.Cut()
	}
	if held {
		w.policies[holdPolicy] = policy.Cut()
	}
}

// trustAsBefore takes the ARN of an issuer's trust, or an external id that was made, from the role itself,
// where nothing else tells it: less is not refused for that. A role that cannot be read either has the ARN
// that AWS would give it.
func (w *wanted) trustAsBefore(n *native) {
	if w.untrusted == nil || w.trusts == nil {
		return
	}
	provider := ""
	var held policy.Document
	if json.Unmarshal([]byte(n.Trust), &held) == nil && len(held.Statement) == 1 {
		provider = held.Statement[0].Principal["Federated"]
		if id := held.Statement[0].Condition["StringEquals"]["sts:ExternalId"]; w.issuer == "" && len(id) == 1 {
			w.trust, w.untrusted = w.trusts(id[0]), nil
			return
		}
	} else if n.unread != nil {
		provider = w.provider
	}
	if isOfIssuer(provider, w.issuer) {
		w.trust, w.untrusted = w.trusts(provider), nil
	}
}

// denied reports whether it is denied everything by now.
func (w *wanted) denied() bool {
	return !w.policies[cutPolicy].Empty() || !w.policies[holdPolicy].Empty()
}

// grantsIn returns the grants of an identity that give something, each with the end that all above it leaves it.
func grantsIn(l ledger.Ledger, p *page) (grants []policy.Grant) {
	for _, ref := range store.SortedRefs(p.Entries) {
		e := p.Entries[ref]
		if g, ok := e.Object.(*access.Grant); ok && !e.Removed() {
			grants = append(grants, policy.Grant{
				Name:     g.Name,
				Resource: g.Resource,
				Actions:  g.Actions,
				EndsAt:   l.End(e),
			})
		}
	}
	return grants
}

// known returns a page without the grants whose words the configuration has lost, where something else is removed: they
// give nothing until it has them again, and what is removed is.
func (cp *compiler) known(f *family, p *page) *page {
	if !f.Removing {
		return p
	}
	next := p.Copied()
	maps.DeleteFunc(next.Entries, func(_ access.Ref, e *ledger.Entry) bool {
		g, ok := e.Object.(*access.Grant)
		return ok && !e.Removed() && cp.at.options.Words.CheckGrant(g) != nil
	})
	return next
}

// tagsOf returns the tags of a principal: for people and inventories, and never the truth.
func (cp *compiler) tagsOf(p *page, e *ledger.Entry) map[string]string {
	tags := map[string]string{
		uidTag: e.History.UID, "partner:stack": taggable(e.History.Stack),
		"partner:owner": taggable(e.Object.Common().Owner),
		identityTag:     p.ID.String(), "partner:version": strconv.Itoa(ledger.Version),
	}
	if system := cp.store.SystemID(); system != "" {
		tags[systemTag] = system
	}
	return tags
}

// taggable returns a text as a tag's value may have it.
func taggable(text string) string {
	text = strings.Map(func(r rune) rune {
		if (r >= 'a' && r <= 'z') ||
			(r >= 'A' && r <= 'Z') ||
			(r >= '0' && r <= '9') ||
			strings.ContainsRune(" _.:/=+-@", r) {
			return r
		}
		return '_'
	}, text)
	return text[:min(len(text), 256)]
}

// trustOf returns who may take on the role of a federated credential.
func (cp *compiler) trustOf(c *access.Credential, end time.Time) (policy.Document, error) {
	f := c.Federated
	if f.Account() {
		principal, err := access.ParseAWSPrincipal(f.AWSPrincipal)
		if err != nil {
			return policy.Document{}, err
		}
		id, err := cp.externalID(c)
		if err != nil {
			return policy.Document{}, err
		}
		return policy.TrustAccount(principal, id, end, c.AllowedCIDRs), nil
	}
	provider, err := cp.issuers.issuerARN(f.Issuer)
	if err != nil {
		return policy.Document{}, err
	}
	return policy.TrustOIDC(provider, *f, end, c.AllowedCIDRs), nil
}

// externalID returns what the partner's account has to say when it takes on the role. Where the declaration names none
// it is made of the id of the system, which is random, the identity and the principal: no two partners have one, nobody
// guesses it who may not read here, and anybody who plans knows it. It is no secret.
func (cp *compiler) externalID(c *access.Credential) (string, error) {
	if c.Federated.ExternalID != "" {
		return c.Federated.ExternalID, nil
	}
	system := cp.store.SystemID()
	if system == "" {
		return "", fmt.Errorf("%w: the external id of %s follows from the id in %s, which cannot be read",
			access.ErrUnavailable, c.Ref(), cp.store.Where(store.SystemKey))
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{"external id", system, c.IdentityID.String(),
		c.Federated.AWSPrincipal}, "\n")))
	return hex.EncodeToString(sum[:16]), nil
}

// fits says whether what a ledger declares of an identity can be written, with what one more credential comes to.
func (cp *compiler) fits(l ledger.Ledger, p *page, more ...*access.Credential) error {
	var credentials []*access.Credential
	for _, ref := range store.SortedRefs(p.Entries) {
		if c, ok := p.Entries[ref].Credential(); ok && !p.Entries[ref].Removed() {
			credentials = append(credentials, c)
		}
	}
	if e := p.Entries[p.ID.Ref()]; e != nil && len(e.Adopted.Left()) > 0 {
		credentials = append(credentials, formerKey(p.ID, l.End(e)))
	}
	var granted []access.Granted
	for _, g := range grantsIn(l, p) {
		granted = append(granted, access.Granted{Grant: &access.Grant{
			Name:     g.Name,
			Resource: g.Resource,
			Actions:  g.Actions,
		}, EndsAt: g.EndsAt})
	}
	if err := cp.at.options.Words.CheckWhole(append(credentials, more...), granted); err != nil {
		return fmt.Errorf("%s: %w: %w", p.ID, access.ErrUnsupported, err)
	}
	return nil
}

// wantedAdopted returns what the user has to be that an identity has adopted; false where it has adopted none.
func (cp *compiler) wantedAdopted(l ledger.Ledger, holds ledger.Holds, p *page, grants []policy.Grant) (w wanted,
	is bool) {
	e := p.Entries[p.ID.Ref()]
	if e == nil || e.Removed() || len(e.Adopted.Left()) == 0 {
		return w, false
	}
	end := l.End(e)
	w = wanted{
		principal: p.Named(store.AdoptedOf(p.ID)), adopted: true, logins: keysOfLogins(e.Adopted), end: end,
		owner: p.ID, lifted: p.Lifting, boundary: cp.at.options.Boundary,
		credential: e.Ref(), newest: true, tags: cp.tagsOf(p, e),
	}
	w.alone = !slices.ContainsFunc(slices.Collect(maps.Values(p.Entries)),
		func(e *ledger.Entry) bool { return e.Ref().Type == access.TypeCredential })
	w.compile(grants, formerKey(p.ID, end), cp.at.options.Words, l.Standing(p.ID).Cut(), l.Held(holds, e.Object))
	return w, true
}

// formerKey returns a credential like the one that an adopted user has.
func formerKey(id access.IdentityID, end time.Time) *access.Credential {
	return &access.Credential{
		IdentityID: id,
		Terms:      access.Terms{ExpiresAt: access.At(end)},
		Secret:     &access.SecretRequest{},
	}
}
