// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// IAM counts 2,048 characters for all policies of a user's own. One that has nearly used them is ended
// and removed all the same.
func TestAUserWithoutRoomForADenyIsEndedAndRemoved(t *testing.T) {
	t.Parallel()
	l := startLab(t, versitygw(t), access.Secret)
	s := l.newShop(t, l.open(), time.Hour)
	_, as := s.moved(l)
	full := func(size int) {
		t.Helper()
		const begin, end = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*"],"Resource":["*","arn:aws:s3:::`, `"]}]}`
		l.must(t, "PutUserPolicy", naming(store.AdoptedOf(s.id), "PolicyName", "everything", "PolicyDocument",
			begin+strings.Repeat("x", size-len(begin+end))+end))
	}
	full(2000)
	if err := l.admin.putInline(t.Context(), store.AdoptedOf(s.id), "more",
		strings.Replace(everything, "*", "s3:"+strings.Repeat("x", 200), 1)); !isFull(err) {
		t.Fatalf("the server counts no characters: %v", err)
	}
	i := s.put(s.identity(), taking("user/acme-sftp"))
	s.put(s.grant("daily", s.end))
	if n, err := s.reader.look(t.Context(), store.AdoptedOf(s.id)); err != nil ||
		n.policies[endPolicy] == "" ||
		n.policies["everything"] != "" ||
		l.may(t, as, "write", s.file("daily")) {
		t.Errorf("it has %+v, %v", n, err)
	}
	if err := s.at.dropInline(t.Context(), store.AdoptedOf(s.id), grantsPolicy); err != nil {
		t.Fatal(err)
	}
	n, err := s.reader.look(t.Context(), store.AdoptedOf(s.id))
	if err != nil {
		t.Fatal(err)
	}
	full(2048 - counted(n.policies[endPolicy]) - 10)
	if _, err := s.Delete(t.Context(), s.id.Ref(), i.UID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.at.describe(t.Context(), store.AdoptedOf(s.id)); !errors.Is(err, client.ErrAbsent) {
		t.Errorf("it is left: %v", err)
	}
}

// Who deactivates the only keys of a partner cuts it off. Beside a credential that was handed over, that is how
// the old login is retired.
func TestTheOnlyKeysOfAnAdoptedUserAreCutWhereSomebodyDeactivatesThem(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Secret)
	for _, alone := range []bool{true, false} {
		s, k := l.newShop(t, l.open(), time.Hour), &keys{}
		s.id.Name = fmt.Sprintf("alone-%v", alone)
		key, as := s.moved(l)
		i := s.put(s.identity(), taking("user/acme-sftp"))
		s.put(s.grant("daily", s.end))
		if !alone {
			s.put(s.key(s.end), sealing(k))
		}
		set := func(status string) {
			t.Helper()
			l.must(t, "UpdateAccessKey", naming(store.AdoptedOf(s.id), "AccessKeyId", key, "Status", status))
		}
		set("Inactive")
		if r, err := s.Get(t.Context(), s.id.Ref()); err != nil ||
			r.Held != alone ||
			len(r.Adopted) != 1 ||
			!strings.Contains(r.Adopted[0], "(inactive)") {
			t.Errorf("alone %v: it is told as %+v, %v", alone, r, err)
		}
		if alone {
			s.put(s.key(s.end), sealing(k))
		}
		s.put(s.identity(func(i *access.Identity) { i.Purpose = "Another" }), knowing(i.UID))
		set("Active")
		if l.may(t, as, "read", s.file("daily")) == alone ||
			l.may(t, l.as(k.newest()), "read", s.file("daily")) == alone {
			t.Errorf("alone %v: what was cut is back, or what was not is cut", alone)
		}
		s.put(s.identity(func(i *access.Identity) { i.HoldReleased = "CHG-1" }), knowing(i.UID))
		if !l.may(t, l.as(k.newest()), "read", s.file("daily")) {
			t.Errorf("alone %v: what was released is not back", alone)
		}
	}
}

// One answer that is wrong makes nobody forget a key; and a key that lives on elsewhere is no key that is gone.
func TestAKeyIsForgottenOnlyOnceItIsSurelyGone(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Secret)
	s := l.newShop(t, l.open(), time.Hour)
	_, as := s.moved(l)
	absent, owner := 0, ""
	s.System = l.open(func(o *Options) {
		under := o.Transport
		o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			switch action := actionOf(r); {
			case action == "ListAccessKeys" && absent > 0:
				absent--
				return coded(r, http.StatusNotFound, "NoSuchEntity"), nil
			case action == "GetAccessKeyLastUsed" && owner != "":
				return answering(r, http.StatusOK,
						"<R><GetAccessKeyLastUsedResult><UserName>"+owner+
							"</UserName></GetAccessKeyLastUsedResult></R>"),
					nil
			}
			return under.RoundTrip(r)
		})
	})
	denied := l.forbidding("TagUser")
	if _, err := denied.Put(t.Context(),
		access.Change{Object: s.identity(), Stack: "partners", EndsAt: s.end, Adopt: "user/acme-sftp"}); !errors.Is(err,
		access.ErrNotPermitted) {
		t.Errorf("where its tags may not be written: %v", err)
	}
	if _, err := s.Get(t.Context(), s.id.Ref()); !errors.Is(err, access.ErrNotFound) ||
		!l.may(t, as, "read", s.file("weekly")) {
		t.Errorf("what was refused changed something: %v", err)
	}
	i := s.put(s.identity(), taking("user/acme-sftp"))
	s.put(s.grant("daily", s.end))
	absent = 1
	if r := s.put(s.identity(func(i *access.Identity) { i.Purpose = "Another" }),
		knowing(i.UID)); len(r.Adopted) != 1 || !l.may(t, as, "read", s.file("daily")) {
		t.Errorf("after one wrong answer: %+v", r)
	}
	keys, err := l.admin.keysOf(t.Context(), store.AdoptedOf(s.id))
	if err != nil {
		t.Fatal(err)
	}
	l.must(t, "DeleteAccessKey", naming(store.AdoptedOf(s.id), "AccessKeyId", keys[0].ID))
	for _, name := range []string{"everything", grantsPolicy, endPolicy} {
		if err := l.admin.dropInline(t.Context(), store.AdoptedOf(s.id), name); err != nil {
			t.Fatal(err)
		}
	}
	l.must(t, "DeleteUser", naming(store.AdoptedOf(s.id))) // as it looks where somebody renamed it
	owner = "acme-sftp"
	if r, err := s.Get(t.Context(), s.id.Ref()); err != nil ||
		len(r.Drift) != 1 ||
		!strings.Contains(r.Drift[0], keys[0].ID) ||
		len(r.Adopted) != 1 {
		t.Errorf("a key that lives on elsewhere is told as %+v, %v", r, err)
	}
	if _, err := s.Put(t.Context(),
		access.Change{Object: s.identity(), Stack: "partners", UID: i.UID, EndsAt: s.end}); !errors.Is(err,
		access.ErrRemains) {
		t.Errorf("put answers %v", err)
	}
	if _, err := s.Delete(t.Context(), s.id.Ref(), i.UID); !errors.Is(err, access.ErrRemains) ||
		!strings.Contains(err.Error(), "acme-sftp") {
		t.Errorf("delete answers %v", err)
	}
	owner = ""
	if _, err := s.Delete(t.Context(), s.id.Ref(), i.UID); err != nil {
		t.Errorf("delete answers %v", err)
	}
}

// The name of a policy alone cuts nobody.
func TestAPolicyThatIsNamedLikeACutAndAllowsIsNone(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Secret)
	s, k := l.newShop(t, l.open(), time.Hour), &keys{}
	i := s.put(s.identity())
	s.put(s.grant("daily", s.end))
	s.put(s.key(s.end), sealing(k))
	named := func(p principal) {
		l.must(t, "PutUserPolicy", naming(p, "PolicyName", holdPolicy, "PolicyDocument", everything))
	}
	named(store.UserOf(s.id, 1))
	if r, err := s.Get(t.Context(), s.key(s.end).Ref()); err != nil ||
		r.Held ||
		len(r.Drift) != 1 ||
		!strings.Contains(r.Drift[0], holdPolicy) {
		t.Errorf("it is told as %+v, %v", r, err)
	}
	s.put(s.identity(), knowing(i.UID))
	holder := l.as(k.newest())
	if l.may(t, holder, "write", s.file("daily")) || !l.may(t, holder, "read", s.file("daily")) {
		t.Error("it is left, or taken for a cut")
	}
	named(store.UserOf(s.id, 1))
	if err := s.store.Mark(t.Context(), s.id.String()); err != nil {
		t.Fatal(err)
	}
	s.put(s.identity(), knowing(i.UID))
	if l.may(t, holder, "read", s.file("daily")) {
		t.Error("it takes the place of a cut")
	}
	stray := principal{Kind: store.User, Name: "acme-sftp"}
	l.byHand(t, stray)
	named(stray)
	if _, strays, err := l.open().Survey(t.Context(), []string{"acme"}); err != nil || len(strays) != 1 {
		t.Errorf("the survey finds %+v, %v", strays, err)
	}
}

// A walk is shorter than what AWS tells late: the answer serves beyond it.
func TestWhenAKeyWasUsedIsAskedAgainOnlyLater(t *testing.T) {
	t.Parallel()
	s, asked := faulty(t, time.Second,
		func(r *http.Request, _ int64) *http.Response { return coded(r, http.StatusForbidden, "AccessDenied") })
	for _, c := range []struct {
		fresh, before time.Duration
		asks          int64
	}{{time.Minute, 2 * time.Minute, 0}, {time.Minute, useServes, 1}, {0, time.Second, 1}} {
		s.at.options.Fresh, s.uses["AKIA"] = c.fresh, use{asked: access.WallClock().Add(-c.before)}
		before := asked.Load()
		if _, _, err := s.keyUse(t.Context(), "AKIA"); err != nil || asked.Load()-before != c.asks {
			t.Errorf("%+v: it was asked %d times, %v", c, asked.Load()-before, err)
		}
	}
}

func TestWhatIsNotToldIsNotTakenForGone(t *testing.T) {
	t.Parallel()
	s, _ := faulty(t, time.Second, func(r *http.Request, _ int64) *http.Response {
		if r.URL.Query().Has("list-type") { // without an ETag, and without a Date
			return answering(r, http.StatusOK,
				"<ListBucketResult><Contents><Key>prod/identities/acme/prod/etl.json</Key></Contents></ListBucketResult>")
		}
		return coded(r, http.StatusForbidden, "AccessDenied")
	})
	if now, err := s.store.Now(t.Context()); !errors.Is(err, access.ErrUnavailable) {
		t.Errorf("it is %s, %v", now, err)
	}
	if h, err := s.store.Load(t.Context()); err != nil || len(h.Pages) != 1 {
		t.Errorf("a page that may not be read is gone: %+v, %v", h, err)
	}
}
