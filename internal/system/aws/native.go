// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// The inline policies of a principal (see package policy). What bears one of these names is written over if it is not
// as it has to be, unless somebody made it a denial of everything: that is a cut.
const (
	grantsPolicy = "partner-grants"
	endPolicy    = "partner-end"
	cutPolicy    = "partner-cut"
	holdPolicy   = "partner-hold"
)

// native is what IAM has of a principal, as it was read. It is not changed once others have it: what is read in
// addition is added to a copy.
type native struct {
	described
	// there: IAM has it. Otherwise, nothing else is set.
	there bool
	// policies are its inline policies, their texts by their names.
	policies map[string]string
	// attached are the ARNs of the managed policies that hang on it.
	attached []string
	// managed are the texts of the company's own among these, of its boundary and its groups; nil: nobody read them.
	managed map[string]string
	// keys are its access keys; nil: nobody asked.
	keys []key
	// unread is why not all of it could be read; nil if it was. Nothing may be concluded then from what is missing.
	unread error
}

// asPrincipal returns which one it is.
func (n *native) asPrincipal() principal {
	if n.User != "" {
		return principal{Kind: store.User, Name: n.User, Path: n.Path}
	}
	return principal{Kind: store.Role, Name: n.Name, Path: n.Path}
}

// What the ledger holds (package store), with what IAM has of each principal beside it.
type (
	pages = store.Store[*native]
	shelf = store.Shelf[*native]
)

// reader reads the principals that IAM has, as they are or as one listing of the account has them. It writes nothing to
// IAM.
type reader struct {
	at    *account
	store *pages

	// details is held while one caller lists all principals for all.
	details sync.Mutex
}

// trusts reports whether its trust policy lets one of some principals in: AWS's own (AWS), or an issuer (Federated).
func (n *native) trusts(kind string, whom ...string) bool {
	return slices.ContainsFunc(policy.TrustIn(n.Trust), func(said policy.Stated) bool {
		return said.Effect == "Allow" &&
			slices.ContainsFunc(policy.Listed(said.Of()[kind]),
				func(who string) bool { return slices.Contains(whom, who) })
	})
}

// unreadable stands for the text of a policy that may be there, and may not be read.
const unreadable = "?"

// held reports whether it was cut by hand: a policy named partner-hold takes access away. One that gives some is no
// cut.
func (n *native) held() bool { return n.there && cuts(n.policies[holdPolicy]) }

// heldWhole reports whether the cut by hand denies everything, so that nothing has to be written over it.
func (n *native) heldWhole() bool {
	text := n.policies[holdPolicy]
	return n.there && (text == unreadable || policy.DeniesAll(text))
}

// cuts reports whether a policy named partner-hold means a cut: it denies everything, or nothing but denies.
func cuts(text string) bool {
	return text == unreadable || policy.DeniesAll(text) || policy.OnlyDenies(text)
}

// ours reports whether it was made here: it bears a tag of ours or, if somebody took the tags away, the policy that
// ends it.
func (n *native) ours() bool { return n.uid() != "" || n.policies[endPolicy] != "" }

// foreign returns access.ErrForeign if a principal was not made here, lies elsewhere, or is another ledger's; nil if it
// is what a page means. One that is adopted somebody else made.
func (rd *reader) foreign(n *native, p principal, adopted bool) error {
	switch {
	case !n.ours() && !adopted:
		return fmt.Errorf("%s was not made here: %w", p, access.ErrForeign)
	case n.Path != p.Path:
		return fmt.Errorf("%s is at %s: %w", p, n.Path, access.ErrForeign)
	case rd.elsewhere(n.described):
		return fmt.Errorf("%s belongs to the access system %s, but the ledger %s is %s: two ledgers in one account "+
			"need different environments: %w",
			p, n.tagged(systemTag), rd.at.options.Ledger, rd.store.SystemID(), access.ErrForeign)
	}
	return nil
}

// elsewhere reports whether a principal is of another ledger, by its tag. One without that tag is not: somebody may
// have taken it away.
func (rd *reader) elsewhere(d described) bool {
	of, own := d.tagged(systemTag), rd.store.SystemID()
	return of != "" && own != "" && of != own
}

// look reads a principal with all that hangs on it, side by side; one that is not there if IAM has none. What may not
// be read is noted in unread, and no error: nothing is less removed or cut for that. A user's key that the page knows
// is taken to be there if keys may not be listed, so that a removal deletes it.
func (rd *reader) look(ctx context.Context, p principal) (*native, error) {
	n := &native{policies: map[string]string{}}
	var may forgiving
	var err error
	if n.described, err = rd.at.describe(ctx, p); errors.Is(err, client.ErrAbsent) {
		return n, nil
	} else if may.not(err) {
		n.Path = p.Path
	} else if err != nil {
		return nil, err
	}
	n.there = true
	var reading errgroup.Group
	reading.Go(func() (err error) { n.policies, err = rd.inlineOf(ctx, p, &may); return err })
	optional := func(read func() error) {
		reading.Go(func() error {
			if err := read(); !may.not(err) {
				return err
			}
			return nil
		})
	}
	optional(func() (err error) { n.attached, err = rd.at.attachedTo(ctx, p); return client.Supported(err) })
	if p.Kind == store.User {
		optional(func() (err error) {
			keys, err := rd.at.keysOf(ctx, p)
			if n.keys = append([]key{}, keys...); err != nil && p.Key != "" {
				n.keys = []key{{ID: p.Key}}
			}
			return err
		})
		optional(func() (err error) { n.Groups, err = rd.at.groupsOf(ctx, p); return err })
	}
	if err := reading.Wait(); errors.Is(err, client.ErrAbsent) { // it went while it was read
		return &native{policies: map[string]string{}}, nil
	} else if err != nil {
		return nil, err
	}
	n.unread = may.why
	return rd.withManaged(ctx, n)
}

// inlineOf returns the inline policies of a principal. If they may not be listed, our own are taken to be there: to
// remove one that is not is no error, and to leave one would be.
func (rd *reader) inlineOf(ctx context.Context, p principal, may *forgiving) (map[string]string, error) {
	names, err := rd.at.inlineNames(ctx, p)
	if may.not(err) {
		names = []string{grantsPolicy, endPolicy, cutPolicy}
	} else if err != nil {
		return nil, err
	}
	texts := make([]string, len(names))
	var each errgroup.Group
	for i, name := range names {
		each.Go(func() (err error) {
			if texts[i], err = rd.at.inlineText(ctx, p, name); may.not(err) {
				texts[i], err = unreadable, nil
			}
			return client.Gone(err)
		})
	}
	if err := each.Wait(); err != nil {
		return nil, err
	}
	policies := map[string]string{}
	for i, name := range names {
		if texts[i] != "" {
			policies[name] = texts[i]
		}
	}
	return policies, nil
}

// forgiving notes that something may not be read. It is used by several goroutines at once.
type forgiving struct {
	mu  sync.Mutex
	why error
}

// not reports whether an error is that something may not be read, and keeps the first one.
func (f *forgiving) not(err error) bool {
	if !errors.Is(err, access.ErrNotPermitted) {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.why = cmp.Or(f.why, err)
	return true
}

// nativeOf returns a principal as a listing has it that is fresh, and otherwise as it is now. Without a shelf, it
// always asks.
func (rd *reader) nativeOf(ctx context.Context, h *shelf, p principal) (*native, error) {
	if h == nil {
		return rd.look(ctx, p)
	}
	if n := h.Native(p); n != nil {
		return n, nil
	}
	if err := rd.detail(ctx, h); err != nil {
		return nil, err
	}
	if n := h.Native(p); n != nil {
		return n, nil
	}
	if h.Unlisted() {
		if n := rd.store.Recall(p); n != nil { // which is older than this reading, and not to last as long
			return n, nil
		}
	}
	n, err := rd.look(ctx, p)
	if err != nil {
		return nil, err
	}
	h.SetNative(p, rd.store.Note(p, n))
	return n, nil
}
