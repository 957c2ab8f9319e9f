// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/awstest"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// answersOf answers a request, or has it asked of who stands behind: nil.
type answersOf func(r *http.Request, nth int64) *http.Response

// faulty is a ledger in memory with a page in it, in front of which somebody answers in its place.
func faulty(t *testing.T, patience time.Duration, answer answersOf) (*System, *atomic.Int64) {
	t.Helper()
	asked := &atomic.Int64{}
	b := awstest.NewBucket(map[string][]byte{
		"ledger/prod/system.json":                   []byte(`{"version":1,"id":"sys"}`),
		"ledger/prod/identities/acme/prod/etl.json": []byte(`{"version":1,"identity":"acme/prod/etl"}`),
	})
	s := (&floorLab{b, t}).open("ADMIN", func(o *Options) {
		o.Patience = patience
		o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			if a := answer(r, asked.Add(1)); a != nil {
				return a, nil
			}
			return b.RoundTrip(r)
		})
	})
	return s, asked
}

func coded(r *http.Request, status int, code string) *http.Response {
	return answering(r, status, "<Error><Code>"+code+"</Code><Message>of a test</Message></Error>")
}

// What AWS may do in a moment is asked again, a bounded number of times, and ends in one error that says what AWS said.
func TestWhatMayBeDoneInAMomentIsAskedAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		code   string
	}{
		"S3 is busy": {503, "SlowDown"}, "S3 is not there": {503, "ServiceUnavailable"},
		"S3 failed": {500, "InternalError"}, "IAM is busy": {400, "Throttling"},
		"somebody asks too often": {429, ""}, "a gateway in between": {502, ""}, "another one": {504, ""},
		"IAM changes it":          {409, "ConcurrentModification"},
		"it was asked too slowly": {400, "RequestTimeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, asked := faulty(t, time.Minute, func(r *http.Request, nth int64) *http.Response {
				if nth <= 2 {
					return coded(r, c.status, c.code)
				}
				return nil
			})
			if all, err := s.store.List(t.Context(), ""); err != nil ||
				len(all) != 2 ||
				asked.Load() != 3 {
				t.Errorf("twice: %d objects, %v, after %d requests", len(all), err, asked.Load())
			}
			s, asked = faulty(t, 2*time.Second,
				func(r *http.Request, _ int64) *http.Response { return coded(r, c.status, c.code) })
			_, err := s.store.List(t.Context(), "")
			if !errors.Is(err, access.ErrUnavailable) ||
				asked.Load() < 2 ||
				asked.Load() > 20 ||
				strings.Count(err.Error(), "AWS answers") != 1 {
				t.Errorf("for ever: %v, after %d requests", err, asked.Load())
			}
		})
	}
}

// A service that answers nobody costs one request its patience, and not each; whoever asks a while later asks again,
// and waits for one that is back and slow.
func TestWhatOneRequestWaitedForInVainTheOthersDoNot(t *testing.T) {
	t.Parallel()
	var away atomic.Bool
	away.Store(true)
	var wait atomic.Int64 // for the last answer, at most
	const patience = 600 * time.Millisecond
	s, asked := faulty(t, patience, func(r *http.Request, _ int64) *http.Response {
		end, _ := r.Context().Deadline()
		wait.Store(int64(time.Until(end)))
		if away.Load() {
			return coded(r, 503, "SlowDown")
		}
		return nil
	})
	list := func() error { _, err := s.store.List(t.Context(), ""); return err }
	began := time.Now()
	first := list()
	took, sent := time.Since(began), asked.Load()
	met := &access.Outage{}
	if !errors.As(first, &met) || took < patience {
		t.Fatalf("after %s: %v", took, first)
	}
	s.at.Site.Patience = 100 * patience // by which it is believed for longer
	if err := list(); !errors.Is(err, access.ErrUnavailable) ||
		!errors.As(err, &met) ||
		asked.Load() != sent ||
		!strings.Contains(err.Error(), "AWS answers SlowDown: of a test: nothing was sent") {
		t.Errorf("the next, after %d requests: %v", asked.Load()-sent, err)
	}
	s.at.Site.Patience = patience
	away.Store(false)
	for deadline := time.Now().Add(10 * time.Second); list() != nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it is never asked again")
		}
	}
	if d := time.Duration(wait.Load()); asked.Load() == sent ||
		d < 5*time.Second ||
		d > 10*time.Second {
		t.Errorf("after %d requests it waits %s for an answer", asked.Load()-sent, d)
	}
}

// A firewall that dislikes one request says nothing of the others, and a login that is not found no more than that:
// neither makes an outage, nor ends one.
func TestWhatTheServiceDidNotSayIsNoOutageAndEndsNone(t *testing.T) {
	t.Parallel()
	s, asked := faulty(t, 100*time.Millisecond, func(*http.Request, int64) *http.Response { return nil })
	list := func(ctx context.Context) error { _, err := s.store.List(ctx, ""); return err }
	met := &access.Outage{}
	for status, body := range map[int]string{
		403: "<html>Request blocked</html>",
		404: "",
		400: "blocked",
		200: "<!doctype html>",
	} {
		s.at.HTTP.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			asked.Add(1)
			return answering(r, status, body), nil
		})
		for range 2 {
			before := asked.Load()
			if err := list(t.Context()); !errors.Is(err, access.ErrUnavailable) ||
				errors.As(err, &met) ||
				asked.Load() == before {
				t.Errorf("%d %q: %v, after %d requests", status, body, err, asked.Load()-before)
			}
		}
	}
	s.at.HTTP.Transport = carrier(func(r *http.Request) (*http.Response, error) {
		asked.Add(1)
		return coded(r, 503, "SlowDown"), nil
	})
	if err := list(t.Context()); !errors.As(err, &met) {
		t.Fatal(err)
	}
	s.at.Site.Patience = time.Minute
	s.at.Login = credentials.NewStaticCredentialsProvider("", "", "")
	if err := list(access.Insisting(t.Context())); !errors.Is(err, access.ErrLogin) {
		t.Errorf("without a login: %v", err)
	}
	before := asked.Load()
	if err := list(t.Context()); !errors.As(err, &met) || asked.Load() != before {
		t.Errorf("after a login that failed: %v, after %d requests", err, asked.Load()-before)
	}
}

// One action that a gateway answers with 504 was taken for an IAM that is away: what it had made was not taken back.
func TestWhatTakesAwayIsSentThoughIAMSeemsAway(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	system := l.open(func(o *Options) {
		o.Patience = time.Second
		under := o.Transport
		o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			if actionOf(r) == "CreateAccessKey" {
				return answering(r, http.StatusGatewayTimeout, ""), nil
			}
			return under.RoundTrip(r)
		})
	})
	s, k := l.newShop(t, system, time.Hour), &keys{}
	i := s.put(s.identity())
	_, err := s.Put(t.Context(), access.Change{Object: s.key(s.end), Stack: "partners", EndsAt: s.end, Seal: k.seal})
	met := &access.Outage{}
	if !errors.As(err, &met) {
		t.Fatal(err)
	}
	if names, failed := l.open().at.namesAt(t.Context(), store.User, store.Root); failed != nil || len(names) > 0 {
		t.Errorf("left are %v, %v, after %v", names, failed, err)
	}
	if _, err := s.Delete(t.Context(), i.Object.Ref(), i.UID); err != nil {
		t.Errorf("a destroy is not done: %v", err)
	}
}

// A listing that does not end, or does not say where it goes on, is an error: what is missing would be taken for gone.
func TestAListingThatDoesNotEndIsAnError(t *testing.T) {
	t.Parallel()
	const more = "<IsTruncated>true</IsTruncated>"
	iam := func(rest string) string {
		return "<ListUsersResponse><ListUsersResult><Users><member><UserName>partner.x</UserName></member></Users>" +
			rest + "</ListUsersResult></ListUsersResponse>"
	}
	for name, c := range map[string]struct {
		iam     bool
		answers []string // the last one again and again
		fine    bool
	}{
		"S3 goes on nowhere": {false, []string{"<ListBucketResult>" + more + "</ListBucketResult>"}, false},
		"S3 goes on where it was": {false,
			[]string{"<ListBucketResult>" + more +
				"<NextContinuationToken>x</NextContinuationToken></ListBucketResult>"}, false},
		"S3 answers with half a page": {false, []string{"<ListBucketResult><Contents><Key>prod/system.json</Key>"},
			false},
		"S3 ends on the second page": {false,
			[]string{"<ListBucketResult>" + more +
				"<NextContinuationToken>x</NextContinuationToken></ListBucketResult>",
				"<ListBucketResult></ListBucketResult>"}, true},
		"IAM goes on nowhere":      {true, []string{iam(more)}, false},
		"IAM goes on where it was": {true, []string{iam(more + "<Marker>x</Marker>")}, false},
		"IAM answers with half a page": {true,
			[]string{"<ListUsersResponse><ListUsersResult><Users><member><UserName>partner.x</UserName>"}, false},
		"IAM ends on the second page": {true,
			[]string{iam(more + "<Marker>x</Marker>"), iam("<IsTruncated>false</IsTruncated>")}, true},
		"IAM says only where it goes on": {true, []string{iam("<Marker>x</Marker>"), iam("")}, true},
		"IAM ends, and names a place": {true, []string{iam("<IsTruncated>false</IsTruncated><Marker>x</Marker>")},
			true},
	} {
		s, asked := faulty(t, 200*time.Millisecond, func(r *http.Request, nth int64) *http.Response {
			if nth > 50 {
				return coded(r, 400, "Enough")
			}
			return answering(r, 200, c.answers[min(int(nth), len(c.answers))-1])
		})
		var err error
		if c.iam {
			_, err = s.at.namesAt(t.Context(), store.User, store.Root)
		} else {
			_, err = s.store.List(t.Context(), "")
		}
		if (err == nil) != c.fine ||
			(err != nil && !errors.Is(err, access.ErrUnavailable)) ||
			asked.Load() > 20 {
			t.Errorf("%s: %v, after %d requests", name, err, asked.Load())
		}
	}
}

// What S3 says of a condition is not what it says of an object.
func TestWhatS3SaysOfAConditionIsTold(t *testing.T) {
	t.Parallel()
	id := access.IdentityID{Partner: "acme", Environment: "prod", Name: "etl"}
	for name, c := range map[string]struct {
		answer answersOf
		is     error
	}{
		"unchanged, though nothing was known": {func(r *http.Request, _ int64) *http.Response {
			return answering(r, http.StatusNotModified, "")
		}, access.ErrUnavailable},
		"another one writes, for ever": {func(r *http.Request, _ int64) *http.Response {
			return coded(r, 409, "ConditionalRequestConflict")
		}, client.ErrChanged},
		"another one was first": {func(r *http.Request, _ int64) *http.Response {
			return coded(r, 412, "PreconditionFailed")
		}, client.ErrChanged},
		"another one was first, in no more words": {func(r *http.Request, _ int64) *http.Response {
			return answering(r, 412, "")
		}, client.ErrChanged},
		"there is a mark of a removal": {func(r *http.Request, _ int64) *http.Response {
			a := coded(r, 404, "NoSuchKey")
			a.Header.Set("X-Amz-Delete-Marker", "true")
			return a
		}, client.ErrAbsent},
		"the bucket is gone": {func(r *http.Request, _ int64) *http.Response {
			return coded(r, 404, "NoSuchBucket")
		}, access.ErrUnavailable},
		"the bucket is elsewhere": {func(r *http.Request, _ int64) *http.Response {
			return coded(r, 301, "PermanentRedirect")
		}, nil},
	} {
		s, _ := faulty(t, 50*time.Millisecond, c.answer)
		_, _, err := s.store.Get(t.Context(), store.KeyOf(id), "")
		if err == nil ||
			(c.is != nil && !errors.Is(err, c.is)) ||
			(!errors.Is(c.is, client.ErrAbsent) && errors.Is(err, client.ErrAbsent)) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := s.store.Fetch(t.Context(), id); err != nil && errors.Is(c.is, client.ErrAbsent) {
			t.Errorf("%s: fetch answers %v", name, err)
		}
	}
}

// IAM is eventually consistent: it answers from a copy that has not heard of a principal that was made a moment ago,
// or of what was written.
func TestAnIAMThatLagsIsWaitedFor(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	v := l.newVendor(t, "444455556666", "acme-etl")
	const lag = 700 * time.Millisecond
	var mu sync.Mutex
	fresh, nth := map[string]time.Time{}, 0
	system := l.open(func(o *Options) {
		under := o.Transport
		o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			form := formOf(r)
			action := form.Get("Action")
			name := form.Get("RoleName") + form.Get("UserName")
			mu.Lock()
			nth++
			lags := name != "" && time.Since(fresh[name]) < lag && nth%2 == 0
			if strings.HasPrefix(action, "Create") && action != "CreateAccessKey" {
				fresh[name] = time.Now()
			}
			mu.Unlock()
			if (lags && !strings.HasPrefix(action, "Create")) || (lags && action == "CreateAccessKey") {
				return answering(r, 404, "<ErrorResponse><Error><Code>NoSuchEntity</Code><Message>of a "+
					"test</Message></Error></ErrorResponse>"), nil
			}
			return under.RoundTrip(r)
		})
	})
	s, k := l.newShop(t, system, time.Hour), &keys{}
	s.put(s.identity())
	s.put(s.grant("daily", s.end))
	c := s.put(s.account(v.principal("acme-etl"), "", s.end))
	if session := l.assume(t, v.as, c.Login["role_arn"], c.Login["external_id"]); session == nil ||
		!l.may(t, session, "read", s.file("daily")) {
		t.Error("the role does not read")
	}
	s.put(s.key(s.end), sealing(k))
	if !l.may(t, l.as(k.newest()), "read", s.file("daily")) {
		t.Error("the key does not read")
	}
}

// A listing of IAM that lags does not tell of a key, or of a policy that somebody attached: what they hang on cannot be
// removed then. It is looked at again, denied everything meanwhile, and removed.
func TestWhatHangsOnAPrincipalUntoldIsRemovedAllTheSame(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	lists := map[string]bool{"ListAccessKeys": true, "ListRolePolicies": true, "ListUserPolicies": true}
	seen := map[string]int{}
	var mu sync.Mutex
	var removing atomic.Bool
	system := l.open(func(o *Options) {
		under := o.Transport
		o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			action := actionOf(r)
			mu.Lock()
			defer mu.Unlock()
			if removing.Load() && lists[action] {
				if seen[action]++; seen[action] <= 3 {
					return answering(r, http.StatusOK,
						"<"+action+"Response><"+action+"Result><IsTruncated>false</IsTruncated></"+action+"Result></"+
							action+"Response>"), nil
				}
			}
			return under.RoundTrip(r)
		})
	})
	s, k := l.newShop(t, system, time.Hour), &keys{}
	i := s.put(s.identity())
	s.put(s.grant("daily", s.end))
	s.put(s.account("arn:aws:iam::444455556666:role/etl", "", s.end))
	s.put(s.key(s.end), sealing(k))
	removing.Store(true)
	if _, err := system.Delete(t.Context(), i.Object.Ref(), i.UID); err != nil {
		t.Error(err)
	}
	l.clean(t, l.open())
	if l.may(t, l.as(k.newest()), "read", s.file("daily")) {
		t.Error("the key reads")
	}
}

// The guide recommends a ledger with versions: what is removed there leaves a mark, and what is made anew lies over it.
func TestALedgerWithVersionsIsALedger(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	const versions = `<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>`
	if status := l.s3(t, l.admin, http.MethodPut, l.bucket("ledger")+"?versioning=",
		versions); status != http.StatusOK {
		t.Fatalf("the bucket takes no versions: %d", status)
	}
	s := l.newShop(t, l.open(), time.Hour)
	for range 2 {
		i := s.put(s.identity())
		g := s.put(s.grant("daily", s.end))
		if _, err := s.Delete(t.Context(), g.Object.Ref(), g.UID); err != nil {
			t.Error(err)
		}
		if _, err := s.Delete(t.Context(), i.Object.Ref(), i.UID); err != nil {
			t.Error(err)
		}
		if all, err := l.open().List(t.Context()); err != nil || len(all) > 0 {
			t.Errorf("after the removal there are %d, %v", len(all), err)
		}
	}
	if err := s.store.Remove(t.Context(), store.KeyOf(s.id), ""); err != nil {
		t.Fatal(err)
	}
	i := s.put(s.identity())
	if r, err := l.open().Get(t.Context(), s.id.Ref()); err != nil || r.UID != i.UID {
		t.Errorf("what is made over a mark of a removal: %+v, %v", r, err)
	}
}
