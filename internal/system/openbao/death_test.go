// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// errDead is what a dead process hears. It is of a kind that the client does not repeat.
var errDead = tls.AlertError(80)

// deathAt lets a process die with its n-th writing request, counted from 0: neither that nor any later one is answered.
// Where it is carried out, only its answer is lost.
func deathAt(n int64, count *atomic.Int64, carriedOut bool) func(*client.Options) {
	return dyingWhen(carriedOut, func(string, string) bool { return count.Add(1) > n })
}

// dyingWhen lets a process die with the first writing request that is fatal.
func dyingWhen(carriedOut bool, fatal func(method, path string) bool) func(*client.Options) {
	return func(o *client.Options) {
		inner := o.Transport
		var dead atomic.Bool
		o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			if dead.Load() {
				return nil, errDead
			}
			if r.Method == "GET" ||
				r.Method == "LIST" ||
				strings.HasSuffix(r.URL.Path, "/lookup") ||
				strings.HasSuffix(r.URL.Path, "lookup/entity") {
				return inner.RoundTrip(r)
			}
			if fatal(r.Method, r.URL.Path) {
				dead.Store(true)
				if carriedOut {
					if resp, err := inner.RoundTrip(r); err == nil {
						_ = resp.Body.Close()
					}
				}
				return nil, errDead
			}
			return inner.RoundTrip(r)
		})
	}
}

// life is everything that may happen to an identity, in order. Each step is a change, which is
// done again where it fails.
type life struct {
	st   *stage
	t    *testing.T
	s    *System // of who does not die
	name string
	uids map[access.Ref]*access.Record
	// shortened: what was issued was revoked, and is not issued anew yet.
	shortened map[access.Kind]bool
}

type step struct {
	name string
	do   func(l *life, s *System) error
}

func (l *life) put(s *System, o access.Object, edits ...func(*access.Change)) error {
	if r := l.uids[o.Ref()]; r != nil {
		edits = append(edits, known(r))
	}
	r, err := s.Put(context.Background(), l.st.change(o, edits...))
	if err == nil {
		l.uids[o.Ref()] = r
		if c, ok := o.(*access.Credential); ok {
			delete(l.shortened, c.Kind())
		}
	}
	return err
}

func (l *life) remove(s *System, ref access.Ref) error {
	_, err := s.Delete(context.Background(), ref, l.uids[ref].UID)
	if err == nil {
		delete(l.uids, ref)
	}
	return err
}

func (l *life) credential(kind access.Kind) *access.Credential {
	return l.st.credentialOf(l.name, kind)
}

func lifecycle() (steps []step) {
	add := func(name string, do func(l *life, s *System) error) { steps = append(steps, step{name, do}) }
	add("create", func(l *life, s *System) error { return l.put(s, identityOf(l.name)) })
	add("grant", func(l *life, s *System) error { return l.put(s, grantOf(l.name)) })
	for _, kind := range kinds {
		add("create "+string(kind), func(l *life, s *System) error { return l.put(s, l.credential(kind)) })
	}
	for _, kind := range kinds {
		add("replace "+string(kind), func(l *life, s *System) error {
			return l.put(s, l.credential(kind), issuing(access.IssueReplace))
		})
	}
	add("suspend", func(l *life, s *System) error { return l.put(s, identityOf(l.name, suspended)) })
	add("resume", func(l *life, s *System) error { return l.put(s, identityOf(l.name)) })
	add("shorten", func(l *life, s *System) error {
		l.shortened = map[access.Kind]bool{access.Federated: true, access.Certificate: true, access.Secret: true}
		return l.put(s, identityOf(l.name, func(i *access.Identity) { i.Terms = terms(10 * time.Minute) }))
	})
	for _, kind := range kinds { // what was issued ends later than it may now, and is revoked: another one
		add("issue again "+string(kind), func(l *life, s *System) error { return l.put(s, l.credential(kind)) })
	}
	add("destroy the secret", func(l *life, s *System) error { return l.remove(s, l.credential(access.Secret).Ref()) })
	add("secret again", func(l *life, s *System) error { return l.put(s, l.credential(access.Secret)) })
	add("destroy", func(l *life, s *System) error { return l.remove(s, idOf(l.name).Ref()) })
	return steps
}

// For every request of a life that changes something: the process dies with it, before or after it is carried out, and
// another one makes the same change again. Then there is exactly one of everything, and nothing after the end.
func TestWhereverAProcessDiesTheNextOneFinishes(t *testing.T) {
	shared := startStage(t)
	for n, stepAt := range lifecycle() {
		for _, carriedOut := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, carried out %v", stepAt.name, carriedOut), func(t *testing.T) {
				t.Parallel()
				st := startStageOf(t, shared) // a listing has all certificates that ever were
				st.complete(t, "first", kinds...)
				for death := int64(0); ; death++ {
					l := &life{
						st:   st,
						t:    t,
						s:    st.open(),
						name: fmt.Sprintf("life-%d-%v-%d", n, carriedOut, death),
						uids: map[access.Ref]*access.Record{},
					}
					var count atomic.Int64
					for k, s := range lifecycle() {
						if k > n+1 && s.name != "destroy" {
							continue
						}
						if k == n {
							err := s.do(l, st.open(deathAt(death, &count, carriedOut)))
							l.s = st.open()
							if err == nil && count.Load() > death {
								t.Errorf("death %d: no error", death)
							}
							if err == nil {
								continue
							}
						}
						err := s.do(l, l.s)
						// it was done
						if errors.Is(err, access.ErrNotFound) &&
							k == n &&
							strings.HasPrefix(s.name, "destroy") {
							delete(l.uids, l.credential(access.Secret).Ref())
							err = nil
						}
						if err != nil {
							t.Fatalf("death %d: %s: %v", death, s.name, err)
						}
						if k >= n && s.name != "destroy" && k <= n+1 {
							l.exactlyOne(fmt.Sprintf("death %d, after %s", death, s.name))
						}
					}
					if left := st.traces(t, idOf(l.name)); len(left) > 0 {
						t.Errorf("death %d: there is still\n%s", death, strings.Join(left, "\n"))
					}
					if live := l.live(); len(live) > 0 {
						t.Errorf("death %d: the certificates %v live", death, live)
					}
					if count.Load() <= death {
						t.Logf("%d requests", count.Load())
						return
					}
				}
			})
		}
	}
}

// exactlyOne claims that there is one of everything, that it does not drift, and works.
func (l *life) exactlyOne(when string) {
	l.t.Helper()
	l.s = l.st.open() // which has seen nothing yet
	get := func(ref access.Ref) *access.Record {
		r, err := l.s.Get(l.t.Context(), ref)
		if err != nil {
			l.t.Fatalf("%s: %v", when, err)
		}
		return r
	}
	for ref, r := range l.uids {
		if c, ok := r.Object.(*access.Credential); ok && l.shortened[c.Kind()] {
			continue
		}
		if r := get(ref); len(r.Drift) > 0 || r.Held {
			l.t.Errorf("%s: %s: held %v, drift %q", when, ref, r.Held, r.Drift)
		}
	}
	want := 0
	for _, kind := range []access.Kind{access.Certificate, access.Secret} {
		if r := l.uids[l.credential(kind).Ref()]; r != nil && !l.shortened[kind] {
			if now := get(r.Object.Ref()); now.Issued == nil || now.Issued.Fingerprint != r.Issued.Fingerprint {
				l.t.Errorf("%s: %s is %+v, and the answer was %+v", when, kind, now.Issued, r.Issued)
			}
		}
	}
	if l.uids[l.credential(access.Certificate).Ref()] != nil && !l.shortened[access.Certificate] {
		want = 1
	}
	if live := l.live(); len(live) != want {
		l.t.Errorf("%s: the certificates %v live", when, live)
	}
	want = 0
	if l.uids[l.credential(access.Secret).Ref()] != nil && !l.shortened[access.Secret] {
		want = 1
	}
	if live := l.st.accessors(l.t, l.name); live != want {
		l.t.Errorf("%s: there are %d secret ids", when, live)
	}
	if l.st.there(l.t, "identity/entity/name/"+asideOf(idOf(l.name))) {
		l.t.Errorf("%s: an entity that was put aside is left", when)
	}
}

// live are the certificates of the identity that are not revoked.
func (l *life) live() (serials []string) {
	l.t.Helper()
	status, answer := l.st.bao.Call(l.t, l.st.bao.RootToken, "LIST", "partner-pki/certs/detailed", nil)
	if status != 200 {
		return nil
	}
	infos, _ := answer["data"].(map[string]any)["key_info"].(map[string]any)
	for serial, info := range infos {
		if info.(map[string]any)["common_name"] != idOf(l.name).CommonName() {
			continue
		}
		if revoked := l.st.admin(l.t, "GET", "partner-pki/cert/"+serial,
			nil)["revocation_time"]; fmt.Sprint(revoked) == "0" {
			serials = append(serials, serial)
		}
	}
	slices.Sort(serials)
	return serials
}

// before does something before a request is sent. On a busy machine that takes seconds, which
// count as the request's own.
func before(method, path string, do func()) func(*client.Options) {
	return func(o *client.Options) {
		o.Patience = 30 * time.Second
		inner := o.Transport
		o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			if r.Method == method && strings.HasSuffix(r.URL.Path, path) {
				do()
			}
			return inner.RoundTrip(r)
		})
	}
}
