package openbao

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/policy"
)

// An identity has one ACL policy. The head of its text, in comments, is the ledger of the identity: one line of JSON for
// each of its objects. The rest is compiled from it. So what was declared and what is enforced change together, by one
// write with check-and-set, and one listing returns both for all identities.

const (
	// prefix is the folder of the policies and the beginning of the entities' names.
	prefix = "partner/"
	// title begins the head of every policy that this package writes.
	title = "Partner access, compiled by terraform-provider-partner from the lines below: what is edited here is drift."
	// line begins each line of the ledger.
	line = "ledger "
)

// nameOf is the name of an identity's policy and entity.
func nameOf(id access.IdentityID) string { return prefix + id.String() }

// roleOf is the name of an identity's roles: these have no slashes, and the parts of an id no dots.
func roleOf(id access.IdentityID) string {
	return id.Partner + "." + id.Environment + "." + id.Name
}

// document is the policy of one identity as it was read.
type document struct {
	id      access.IdentityID
	version int
	entries ledger.Ledger
	// dead is what was given up, and has not ended for certain.
	dead []lost
	// damage is what is wrong with the ledger; nil where it is whole. unread are the lines that cannot be read, as they stand.
	damage error
	unread []string
	// body is what stands below the ledger, and is compared with what the ledger compiles to.
	body string
	text string
}

// identity is the document's identity; nil where there is none, or its removal was begun.
func (d *document) identity() *access.Identity {
	if d == nil {
		return nil
	}
	i, _ := d.entries.Identity(d.id)
	return i
}

// parseDocument reads a policy's text. One that this package did not write is access.ErrForeign.
func parseDocument(name, text string, version int) (*document, error) {
	id, err := access.ParseIdentityID(strings.TrimPrefix(name, prefix))
	if err != nil {
		return nil, fmt.Errorf("the policy %s: %w", name, access.ErrForeign)
	}
	head, body := policy.Split(text)
	if len(head) == 0 || head[0] != title {
		return nil, fmt.Errorf("the policy %s: %w", name, access.ErrForeign)
	}
	d := &document{id: id, version: version, entries: ledger.Ledger{}, body: body, text: text}
	for _, l := range head[1:] {
		if err := d.take(l); err != nil {
			d.damage = &access.DamagedError{Record: "the policy " + name, Problem: err}
			d.unread = append(d.unread, l)
		}
	}
	return d, nil
}

// take takes in a line of the head.
func (d *document) take(l string) error {
	if strings.HasPrefix(l, unreadable) {
		return errors.New("a line of it could not be read")
	}
	if content, ok := strings.CutPrefix(l, dying); ok {
		x, err := parseLost(d.id, content)
		if err == nil {
			d.dead = append(d.dead, x)
		}
		return err
	}
	content, ok := strings.CutPrefix(l, line)
	if !ok {
		return nil
	}
	e, err := parseEntry(content)
	switch {
	case err != nil:
		return err
	case e.Object.Holder() != d.id:
		return fmt.Errorf("it holds %s", e.Ref())
	case d.entries[e.Ref()] != nil:
		return fmt.Errorf("it holds %s twice", e.Ref())
	case e.Bound.After(e.Object.Common().ExpiresAt.Time):
		return fmt.Errorf("%s ends after the end that it declares", e.Ref())
	}
	d.entries[e.Ref()] = e
	return nil
}

func parseEntry(content string) (*ledger.Entry, error) {
	var header struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal([]byte(content), &header); err != nil {
		return nil, err
	}
	if header.Version > ledger.Version {
		return nil, fmt.Errorf("it is of version %d, and this provider knows only version %d: use a newer provider", header.Version, ledger.Version)
	}
	e := new(ledger.Entry)
	return e, json.Unmarshal([]byte(content), e)
}

// unreadable begins a line that could not be read, and cannot stand in a policy as it was.
const unreadable = "unreadable "

// kept are the lines that cannot be read, as they may be written again.
func (d *document) kept() (lines []string) {
	if d == nil {
		return nil
	}
	for _, l := range d.unread {
		if !policy.Printable(l) {
			l = unreadable + strconv.QuoteToASCII(l)
		}
		lines = append(lines, l)
	}
	return lines
}

// broken is what is wrong with an identity's record; nil where it is whole, or not there.
func (d *document) broken() error {
	if d == nil {
		return nil
	}
	return d.damage
}

// lost is what has to be ended yet.
func (d *document) lost() []lost {
	if d == nil {
		return nil
	}
	return d.dead
}

// render writes the policy of an identity from a ledger that has it and all above it, what has to be ended yet, and what could
// not be read: while there is some of that, the policy allows nothing.
func render(l ledger.Ledger, id access.IdentityID, dead []lost, unread []string) (string, error) {
	head := []string{title}
	own := ledger.Ledger{}
	for ref, e := range l {
		if e.Object.Holder() == id {
			own[ref] = e
		}
	}
	for _, ref := range slices.SortedFunc(maps.Keys(own), ledger.CompareRefs) {
		text, err := json.Marshal(own[ref])
		if err != nil {
			return "", err
		}
		head = append(head, line+ascii(text))
	}
	for _, x := range dead {
		head = append(head, x.line())
	}
	if len(unread) > 0 {
		return policy.Render(append(head, unread...), nil), nil
	}
	body, err := compile(l, own, id)
	if err != nil {
		return "", err
	}
	return policy.Render(head, nil) + body, nil
}

// compile writes what the ledger says an identity may do now. What is cut may do nothing.
func compile(l, own ledger.Ledger, id access.IdentityID) (string, error) {
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
	slices.SortFunc(grants, func(a, b policy.Grant) int { return strings.Compare(a.Name, b.Name) })
	blocks, err := policy.Compile(grants)
	if err != nil {
		return "", err
	}
	return policy.Render(nil, blocks), nil
}

// lastCredential is when the last credential of an identity ends; zero where it has none. After it nobody can hold a
// token that was come by in order, so no path needs to outlive it: a session that is still open then ends with it. Struck
// says that there is one whose removal was begun.
func lastCredential(l, own ledger.Ledger) (last time.Time, struck bool) {
	later := func(end time.Time) {
		if end.After(last) {
			last = end
		}
	}
	for _, e := range own {
		if len(e.Adopted.Left()) > 0 && !e.Removed() { // which end with the identity, and not before
			later(l.End(e))
		}
		c, ok := e.Credential()
		if !ok || e.Removed() {
			struck = struck || ok
			continue
		}
		end := l.End(e)
		if c.Kind() == access.Federated {
			later(end)
		}
		for _, i := range e.Issued {
			later(i.End(end))
		}
	}
	return last, struck
}

// ascii spells what is not ASCII in JSON as \u escapes, so that no character of a comment can mean anything.
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
