// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// adding opens handles on a cloud that adds audiences to its trust in an issuer, as ministack does not.
func (l *lab) adding() func() *System {
	var mu sync.Mutex
	added := map[string]string{}
	return func() *System {
		return l.open(func(o *Options) {
			under := o.Transport
			o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
				form := formOf(r)
				arn := form.Get("OpenIDConnectProviderArn")
				mu.Lock()
				defer mu.Unlock()
				if form.Get("Action") == "AddClientIDToOpenIDConnectProvider" {
					added[arn] += "<member>" + form.Get("ClientID") + "</member>"
					return answering(r, http.StatusOK, "<AddClientIDToOpenIDConnectProviderResponse/>"), nil
				}
				a, err := under.RoundTrip(r)
				if form.Get("Action") != "GetOpenIDConnectProvider" || err != nil {
					return a, err
				}
				text, err := io.ReadAll(a.Body)
				return answering(r, a.StatusCode,
					strings.Replace(string(text), "</ClientIDList>", added[arn]+"</ClientIDList>", 1)), err
			})
		})
	}
}

func (s shop) workload(issuer string, audiences ...string) *access.Credential {
	return &access.Credential{
		IdentityID: s.id,
		Terms:      s.terms(s.end),
		Federated:  &access.FederatedTrust{Issuer: issuer, Subject: "etl", Audiences: audiences},
	}
}

// The account lacked the new audience once the page had it, which was taken for a cut by hand. What was cut
// before the change is one.
func TestAChangedTrustIsNoCutAndUndoesNone(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	open := l.adding()
	for name, changed := range map[string]func(c *access.FederatedTrust){
		"another-audience":  func(c *access.FederatedTrust) { c.Audiences = []string{"weekly"} },
		"one-audience-more": func(c *access.FederatedTrust) { c.Audiences = []string{"daily", "weekly"} },
		"another-issuer":    func(c *access.FederatedTrust) { c.Issuer += "/other" },
		"an-account": func(c *access.FederatedTrust) {
			*c = access.FederatedTrust{AWSPrincipal: "arn:aws:iam::444455556666:role/etl"}
		},
	} {
		for _, cut := range []bool{false, true} {
			s := l.newShop(t, open(), time.Hour)
			s.id.Partner = fmt.Sprintf("%s-%v", name, cut) // of a partner that is cut, all that is new is held
			s.put(s.identity())
			before := s.workload("https://"+s.id.Partner+".test", "daily")
			after := s.workload("https://"+s.id.Partner+".test", "daily")
			r := s.put(before)
			if cut {
				arn, err := s.issuers.findIssuer(t.Context(), before.Federated.Issuer)
				if err != nil {
					t.Fatal(err)
				}
				l.must(t, "DeleteOpenIDConnectProvider", map[string]string{"OpenIDConnectProviderArn": arn})
			}
			s.System = open()
			changed(after.Federated)
			r = s.put(after, knowing(r.UID))
			if now, err := open().Get(t.Context(), after.Ref()); err != nil ||
				r.Held != cut ||
				now.Held != cut {
				t.Errorf("%s: held %v, and then %+v, %v", s.id.Partner, r.Held, now, err)
			}
		}
	}
}

// Two ledgers of one account may have partners of one issuer. The last one to need the account's
// trust in it removes it.
func TestALedgerLeavesTheTrustThatAnotherNeeds(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	const issuer = "https://login.acme.test"
	other := func() *System { return l.open(func(o *Options) { o.Ledger += "-other" }) }
	one := l.newShop(t, l.open(), time.Hour)
	two := l.newShop(t, other(), time.Hour)
	two.id.Environment = "test"
	for _, s := range []shop{one, two} {
		s.put(s.identity())
	}
	first := one.put(one.workload(issuer, "daily"))
	second := two.put(two.workload(issuer, "daily"))
	if _, err := one.Delete(t.Context(), first.Object.Ref(), first.UID); err != nil {
		t.Fatal(err)
	}
	two.System = other()
	two.put(two.grant("daily", two.end))
	if r, err := other().Get(t.Context(), second.Object.Ref()); err != nil ||
		r.Held ||
		len(r.Drift) > 0 {
		t.Errorf("of the other ledger: %+v, %v", r, err)
	}
	if _, err := two.Delete(t.Context(), second.Object.Ref(), second.UID); err != nil {
		t.Fatal(err)
	}
	if arn, err := one.issuers.findIssuer(t.Context(), issuer); arn != "" || err != nil {
		t.Errorf("nobody needs %s, %v", arn, err)
	}
}

// IAM may lag, so what one reading misses is no cut yet.
func TestAnIssuerThatOneReadingMissesIsNotCutOff(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	for _, cut := range []bool{false, true} {
		var asked atomic.Int64
		s := l.newShop(t, l.open(), time.Hour)
		s.id.Name = fmt.Sprintf("cut-%v", cut)
		s.put(s.identity())
		c := s.workload("https://"+s.id.Name+".test", "daily")
		uid := s.put(c).UID
		s.System = l.open(func(o *Options) {
			under := o.Transport
			o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
				a, err := under.RoundTrip(r)
				if actionOf(r) != "GetOpenIDConnectProvider" ||
					err != nil ||
					(asked.Add(1) > 1 && !cut) {
					return a, err
				}
				text, err := io.ReadAll(a.Body)
				return answering(r, a.StatusCode, strings.ReplaceAll(string(text), "<member>daily</member>", "")), err
			})
		})
		if _, err := s.Get(t.Context(), c.Ref()); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Delete(t.Context(), c.Ref(), uid); err != nil {
			t.Fatal(err)
		}
		if held, err := l.open().WouldHold(t.Context(), c); held != cut || err != nil {
			t.Errorf("cut %v: it is held: %v, %v", cut, held, err)
		}
	}
}
