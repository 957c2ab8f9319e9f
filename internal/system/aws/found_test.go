// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
)

const everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// must asks IAM as the administrator.
func (l *lab) must(t testing.TB, action string, in map[string]string) {
	t.Helper()
	if err := l.admin.ask(t.Context(), action, in, nil); err != nil {
		t.Fatal(err)
	}
}

// drift returns what a record of a credential says, in one text.
func (s shop) drift(of access.Object) string {
	s.t.Helper()
	r, err := s.Get(s.t.Context(), of.Ref())
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.Join(r.Drift, " ")
}

func TestWhatSomebodyChangedInIAMIsToldAndBroughtInLine(t *testing.T) {
	t.Parallel()
	cloud := ministack(t)
	r, u := func(s shop) principal { return roleOf(s.id) }, func(s shop) principal { return userOf(s.id, 1) }
	for n, c := range []struct {
		name  string
		of    func(shop) principal
		what  func(l *lab, t testing.TB, p principal)
		tells string
	}{
		{"a policy beside", r, func(l *lab, t testing.TB, p principal) {
			l.must(t, "PutRolePolicy", p.named("PolicyName", "more", "PolicyDocument", everything))
		}, `"more"`},
		{"an administrator's policy attached", r, func(l *lab, t testing.TB, p principal) {
			l.must(t, "AttachRolePolicy", p.named("PolicyArn", "arn:aws:iam::aws:policy/AdministratorAccess"))
		}, "AdministratorAccess is attached"},
		{"the end taken away", r, func(l *lab, t testing.TB, p principal) {
			l.must(t, "DeleteRolePolicy", p.named("PolicyName", endPolicy))
		}, "partner-end of partner.acme.prod.etl.federated is gone"},
		{"wider grants", r, func(l *lab, t testing.TB, p principal) {
			l.must(t, "PutRolePolicy", p.named("PolicyName", grantsPolicy, "PolicyDocument", everything))
		}, "partner-grants of partner.acme.prod.etl.federated differs from the declaration"},
		{"trust in everybody", r, func(l *lab, t testing.TB, p principal) {
			l.must(t, "UpdateAssumeRolePolicy", p.named("PolicyDocument", vendorTrust))
		}, "The trust of"},
		{"a second key", u, func(l *lab, t testing.TB, p principal) { l.must(t, "CreateAccessKey", p.named()) }, "has 2 access keys"},
		{"a group", u, func(l *lab, t testing.TB, p principal) {
			l.must(t, "CreateGroup", map[string]string{"GroupName": "everybody"})
			l.must(t, "AddUserToGroup", p.named("GroupName", "everybody"))
		}, "is a member of everybody"},
		{"the tags", u, func(l *lab, t testing.TB, p principal) {
			l.must(t, "UntagUser", p.named("TagKeys.member.1", uidTag))
		}, "The tags of"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := startLab(t, cloud.In("30000000000"+string(rune('0'+n))), access.Federated)
			s, k := l.newShop(t, l.open(), time.Hour), &keys{}
			s.put(s.identity())
			s.put(s.grant("daily", s.end))
			objects := map[kind]access.Object{role: s.account("arn:aws:iam::444455556666:role/etl", "", s.end), user: s.key(s.end)}
			uids := map[kind]string{role: s.put(objects[role]).UID, user: s.put(objects[user], sealing(k)).UID}
			p := c.of(s)
			if said := s.drift(objects[p.Kind]); said != "" {
				t.Fatalf("before: %s", said)
			}
			c.what(l, t, p)
			if said := s.drift(objects[p.Kind]); !strings.Contains(said, c.tells) {
				t.Errorf("it says %q", said)
			}
			s.put(objects[p.Kind], knowing(uids[p.Kind]), sealing(k))
			if said := s.drift(objects[p.Kind]); said != "" {
				t.Errorf("after the next apply it says %q", said)
			}
			if !l.may(t, l.as(k.newest()), "read", s.file("daily")) {
				t.Error("the key of the partner does not work any more")
			}
		})
	}
}

func TestARoleOfThatNameThatSomebodyElseMadeIsLeftAlone(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	s := l.newShop(t, l.open(), time.Hour)
	p := roleOf(s.id)
	l.must(t, "CreateRole", p.named("AssumeRolePolicyDocument", vendorTrust, "Path", p.Path))
	i := s.put(s.identity())
	c := s.account("arn:aws:iam::444455556666:role/etl", "", s.end)
	if _, err := s.Put(t.Context(), access.Change{Object: c, Stack: "partners", EndsAt: s.end}); !errors.Is(err, access.ErrForeign) {
		t.Errorf("put answers %v", err)
	}
	if n, err := l.open().look(t.Context(), p); err != nil || !n.there || len(n.policies) > 0 {
		t.Errorf("the role is %+v, %v", n, err)
	}
	_ = i
}

func TestADamagedPageHarmsItsIdentityAloneAndCanBeRemoved(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	s, k := l.newShop(t, l.open(), time.Hour), &keys{}
	i := s.put(s.identity())
	s.put(s.grant("daily", s.end))
	s.put(s.account("arn:aws:iam::444455556666:role/etl", "", s.end))
	s.put(s.key(s.end), sealing(k))
	other := s
	other.id.Name = "other"
	other.put(other.identity())
	if err := s.store.place(t.Context(), keyOf(s.id), []byte(`{"version":1,"identity":"acme/prod/etl","entries":[{]`)); err != nil {
		t.Fatal(err)
	}
	fresh := l.open()
	if _, err := fresh.Get(t.Context(), s.id.Ref()); !errors.Is(err, access.ErrDamaged) {
		t.Errorf("get answers %v", err)
	}
	if damaged, err := fresh.Damaged(t.Context()); err != nil || len(damaged) != 1 || damaged[0].Ref != s.id.Ref() {
		t.Errorf("damaged are %v, %v", damaged, err)
	}
	if _, err := fresh.Put(t.Context(), access.Change{Object: s.grant("weekly", s.end), Stack: "partners", EndsAt: s.end}); !errors.Is(err, access.ErrDamaged) {
		t.Errorf("put answers %v", err)
	}
	if all, err := fresh.List(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("listed are %d, %v", len(all), err)
	}
	if _, err := fresh.Delete(t.Context(), s.id.Ref(), i.UID); err != nil {
		t.Fatal(err)
	}
	if l.may(t, l.as(k.newest()), "read", s.file("daily")) {
		t.Error("its key reads after the removal")
	}
	all, err := fresh.all(t.Context())
	if err != nil || len(all) > 0 {
		t.Errorf("left is %v, %v", all, err)
	}
	if _, err := fresh.Get(t.Context(), s.id.Ref()); !errors.Is(err, access.ErrNotFound) {
		t.Errorf("get answers %v", err)
	}
}

func TestTheSurveyFindsWhatNobodyDeclared(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	s := l.newShop(t, l.open(), time.Hour)
	s.put(s.identity())
	s.put(s.account("arn:aws:iam::444455556666:role/etl", "", s.end))
	abroad := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:root"},"Action":"sts:AssumeRole"}]}`
	l.must(t, "CreateRole", map[string]string{"RoleName": "acme-legacy", "AssumeRolePolicyDocument": abroad})
	l.must(t, "CreateRole", map[string]string{"RoleName": "ours", "AssumeRolePolicyDocument": strings.ReplaceAll(abroad, "444455556666", l.cloud.Access)})
	l.must(t, "CreateUser", map[string]string{"UserName": "globex-labs-sftp"})
	l.must(t, "CreateUser", map[string]string{"UserName": "jane"})
	l.must(t, "CreateRole", map[string]string{"RoleName": "everybody", "AssumeRolePolicyDocument": `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}`})
	l.must(t, "CreateRole", map[string]string{"RoleName": "reporting", "AssumeRolePolicyDocument": strings.ReplaceAll(abroad, "444455556666", "777788889999")})
	l.must(t, "CreateRole", map[string]string{"RoleName": "another", "AssumeRolePolicyDocument": strings.ReplaceAll(abroad, "444455556666", "888877776666")})
	l.must(t, "CreateUser", map[string]string{"UserName": "left", "Path": "/partner/acme/prod/"})
	records, strays, err := s.Survey(t.Context(), []string{"globex-labs", "777788889999"})
	if err != nil || len(records) != 2 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	var found []string
	for _, stray := range strays {
		found = append(found, stray.NativeID)
		id := s.id
		id.Name = "found"
		_, err := s.Adoption(t.Context(), id, stray.NativeID)
		isUser := strings.HasPrefix(stray.NativeID, "user/")
		if len(stray.Revocation) == 0 || stray.Adoptable != isUser || !errors.Is(err, access.ErrUnsupported) || strings.Contains(stray.Why, "Declare new access") == isUser {
			t.Errorf("%s: %+v, %v", stray.NativeID, stray, err)
		}
	}
	for _, stray := range strays[:2] { // what was cut by hand gives nothing
		if err := l.shellOut(t, stray.Revocation[0], l.cloud.Access); err != nil {
			t.Fatal(err)
		}
	}
	if _, left, err := l.open().Survey(t.Context(), []string{"globex-labs", "777788889999"}); err != nil || len(left) != 3 {
		t.Errorf("after two were cut, %v are left, %v", left, err)
	}
	if want := []string{"role/acme-legacy", "role/everybody", "role/reporting", "user/globex-labs-sftp", "user/partner/acme/prod/left"}; !slices.Equal(found, want) {
		t.Errorf("found are %v, want %v", found, want)
	}
}

// What limits the old access, or gives it from elsewhere, is told beside the declaration, which does not say it.
func TestADeclarationTellsTheLimitsThatItDoesNotHave(t *testing.T) {
	t.Parallel()
	s, _ := faulty(t, time.Second, func(*http.Request, int64) *http.Response { return nil })
	n := &native{
		described: described{Boundary: "arn:aws:iam::111122223333:policy/limit", Groups: []string{"ops"}},
		attached:  []string{"arn:aws:iam::aws:policy/AWSDenyAll"},
		policies: map[string]string{"own": `{"Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::exchange/acme/*"},
			{"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::exchange/acme/pay/*"}]}`},
	}
	var stray access.Stray
	s.tellGiven(n, &stray)
	unsaid := strings.Join(stray.Unsaid, "\n")
	for _, want := range []string{"a denial of", "acme/pay/*", "the limit that its boundary arn:aws:iam::111122223333:policy/limit sets", "the group ops", "AWSDenyAll allows or denies", policy.Wider} {
		if !strings.Contains(unsaid, want) {
			t.Errorf("it is not told of %q:\n%s", want, unsaid)
		}
	}
	if len(stray.Grants) != 1 || len(stray.Unsaid) != 4 {
		t.Errorf("it is told as %+v", stray)
	}
}

// A word of the company's own that the configuration has lost says nothing of what is to be allowed. A cut needs none of that.
func TestACutActsWhereItCannotBeToldWhatWasAllowed(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	words, err := policy.NewWords(region, map[string][]string{"fetch": {"s3:GetObject"}})
	if err != nil {
		t.Fatal(err)
	}
	s, k := l.newShop(t, l.open(func(o *Options) { o.Words = words }), time.Hour), &keys{}
	i := s.put(s.identity())
	g := s.grant("daily", s.end)
	g.Actions = []string{"fetch"}
	s.put(g)
	c := s.put(s.key(s.end), sealing(k))
	holder := l.as(k.newest())
	if !l.may(t, holder, "read", s.file("daily")) {
		t.Fatal("the own word does not act")
	}
	s.System = l.open() // which knows no such word
	if said := s.drift(s.key(s.end)); !strings.Contains(said, "Cannot tell") {
		t.Errorf("it says %q", said)
	}
	if _, err := s.Put(t.Context(), access.Change{Object: s.key(s.end.Add(-time.Minute)), Stack: "partners", EndsAt: s.end.Add(-time.Minute), UID: c.UID}); err == nil {
		t.Error("it is not told that the grants cannot be written")
	}
	if !l.may(t, holder, "read", s.file("daily")) {
		t.Error("what nobody took away is gone")
	}
	s.put(s.identity(func(i *access.Identity) { i.Suspended = true }), knowing(i.UID))
	if l.may(t, holder, "read", s.file("daily")) {
		t.Error("the key reads while its identity is suspended")
	}
	if _, err := s.Delete(t.Context(), s.id.Ref(), i.UID); err != nil {
		t.Error(err)
	}
}
