// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// untried is a handle that has not seen how its cloud judges, in front of which a cloud may judge otherwise: it answers
// what answer does, unless that is nil.
func (l *lab) untried(answer func(form url.Values) *http.Response) (s *System, users *atomic.Int64) {
	users = &atomic.Int64{}
	return l.open(func(o *Options) {
		under := o.Transport
		o.judged, o.Patience = false, time.Second
		o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			form := formOf(r)
			if form.Get("Action") == "CreateUser" {
				users.Add(1)
			}
			if answer != nil {
				if a := answer(form); a != nil {
					a.Request = r
					return a, nil
				}
			}
			return under.RoundTrip(r)
		})
	}), users
}

func TestACloudIsTriedBeforeItsFirstCredential(t *testing.T) {
	t.Parallel()
	for name, cloud := range map[string]*realtool.Cloud{"ministack": ministack(t), "versitygw": versitygw(t)} {
		l := startLab(t, cloud, access.Secret)
		system, made := l.untried(nil)
		s, k := l.newShop(t, system, time.Hour), &keys{}
		s.put(s.identity())
		s.put(s.grant("daily", s.end))
		if made.Load() > 0 {
			t.Errorf("%s: it is tried for what gives nothing", name)
		}
		s.put(s.key(s.end), sealing(k))
		if !l.may(t, l.as(k.newest()), "read", s.file("daily")) {
			t.Errorf("%s: the key does not read", name)
		}
		if got := made.Load(); got != 2 {
			t.Errorf("%s: %d users were made, and not one to try and one for the key", name, got)
		}
		looked, under := &atomic.Int64{}, system.at.HTTP.Transport
		system.at.HTTP.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/"+store.SystemKey) {
				looked.Add(1)
			}
			return under.RoundTrip(r)
		})
		for _, name := range []string{"second", "third"} {
			s.id.Name = name
			s.put(s.identity())
			s.put(s.key(s.end), sealing(k))
		}
		if got := looked.Load(); got != 1 {
			t.Errorf("%s: the ledger is asked %d times what it noted", name, got)
		}
		again, more := l.untried(nil)
		s.System, s.id.Name = again, "other"
		s.put(s.identity())
		s.put(s.key(s.end), sealing(k))
		if got := more.Load(); got != 1 {
			t.Errorf("%s: another process tries again: %d users", name, got)
		}
		if names, err := s.at.namesAt(t.Context(), store.User, store.Root); err != nil || len(names) != 4 {
			t.Errorf("%s: left is %v, %v", name, names, err)
		}
	}
}

var ofDates = regexp.MustCompile(`,"Condition":\{"DateLessThan":\{[^}]*\}\}`)

func TestACloudThatDoesNotJudgeAsAWSDoesIsRefused(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Secret)
	put := func(form url.Values) string {
		if form.Get("Action") != "PutUserPolicy" {
			return ""
		}
		return form.Get("PolicyDocument")
	}
	for name, c := range map[string]struct {
		answer func(form url.Values) *http.Response
		says   string
	}{
		"it takes no Deny": {func(form url.Values) *http.Response {
			if strings.Contains(put(form), "Deny") {
				return answering(nil, http.StatusBadRequest,
					"<ErrorResponse><Error><Code>MalformedPolicyDocument</Code><Message>only "+
						"Allow</Message></Error></ErrorResponse>")
			}
			return nil
		}, "does not accept a policy such as partner-end"},
		"it knows no policies of users": {func(form url.Values) *http.Response {
			if put(form) != "" {
				return answering(nil, http.StatusNotImplemented,
					"<ErrorResponse><Error><Code>NotImplemented</Code></Error></ErrorResponse>")
			}
			return nil
		}, "does not accept a policy such as"},
		"it keeps a Deny, and judges none": {func(form url.Values) *http.Response {
			if strings.Contains(put(form), "Deny") {
				return answering(nil, http.StatusOK, "<PutUserPolicyResponse/>")
			}
			return nil
		}, "denied everything after its end"},
		"it judges no date of an Allow": {func(form url.Values) *http.Response {
			if text := put(form); ofDates.MatchString(text) {
				l.must(t, "PutUserPolicy", map[string]string{
					"UserName": form.Get("UserName"), "PolicyName": form.Get("PolicyName"),
					"PolicyDocument": ofDates.ReplaceAllString(text, ""),
				})
				return answering(nil, http.StatusOK, "<PutUserPolicyResponse/>")
			}
			return nil
		}, "whose grant had ended"},
		"it judges no date of a Deny": {func(form url.Values) *http.Response {
			if text := put(form); strings.Contains(text, "Deny") {
				l.must(t, "PutUserPolicy", map[string]string{
					"UserName":       form.Get("UserName"),
					"PolicyName":     form.Get("PolicyName"),
					"PolicyDocument": holding,
				})
				return answering(nil, http.StatusOK, "<PutUserPolicyResponse/>")
			}
			return nil
		}, "whose access had not ended"},
	} {
		system, _ := l.untried(c.answer)
		s, k := l.newShop(t, system, time.Hour), &keys{}
		i := s.put(s.identity())
		for _, o := range []access.Object{s.key(s.end), s.account("arn:aws:iam::444455556666:role/etl", "", s.end)} {
			_, err := s.Put(t.Context(), access.Change{Object: o, Stack: "partners", EndsAt: s.end, Seal: k.seal})
			if !errors.Is(err, access.ErrUnsupported) ||
				!strings.Contains(err.Error(), c.says) ||
				!strings.Contains(err.Error(), l.cloud.IAM) {
				t.Errorf("%s: put %s answers %v", name, o.Ref(), err)
			}
		}
		if all, err := s.reader.all(t.Context()); err != nil || len(all) > 0 {
			t.Errorf("%s: left is %v, %v", name, all, err)
		}
		if _, err := s.Delete(t.Context(), s.id.Ref(), i.UID); err != nil {
			t.Errorf("%s: what takes away is refused: %v", name, err)
		}
	}
}

// Whoever dies while he tries leaves a user that may read nothing after ten minutes, and the next one removes it. Two
// who try at once both get on.
func TestATryOfACloudIsFinishedByWhoComesNext(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Secret)
	s, k := l.newShop(t, l.open(), time.Hour), &keys{}
	s.put(s.identity())
	change := access.Change{Object: s.key(s.end), Stack: "partners", EndsAt: s.end, Seal: k.seal}
	for _, action := range []string{"CreateUser", "CreateAccessKey", "PutUserPolicy", "DeleteUser"} {
		dead := &atomic.Bool{}
		dying, _ := l.untried(nil)
		under := dying.at.HTTP.Transport
		dying.at.Site.Patience = time.Millisecond
		dying.at.HTTP.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			if dead.Load() {
				return nil, errors.New("dead")
			}
			if actionOf(r) == action {
				dead.Store(true)
				_, _ = under.RoundTrip(r)
				return nil, errors.New("dead")
			}
			return under.RoundTrip(r)
		})
		if _, err := dying.Put(t.Context(), change); err == nil {
			t.Fatalf("%s: it did not die", action)
		}
	}
	var all sync.WaitGroup
	for n := range 2 {
		all.Go(func() {
			s := s
			s.System, _ = l.untried(nil)
			s.at.Site.Patience = 10 * time.Second
			s.id.Name = []string{"etl", "other"}[n]
			for _, o := range []access.Object{s.identity(), s.key(s.end)} {
				c := access.Change{Object: o, Stack: "partners", EndsAt: s.end, Seal: k.seal}
				if _, err := s.Put(t.Context(), c); err != nil {
					t.Errorf("put %s: %v", o.Ref(), err)
				}
			}
		})
	}
	all.Wait()
	if names, err := s.at.namesAt(t.Context(), store.User, store.Root); err != nil || len(names) != 2 {
		t.Errorf("left is %v, %v", names, err)
	}
}
