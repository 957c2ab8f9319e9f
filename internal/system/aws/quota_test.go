// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// quotas count what AWS refuses, for a server that does not (IAM and STS quotas; API reference of IAM).
type quotas struct {
	mu       sync.Mutex
	policies map[string]map[string]int // of a principal: how many characters each takes
	tags     map[string]map[string]bool
	worst    map[string]int
}

var (
	iamName = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)
	iamPath = regexp.MustCompile(`^/([\x21-\x7e]+/)?$`)
	tagText = regexp.MustCompile(`^[\pL\pZ\pN_.:/=+\-@]*$`)
)

// refuse returns what AWS would say to a request; "" where it would take it.
func (q *quotas) refuse(form url.Values) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	action, what, most := form.Get("Action"), "Role", 10240
	name := form.Get("RoleName")
	if name == "" {
		name, what, most = form.Get("UserName"), "User", 2048
	}
	who := what + " " + name
	switch {
	case name != "" && !iamName.MatchString(name):
		return "the name " + name
	case form.Has("Path") && (!iamPath.MatchString(form.Get("Path")) || len(form.Get("Path")) > 512):
		return "the path " + form.Get("Path")
	case action == "CreateRole" || action == "UpdateAssumeRolePolicy":
		if n := counted(form.Get("AssumeRolePolicyDocument") + form.Get("PolicyDocument")); n > 2048 {
			return fmt.Sprintf("a trust of %d", n)
		}
	case action == "Put"+what+"Policy":
		if q.policies[who] == nil {
			q.policies[who] = map[string]int{}
		}
		q.policies[who][form.Get("PolicyName")] = counted(form.Get("PolicyDocument"))
	case action == "Delete"+what+"Policy":
		delete(q.policies[who], form.Get("PolicyName"))
	case action == "Delete"+what:
		delete(q.policies, who)
		delete(q.tags, who)
	}
	sum := 0
	for _, n := range q.policies[who] {
		sum += n
	}
	if q.worst[what] = max(q.worst[what], sum); sum > most {
		delete(q.policies[who], form.Get("PolicyName")) // it is not kept
		return fmt.Sprintf("%d characters of policies of %s", sum, who)
	}
	for field, values := range form {
		if !strings.HasPrefix(field, "Tags.member.") {
			continue
		}
		if q.tags[who] == nil {
			q.tags[who] = map[string]bool{}
		}
		if strings.HasSuffix(field, ".Key") {
			q.tags[who][values[0]] = true
		}
		if n := utf8.RuneCountInString(values[0]); n > 256 ||
			!tagText.MatchString(values[0]) ||
			len(q.tags[who]) > 50 {
			return fmt.Sprintf("the tag %q", values[0])
		}
	}
	return ""
}

func counted(text string) (n int) {
	for _, r := range text {
		if !unicode.IsSpace(r) {
			n++
		}
	}
	return n
}

func (q *quotas) in(under http.RoundTripper) http.RoundTripper {
	return carrier(func(r *http.Request) (*http.Response, error) {
		if r.Body != nil && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			form, err := url.ParseQuery(string(body))
			if err != nil {
				return nil, err
			}
			if why := q.refuse(form); why != "" {
				text := "<ErrorResponse><Error><Code>LimitExceeded</Code><Message>" + url.PathEscape(why) +
					"</Message></Error></ErrorResponse>"
				return &http.Response{
					StatusCode: http.StatusConflict,
					Header:     http.Header{},
					Body:       io.NopCloser(strings.NewReader(text)),
					Request:    r,
				}, nil
			}
		}
		return under.RoundTrip(r)
	})
}

func newQuotas() *quotas {
	return &quotas{policies: map[string]map[string]int{}, tags: map[string]map[string]bool{}, worst: map[string]int{}}
}

// What the plan and the change let through AWS takes, up to the last grant that fits; the next one is refused
// before anything is written.
func TestGrantsAreTakenUntilAWSWouldTakeNoMore(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	l.quotas = newQuotas()
	for n, kind := range []access.Kind{access.Secret, access.Federated} {
		s, k := l.newShop(t, l.open(), time.Hour), &keys{}
		s.id.Name = []string{"key", "trust"}[n]
		s.put(s.identity())
		var c access.Object = s.key(s.end)
		if kind == access.Federated {
			c = s.account("arn:aws:iam::444455556666:role/etl", "", s.end)
		}
		uid := s.put(c, sealing(k)).UID
		taken, refused := 0, error(nil)
		for ; taken < 200 && refused == nil; taken++ {
			// no two end together, so that none are merged
			g := s.grant(fmt.Sprintf("feed-%d", taken), s.end.Add(-time.Duration(taken)*time.Second))
			_, refused = s.Put(t.Context(), access.Change{Object: g, Stack: "partners", EndsAt: g.ExpiresAt.Time})
		}
		taken--
		t.Logf("%s: %d grants of which no two end together were taken; most of AWS's characters: %v", kind, taken,
			l.quotas.worst)
		if refused == nil ||
			strings.Contains(refused.Error(), "LimitExceeded") ||
			!strings.Contains(refused.Error(), "grants") {
			t.Errorf("%s: after %d grants: %v", kind, taken, refused)
		}
		if r, err := s.Get(t.Context(), c.Ref()); err != nil || len(r.Drift) > 0 {
			t.Errorf("%s: after the refusal: %v %+v", kind, err, r)
		}
		// Less is never refused: it is cut, and held.
		s.put(s.identity(func(i *access.Identity) { i.Suspended = true }), knowing(s.uid(s.id.Ref())))
		l.must(t, "Put"+map[access.Kind]string{access.Secret: "User", access.Federated: "Role"}[kind]+"Policy",
			naming(principalFor(s, kind), "PolicyName", holdPolicy, "PolicyDocument", holding))
		s.put(c, knowing(uid), sealing(k))
	}
}

// Less is never refused, also where it takes more room than there was: the grant then gives nothing, and that is told.
// AWS refused it before, and what was to end earlier went on.
func TestALessThatTakesMoreRoomIsCarriedOut(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	l.quotas = newQuotas()
	s, k := l.newShop(t, l.open(), time.Hour), &keys{}
	s.put(s.identity())
	s.put(s.key(s.end), sealing(k))
	var all []*access.Grant
	for full := false; !full; {
		g := s.grant(fmt.Sprintf("feed-%02d", len(all)), s.end)
		if _, err := s.Put(t.Context(),
			access.Change{Object: g, Stack: "partners", EndsAt: g.ExpiresAt.Time}); err != nil {
			full = true
			continue
		}
		all = append(all, g)
	}
	shorter := *all[len(all)/2]
	shorter.ExpiresAt = access.At(s.end.Add(-30 * time.Minute))
	s.put(&shorter, knowing(s.uid(shorter.Ref())))
	if said := s.drift(&shorter); !strings.Contains(said, "no room") || !strings.Contains(said, shorter.Name) {
		t.Errorf("nothing tells that it gives nothing: %q", said)
	}
	if said := s.drift(all[0]); said != "" {
		t.Errorf("of another grant is told %q", said)
	}
	later := shorter
	later.ExpiresAt = access.At(s.end.Add(-20 * time.Minute))
	if _, err := s.Put(t.Context(),
		access.Change{
			Object: &later,
			Stack:  "partners",
			EndsAt: later.ExpiresAt.Time,
			UID:    s.uid(later.Ref()),
		}); err == nil || !strings.Contains(err.Error(), "Merge grants") {
		t.Errorf("a later end that does not fit: %v", err)
	}
	n, err := s.reader.look(t.Context(), store.UserOf(s.id, 1))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range all {
		is := strings.Contains(n.policies[grantsPolicy], strings.TrimSuffix(string(g.Resource), "*"))
		if is == (g.Name == shorter.Name) {
			t.Errorf("%s is in the policy: %v", g.Name, is)
		}
	}
}

// A denial that is copied to the next user takes room there, which it did not take where it was attached. The key was
// issued first, and each apply after it failed.
func TestARotationWithoutRoomForWhatWasDeniedIssuesNothing(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t).In("660000000000"), access.Secret)
	l.quotas = newQuotas()
	s, k := l.newShop(t, l.open(), time.Hour), &keys{}
	s.put(s.identity())
	s.put(s.grant("daily", s.end))
	uid := s.put(s.key(s.end), sealing(k)).UID
	text :=
		fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:GetObject","Resource":["%s*","%[1]s%s"]}]}`, l.place()+"orders/acme/weekly/", strings.Repeat("x", 1300))
	l.must(t, "CreatePolicy", map[string]string{"PolicyName": "quarantine", "PolicyDocument": text})
	l.must(t, "AttachUserPolicy", naming(store.UserOf(s.id, 1), "PolicyArn",
		"arn:aws:iam::"+l.cloud.Access+":policy/quarantine"))
	rotate := access.Change{
		Object: s.key(s.end),
		Stack:  "partners",
		UID:    uid,
		EndsAt: s.end,
		Issue:  access.IssueOverlap,
		Seal:   k.seal,
	}
	_, err := s.Put(t.Context(), rotate)
	// a trial, the first key, and the trial of the next
	if !errors.Is(err, client.ErrFull) ||
		!strings.Contains(err.Error(), "denied") ||
		len(k.open) != 3 {
		t.Errorf("it answers %v, and sealed %d", err, len(k.open))
	}
	if !l.may(t, l.as(k.open[1]), "read", s.file("daily")) || s.drift(s.grant("daily", s.end)) != "" {
		t.Error("the key before does not read any more")
	}
	rotate.Object = s.key(s.end.Add(-30 * time.Minute))
	if r, err := s.Put(t.Context(), rotate); err != nil || !strings.Contains(strings.Join(r.Drift, " "), "denied") {
		t.Errorf("an earlier end beside it: %+v, %v", r, err)
	}
}

// Where a denial of somebody's leaves no room, partner-grants goes for partner-cut. Each apply failed then, and the
// next look took that for a cut by hand.
func TestWhatMadeRoomForASuspensionIsNoCutAndComesBack(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t).In("670000000000"), access.Secret)
	l.quotas = newQuotas()
	s, k := l.newShop(t, l.open(), time.Hour), &keys{}
	i := s.put(s.identity())
	s.put(s.grant("daily", s.end))
	s.put(s.key(s.end), sealing(k))
	u := store.UserOf(s.id, 1)
	n, err := s.reader.look(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	text :=
		fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:GetObject","Resource":"%s"}]}`,
			l.place()+"orders/acme/weekly/")
	text = strings.Replace(text, "weekly/",
		"weekly/"+strings.Repeat("x", 2048-10-len(text)-len(n.policies[endPolicy])-len(n.policies[grantsPolicy])), 1)
	if err := s.at.putInline(t.Context(), u, "incident-7", text); err != nil {
		t.Fatal(err)
	}
	reads := func() bool { return l.may(t, l.as(k.newest()), "read", s.file("daily")) }
	for range 2 {
		s.put(s.identity(func(i *access.Identity) { i.Suspended = true }), knowing(i.UID))
		if r, err := s.Get(t.Context(), s.key(s.end).Ref()); err != nil || r.Held || reads() {
			t.Errorf("suspended, it reads: %v; %+v, %v", reads(), r, err)
		}
	}
	s.put(s.identity(), knowing(i.UID))
	if r, err := s.Get(t.Context(), s.key(s.end).Ref()); err != nil || r.Held || !reads() {
		t.Errorf("not suspended any more, it reads: %v; %+v, %v", reads(), r, err)
	}
}

// holding is what cuts a principal by hand, as people type it.
const holding = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`

func principalFor(s shop, kind access.Kind) principal {
	if kind == access.Secret {
		return store.UserOf(s.id, 1)
	}
	return store.RoleOf(s.id)
}

func (s shop) uid(ref access.Ref) string {
	s.t.Helper()
	r, err := s.Get(s.t.Context(), ref)
	if err != nil {
		s.t.Fatal(err)
	}
	return r.UID
}
