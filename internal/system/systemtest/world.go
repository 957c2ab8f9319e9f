// SPDX-License-Identifier: MPL-2.0

package systemtest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Stacks of the suite.
const (
	ours   = "partners"
	theirs = "other-team"
)

// world is one store, with words to build and to judge what is in it. A case is written in these words alone, so that
// it says the same of every system: ends are some units ahead, paths and patterns have the system's own beginning, and
// what the enforcement says is asked through the harness, and left out if a harness cannot ask.
type world struct {
	rapid.TB
	Harness
	test    testing.TB // the test that all is part of
	partner *partner
	// origin is what in counts from: it moves only when time is let pass, so that the same words mean the same moment
	// on a clock that never stands still.
	origin time.Time

	mu      sync.Mutex
	secrets []string // every clear secret that was sealed, oldest first
}

// newWorld opens a harness for one case, and fills in what it leaves out: a clock that the case moves, an hour as the
// unit of time, and a proof of each kind that the system offers.
func newWorld(t *testing.T, p *partner, open func(*testing.T, *Clock) Harness) *world {
	t.Helper()
	clock := NewClock(access.WallClock().Truncate(time.Second))
	w := &world{TB: t, test: t, Harness: open(t, clock), partner: p}
	if w.Advance == nil {
		w.Advance = clock.Advance
	}
	if w.Unit == 0 {
		w.Unit = time.Hour
	}
	if w.Proves == nil {
		w.Proves = w.System.Capabilities().Kinds
	}
	w.origin = w.now().Truncate(time.Second)
	return w
}

// fixed reports whether the end of what was issued for a kind cannot be moved.
func (w *world) fixed(kind access.Kind) bool {
	return slices.Contains(w.System.Capabilities().Fixed, kind)
}

// ctx is the context of all calls but those that a case ends on purpose.
func (w *world) ctx() context.Context { return context.Background() }

// offers reports whether the system has a kind of credential.
func (w *world) offers(kind access.Kind) bool {
	return slices.Contains(w.System.Capabilities().Kinds, kind)
}

// now returns the system's time.
func (w *world) now() time.Time {
	w.Helper()
	now, err := w.System.Now(w.ctx())
	if err != nil {
		w.Fatalf("what time is it: %v", err)
	}
	return now
}

// in returns a moment some units from now, to the second.
func (w *world) in(units int) access.Moment {
	w.Helper()
	return access.At(w.origin.Add(time.Duration(units) * w.Unit))
}

// pass lets some units pass.
func (w *world) pass(units int) {
	w.Advance(time.Duration(units) * w.Unit)
	w.origin = w.now().Truncate(time.Second)
}

// id returns the id of an identity of the one partner that the suite has.
func id(name string) access.IdentityID {
	return access.IdentityID{Partner: "acme", Environment: "prod", Name: name}
}

// identity returns an identity of the partner's that ends in a number of units.
func (w *world) identity(name string, ends int, edits ...func(*access.Identity)) *access.Identity {
	w.Helper()
	i := &access.Identity{
		ID:      id(name),
		Terms:   access.Terms{Owner: "jane.doe@example.com", ExpiresAt: w.in(ends)},
		Purpose: "Nightly order feed of " + name,
	}
	for _, edit := range edits {
		edit(i)
	}
	return i
}

// child returns an identity that hangs on another.
func (w *world) child(name, parent string, ends int) *access.Identity {
	w.Helper()
	return w.identity(name, ends, func(i *access.Identity) { i.ParentID = id(parent) })
}

// allowing lets an identity have subcontractors, so many deep.
func allowing(depth int64) func(*access.Identity) {
	return func(i *access.Identity) {
		i.Subcontractors = &access.Subcontractors{Allowed: true, MaxDepth: depth}
	}
}

// suspended suspends an identity.
func suspended(i *access.Identity) { i.Suspended = true }

// credential returns a credential of an identity, of a kind, with the partner's first key of that sort.
func (w *world) credential(of string, kind access.Kind, ends int,
	edits ...func(*access.Credential)) *access.Credential {
	w.Helper()
	c := &access.Credential{IdentityID: id(of),
		Terms: access.Terms{Owner: "jane.doe@example.com", ExpiresAt: w.in(ends)}}
	w.ask(c, kind, 0)
	for _, edit := range edits {
		edit(c)
	}
	return c
}

// ask makes a credential one of a kind, with the first or the second key of the partner's.
func (w *world) ask(c *access.Credential, kind access.Kind, key int) {
	switch kind {
	case access.Federated:
		c.Federated = &access.FederatedTrust{
			Issuer:    "https://login.acme.test",
			Subject:   "svc-" + c.IdentityID.Name,
			Audiences: []string{"orders.example.com"},
		}
	case access.Certificate:
		c.Certificate = &access.CertificateRequest{CSR: w.partner.csr[key]}
	case access.SSHCertificate:
		c.SSHCertificate = &access.SSHRequest{PublicKey: w.partner.line[key]}
	case access.Secret:
		c.Secret = &access.SecretRequest{Recipient: w.partner.line[key]}
	}
}

// rotating lets a credential rotate, counted in units.
func (w *world) rotating(every, overlap int) func(*access.Credential) {
	return func(c *access.Credential) {
		c.Rotation = &access.Rotation{Every: w.span(every), Overlap: w.span(overlap)}
	}
}

// span returns so many units as an argument has them.
func (w *world) span(units int) access.Span {
	s, err := access.ParseSpan((time.Duration(units) * w.Unit).String())
	if err != nil {
		w.Fatal(err)
	}
	return s
}

// grant returns a grant that reads and lists the folder of its name.
func (w *world) grant(of, name string, ends int) *access.Grant {
	w.Helper()
	return &access.Grant{
		IdentityID: id(of), Name: name, Terms: access.Terms{Owner: "jane.doe@example.com", ExpiresAt: w.in(ends)},
		Resource: access.Pattern(w.Place + "orders/acme/" + name + "/*"), Actions: []string{"read", "list"},
		Purpose: "Read the order files",
	}
}

// path returns one path that a grant of a name covers.
func (w *world) path(grant string) string { return w.Place + "orders/acme/" + grant + "/1.csv" }

// change returns the creation of an object by our stack, which ends with its own terms; edits
// make another change of it.
func (w *world) change(o access.Object, edits ...func(*access.Change)) access.Change {
	var agreements []time.Time
	if i, ok := o.(*access.Identity); ok {
		agreements = access.AgreementEnds(i, nil)
	}
	c := access.Change{Object: o, Stack: ours, EndsAt: access.End(o, time.Time{}, agreements...), Seal: w.seal}
	for _, edit := range edits {
		edit(&c)
	}
	return c
}

// Edits of a change: by whom it is made, which uid is known, which end is asked for, and what is to be issued.
func by(stack string) func(*access.Change)  { return func(c *access.Change) { c.Stack = stack } }
func known(uid string) func(*access.Change) { return func(c *access.Change) { c.UID = uid } }
func until(m access.Moment) func(*access.Change) {
	return func(c *access.Change) { c.EndsAt = m.Time }
}
func issuing(i access.Issue) func(*access.Change) { return func(c *access.Change) { c.Issue = i } }

// seal stands for the partner's key: the suite keeps the secret, the answer says nothing of it. It may be called by
// several changes at once.
func (w *world) seal(secret []byte) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.secrets = append(w.secrets, string(secret))
	return fmt.Sprintf("sealed secret number %d", len(w.secrets)), nil
}

// secret returns the newest clear secret.
func (w *world) secret() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.secrets) == 0 {
		w.Fatal("no secret was sealed")
	}
	return w.secrets[len(w.secrets)-1]
}

// try makes a change that may fail.
func (w *world) try(o access.Object, edits ...func(*access.Change)) (*access.Record, error) {
	return w.System.Put(w.ctx(), w.change(o, edits...))
}

// put makes a change that must succeed.
func (w *world) put(o access.Object, edits ...func(*access.Change)) *access.Record {
	w.Helper()
	r, err := w.try(o, edits...)
	if err != nil {
		w.Fatalf("put %s: %v", o.Ref(), err)
	}
	if r == nil || r.Object == nil || r.UID == "" {
		w.Fatalf("put %s answers %+v", o.Ref(), r)
	}
	return r
}

// get reads an object that must be there.
func (w *world) get(ref access.Ref) *access.Record {
	w.Helper()
	r, err := w.System.Get(w.ctx(), ref)
	if err != nil {
		w.Fatalf("get %s: %v", ref, err)
	}
	return r
}

// gone claims that an object is not there, through either handle.
func (w *world) gone(ref access.Ref) {
	w.Helper()
	for _, s := range []access.System{w.System, w.Second()} {
		if r, err := s.Get(w.ctx(), ref); !errors.Is(err, access.ErrNotFound) {
			w.Errorf("get %s: %+v, %v; want not found", ref, r, err)
		}
	}
	if slices.Contains(w.refs(), ref) {
		w.Errorf("list still has %s", ref)
	}
}

// list reads everything through the first handle.
func (w *world) list() []*access.Record {
	w.Helper()
	all, err := w.System.List(w.ctx())
	if err != nil {
		w.Fatalf("list: %v", err)
	}
	return all
}

// refs returns what the list has, in its order.
func (w *world) refs() []access.Ref {
	w.Helper()
	var refs []access.Ref
	for _, r := range w.list() {
		refs = append(refs, r.Object.Ref())
	}
	return refs
}

// remove removes what a record tells of, and returns what went with it.
func (w *world) remove(r *access.Record) []access.Ref {
	w.Helper()
	swept, err := w.System.Delete(w.ctx(), r.Object.Ref(), r.UID)
	if err != nil {
		w.Fatalf("delete %s: %v", r.Object.Ref(), err)
	}
	return swept
}

// refused claims that an answer is an error of a kind.
func (w *world) refused(what string, err, kind error) {
	w.Helper()
	if !errors.Is(err, kind) {
		w.Errorf("%s: %v; want %v", what, err, kind)
	}
}

// same claims that two records say the same of declaration, history and end.
func (w *world) same(what string, got, want *access.Record) {
	w.Helper()
	if g, s := w.declaration(got.Object), w.declaration(want.Object); g != s {
		w.Errorf("%s: declaration\n%s\nwant\n%s", what, g, s)
	}
	if g, s := text(w, got.History), text(w, want.History); g != s {
		w.Errorf("%s: history\n%s\nwant\n%s", what, g, s)
	}
	if !got.Asked().Equal(want.EndsAt) ||
		got.EndsAt.After(want.EndsAt) ||
		got.Suspended != want.Suspended ||
		got.Held != want.Held {
		w.Errorf("%s: ends %s, suspended %v, held %v; want %s, %v, %v", what, got.Asked(), got.Suspended, got.Held,
			want.EndsAt, want.Suspended, want.Held)
	}
}

// declaration returns an object as it is stored, in which two objects that declare the same are equal.
func (w *world) declaration(o access.Object) string {
	w.Helper()
	d, err := access.Declaration(o)
	if err != nil {
		w.Fatal(err)
	}
	return string(d)
}

// text returns a value as JSON, to be compared or shown.
func text(t rapid.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// ends claims when an object ends.
func (w *world) ends(ref access.Ref, want access.Moment) {
	w.Helper()
	if got := w.get(ref).EndsAt; !got.Equal(want.Time) {
		w.Errorf("%s ends at %s, want %s", ref, got, want)
	}
}

// cut claims whether an object is suspended.
func (w *world) cut(ref access.Ref, want bool) {
	w.Helper()
	if got := w.get(ref).Suspended; got != want {
		w.Errorf("%s: suspended = %v, want %v", ref, got, want)
	}
}

// between claims that the system took a moment for now, at some time since from.
func (w *world) between(what string, got, from time.Time) {
	w.Helper()
	if got.Before(from.Truncate(time.Second)) || got.After(w.now()) {
		w.Errorf("%s is %s, want between %s and %s", what, got, from, w.now())
	}
}

// holder returns what a partner holds of a credential.
func (w *world) holder(c *access.Credential, issued *access.Issued) Probe {
	p := Probe{Credential: c}
	switch c.Kind() {
	case access.Certificate:
		p.Certificate, p.Key = issued.Text, w.partner.tls[slices.Index(w.partner.csr[:], c.Certificate.CSR)]
	case access.SSHCertificate:
		p.Certificate, p.Key = issued.Text, w.partner.ssh[slices.Index(w.partner.line[:], c.SSHCertificate.PublicKey)]
	case access.Secret:
		p.Secret = w.secret()
	}
	return p
}

// may claims that the enforcement lets a holder read under a grant of that name.
func (w *world) may(when string, p Probe, grant string) {
	w.Helper()
	w.mayIf(when, p, grant, true)
}

// mayNot claims that it does not.
func (w *world) mayNot(when string, p Probe, grant string) {
	w.Helper()
	w.mayIf(when, p, grant, false)
}

// mayIf claims what the enforcement answers to a holder who wants to read under a grant of that name.
func (w *world) mayIf(when string, p Probe, grant string, want bool) {
	w.Helper()
	if w.Allows == nil || !slices.Contains(w.Proves, p.Credential.Kind()) {
		return
	}
	p.Action, p.Path = "read", w.path(grant)
	if got := w.Allows(w.test, p); got != want {
		w.Errorf("%s: the enforcement answers %v to %s, want %v", when, got, p.Credential.Ref(), want)
	}
}

// unspoken claims that a record says none of the clear secrets, in no spelling.
func (w *world) unspoken(what string, r *access.Record) {
	w.Helper()
	said := []byte(text(w, r))
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.secrets {
		for _, spelling := range []string{
			s, base64.StdEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s)),
			hex.EncodeToString([]byte(s)), strings.ToUpper(hex.EncodeToString([]byte(s))),
		} {
			if bytes.Contains(said, []byte(spelling)) {
				w.Errorf("%s says the clear secret", what)
			}
		}
	}
}

// networks parses networks that are known to be right.
func networks(texts ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, t := range texts {
		all = append(all, netip.MustParsePrefix(t))
	}
	return all
}
