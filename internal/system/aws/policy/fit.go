// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// How many characters AWS takes of all inline policies of a principal together, white space not counted (AWS IAM,
// quotas). Nobody can have them raised. Neither of the test servers counts, so the tests count in front of them.
const (
	maxRole = 10240
	maxUser = 2048
)

// quota returns what AWS calls the principal of a kind of credential, and how much its policies may take.
func quota(k access.Kind) (what string, most int) {
	if k == access.Secret {
		return "user", maxUser
	}
	return "role", maxRole
}

// Room returns how many characters are left for the grants of a credential. What ends it, and what cuts it by a
// declaration and by hand, is set aside: a cut must never wait for room.
func Room(c *access.Credential) int {
	_, most := quota(c.Kind())
	return most - End(c.ExpiresAt.Time, c.AllowedCIDRs).Size() - 2*Cut().Size()
}

// Misfit says that the grants of an identity do not fit into what AWS keeps for one of its credentials. It is an error
// of the plan: at an apply, IAM would answer LimitExceeded halfway.
type Misfit struct {
	Kind access.Kind
	// Have are the grants, Fit how many of them fit. Size are their characters, Room how many there may be.
	Have, Fit, Size, Room int
}

// Error says how many grants fit, and what to write.
func (m *Misfit) Error() string {
	what, most := quota(m.Kind)
	text := fmt.Sprintf("the %s of the %s credential has %d of the identity's %d grants. Together they take %d "+
		"characters; of the %d that AWS allows in the policies of a %s, %d are left beside the policies that end and "+
		"cut it. Merge grants: those with the same actions and the same end share all but their resources", what,
		m.Kind, m.Fit, m.Have, m.Size, most, what, m.Room)
	if m.Kind == access.Secret {
		return text + ". Or use a federated credential: a role has room for five times as much"
	}
	return text + ". Or give another use case an identity of its own"
}

// CheckWhole returns a Misfit if the grants of an identity do not fit into what AWS keeps for one of its credentials,
// counted as AWS counts. Fit is how many of them would fit, in the order of their names.
func (w Words) CheckWhole(credentials []*access.Credential, granted []access.Granted) error {
	var grants []Grant
	for _, g := range granted {
		grants = append(grants, Grant{Name: g.Name, Resource: g.Resource, Actions: g.Actions, EndsAt: g.EndsAt})
	}
	order.Sort(grants, func(a, b Grant) int { return strings.Compare(a.Name, b.Name) })
	for _, c := range credentials {
		room := Room(c)
		size, err := w.size(grants, c.ExpiresAt.Time)
		if err != nil {
			return err
		}
		if size <= room {
			continue
		}
		fit := 0
		for n := range grants {
			if size, err := w.size(grants[:n], c.ExpiresAt.Time); err == nil && size <= room {
				fit = n
			}
		}
		return &Misfit{Kind: c.Kind(), Have: len(grants), Fit: fit, Size: size, Room: room}
	}
	return nil
}

// CompileFitting returns partner-grants with as many of the grants as fit into a number of characters, and the names of
// those that do not: they give nothing.
//
// That happens only if less was asked for and takes more room. To shorten one of many grants that shared an end makes
// two statements of one; if that was refused, the grant would go on to its old end
// (TestWhatDoesNotFitGivesNothingAndTheRestStands). Nobody is left with more than is declared. The first to end go
// first, since they are missed for the shortest time.
func CompileFitting(grants []Grant, end time.Time, words Words, room int) (d Document, left []string, err error) {
	grants = slices.Clone(grants)
	order.Sort(grants, func(a, b Grant) int {
		return cmp.Or(a.EndsAt.Compare(b.EndsAt), strings.Compare(a.Name, b.Name))
	})
	for ; ; grants = grants[1:] {
		if d, err = CompileGrants(grants, end, words); err != nil || d.Empty() || d.Size() <= room {
			slices.Sort(left)
			return d, left, err
		}
		left = append(left, grants[0].Name)
	}
}

// size returns how many characters partner-grants would take; 0 for no grant.
func (w Words) size(grants []Grant, end time.Time) (int, error) {
	d, err := CompileGrants(grants, end, w)
	if err != nil || d.Empty() {
		return 0, err
	}
	return d.Size(), nil
}
