// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// An authority that is just being made has its issuer a moment before that is the default. Of a hundred certificates in
// one first apply, one was refused.
func TestAnAuthorityThatIsBeingMadeIsWaitedFor(t *testing.T) {
	st := startStage(t)
	st.complete(t, "first", access.Certificate)
	var asked atomic.Int64
	s := st.open(func(o *client.Options) {
		near := o.Transport
		o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			if !strings.HasSuffix(r.URL.Path, "/partner-pki/cert/ca") || asked.Add(1) > 1 {
				return near.RoundTrip(r)
			}
			body := io.NopCloser(strings.NewReader(`{"errors":["no default issuer currently configured"]}`))
			return &http.Response{
				StatusCode: http.StatusBadRequest,
				Header:     http.Header{"Content-Type": {"application/json"}},
				Body:       body,
				Request:    r,
			}, nil
		})
	})
	st.put(t, identityOf("second"))
	if _, err := s.Put(t.Context(), st.change(st.credentialOf("second", access.Certificate))); err != nil ||
		asked.Load() < 2 {
		t.Errorf("asked %d times: %v", asked.Load(), err)
	}
}

// What is broken about a mount of partner access blocked plan and destroy of everything: whoever has nothing there goes
// on, what is there drifts, and all of it can leave.
func TestABrokenMountIsDriftAndEverybodyMayLeave(t *testing.T) {
	if !testing.Short() {
		t.Parallel()
	}
	jwt := usualJWT(issuerURL)
	for name, c := range map[string]struct {
		breaks [][2]string // method and path
		hit    access.Kind
		says   string
	}{
		"no default issuer": {[][2]string{{"DELETE", "partner-pki/root"}}, access.Certificate,
			"no default issuer"},
		"no PKI mount":            {[][2]string{{"DELETE", "sys/mounts/partner-pki"}}, access.Certificate, ""},
		"no certificate method":   {[][2]string{{"DELETE", "sys/auth/partner-cert"}}, access.Certificate, ""},
		"no AppRole method":       {[][2]string{{"DELETE", "sys/auth/partner-approle"}}, access.Secret, ""},
		"no method of the issuer": {[][2]string{{"DELETE", "sys/auth/" + jwt}}, access.Federated, ""},
		"nothing is mounted": {[][2]string{{"DELETE", "partner-pki/root"}, {"DELETE", "sys/mounts/partner-pki"},
			{"DELETE", "sys/auth/partner-cert"}, {"DELETE", "sys/auth/partner-approle"}, {"DELETE", "sys/auth/" + jwt}},
			access.Secret, ""},
		"the signing role deleted": {[][2]string{{"DELETE", "partner-pki/roles/acme.prod.first"}}, access.Certificate,
			"is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			st := startStageAlone(t)
			ctx := context.Background()
			all := st.complete(t, "first", kinds...)
			other := st.complete(t, "second", kinds...)
			for _, b := range c.breaks {
				st.admin(t, b[0], b[1], nil)
			}
			if _, err := st.open().List(ctx); err != nil {
				t.Errorf("list: %v", err)
			}
			if _, _, err := st.open().Survey(ctx, nil); err != nil {
				t.Errorf("survey: %v", err)
			}
			for kind, r := range all.credentials {
				now := st.get(t, r.Object.Ref())
				if hit := len(now.Drift) > 0; kind == c.hit && !hit {
					t.Errorf("%s drifts: %v", kind, now.Drift)
				}
				if kind == c.hit && !strings.Contains(strings.Join(now.Drift, " "), c.says) {
					t.Errorf("%s: drift does not say %q: %v", kind, c.says, now.Drift)
				}
			}
			// less is never refused
			st.put(t, identityOf("first", func(i *access.Identity) { i.ExpiresAt = in(30 * time.Minute) }),
				known(all.identity))
			st.put(t, grantOf("second", func(g *access.Grant) { g.Actions = []string{"read"} }), known(other.grant))
			if c.hit == access.Certificate && c.says == "no default issuer" {
				st.put(t, identityOf("third"))
				st.put(t, all.credentials[access.Secret].Object, known(all.credentials[access.Secret]),
					issuing(access.IssueOverlap))
				options := st.options()
				options.Bootstrap = false
				_, err := Open(options).Put(ctx, st.change(st.credentialOf("third", access.Certificate)))
				if !errors.Is(err, access.ErrUnsupported) ||
					!strings.Contains(err.Error(), "bao write partner-pki/config/issuers default=") {
					t.Errorf("signed without an issuer: %v", err)
				}
			}
			for _, gone := range []complete{all, other} {
				for _, r := range gone.credentials {
					st.drop(t, r)
				}
				st.drop(t, gone.identity)
			}
			for _, name := range []string{"first", "second"} {
				if left := slices.DeleteFunc(st.traces(t, idOf(name)),
					func(s string) bool { return strings.Contains(s, "partner-pki/cert") }); len(left) > 0 {
					t.Errorf("after destroy there is\n%s", strings.Join(left, "\n"))
				}
			}
		})
	}
}

// With bootstrap = true a plan looked only for what is not there: another auth method or engine in the place of
// ours, an authority without a default issuer, and an issuer's mount that is bound to another one were told in
// the middle of the apply.
func TestWhatStandsInThePlaceOfAMountIsFoundAtPlan(t *testing.T) {
	st := startStage(t)
	jwt := usualJWT(issuerURL)
	st.complete(t, "first", kinds...)
	st.put(t, identityOf("new"))
	instead := func(path, kind string) func() {
		return func() {
			st.admin(t, "DELETE", path, nil)
			st.admin(t, "POST", path, map[string]any{"type": kind})
		}
	}
	for _, c := range []struct {
		breaks func()
		kind   access.Kind
		says   string
	}{
		{func() { st.bind(t, otherIssuer) }, access.Federated, "takes tokens of the issuer " + otherIssuer},
		{instead("sys/auth/"+jwt, "approle"), access.Federated, "has the auth method approle instead of jwt"},
		{instead("sys/auth/partner-approle", "userpass"), access.Secret,
			"has the auth method userpass instead of approle"},
		{instead("sys/auth/partner-cert", "approle"), access.Certificate,
			"has the auth method approle instead of cert"},
		{instead("sys/auth/partner-cert", "cert"), access.Certificate, ""},
		{func() {
			st.rotateRoot(t, "second")
			st.admin(t, "DELETE", "partner-pki/issuer/second", nil)
		}, access.Certificate, "no default issuer"},
		{instead("sys/mounts/partner-pki", "transit"), access.Certificate, "has the engine transit instead of pki"},
	} {
		c.breaks()
		for _, bootstrap := range []bool{true, false} {
			o := st.options()
			o.Bootstrap = bootstrap
			fresh := st.credentialOf("new", c.kind)
			lacks, err := Open(o).Lacks(t.Context(), fresh)
			if told := len(lacks) == 1 &&
				c.says != "" &&
				strings.Contains(lacks[0], c.says); err != nil || (!told && (c.says != "" || len(lacks) > 0)) {
				t.Errorf("%q, bootstrap %v: a plan lacks %q, %v", c.says, bootstrap, lacks, err)
			}
		}
	}
}
