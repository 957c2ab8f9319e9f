// SPDX-License-Identifier: MPL-2.0

package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/policy"
)

// Both functions decide by the ledger alone: they read no clock and ask nobody, so a plan compares their text with the
// server's to find what somebody edited.

// Render returns the policy of an identity, from a ledger that has it and all above it, what has yet to be ended, and
// what could not be read: while there is some of that, the policy allows nothing. So a line that somebody broke costs
// its identity its access, and never gives one.
func Render(l ledger.Ledger, id access.IdentityID, dead []Lost, unread []string) (string, error) {
	head := []string{DocumentTitle}
	own := ledger.Ledger{}
	for ref, e := range l {
		if e.Object.Holder() == id {
			own[ref] = e
		}
	}
	for _, ref := range order.Sorted(maps.Keys(own), ledger.CompareRefs) {
		text, err := json.Marshal(own[ref])
		if err != nil {
			return "", err
		}
		head = append(head, LedgerLine+ascii(text))
	}
	for _, x := range dead {
		head = append(head, x.Line())
	}
	if len(unread) > 0 {
		return policy.Render(append(head, unread...), nil), nil
	}
	body, err := Compile(l, own, id)
	if err != nil {
		return "", err
	}
	return policy.Render(head, nil) + body, nil
}

// Compile returns what the ledger says that an identity may do now: the paths of its grants, each until its end. own
// are the identity's entries of l. What is cut may do nothing.
//
// If the removal of the last credential was begun, nothing is allowed either: a session that is still open was come by
// with what is being removed. If there is none at all, the paths keep their own ends, and a token for one run may use
// them.
func Compile(l, own ledger.Ledger, id access.IdentityID) (string, error) {
	stands := l.Standing(id)
	if stands.Cut() {
		return "", nil
	}
	last, struck := lastCredential(l, own)
	if last.IsZero() && struck { // a session that is left was come by with what is being removed
		return "", nil
	}
	var grants []policy.Grant
	for _, e := range own {
		if g, ok := e.Object.(*access.Grant); ok && !e.Removed() {
			grants = append(grants, policy.Grant{
				Name: g.Name, Resource: g.Resource, Actions: g.Actions, EndsAt: access.Earliest(l.End(e), last),
			})
		}
	}
	order.Sort(grants, func(a, b policy.Grant) int { return strings.Compare(a.Name, b.Name) })
	blocks, err := policy.Compile(grants)
	if err != nil {
		return "", err
	}
	return policy.Render(nil, blocks), nil
}

// lastCredential returns when the last credential of an identity ends; zero if it has none. Nobody comes by a session
// in order after it, so no path outlives it: a session that was opened a second before ends with it. struck reports
// whether the removal of a credential was begun.
//
// A login from before an adoption counts like a credential that ends with its identity. What was issued counts to its
// own end, and never beyond its credential's.
func lastCredential(l, own ledger.Ledger) (last time.Time, struck bool) {
	for _, e := range own {
		c, isCredential := e.Credential()
		if e.Removed() {
			struck = struck || isCredential
			continue
		}
		end := l.End(e)
		if len(e.Adopted.Left()) > 0 || (isCredential && c.Kind() == access.Federated) {
			last = access.Latest(last, end)
		}
		for _, i := range e.Issued {
			last = access.Latest(last, i.End(end))
		}
	}
	return last, struck
}

// ascii spells what is not ASCII in JSON as \u escapes, in UTF-16 as JSON has it, so that no character of a comment can
// mean anything to OpenBao's parser.
func ascii(text []byte) string {
	var out bytes.Buffer
	for _, r := range string(text) {
		switch {
		case r < 0x7f:
			out.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
		}
	}
	return out.String()
}

// Lost is what is to end before its time, with every session of its identity: something that was issued, or only the
// sessions. It stands in the policy from the change that gave it up until it has ended, so whoever changes the identity
// next finishes what a dead process began. It holds no secret: a serial and an accessor let nobody in.
type Lost struct {
	// ID is the identity whose policy it stands in, and so not written.
	ID access.IdentityID `json:"-"`
	// Kind is the credential's; empty while an entity is taken over.
	Kind access.Kind `json:"kind"`
	// Until is when it ends by itself, after which nothing is to be done; zero if that is not known.
	Until time.Time `json:"until,omitzero"`
	// Serial is a certificate's, Accessor a secret id's; neither if only the sessions are to end.
	Serial   string `json:"serial,omitempty"`
	Accessor string `json:"accessor,omitempty"`
	// Entity is one that the identity takes over, by its number: it ends with its sessions, and nothing else does.
	Entity string `json:"entity,omitempty"`
}

// dyingLine begins each line of a policy that names something lost.
const dyingLine = "dying "

// parseLost reads what follows dyingLine.
func parseLost(id access.IdentityID, content string) (Lost, error) {
	x := Lost{ID: id}
	err := json.Unmarshal([]byte(content), &x)
	return x, err
}

// Line returns the line of the policy that says so. The same Lost always has the same line: bury finds it by that.
func (x Lost) Line() string {
	text, err := json.Marshal(x)
	if err != nil {
		panic(err) // texts and a moment
	}
	return dyingLine + ascii(text)
}
