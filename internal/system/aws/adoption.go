// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/shown"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// A user that somebody made by hand is adopted as a login of an identity: its keys go on, and it may do what the identity's grants allow, until the
// identity's end. The provider has rights below /partner/ alone, and keeps no wider ones for this. IAM moves a user with its keys, so somebody
// who has the rights moves it to its place there, and a tag keeps where it was. IAM moves no role.

// wasTag says what a user was before it was moved to be adopted.
const wasTag = "partner:was"

// adoptedOf returns the user that an identity has adopted.
func adoptedOf(id access.IdentityID) principal {
	return principal{Kind: user, Name: nameOf(id, "adopted"), Path: folderOf(id)}
}

// Adoption says what adopting a user would do.
func (s *System) Adoption(ctx context.Context, id access.IdentityID, native string) (*access.Adoption, error) {
	n, err := s.adoptable(ctx, id, native)
	if err != nil {
		return nil, fmt.Errorf("adopt %s: %w", native, err)
	}
	h, err := s.read(ctx)
	if err != nil {
		return nil, fmt.Errorf("adopt %s: %w", native, err)
	}
	a := &access.Adoption{
		Groups: n.Groups, Held: n.held() || deniedBy(n) != "", Spent: ledger.Spent(h.ledger, h.stones, id.Partner), Revocation: []string{s.cutPrincipal(adoptedOf(id))},
		Sessions: "Its keys and its open sessions go on, and may do no more than that. A password for the console is removed.",
	}
	for _, k := range n.keys {
		text := "the access key " + k.ID
		if k.Status == "Inactive" {
			text += " (inactive)"
		}
		a.Logins = append(a.Logins, text)
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
	return a, nil
}

// adoptable reads the user that a native id names, where it can be adopted as an identity.
func (s *System) adoptable(ctx context.Context, id access.IdentityID, native string) (*native, error) {
	if err := s.Enter(ctx); err != nil {
		return nil, err
	}
	h, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	if i, _ := h.ledger.Identity(id); i != nil {
		return nil, fmt.Errorf("%s: %w", id, access.ErrGoverned)
	}
	path, is := strings.CutPrefix(native, "user/")
	if !is {
		return nil, fmt.Errorf("%w: %s", access.ErrUnsupported, unadoptable)
	}
	n, err := s.look(ctx, adoptedOf(id))
	if err != nil {
		return nil, err
	}
	if !n.there || n.tagged(wasTag) != native && adoptedOf(id).String() != native {
		return nil, s.unmoved(ctx, h, id, path)
	}
	switch {
	case s.elsewhere(n.described):
		return nil, s.foreign(n, adoptedOf(id), true)
	case n.ARN != "" && s.callerARN() == n.ARN:
		return nil, fmt.Errorf("%w: this provider is logged in as it, and would end its own rights", access.ErrUnsupported)
	case len(n.keys) == 0 && n.unread == nil:
		return nil, fmt.Errorf("%w: it has no access key, so that no workload comes in with it. Declare the access anew, and remove it:\n\n  %s\n\nNothing was changed",
			access.ErrUnsupported, s.removeUser(adoptedOf(id)))
	}
	return n, nil
}

// unmoved says of a user that is not at the place of an identity's how it gets there.
func (s *System) unmoved(ctx context.Context, h *shelf, id access.IdentityID, path string) error {
	folder, name := "/"+path[:strings.LastIndex(path, "/")+1], path[strings.LastIndex(path, "/")+1:]
	u := principal{Kind: user, Name: name, Path: folder}
	if name == "" { // IAM would answer with who asks
		return access.ErrNotFound
	}
	d, err := s.describe(ctx, u)
	switch {
	case errors.Is(err, errAbsent), err == nil && d.Path != folder:
		return access.ErrNotFound
	case err != nil:
		return err
	}
	for _, p := range h.pages {
		if p.has(name) {
			return fmt.Errorf("it is a user of %s: %w", p.id, access.ErrGoverned)
		}
	}
	return fmt.Errorf("%w: it lies at %s, and the provider has rights below %s alone. Move it there with a login that may, and plan again; its keys go along:\n\n  %s\n\nNothing was changed",
		access.ErrUnsupported, folder, root, s.moving(u, id))
}

// moving returns the command that moves a user to where an identity adopts it, and keeps what it was. It is told on a line that begins with
// spaces: only such a line Terraform does not wrap.
func (s *System) moving(u principal, id access.IdentityID) string {
	to := adoptedOf(id)
	return s.inAccount(fmt.Sprintf("aws iam tag-user%[1]s --user-name %[2]s --tags Key=%[3]s,Value=%[4]s && aws iam update-user%[1]s --user-name %[2]s --new-path %[5]s --new-user-name %[6]s",
		s.shell("iam"), shown.Word(u.Name), wasTag, shown.Word(u.String()), shown.Word(to.Path), shown.Word(to.Name)), "NOT MOVED: "+u.String(), "may administer users")
}

// removeUser returns the command that removes a user that no managed policy is attached to: its keys first.
func (s *System) removeUser(u principal) string {
	return s.inAccount(fmt.Sprintf(`i() { aws iam "$@"%s; } && u=%s && `, s.shell("iam"), shown.Word(u.Name))+
		`for k in $(i list-access-keys --user-name $u --query 'AccessKeyMetadata[].AccessKeyId' --output text); do i delete-access-key --user-name $u --access-key-id $k; done && `+
		`for p in $(i list-user-policies --user-name $u --query PolicyNames --output text); do i delete-user-policy --user-name $u --policy-name "$p"; done && `+
		`i delete-user --user-name $u`, "NOT REMOVED: "+u.String(), "may administer users")
}

// unadoptable says why a role is not adopted, and what to do instead.
const unadoptable = "IAM neither renames a role nor moves it to " + root + ", where alone the provider has rights. " +
	"Declare new access with federated, let the partner use the new role, and cut this one"

// adopting returns what a change lets its identity adopt, or what is left of what it adopted before, and whether that was cut by hand.
func (s *System) adopting(ctx context.Context, f *family, change access.Change) (adopted *ledger.Adopted, held bool, err error) {
	id := change.Object.Holder()
	if change.Object.Ref() != id.Ref() {
		return nil, false, nil
	}
	e := f.ledger()[id.Ref()]
	if known := e != nil && !e.Removed(); known && change.Adopt != "" && (e.Adopted == nil || e.Adopted.From != change.Adopt) {
		return nil, false, fmt.Errorf("%s: %w", id, access.ErrGoverned)
	} else if known && len(e.Adopted.Left()) > 0 {
		_, err := s.describe(ctx, adoptedOf(id))
		if left := *e.Adopted; errors.Is(err, errAbsent) { // somebody removed it, as they were told to
			left.Logins = nil
			return &left, false, nil
		}
		return e.Adopted, false, nil
	} else if known || change.Adopt == "" {
		return nil, false, nil
	}
	n, err := s.adoptable(ctx, id, change.Adopt)
	if err != nil {
		return nil, false, err
	}
	adopted = &ledger.Adopted{From: change.Adopt}
	for _, k := range n.keys {
		adopted.Logins = append(adopted.Logins, ledger.Login{NativeID: adoptedOf(id).String(), Name: k.ID})
	}
	return adopted, n.held() || deniedBy(n) != "", nil
}

// adopt writes into a draft what its identity adopts. What was cut by hand stays so, but where the declaration releases it.
func (a *proposal) adopt() {
	if a.adopted == nil {
		return
	}
	changed := *a.placed.Entry
	changed.Adopted = a.adopted
	a.draft.Set(&changed)
	a.placed.Entry = &changed
	if a.cut {
		a.placed.Lifts = a.placed.Lifts || a.placed.Unspent
		a.placed.Hold = !a.placed.Lifts
	}
}

// wantedAdopted returns what the user has to be that an identity has adopted; false where it has adopted none.
func (s *System) wantedAdopted(l ledger.Ledger, holds ledger.Holds, p *page, grants []policy.Grant) (w wanted, is bool) {
	e := p.entries[p.id.Ref()]
	if e == nil || e.Removed() || len(e.Adopted.Left()) == 0 {
		return w, false
	}
	end := l.End(e)
	w = wanted{
		principal: p.named(adoptedOf(p.id)), adopted: true, end: end, owner: p.id, lifted: p.lifting, boundary: s.options.Boundary,
		credential: e.Ref(), newest: true, tags: s.tagsOf(p, e),
	}
	w.compile(grants, formerKey(p.id, end), s.options.Words, l.Standing(p.id).Cut(), l.Held(holds, e.Object))
	return w, true
}

// formerKey returns a credential like the one that an adopted user has.
func formerKey(id access.IdentityID, end time.Time) *access.Credential {
	return &access.Credential{IdentityID: id, Terms: access.Terms{ExpiresAt: access.At(end)}, Secret: &access.SecretRequest{}}
}

// observeAdopted adds to the record of an identity what IAM has of the user that it has adopted.
func (s *System) observeAdopted(ctx context.Context, h *shelf, w wanted, n *native, lifting bool, r *access.Record) error {
	if !n.there && n.unread == nil {
		r.Adopted = nil
		cut := s.cutPrincipal(w.principal)
		r.Revocation = slices.DeleteFunc(r.Revocation, func(step string) bool { return step == cut })
		return nil
	}
	return s.observeOwn(ctx, h, w, n, lifting, r)
}

// leftLogin says that an adopted user is left.
func (s *System) leftLogin(id access.IdentityID, adopted *ledger.Adopted) []string {
	var keys []string
	for _, l := range adopted.Left() {
		keys = append(keys, l.Name)
	}
	if len(keys) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s lets in from before the adoption, with %s, and is not declared: declare a partner_credential, hand it over, then run:\n  %s",
		adoptedOf(id), strings.Join(keys, " and "), s.removeUser(adoptedOf(id)))}
}
