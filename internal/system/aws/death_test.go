// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// mortal is a handle whose process dies at one of the requests that count: neither that one nor any after it is sent,
// or that one is and its answer never comes.
func (l *lab) mortal(at int, sent bool, counts func(*http.Request) bool) (s *System, counted *atomic.Int64) {
	counted = &atomic.Int64{}
	var dead atomic.Bool
	return l.open(func(o *Options) {
		under := o.Transport
		o.Patience = time.Millisecond
		o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			if fatal := counts(r) && int(counted.Add(1)) >= at; !dead.Load() && (!fatal || (!dead.Swap(true) && sent)) {
				resp, err := under.RoundTrip(r)
				if !fatal || err != nil {
					return resp, err
				}
				_ = resp.Body.Close()
			}
			return nil, errors.New("the process is dead")
		})
	}), counted
}

// changes reports whether a request changes something in S3 or IAM.
func changes(r *http.Request) bool {
	action := actionOf(r)
	return r.Method != http.MethodGet &&
		!strings.HasPrefix(action, "Get") &&
		!strings.HasPrefix(action, "List")
}

// step is a change of a life, what is declared after it, and what of that reads.
type step struct {
	name string
	// do makes the change with what Terraform knows: uids by their type and name.
	do    func(s shop, known map[string]string) error
	reads bool
}

func span(text string) access.Span {
	s, err := access.ParseSpan(text)
	if err != nil {
		panic(err)
	}
	return s
}

func lifeOf(k *keys, vendor string) []step {
	create := func(o access.Object, edits ...func(*access.Change)) func(shop, map[string]string) error {
		return func(s shop, known map[string]string) error {
			c := access.Change{
				Object: o,
				Stack:  "partners",
				EndsAt: o.Common().ExpiresAt.Time,
				UID:    known[o.Ref().String()],
				Seal:   k.seal,
			}
			for _, edit := range edits {
				edit(&c)
			}
			r, err := s.Put(s.t.Context(), c)
			if err == nil {
				known[o.Ref().String()] = r.UID
			}
			return err
		}
	}
	made := func(of func(shop) access.Object, edits ...func(*access.Change)) func(shop, map[string]string) error {
		return func(s shop, known map[string]string) error { return create(of(s), edits...)(s, known) }
	}
	remove := func(of func(shop) access.Object) func(shop, map[string]string) error {
		return func(s shop, known map[string]string) error {
			ref := of(s).Ref()
			_, err := s.Delete(s.t.Context(), ref, known[ref.String()])
			if errors.Is(err, access.ErrNotFound) { // the answer was lost
				err = nil
			}
			if err == nil {
				delete(known, ref.String())
			}
			return err
		}
	}
	identity := func(s shop) access.Object { return s.identity() }
	grant := func(s shop) access.Object { return s.grant("daily", s.end) }
	key := func(s shop) access.Object {
		c := s.key(s.end)
		c.Rotation = &access.Rotation{Every: span("20h"), Overlap: span("1h")}
		return c
	}
	trust := func(s shop) access.Object { return s.account(vendor, "", s.end) }
	return []step{
		{"create the identity", made(identity), false},
		{"create the grant", made(grant), false},
		{"issue the key", made(key), true},
		{"trust the account", made(trust), true},
		{"rotate the key", made(key, func(c *access.Change) { c.Issue = access.IssueOverlap }), true},
		{"suspend", made(func(s shop) access.Object {
			return s.identity(func(i *access.Identity) { i.Suspended = true })
		}), false},
		{"resume", made(identity), true},
		{"remove the grant", remove(grant), false},
		{"grant again", made(grant), true},
		{"remove the identity", remove(identity), false},
	}
}

// A life is lived in which the process dies at one request, for each request of it that changes something, before and
// after. Who dies at one that only reads leaves what one leaves who dies before the next change:
// PARTNER_TEST_DEATHS=all dies there, too. Whoever comes next makes the same change again, and goes on: nothing is
// left, nothing more is given than was declared before or after, and nobody has to mend anything.
func TestWhoeverDiesAtAnyRequestLeavesNoMoreThanWasDeclared(t *testing.T) {
	if testing.Short() {
		t.Skip("it dies some hundred times")
	}
	t.Parallel()
	counts := changes
	if os.Getenv("PARTNER_TEST_DEATHS") == "all" {
		counts = func(*http.Request) bool { return true }
	}
	l := startLab(t, ministack(t), access.Secret)
	whole, counted := l.mortal(1<<30, false, counts)
	l.live(t, whole, nil)
	requests := int(counted.Load())
	t.Logf("each of %d requests of a life is the last", requests)
	for _, sent := range []bool{false, true} {
		t.Run(fmt.Sprintf("sent %v", sent), func(t *testing.T) {
			t.Parallel()
			cloud := ministack(t)
			for at := 1; at <= requests && !t.Failed(); at++ {
				l := startLab(t, cloud.In(strconv.Itoa(200000000000+at)), access.Secret)
				dying, _ := l.mortal(at, sent, counts)
				if l.live(t, dying, l.open()); t.Failed() {
					t.Logf("the process died at request %d", at)
				}
			}
		})
	}
}

// live lives a life with a handle, and where that dies with another one.
func (l *lab) live(t testing.TB, with, then *System) {
	t.Helper()
	k := &keys{}
	s := shop{
		t:      t,
		id:     access.IdentityID{Partner: "acme", Environment: "prod", Name: "etl"},
		end:    time.Now().Add(time.Hour).Truncate(time.Second),
		place:  l.place(),
		System: with,
	}
	known, was := map[string]string{}, false
	for _, step := range lifeOf(k, "arn:aws:iam::444455556666:role/acme-etl") {
		err := step.do(s, known)
		if err != nil && then == nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if err != nil { // the process is dead
			if l.anyReads(t, k, s.file("daily")) && !was && !step.reads {
				t.Errorf("dead while it would %s: there is more access than was declared before or after", step.name)
			}
			s.System, then = then, nil
			if err := step.do(s, known); err != nil {
				t.Fatalf("%s, by who comes next: %v", step.name, err)
			}
		}
		if step.reads && !l.may(t, l.as(k.newest()), "read", s.file("daily")) {
			t.Errorf("after %s the newest key does not read", step.name)
		}
		if !step.reads && l.anyReads(t, k, s.file("daily")) {
			t.Errorf("after %s a key of before reads", step.name)
		}
		was = step.reads
	}
	l.clean(t, l.open())
}

// anyReads reports whether any key that was ever sealed reads.
func (l *lab) anyReads(t testing.TB, k *keys, path string) bool {
	return slices.ContainsFunc(k.open, func(secret string) bool { return l.may(t, l.as(secret), "read", path) })
}

// clean claims that nothing is left of a partner, but what is remembered.
func (l *lab) clean(t testing.TB, s *System) {
	t.Helper()
	all, err := s.reader.all(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, n := range all {
		left = append(left, n.Path+n.Name)
	}
	h, err := s.store.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for id, p := range h.Pages {
		if len(p.Entries)+len(p.Principals) > 0 || p.Damage != nil {
			left = append(left, fmt.Sprintf("%s: %d entries, %v", id, len(p.Entries), p.Principals))
		}
	}
	if len(left) > 0 {
		t.Errorf("left is %v", left)
	}
}
