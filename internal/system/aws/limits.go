// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// limits are what somebody took away by hand from the users that a credential has. The next one gets them, too: nobody
// would expect a rotation to give that back (TestARotationGivesBackNothingThatSomebodyDenied).
type limits struct {
	// denied are the texts of the policies, by the names that their copies have.
	denied map[string]string
	// boundary is the ARN of a boundary that is not declared; "" for none.
	boundary string
}

// limitAsBefore gives a new user the limits of those before it. What does not fit beside the grants is refused before
// there is a key: afterwards, each apply would fail for want of room. So is what cannot be read.
func (is *issuer) limitAsBefore(ctx context.Context, u principal, c *access.Credential, end time.Time) error {
	p := is.family.Pages[c.IdentityID]
	e := p.Entries[c.Ref()]
	if e == nil {
		return nil
	}
	before := limits{denied: map[string]string{}}
	for _, x := range store.PrincipalsOf(e) {
		n, err := is.lookout.reader.look(ctx, x)
		if err != nil {
			return err
		}
		if n.unread != nil {
			return fmt.Errorf("see what somebody denied to %s: %w", x, n.unread)
		}
		if err := before.add(n, is.at.options.Boundary); err != nil {
			return err
		}
	}
	room := policy.Room(c)
	granted, _, err := policy.CompileFitting(grantsIn(is.family.Ledger(), p), end, is.at.options.Words, room)
	if err == nil && !granted.Empty() {
		room -= granted.Size()
	}
	if err := before.fit(room); err != nil {
		return err
	}
	if before.boundary != "" {
		if err := is.at.bound(ctx, u, before.boundary); err != nil {
			return err
		}
	}
	for name, text := range before.denied {
		if err := is.at.putInline(ctx, u, name, text); err != nil {
			return err
		}
	}
	return nil
}

// add adds the limits of one user. If the provider block names a boundary, the next apply replaces any other, so none
// is handed on. What AWS itself attaches to a user whose key was published is not among the managed policies that are
// read: it is about that key.
func (li *limits) add(n *native, declared string) error {
	if declared == "" && n.Boundary != "" {
		if li.boundary != "" && li.boundary != n.Boundary {
			return fmt.Errorf("%w: the users before have two boundaries, %s and %s. Give them one", client.ErrFull,
				li.boundary, n.Boundary)
		}
		li.boundary = n.Boundary
	}
	own := n.undeclared()
	for _, name := range slices.Sorted(maps.Keys(own)) {
		if err := li.deny(name, own[name]); err != nil {
			return err
		}
	}
	for _, from := range slices.Sorted(maps.Keys(n.managed)) {
		if from == li.boundary && !slices.Contains(n.attached, from) {
			continue
		}
		name := strings.ReplaceAll(from[strings.LastIndex(from, "/")+1:], " ", "-")
		if err := li.deny(name, n.managed[from]); err != nil {
			return err
		}
	}
	return nil
}

// deny adds what a policy denies. Its copy has the name of the policy, unless that is taken by another one or is one of
// ours; a policy that also allows something is left out.
func (li *limits) deny(name, text string) error {
	if text == unreadable {
		return fmt.Errorf("what %s takes away from the user before may not be read: %w", name,
			&client.Error{Status: http.StatusForbidden, Code: "AccessDenied"})
	}
	if !policy.OnlyDenies(text) {
		return nil
	}
	taken := func(name string) bool {
		return slices.Contains([]string{grantsPolicy, cutPolicy, endPolicy, holdPolicy}, name) ||
			(li.denied[name] != "" && li.denied[name] != text)
	}
	as := name
	for n := 2; taken(as); n++ {
		as = name[:min(len(name), 120)] + "-" + strconv.Itoa(n) // of the 128 that a name may have
	}
	li.denied[as] = text
	return nil
}

// fit returns client.ErrFull if the denials do not fit into the room that is left beside what is granted.
func (li *limits) fit(room int) error {
	size := 0
	for _, text := range li.denied {
		size += policy.Counted(text)
	}
	if size == 0 || size <= room {
		return nil
	}
	return fmt.Errorf("%w: what somebody denied to the user before takes %d characters, and beside the grants there "+
		"is room for %d. Shorten it, or merge grants",
		client.ErrFull, size, max(room, 0))
}
