// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// A user that somebody made by hand is adopted as a login of an identity: its keys go on, and it may do what the
// identity's grants allow, until the identity's end. The provider has rights below /partner/ alone, and keeps no wider
// ones for this. IAM moves a user with its keys, so somebody who has the rights moves it to its place there, and a tag
// keeps where it was. IAM moves no role.

// adopter brings users that somebody made by hand under a declaration. It moves none, and adopts none that is not
// surely simple: of a user that was half adopted, the plan would say that access is gone which goes on.
type adopter struct {
	at      *account
	store   *pages
	reader  *reader
	wording *wording

	// mu guards asked: the identities for which it was asked, in this plan, what they would adopt.
	mu    sync.Mutex
	asked map[access.IdentityID]bool
}

// Adoption returns what adopting a user would do, for the plan; access.ErrUnsupported with what to do first if it
// cannot be adopted, access.ErrNotFound if IAM has no such user. native is its place and name before it was moved, such
// as "user/apps/nightly".
func (ad *adopter) Adoption(ctx context.Context, id access.IdentityID, native string) (*access.Adoption, error) {
	n, h, err := ad.adoptable(ctx, id, native)
	if err != nil {
		return nil, fmt.Errorf("adopt %s: %w", native, err)
	}
	a := &access.Adoption{
		Groups: n.Groups, Held: n.held() || deniedBy(n, policy.Document{}) != "",
		Spent:      ledger.Spent(h.Ledger, h.Stones, id.Partner),
		Revocation: []string{ad.wording.cutPrincipal(store.AdoptedOf(id))},
		Sessions: "Its keys and its open sessions go on, and may do no more than that. A password for the console " +
			"is removed.",
	}
	for _, k := range n.keys {
		text := "the access key " + k.ID
		if k.Status == "Inactive" {
			text += " (inactive)"
		}
		a.Logins = append(a.Logins, text)
	}
	roles, told, err := ad.rolesTrusting(ctx, h, n.ARN,
		store.AdoptedOf(id).ARN(policy.PartitionOf(ad.at.Site.Region).Name, ad.at.accountNumber()),
		strings.TrimSuffix(n.ARN, store.AdoptedOf(id).String())+native)
	if err != nil {
		return nil, fmt.Errorf("adopt %s: find the roles that trust it: %w", native, err)
	}
	if !told {
		a.Sessions += " Which roles trust it cannot be listed."
	}
	if len(roles) > 0 {
		a.Sessions += " These roles trust it, and their sessions go on after its end: " + strings.Join(roles, ", ") +
			". Take it out of their trust."
	}
	for _, name := range slices.Sorted(maps.Keys(n.policies)) {
		if !policy.OnlyDenies(n.policies[name]) {
			a.Policies = append(a.Policies, name)
		}
	}
	for _, arn := range n.attached {
		if !n.lessens(arn) {
			a.Policies = append(a.Policies, arn)
		}
	}
	ad.mu.Lock()
	defer ad.mu.Unlock()
	ad.asked[id] = true
	return a, nil
}

// adopts reports whether an identity has adopted a user, by what was read last, or has been asked what it would adopt.
// Room for its grants is counted by that, at plan.
func (ad *adopter) adopts(id access.IdentityID) bool {
	ad.mu.Lock()
	asked := ad.asked[id]
	ad.mu.Unlock()
	h := ad.store.Last()
	if asked || h == nil {
		return asked
	}
	e := h.Ledger[id.Ref()]
	return e != nil && !e.Removed() && len(e.Adopted.Left()) > 0
}

// rolesTrusting returns the roles whose trust names a user by one of its ARNs, and whether they can be listed. A
// session that it has of such a role goes on after its end.
func (ad *adopter) rolesTrusting(ctx context.Context, h *shelf, arns ...string) (roles []string, told bool, err error) {
	if err := ad.reader.detail(ctx, h); err != nil {
		return nil, false, err
	}
	all, err := ad.reader.listed(ctx, h)
	var said *client.Error
	if errors.As(err, &said) && (said.Unknown() || said.Status == 403) {
		return nil, false, nil
	}
	for _, n := range all {
		if n.trusts("AWS", arns...) {
			roles = append(roles, n.asPrincipal().String())
		}
	}
	return roles, err == nil, err
}

// adoptable reads the user that a native id names, if it can be adopted as an identity, and the ledger that this was
// judged by. The user has to be at its place already, with a tag that says what it was: an import block that names
// another one than was moved adopts nothing.
func (ad *adopter) adoptable(ctx context.Context, id access.IdentityID, native string) (*native, *shelf, error) {
	if err := ad.at.Enter(ctx); err != nil {
		return nil, nil, err
	}
	h, err := ad.store.Read(ctx)
	if err != nil {
		return nil, nil, err
	}
	if i, _ := h.Ledger.Identity(id); i != nil {
		return nil, nil, fmt.Errorf("%s: %w", id, access.ErrGoverned)
	}
	path, is := strings.CutPrefix(native, "user/")
	if !is {
		return nil, nil, fmt.Errorf("%w: %s", access.ErrUnsupported, unadoptable)
	}
	to := store.AdoptedOf(id)
	n, err := ad.reader.look(ctx, to)
	if err != nil {
		return nil, nil, err
	}
	if !n.there || (n.tagged(wasTag) != native && to.String() != native) {
		return nil, nil, ad.unmoved(ctx, h, id, path)
	}
	if err := ad.reader.foreign(n, to, true); err != nil {
		return nil, nil, err
	}
	return n, h, ad.unfit(ctx, to, n, native)
}

// unfit refuses to adopt a user that is not surely simple: one of which anything is not known, or cannot be both kept
// and ended. Each refusal says what to do, and that nothing was changed.
func (ad *adopter) unfit(ctx context.Context, u principal, n *native, native string) error {
	why, err := ad.whetherCaller(ctx, n, native)
	if err != nil {
		return err
	}
	own := ad.at.options.Boundary
	switch closed := n.closed(); {
	case why != "":
	case n.unread != nil:
		why = "not all of it may be read, and what is not known can be neither kept nor ended: " + n.unread.Error() +
			". Give the login the rights of the policy plan"
	case closed != "":
		why = "its policy " + closed +
			" may not be read, and so may give or deny anything. Let the provider read it, or detach it"
	case len(n.keys) == 0:
		why = "it has no access key, so that no workload comes in with it. Declare the access anew, and cut " +
			"this one:\n\n  " + ad.wording.cutPrincipal(u) +
			"\n\nUntil then, its password for the console works, if it has one"
	case len(n.Groups) > 0:
		why = "it is a member of " + strings.Join(n.Groups, ", ") +
			", and an apply takes it out of groups that allow something. Take it out first, and attach what they deny"
	case n.Boundary != "" && n.Boundary != own:
		why = "it has the boundary " + n.Boundary +
			", which is not that of the provider block. Name the same in both, or take it off"
	case n.uid() != "" || n.policies[grantsPolicy]+n.policies[endPolicy]+n.policies[cutPolicy] != "":
		why = "it has what this provider writes: a tag " + uidTag + ", or one of the policies " + grantsPolicy + ", " +
			endPolicy + " and " + cutPolicy + ". If they are somebody else's, remove them, and cut it with " +
			holdPolicy
	default:
		why = n.crowded()
	}
	if why == "" {
		return nil
	}
	return fmt.Errorf("%w: %s. Nothing was changed", access.ErrUnsupported, why)
}

// whetherCaller says why it may be that the provider is logged in as a user; "" if it is surely logged in as another
// one. To adopt it would end the provider's own rights, with nothing left to undo that.
func (ad *adopter) whetherCaller(ctx context.Context, n *native, native string) (string, error) {
	login, err := ad.at.Credentials(ctx)
	if err != nil {
		return "", err
	}
	as := ad.at.callerARN()
	// The forms in which STS names whom it knows (GetCallerIdentity). A key without a session's token is a user's own,
	// and tells by its id.
	// The forms in which STS names whom it knows (GetCallerIdentity). A key without a session's token is a user's
	// own, and tells by its id.
	named := strings.Contains(as, ":user/") ||
		strings.Contains(as, ":assumed-role/") ||
		strings.HasSuffix(as, ":root")
	ownKey := as == "" && login.AccessKeyID != "" && login.SessionToken == ""
	known := named || ownKey
	holds := slices.ContainsFunc(n.keys, func(k key) bool { return k.ID == login.AccessKeyID })
	isCaller := as != "" && (as == n.ARN || strings.HasSuffix(as, ":"+native))
	switch {
	case holds, isCaller:
		return "this provider is logged in as it, and would end its own rights", nil
	case !known:
		return "it cannot be told as whom this provider is logged in, which may be as this user. Log in as a user or " +
			"a role, where STS says which", nil
	}
	return "", nil
}

// closed returns a managed policy that is attached and may not be read; "" if there is none.
func (n *native) closed() string {
	for _, arn := range n.attached {
		if n.managed[arn] == unreadable {
			return arn
		}
	}
	return ""
}

// crowded says which policy of a user's own is kept and takes the room of what cuts it; "" if none does. IAM counts
// 2,048 characters for all of them, and a cut must always have room.
func (n *native) crowded() string {
	for _, name := range slices.Sorted(maps.Keys(n.policies)) {
		text := n.policies[name]
		switch {
		case name == holdPolicy && !policy.Cut().Is(text):
			return "its policy " + holdPolicy +
				" is not the one that cuts a user. Write it anew with the command in revocation of the inventory, " +
				"or remove it"
		case name != holdPolicy && (policy.OnlyDenies(text) || policy.DeniesAll(text)):
			return fmt.Sprintf("its own policy %q denies, and would take the room that IAM has for a cut. Make it a "+
				"managed policy, attach that, and remove this one: what is attached and only denies, stays", name)
		}
	}
	return ""
}

// unmoved returns the error of a user that is not at the place of an identity's: how it gets there, if it can be
// adopted there. Whether it can is found out first, so that nobody moves one in vain.
func (ad *adopter) unmoved(ctx context.Context, h *shelf, id access.IdentityID, path string) error {
	folder := "/" + path[:strings.LastIndex(path, "/")+1]
	name := path[strings.LastIndex(path, "/")+1:]
	u := principal{Kind: store.User, Name: name, Path: folder}
	if name == "" { // IAM would answer with who asks
		return access.ErrNotFound
	}
	n, err := ad.reader.look(ctx, u)
	if err != nil {
		return err
	}
	if !n.there || n.Path != folder {
		return access.ErrNotFound
	}
	for _, p := range h.Pages {
		if p.Has(u) {
			return fmt.Errorf("it is a user of %s: %w", p.ID, access.ErrGoverned)
		}
	}
	if err := ad.unfit(ctx, u, n, u.String()); err != nil {
		return err
	}
	return fmt.Errorf("%w: it lies at %s, and the provider has rights below %s alone. Move it there with a login "+
		"that may, and plan again; its keys go along:\n\n  %s\n\nNothing was changed",
		access.ErrUnsupported, folder, store.Root, ad.wording.moving(u, id))
}

// unadoptable says why a role is not adopted, and what to do instead.
const unadoptable = "IAM neither renames a role nor moves it to " + store.Root +
	", where alone the provider has rights. Declare new access with federated, let the partner use the new role, and " +
	"cut this one"

// adopting returns what a change lets its identity adopt, or what is left of what it adopted before, and whether that
// was cut by hand; nil if neither is so.
//
// It writes a tag of the user before anything else: a login that may not write its tags could not find it again if the
// page of its identity is lost.
func (ad *adopter) adopting(ctx context.Context, f *family, change access.Change) (adopted *ledger.Adopted, held bool,
	err error) {
	id := change.Object.Holder()
	if change.Object.Ref() != id.Ref() {
		return nil, false, nil
	}
	if e := f.Ledger()[id.Ref()]; e != nil && !e.Removed() {
		adopted, err = ad.adoptedBefore(ctx, e, change)
		return adopted, false, err
	}
	if change.Adopt == "" {
		return nil, false, nil
	}
	n, _, err := ad.adoptable(ctx, id, change.Adopt)
	if err != nil {
		return nil, false, err
	}
	if err := ad.at.Ask(ctx, "TagUser",
		naming(store.AdoptedOf(id), "Tags.member.1.Key", wasTag, "Tags.member.1.Value", change.Adopt),
		nil); err != nil {
		return nil, false, fmt.Errorf("write the tags of %s: %w. Nothing was changed", store.AdoptedOf(id), err)
	}
	adopted = &ledger.Adopted{From: change.Adopt}
	for _, k := range n.keys {
		adopted.Logins = append(adopted.Logins, ledger.Login{NativeID: store.AdoptedOf(id).String(), Name: k.ID})
	}
	return adopted, n.held() || deniedBy(n, policy.Document{}) != "", nil
}

// adoptedBefore returns what is left of what an identity that exists has adopted. It adopts nothing else:
// access.ErrGoverned.
func (ad *adopter) adoptedBefore(ctx context.Context, e *ledger.Entry, change access.Change) (*ledger.Adopted, error) {
	id := e.Object.Holder()
	if change.Adopt != "" && (e.Adopted == nil || e.Adopted.From != change.Adopt) {
		return nil, fmt.Errorf("%s: %w", id, access.ErrGoverned)
	}
	if len(e.Adopted.Left()) == 0 {
		return nil, nil
	}
	return ad.stillLeft(ctx, id, e.Adopted)
}

// stillLeft returns what is left of what an identity has adopted: nothing, once IAM has said often enough that none of
// the keys is there, and none lives on under another user. To forget a key that is there would give it up unseen
// (TestAKeyIsForgottenOnlyOnceItIsSurelyGone).
func (ad *adopter) stillLeft(ctx context.Context, id access.IdentityID, a *ledger.Adopted) (*ledger.Adopted, error) {
	logins := keysOfLogins(a)
	for range proofs {
		keys, err := ad.at.keysOf(ctx, store.AdoptedOf(id))
		if errors.Is(err, access.ErrNotPermitted) {
			return a, nil
		}
		if client.Gone(err) != nil {
			return nil, err
		}
		if slices.ContainsFunc(keys, func(k key) bool { return slices.Contains(logins, k.ID) }) {
			return a, nil
		}
		if err := access.Pause(ctx, ad.at.settle()/proofs); err != nil {
			return nil, err
		}
	}
	// that one lives on is told once all else is done
	if err := ad.at.movedKeys(ctx, store.AdoptedOf(id), logins); errors.Is(err, access.ErrRemains) {
		return a, nil
	} else if err != nil {
		return nil, err
	}
	left := *a
	left.Logins = nil
	return &left, nil
}
