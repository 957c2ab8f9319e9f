// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// Survey returns what List returns, with what IAM has of it beyond the declaration; and the users and roles that give partners access and
// that nobody declared.
func (s *System) Survey(ctx context.Context, partners []string) ([]*access.Record, []access.Stray, error) {
	records, strays, err := s.survey(ctx, partners)
	if err != nil {
		return nil, nil, fmt.Errorf("survey: %w", err)
	}
	return records, strays, nil
}

func (s *System) survey(ctx context.Context, partners []string) ([]*access.Record, []access.Stray, error) {
	if err := s.Enter(ctx); err != nil {
		return nil, nil, err
	}
	h, err := s.read(ctx)
	if err != nil {
		return nil, nil, err
	}
	records, err := s.observeAll(ctx, h)
	if err != nil {
		return nil, nil, err
	}
	all, err := s.all(ctx)
	if err = supported(err); err != nil {
		return nil, nil, err
	}
	return records, s.straysAmong(all, h, append(partners, declaredPartners(h.ledger)...)), nil
}

// observeAll returns the record of everything in the ledger.
func (s *System) observeAll(ctx context.Context, h *shelf) ([]*access.Record, error) {
	refs := sortedRefs(h.ledger)
	records := make([]*access.Record, len(refs))
	var reading errgroup.Group // each key is asked for by itself, which thousands are not to wait for
	reading.SetLimit(s.options.Concurrency)
	for n, ref := range refs {
		page := h.pages[h.ledger[ref].Object.Holder()]
		reading.Go(func() (err error) {
			if records[n], err = s.observed(ctx, h, h.ledger, h.holds, page, ref); err != nil {
				return fmt.Errorf("%s: %w", ref, err)
			}
			return nil
		})
	}
	return records, reading.Wait()
}

// declaredPartners returns the names of the partners in a ledger, and the numbers of the accounts that they are known by.
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

// straysAmong returns the principals that are of a partner, and that no page names.
func (s *System) straysAmong(all []*native, h *shelf, partners []string) (strays []access.Stray) {
	known := map[string]bool{}
	for _, p := range h.pages {
		for _, x := range p.principals {
			known[x.Name] = true
		}
	}
	slices.Sort(partners)
	partners = slices.Compact(partners)
	for _, n := range all {
		if known[n.Name] {
			continue
		}
		if stray, is := s.stray(n, partners); is {
			strays = append(strays, stray)
		}
	}
	order.Sort(strays, func(a, b access.Stray) int { return strings.Compare(a.NativeID, b.NativeID) })
	return strays
}

// stray returns what a user or role is that the ledger does not name; false where it is not of a partner's.
func (s *System) stray(n *native, partners []string) (stray access.Stray, is bool) {
	p := principal{Kind: role, Name: n.Name, Path: n.Path}
	outside := s.outsiders(n.Trust)
	if n.Trust == "" {
		p.Kind = user
	}
	ours := strings.HasPrefix(n.Path, root)
	names := append([]string{n.Name}, outside...)
	for _, t := range n.Tags {
		names = append(names, t.Value)
	}
	of := func(partner string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return access.HasWord(name, partner) })
	}
	switch {
	case ours: // it lies where only what the ledger names may be
	case p.Kind == role && slices.Contains(outside, "*"):
	case !slices.ContainsFunc(partners, of), p.Kind == role && len(outside) == 0:
		return stray, false
	}
	why := "it is not declared, but has a partner's name"
	if len(outside) > 0 {
		why = "it is not declared, but trusts " + strings.Join(outside, " and ")
	}
	if ours {
		why = "it lies at " + root + ", but the ledger does not know it"
	}
	used, _ := n.lastUsed()
	why += ". It cannot be adopted: " + unadoptable(p.Kind)
	stray = access.Stray{
		NativeID: p.String(), Kind: strings.ToLower(string(p.Kind)), Names: names, Policies: append(slices.Sorted(maps.Keys(n.policies)), n.attached...),
		Why: why, CreatedAt: n.Created.UTC(), LastUsedAt: used, Revocation: []string{s.cutPrincipal(p)},
	}
	return stray, true
}

// Adoption refuses: see unadoptable.
func (s *System) Adoption(_ context.Context, _ access.IdentityID, native string) (*access.Adoption, error) {
	k := role
	if strings.HasPrefix(native, "user/") {
		k = user
	}
	return nil, fmt.Errorf("%w: %s cannot be adopted: %s", access.ErrUnsupported, native, unadoptable(k))
}

// unadoptable says why what somebody made in IAM is not taken over, and what to do instead.
func unadoptable(k kind) string {
	if k == user {
		return "its key may be known to others, and cannot move to a user that ends. Declare new access with secret, " +
			"hand over the new key, and remove this user"
	}
	return "a role cannot be renamed or moved to " + root + ", the only place where the provider has rights, and " +
		"others may use it. Declare new access with federated, let the partner use the new role, and remove this " +
		"one"
}

// outsiders returns whom a trust names that is outside of the account: other accounts, and issuers.
func (s *System) outsiders(trust string) (all []string) {
	for _, statement := range policy.TrustIn(trust) {
		of, _ := statement.Principal.(map[string]any)
		if statement.Principal == "*" {
			of = map[string]any{"AWS": "*"}
		}
		if statement.Effect != "Allow" {
			continue
		}
		for _, who := range append(textsOf(of["AWS"]), textsOf(of["Federated"])...) {
			if account := s.accountNumber(); account == "" || !strings.Contains(who, "::"+account+":") || strings.Contains(who, "provider/") {
				all = append(all, who)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func textsOf(v any) (texts []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, one := range v {
			if text, ok := one.(string); ok {
				texts = append(texts, text)
			}
		}
	}
	return texts
}
