// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"crypto/sha256"
	"encoding/hex"
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

// compiler says what principals have to be, by the ledger and the configuration alone. It asks IAM nothing: what it has
// to know of issuers was looked up before (issuers).
type compiler struct {
	at      *account
	store   *pages
	issuers *issuers
}

// wantedOf returns what the principals of an identity have to be: the user that it has adopted, and what each
// credential asks for that is not being removed.
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
		base := wanted{
			end:        l.End(e),
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
			cp.declareTrust(&w, c)
			all = append(all, w)
			continue
		}
		for _, i := range e.Issued {
			w := base
			w.principal = p.Named(principal{Kind: store.User, Name: i.Accessor, Path: store.FolderOf(p.ID)})
			w.end = i.End(base.end)
			w.newest = !i.Superseded
			w.compile(grants, c, cp.at.options.Words, cut, held)
			all = append(all, w)
		}
	}
	return all
}

// declareTrust says who may take on a role. It keeps how that follows from the ARN of an issuer's trust, or from an
// external id, so that both can be taken from the role itself if they are not known here (trustAsBefore).
func (cp *compiler) declareTrust(w *wanted, c *access.Credential) {
	w.trust, w.untrusted = cp.trustOf(c, w.end)
	own := cp.at.accountNumber()
	if !strings.Contains(c.Federated.AWSPrincipal, "::"+own+":") { // unlike the shadow of a rehearsal
		w.own = own
	}
	end := w.end
	if c.Federated.Account() {
		partner, err := access.ParseAWSPrincipal(c.Federated.AWSPrincipal)
		if err != nil {
			return
		}
		w.trusts = func(externalID string) policy.Document {
			return policy.TrustAccount(partner, externalID, end, c.AllowedCIDRs)
		}
		return
	}
	w.issuer, w.provider = c.Federated.Issuer, cp.issuers.providerARN(c.Federated.Issuer)
	if cp.issuers.isCutOff(c) {
		w.cutOff = c
	}
	w.trusts = func(provider string) policy.Document {
		return policy.TrustOIDC(provider, *c.Federated, end, c.AllowedCIDRs)
	}
}

// wantedAdopted returns what the user has to be that an identity has adopted; false if it has adopted none. It ends
// with the identity, and may do what its grants allow.
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

// formerKey returns a credential like the one that an adopted user has: a key that ends with its identity, from any
// network.
func formerKey(id access.IdentityID, end time.Time) *access.Credential {
	return &access.Credential{
		IdentityID: id,
		Terms:      access.Terms{ExpiresAt: access.At(end)},
		Secret:     &access.SecretRequest{},
	}
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

// known returns a page without the grants whose words the configuration has lost, if something else is removed: they
// give nothing until it has them again, and what is removed is. Otherwise, one lost word would keep every grant of the
// identity in force (TestAGrantIsRemovedWhereAnotherCannotBeTold).
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

// tagsOf returns the tags of a principal: for people and inventories, and to recognize what was made here. Ends and
// owners in them are never the truth.
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

// trustOf returns who may take on the role of a federated credential; an error if what it follows from is not known,
// such as the ARN of the account's trust in its issuer.
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

// externalID returns what the partner's account has to say when it takes on the role. If the declaration names none, it
// follows from the id of the system, which is random, the identity and the principal: no two partners have the same
// one, nobody who may not read here guesses it, and every plan knows it. It is no secret.
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

// fits returns an error if what a ledger declares of an identity, with one more credential, has no room in IAM.
func (cp *compiler) fits(l ledger.Ledger, p *page, more ...*access.Credential) error {
	var credentials []*access.Credential
	for _, ref := range store.SortedRefs(p.Entries) {
		if c, ok := p.Entries[ref].Credential(); ok && !p.Entries[ref].Removed() {
			credentials = append(credentials, c)
		}
	}
	if p.HasAdopted() {
		credentials = append(credentials, formerKey(p.ID, l.End(p.Entries[p.ID.Ref()])))
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
