// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// surveyor looks over the whole account, also for what nobody declared.
type surveyor struct {
	at       *account
	store    *pages
	reader   *reader
	observer *observer
	wording  *wording
}

// Survey returns what List returns, with what IAM has of it beyond the declaration; and the users and roles that give
// partners access and that nobody declared. partners are names, and numbers of accounts, that are known beside those in
// the ledger.
func (sv *surveyor) Survey(ctx context.Context, partners []string) ([]*access.Record, []access.Stray, error) {
	records, strays, err := sv.survey(ctx, partners)
	if err != nil {
		return nil, nil, fmt.Errorf("survey: %w", err)
	}
	return records, strays, nil
}

func (sv *surveyor) survey(ctx context.Context, partners []string) ([]*access.Record, []access.Stray, error) {
	if err := sv.at.Enter(ctx); err != nil {
		return nil, nil, err
	}
	h, err := sv.store.Read(ctx)
	if err != nil {
		return nil, nil, err
	}
	records, err := sv.observeAll(ctx, h)
	if err != nil {
		return nil, nil, err
	}
	all, err := sv.reader.listed(ctx, h)
	if client.Supported(err) != nil {
		return nil, nil, err
	}
	strays := sv.straysAmong(all, h, append(partners, declaredPartners(h.Ledger)...))
	return records, strays, sv.tellUse(ctx, strays)
}

// observeAll returns the record of everything in the ledger, sorted by reference. Each key is a request of its own, so
// many are asked for at a time.
func (sv *surveyor) observeAll(ctx context.Context, h *shelf) ([]*access.Record, error) {
	refs := store.SortedRefs(h.Ledger)
	records := make([]*access.Record, len(refs))
	var reading errgroup.Group // each key is asked for by itself, which thousands are not to wait for
	reading.SetLimit(sv.at.Site.Concurrency)
	for n, ref := range refs {
		page := h.Pages[h.Ledger[ref].Object.Holder()]
		reading.Go(func() (err error) {
			if records[n], err = sv.observer.observed(ctx, h, h.Ledger, h.Holds, page, ref); err != nil {
				return fmt.Errorf("%s: %w", ref, err)
			}
			return nil
		})
	}
	return records, reading.Wait()
}

// declaredPartners returns the names of the partners in a ledger, and the numbers of the accounts that they are known
// by.
func declaredPartners(l ledger.Ledger) (partners []string) {
	for _, e := range l {
		partners = append(partners, e.Object.Holder().Partner)
		c, ok := e.Credential()
		if !ok || c.Federated == nil || !c.Federated.Account() {
			continue
		}
		if p, err := access.ParseAWSPrincipal(c.Federated.AWSPrincipal); err == nil {
			partners = append(partners, p.Account)
		}
	}
	return partners
}

// straysAmong returns the principals that are of a partner, and that no page names. What somebody has cut gives
// nothing, and is left out, unless it lies where only what the ledger names may be.
func (sv *surveyor) straysAmong(all []*native, h *shelf, partners []string) (strays []access.Stray) {
	known := map[string]bool{}
	for _, p := range h.Pages {
		for _, x := range p.Principals {
			known[x.Handle()] = true
		}
	}
	slices.Sort(partners)
	partners = slices.Compact(partners)
	for _, n := range all {
		// which somebody cut, and which gives nothing
		if known[n.asPrincipal().Handle()] ||
			(!strings.HasPrefix(n.Path, store.Root) && (n.heldWhole() || deniedBy(n, policy.Document{}) != "")) {
			continue
		}
		if stray, is := sv.stray(n, partners); is {
			strays = append(strays, stray)
		}
	}
	order.Sort(strays, func(a, b access.Stray) int { return strings.Compare(a.NativeID, b.NativeID) })
	return strays
}

// stray returns what a user or role is that the ledger does not name; false if it is not of a partner's. A role that
// trusts everybody is one in any case; other principals are told by the words in their name, their tags and whom they
// trust.
func (sv *surveyor) stray(n *native, partners []string) (stray access.Stray, is bool) {
	p := n.asPrincipal()
	outside := sv.outsiders(n.Trust)
	ours := strings.HasPrefix(n.Path, store.Root)
	names := append([]string{n.Name}, outside...)
	for _, t := range n.Tags {
		names = append(names, t.Value)
	}
	of := func(partner string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return access.HasWord(name, partner) })
	}
	switch {
	case ours: // it lies where only what the ledger names may be
	case p.Kind == store.Role && slices.Contains(outside, "*"):
	case !slices.ContainsFunc(partners, of), p.Kind == store.Role && len(outside) == 0:
		return stray, false
	}
	used, _ := n.lastUsed()
	stray = access.Stray{
		NativeID: p.String(), Kind: strings.ToLower(string(p.Kind)), Names: names,
		Policies:  append(slices.Sorted(maps.Keys(n.policies)), n.attached...),
		CreatedAt: n.Created.UTC(), LastUsedAt: used, Revocation: []string{sv.wording.cutPrincipal(p)},
		Adoptable: p.Kind == store.User && !n.ours(),
	}
	sv.tellGiven(n, &stray)
	switch {
	case ours:
		stray.Why = "it lies at " + store.Root + ", but the ledger does not know it"
	case len(outside) > 0:
		stray.Why = "it is not declared, but trusts " + strings.Join(outside, " and ")
	default:
		stray.Why = "it is not declared, but has a partner's name"
	}
	switch {
	case p.Kind == store.Role:
		stray.Why += ". It cannot be adopted: " + unadoptable
	case stray.Adoptable:
		stray.Why += ". The plan of its import block says how to adopt it, or why it cannot be"
	}
	return stray, true
}

// tellGiven adds to a stray whom it trusts and what it may do, as a declaration would say it, and the rest as comments.
// A trust in what stands for a partner here is none to declare: its session would outlive that.
func (sv *surveyor) tellGiven(n *native, stray *access.Stray) {
	found := sv.at.options.Words.Find(n.Trust, slices.Collect(maps.Values(n.policies))...)
	stray.Unsaid = found.Unsaid
	for _, t := range found.Trusts {
		if ofPartner.MatchString(t.AWSPrincipal) {
			stray.Unsaid = append(stray.Unsaid,
				"trust in "+t.AWSPrincipal+", which stands for a partner here: a session of this role goes on after "+
					"the end of that")
		} else {
			stray.Trusts = append(stray.Trusts, t)
		}
	}
	for _, g := range found.Grants {
		stray.Grants = append(stray.Grants, access.Grant{Resource: g.Resource, Actions: g.Actions})
	}
	for _, arn := range n.attached {
		stray.Unsaid = append(stray.Unsaid, "what "+arn+" allows or denies, which is attached")
	}
	if n.Boundary != "" {
		stray.Unsaid = append(stray.Unsaid, "the limit that its boundary "+n.Boundary+" sets"+policy.Wider)
	}
	for _, name := range n.Groups {
		stray.Unsaid = append(stray.Unsaid, "what the group "+name+" allows or denies")
	}
}

// tellUse adds to the users among strays when a key of theirs was used last, which no listing has.
func (sv *surveyor) tellUse(ctx context.Context, strays []access.Stray) error {
	var asking errgroup.Group
	asking.SetLimit(sv.at.Site.Concurrency)
	for n, stray := range strays {
		if name, is := strings.CutPrefix(stray.NativeID, "user/"); is {
			asking.Go(func() (err error) {
				strays[n].LastUsedAt, err = sv.userUse(ctx,
					principal{Kind: store.User, Name: name[strings.LastIndex(name, "/")+1:]})
				return err
			})
		}
	}
	return asking.Wait()
}

// userUse returns when a key of a user was used last; zero if none was, or IAM does not tell.
func (sv *surveyor) userUse(ctx context.Context, u principal) (last time.Time, err error) {
	keys, err := sv.at.keysOf(ctx, u)
	if err != nil &&
		!errors.Is(err, access.ErrNotPermitted) &&
		client.Supported(client.Gone(err)) != nil {
		return last, err
	}
	for _, k := range keys {
		at, _, err := sv.observer.keyUse(ctx, k.ID)
		if err != nil {
			return last, err
		}
		last = access.Latest(last, at.UTC())
	}
	return last, nil
}

// ofPartner is what the ARN of a user, a role or a session says that stands for a partner.
var ofPartner = regexp.MustCompile(`:(user|role)` + store.Root + `|:assumed-role/partner\.`)

// outsiders returns whom a trust names that is not of the company: other accounts, issuers, and what stands for a
// partner in this account. If it is not known which account this is, everybody is outside.
func (sv *surveyor) outsiders(trust string) (all []string) {
	for _, statement := range policy.TrustIn(trust) {
		of := statement.Of()
		if statement.Effect != "Allow" {
			continue
		}
		for _, who := range append(policy.Listed(of["AWS"]), policy.Listed(of["Federated"])...) {
			if account := sv.at.accountNumber(); account == "" ||
				!strings.Contains(who, "::"+account+":") ||
				strings.Contains(who, "provider/") ||
				ofPartner.MatchString(who) {
				all = append(all, who)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
