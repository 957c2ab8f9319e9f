// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
)

// Whoever has to cut a partner off at night does what AWS's console offers: removes the role or the key, closes the trust, attaches a policy
// that denies everything. Each of these is a cut of its credential, as partner-hold is one of its identity.

// cutBy says how somebody cut a principal by AWS's own means; "" where nobody did.
func (w *wanted) cutBy(n *native) string {
	switch {
	case w.Kind == user && !w.newest: // its credential goes on with another one
		return ""
	case !n.there:
		return w.removed()
	case n.unread != nil:
		return ""
	case w.Kind == role && w.Built && policy.LetsNobodyIn(n.Trust):
		return "its trust policy lets nobody in"
	case w.cutOff != nil && w.Built:
		return "the account no longer trusts its issuer for its audience"
	}
	if why := deniedBy(n); why != "" {
		return why
	}
	retires := w.adopted && !w.alone // beside another credential, its key is removed to retire it
	if w.Kind == user && w.Built && n.keys != nil && !retires {
		return w.keyCut(n.keys)
	}
	return ""
}

// removed says that a principal that is not there was cut by that; "" where it was never made, or is adopted: everybody is told to remove
// such a one.
func (w *wanted) removed() string {
	if w.adopted || !w.Built {
		return ""
	}
	return "it was removed"
}

// keyCut says how somebody cut the keys by which a user comes in; "" where nobody did. To remove those of an adopted one is how everybody is told
// to retire it.
func (w *wanted) keyCut(keys []key) string {
	if !w.adopted {
		return keyCut(keys, w.Key)
	}
	left := slices.DeleteFunc(slices.Clone(keys), w.added)
	if len(left) == 0 || slices.ContainsFunc(left, func(k key) bool { return k.Status != "Inactive" }) {
		return ""
	}
	return "none of its access keys is active"
}

// deniedBy says by what somebody denied a principal everything, beside the policies of our own that do that; "" where nothing does.
func deniedBy(n *native) string {
	if n.boundByNothing() {
		return "its boundary denies everything"
	}
	for _, g := range n.Groups {
		if n.deniesAll(ofGroup(g)) {
			return "it was put into the group " + g + ", which denies everything"
		}
	}
	for _, name := range slices.Sorted(maps.Keys(n.policies)) {
		if name != cutPolicy && name != holdPolicy && policy.DeniesAll(n.policies[name]) {
			return fmt.Sprintf("its policy %q denies everything", name)
		}
	}
	for _, arn := range n.attached {
		if n.deniesAll(arn) {
			return arn + " is attached, which denies everything"
		}
	}
	return ""
}

// keyCut says how somebody cut the key that was issued; "" where nobody did.
func keyCut(keys []key, issued string) string {
	at := slices.IndexFunc(keys, func(k key) bool { return k.ID == issued })
	switch {
	case issued == "":
		return ""
	case at < 0:
		return "its access key was removed"
	case keys[at].Status == "Inactive":
		return "its access key is inactive"
	}
	return ""
}

// boundByNothing reports whether a boundary allows nothing: also one that only denies.
func (n *native) boundByNothing() bool {
	text := n.managed[n.Boundary]
	return isDenyAll(n.Boundary) || policy.DeniesAll(text) || policy.OnlyDenies(text)
}

const (
	ofAWS   = ":iam::aws:policy/"
	denyAll = ofAWS + "AWSDenyAll"
	// quarantine begins the name of what AWS itself attaches to a user whose key it found published.
	quarantine = ofAWS + "AWSCompromisedKeyQuarantine"
)

func isDenyAll(arn string) bool { return strings.HasSuffix(arn, denyAll) }

// undeclared returns the inline policies that nobody declared.
func (n *native) undeclared() map[string]string {
	all := map[string]string{}
	for name, text := range n.policies {
		if !slices.Contains([]string{grantsPolicy, cutPolicy, endPolicy}, name) && (name != holdPolicy || !n.held()) {
			all[name] = text
		}
	}
	return all
}

// deniesAll reports whether an attached policy denies everything.
func (n *native) deniesAll(arn string) bool {
	return isDenyAll(arn) || policy.DeniesAll(n.managed[arn])
}

// lessens reports whether an attached policy only takes access away, or may: one that cannot be read stays.
func (n *native) lessens(arn string) bool {
	if strings.Contains(arn, ofAWS) {
		return isDenyAll(arn) || strings.Contains(arn, quarantine)
	}
	return n.managed[arn] == unreadable || policy.OnlyDenies(n.managed[arn])
}

// withManaged reads what bounds a principal from elsewhere, which no listing has: the company's own policies that are attached to it, a boundary
// that is not declared, and what its groups say.
func (s *System) withManaged(ctx context.Context, n *native) (*native, error) {
	more := *n
	more.managed = map[string]string{}
	note := func(name string, read func() (string, error)) error {
		var may forgiving
		text, err := read()
		if may.not(err) {
			text, err = unreadable, nil
		}
		more.managed[name] = text
		return gone(err)
	}
	for _, arn := range append(slices.Clone(n.attached), s.strange(n)...) {
		if strings.Contains(arn, ofAWS) {
			continue
		}
		if err := note(arn, func() (string, error) { return s.managed(ctx, arn) }); err != nil {
			return nil, err
		}
	}
	for _, g := range n.Groups {
		if err := note(ofGroup(g), func() (string, error) { return s.saidByGroup(ctx, g) }); err != nil {
			return nil, err
		}
	}
	return &more, nil
}

// strange is the boundary of a principal that is not the one of the provider block.
func (s *System) strange(n *native) []string {
	if n.Boundary == "" || n.Boundary == s.options.Boundary {
		return nil
	}
	return []string{n.Boundary}
}

// ofGroup is by what is kept what a group says.
func ofGroup(name string) string { return "group " + name }

// saidByGroup returns what the policies of a group say together.
func (s *System) saidByGroup(ctx context.Context, name string) (string, error) {
	g := principal{Kind: group, Name: name}
	var may forgiving
	policies, err := s.inlineOf(ctx, g, &may)
	if err != nil {
		return "", err
	}
	texts := slices.Collect(maps.Values(policies))
	if at := slices.IndexFunc(texts, policy.DeniesAll); at >= 0 { // whatever else it says
		return texts[at], nil
	}
	if may.why != nil {
		return "", may.why
	}
	attached, err := s.attachedTo(ctx, g)
	if err != nil {
		return "", err
	}
	for _, arn := range attached {
		text, err := s.managed(ctx, arn)
		if errors.Is(err, errAbsent) { // it went meanwhile
			continue
		}
		if err != nil {
			return "", err
		}
		texts = append(texts, text)
	}
	return policy.Join(texts, unreadable), nil
}

// managed reads a policy that can be attached.
func (c *client) managed(ctx context.Context, arn string) (string, error) {
	var p struct {
		Version string `xml:"GetPolicyResult>Policy>DefaultVersionId"`
	}
	if err := c.ask(ctx, "GetPolicy", map[string]string{"PolicyArn": arn}, &p); err != nil {
		return "", err
	}
	var v struct {
		Text string `xml:"GetPolicyVersionResult>PolicyVersion>Document"`
	}
	err := c.ask(ctx, "GetPolicyVersion", map[string]string{"PolicyArn": arn, "VersionId": p.Version}, &v)
	return plain(v.Text), err
}

// noticed returns how somebody cut a principal by AWS's own means, where that is news: it is marked, so that nothing that is made for the
// credential later gives it back. IAM may answer from a copy that is a little old: what is gone is asked for until it surely is.
func (s *System) noticed(ctx context.Context, w wanted, n *native) (bool, error) {
	if w.lifted || w.cutBy(n) == "" {
		return false, nil
	}
	if !w.policies[holdPolicy].Empty() { // it is known
		return true, nil
	}
	if !n.there && w.Kind == user {
		if err := s.movedKeys(ctx, w.principal, w.keys()); errors.Is(err, access.ErrRemains) { // it is not cut
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
	for range proofs {
		if err := access.Pause(ctx, s.settle()/proofs); err != nil {
			return false, err
		}
		if w.cutOff != nil {
			none, err := s.distrustsNow(ctx, w.cutOff)
			if err != nil {
				return false, err
			}
			if !none {
				w.cutOff = nil
			}
		}
		again, err := s.look(ctx, w.principal)
		if err != nil || w.cutBy(again) == "" {
			return false, err
		}
	}
	return true, s.store.mark(context.WithoutCancel(ctx), w.credential.ID)
}

// heedCuts looks whether somebody cut a credential of an identity by AWS's own means, before something of it goes or is issued anew.
func (s *System) heedCuts(ctx context.Context, f *family, id access.IdentityID) error {
	p := f.pages[id]
	if p.lifting {
		return nil
	}
	news := false
	for _, w := range s.wantedOf(f.ledger(), f.holds, p) {
		n, err := s.look(ctx, w.principal)
		if err != nil {
			return err
		}
		cut, err := s.noticed(ctx, w, n)
		if err != nil {
			return err
		}
		news = news || cut
	}
	if !news {
		return nil
	}
	var err error
	f.holds, err = s.store.marks(ctx)
	return err
}
