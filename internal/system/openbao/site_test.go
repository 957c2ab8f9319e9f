// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// Whoever knows a role id could shut the partner out by guessing. A secret id has 256 random
// bits: guessing is hopeless.
func TestBadLoginsDoNotLockThePartnerOut(t *testing.T) {
	st := startStage(t)
	p := st.complete(t, "guessed", access.Secret).holders[access.Secret]
	guess := p
	guess.Secret = "partner_guess"
	for range 12 {
		if st.login(t, guess) != "" {
			t.Fatal("a guess logs in")
		}
	}
	st.session(t, p)
}

// saying lets the server say another version than it is of: no other one is at hand.
func saying(version string) func(*client.Options) {
	return func(o *client.Options) {
		inner := o.Transport
		o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			resp, err := inner.RoundTrip(r)
			if err == nil && strings.HasSuffix(r.URL.Path, "/sys/seal-status") {
				text := fmt.Sprintf(`{"type":"shamir","initialized":true,"sealed":false,"version":%q}`, version)
				_ = resp.Body.Close()
				resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
			}
			return resp, err
		})
	}
}

func TestAServerThatCannotEndAccessIsRefusedWithTheReason(t *testing.T) {
	st := startStage(t)
	for name, c := range map[string]struct {
		version string
		want    []string // none: it is taken
	}{
		"the newest":            {"2.7.2", nil},
		"the oldest":            {"2.6.0", nil},
		"one with a build":      {"v2.6.2+ent.hsm", nil},
		"a later major version": {"3.0.0", nil},
		"one before":            {"2.5.9", []string{"2.5.9", "OpenBao 2.6.0 or later", "policies end path by path"}},
		"HashiCorp Vault": {"1.20.4",
			[]string{"1.20.4", "OpenBao 2.6.0 or later", "HashiCorp Vault has neither"}},
		"Vault of the enterprise": {"1.20.4+ent", []string{"1.20.4", "HashiCorp Vault has neither"}},
		"one that is no version":  {"dev", []string{"does not name its version"}},
		"none":                    {"", []string{"does not name its version"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := st.open(saying(c.version)).List(t.Context())
			if c.want == nil {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if !errors.Is(err, access.ErrUnsupported) {
				t.Fatalf("%v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in %v", want, err)
				}
			}
		})
	}
}

// Before the version that checks the end of a secret id at login, one that is too short to be ended by the tidy is
// refused before anything is made.
func TestAnOlderServerGetsNoSecretThatItCannotEndInTime(t *testing.T) {
	st := startStage(t)
	st.put(t, identityOf("older"))
	short := st.credentialOf("older", access.Secret, func(c *access.Credential) { c.ExpiresAt = in(time.Minute) })
	s := st.open(saying("2.6.2"))
	if _, err := s.Put(t.Context(), st.change(short)); err == nil ||
		!strings.Contains(err.Error(), "OpenBao 2.6.2 cannot do so in time") {
		t.Errorf("%v", err)
	}
	if n := st.accessors(t, "older"); n != 0 {
		t.Errorf("there are %d secret ids", n)
	}
	long := st.credentialOf("older", access.Secret)
	if _, err := s.Put(t.Context(), st.change(long)); err != nil {
		t.Error(err)
	}
}

// unprepared opens a system that makes no mounts.
func (st *stage) unprepared() *System {
	o := st.options()
	o.Bootstrap = false
	return Open(o)
}

// The commands of the error, run as they stand, are what was missing.
func TestAMissingMountIsAnErrorWithTheCommandsThatMakeIt(t *testing.T) {
	st := startStage(t)
	for _, kind := range []access.Kind{access.Certificate, access.Secret} {
		name := "missing-" + string(kind)
		st.put(t, identityOf(name))
		st.put(t, grantOf(name))
		c := st.credentialOf(name, kind)
		for round := 0; ; round++ {
			r, err := st.unprepared().Put(t.Context(), st.change(c))
			if err == nil {
				if round == 0 {
					t.Errorf("%s: nothing was missing", kind)
				}
				if !st.reads(t, st.session(t, st.holder(c, r)), name) {
					t.Errorf("%s does not work", kind)
				}
				break
			}
			if !errors.Is(err, access.ErrUnsupported) ||
				!strings.Contains(err.Error(), "bootstrap = true") ||
				round > 3 {
				t.Fatalf("%s: %v", kind, err)
			}
			if n := st.accessors(t, name); n > 0 {
				t.Errorf("%s: there are %d secret ids", kind, n)
			}
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if command := strings.TrimSpace(line); strings.HasPrefix(command, "bao ") {
					st.bao.Run(t, "sh", "-c", command)
				}
			}
		}
	}
}

// The first applies of ten configurations at once find nothing mounted, and one of everything is mounted then.
func TestManyBootstrapsAtOnceMakeOneOfEverything(t *testing.T) {
	st := startStage(t)
	var wg sync.WaitGroup
	for n := range 10 {
		wg.Go(func() {
			name := fmt.Sprintf("boot-%d-up", n)
			kind := kinds[n%len(kinds)]
			c := st.credentialOf(name, kind)
			s := st.open()
			for _, o := range []access.Object{identityOf(name), grantOf(name), c} {
				r, err := s.Put(context.Background(), st.change(o))
				if err != nil {
					t.Errorf("%s: %v", o.Ref(), err)
					return
				}
				if o == access.Object(c) && !st.reads(t, st.session(t, st.holder(c, r)), name) {
					t.Errorf("%s does not work", kind)
				}
			}
		})
	}
	wg.Wait()
	issuers := st.admin(t, "LIST", "partner-pki/issuers", nil)["keys"].([]any)
	if len(issuers) != 1 {
		t.Errorf("there are %d issuers", len(issuers))
	}
}

// What stands under a name that we need, and is something else, is left alone.
func TestAMountOfAnotherKindIsNotTaken(t *testing.T) {
	st := startStage(t)
	st.admin(t, "POST", "sys/auth/partner-approle", map[string]any{"type": "userpass"})
	st.put(t, identityOf("taken"))
	_, err := st.open().Put(t.Context(), st.change(st.credentialOf("taken", access.Secret)))
	if !errors.Is(err, access.ErrUnsupported) || !strings.Contains(err.Error(), "userpass") {
		t.Error(err)
	}
}
