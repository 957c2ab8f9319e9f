// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

const everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// must asks IAM as the administrator.
func (l *lab) must(t testing.TB, action string, in map[string]string) {
	t.Helper()
	if err := l.admin.Ask(t.Context(), action, in, nil); err != nil {
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
	r := func(s shop) principal { return store.RoleOf(s.id) }
	u := func(s shop) principal { return store.UserOf(s.id, 1) }
	for n, c := range []struct {
		name  string
		of    func(shop) principal
		what  func(l *lab, t testing.TB, p principal)
		tells string
	}{
		{"a policy beside", r, func(l *lab, t testing.TB, p principal) {
			l.must(t, "PutRolePolicy", naming(p, "PolicyName", "more", "PolicyDocument", everything))
		}, `"more"`},
		{"an administrator's policy attached", r, func(l *lab, t testing.TB, p principal) {
			l.must(t, "AttachRolePolicy", naming(p, "PolicyArn", "arn:aws:iam::aws:policy/AdministratorAccess"))
		}, "AdministratorAccess is attached"},
		{"the end taken away", r, func(l *lab, t testing.TB, p principal) {
			l.must(t, "DeleteRolePolicy", naming(p, "PolicyName", endPolicy))
		}, "partner-end of partner.acme.prod.etl.federated is gone"},
		{"wider grants", r, func(l *lab, t testing.TB, p principal) {
			l.must(t, "PutRolePolicy", naming(p, "PolicyName", grantsPolicy, "PolicyDocument", everything))
		}, "partner-grants of partner.acme.prod.etl.federated differs from the declaration"},
		{"trust in everybody", r, func(l *lab, t testing.TB, p principal) {
			l.must(t, "UpdateAssumeRolePolicy", naming(p, "PolicyDocument", vendorTrust))
		}, "The trust of"},
		{"a second key", u, func(l *lab, t testing.TB, p principal) { l.must(t, "CreateAccessKey", naming(p)) },
			"has 2 access keys"},
		{"a group", u, func(l *lab, t testing.TB, p principal) {
			l.must(t, "CreateGroup", map[string]string{"GroupName": "everybody"})
			l.must(t, "AddUserToGroup", naming(p, "GroupName", "everybody"))
		}, "is a member of everybody"},
		{"a key, and a password for the console", u, func(l *lab, t testing.TB, p principal) {
			l.must(t, "CreateAccessKey", naming(p))
			l.must(t, "CreateLoginProfile", naming(p, "Password", "Tr0ub4dor&3"))
		}, "has 2 access keys"},
		{"the tags", u, func(l *lab, t testing.TB, p principal) {
			l.must(t, "UntagUser", naming(p, "TagKeys.member.1", uidTag))
		}, "The tags of"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := startLab(t, cloud.In("30000000000"+string(rune('0'+n))), access.Federated)
			s, k := l.newShop(t, l.open(), time.Hour), &keys{}
			s.put(s.identity())
			s.put(s.grant("daily", s.end))
			objects := map[kind]access.Object{store.Role: s.account("arn:aws:iam::444455556666:role/etl", "", s.end),
				store.User: s.key(s.end)}
			uids := map[kind]string{store.Role: s.put(objects[store.Role]).UID,
				store.User: s.put(objects[store.User], sealing(k)).UID}
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
			if p.Kind == store.User &&
				!errors.Is(l.admin.Ask(t.Context(), "GetLoginProfile", naming(p), nil), client.ErrAbsent) {
				t.Error("there is a password for the console")
			}
		})
	}
}

// IAM has users and roles of one name, and the ledger names kinds: a user that bears the name of a partner's role was
// taken for it, and hidden.
func TestAUserThatBearsTheNameOfARoleIsFound(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	s := l.newShop(t, l.open(func(o *Options) { o.Fresh = time.Hour }), time.Hour)
	k := &keys{}
	i := s.put(s.identity())
	trust := s.account("arn:aws:iam::444455556666:role/etl", "", s.end)
	s.put(trust)
	s.put(s.key(s.end), sealing(k))
	p := principal{Kind: store.User, Name: store.RoleOf(s.id).Name, Path: store.RoleOf(s.id).Path}
	_, as := l.byHand(t, p)
	l.must(t, "CreateRole", naming(principal{Kind: store.Role, Name: store.UserOf(s.id, 1).Name},
		"AssumeRolePolicyDocument", vendorTrust, "Path", store.FolderOf(s.id)))
	s.System = l.open(func(o *Options) { o.Fresh = time.Hour })
	_, strays, err := s.Survey(t.Context(), nil)
	if err != nil || len(strays) != 2 || strays[1].NativeID != p.String() {
		t.Errorf("found are %+v, %v", strays, err)
	}
	if said := s.drift(trust) + s.drift(s.key(s.end)); said != "" {
		t.Errorf("what is declared is told as %q", said)
	}
	if _, err := s.Delete(t.Context(), s.id.Ref(), i.UID); err != nil || !l.may(t, as, "read", s.file("daily")) {
		t.Errorf("the removal took what is not its own: %v", err)
	}
	if _, err := l.open().Get(t.Context(), s.id.Ref()); !errors.Is(err, access.ErrNotFound) {
		t.Errorf("what nobody declared is taken for what is left of it: %v", err)
	}
}

// A tag is for people. One that somebody changed made a removal say that it is done, while the partner came in.
func TestATagThatSomebodyChangedHidesNothingFromARemoval(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	s, k := l.newShop(t, l.open(), time.Hour), &keys{}
	i := s.put(s.identity())
	s.put(s.grant("daily", s.end))
	s.put(s.key(s.end), sealing(k))
	u := store.UserOf(s.id, 1)
	tag := func(name, value string) {
		t.Helper()
		l.must(t, "TagUser", naming(u, "Tags.member.1.Key", name, "Tags.member.1.Value", value))
	}
	tag(systemTag, "another")
	if said := s.drift(s.key(s.end)); !strings.Contains(said, "names another access system") {
		t.Errorf("it says %q", said)
	}
	if _, err := s.Delete(t.Context(), s.id.Ref(), i.UID); !errors.Is(err, access.ErrForeign) ||
		!strings.Contains(err.Error(), s.store.SystemID()) {
		t.Errorf("while a key is left, the removal says %v", err)
	}
	tag(systemTag, s.store.SystemID())
	tag(identityTag, "acme/prod/other")
	if err := s.store.Remove(t.Context(), store.KeyOf(s.id), s.store.Cached(s.id).ETag); err != nil {
		t.Fatal(err)
	}
	s.System = l.open()
	if _, err := s.Get(t.Context(), s.id.Ref()); !errors.Is(err, access.ErrDamaged) {
		t.Errorf("without its page, and with another's tag, it is told as %v", err)
	}
	if _, err := s.Delete(t.Context(), s.id.Ref(), i.UID); err != nil ||
		l.may(t, l.as(k.newest()), "read", s.file("daily")) {
		t.Errorf("the key is left: %v", err)
	}
}

// What IAM had once is known to be there, whatever wrote the page, and whether it ever gave something.
func TestATagHidesNothingThatIAMHadOnce(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	for n, c := range []struct {
		kind              kind
		before, suspended bool
	}{{store.User, true, false}, {store.Role, true, false}, {store.Role, false, true}} {
		s, k := l.newShop(t, l.open(), time.Hour), &keys{}
		s.id.Name = fmt.Sprintf("etl-%d", n)
		i := s.put(s.identity(func(i *access.Identity) { i.Suspended = c.suspended }))
		p := store.RoleOf(s.id)
		o := access.Object(s.account("arn:aws:iam::444455556666:role/etl", "", s.end))
		if c.kind == store.User {
			p, o = store.UserOf(s.id, 1), s.key(s.end)
		}
		s.put(o, sealing(k))
		if c.before {
			text, _, err := s.store.Get(t.Context(), store.KeyOf(s.id), "")
			if err == nil {
				err = s.store.Place(t.Context(), store.KeyOf(s.id),
					bytes.ReplaceAll(text, []byte(`"known"`), []byte(`"nothing"`)))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		l.must(t, "Tag"+string(c.kind), naming(p, "Tags.member.1.Key", systemTag, "Tags.member.1.Value", "another"))
		if _, err := s.Delete(t.Context(), s.id.Ref(), i.UID); !errors.Is(err, access.ErrForeign) {
			t.Errorf("%s %+v: while it is there, the removal says %v", p, c, err)
		}
	}
}

// Whoever renames a user takes its key along, and with it what is granted until the end. A removal looked for the user
// alone, and said that it is done.
func TestAKeyWhoseUserSomebodyRenamedIsNotGone(t *testing.T) {
	t.Parallel()
	l := startLab(t, versitygw(t), access.Secret)
	s, k := l.newShop(t, l.open(), time.Hour), &keys{}
	i := s.put(s.identity())
	s.put(s.grant("daily", s.end))
	s.put(s.key(s.end), sealing(k))
	u := store.UserOf(s.id, 1)
	l.must(t, "UpdateUser", naming(u, "NewPath", "/elsewhere/"))
	if said := s.drift(s.key(s.end)); !strings.Contains(said, "Somebody moved") {
		t.Errorf("moved, it says %q", said)
	}
	if _, err := s.Delete(t.Context(), s.key(s.end).Ref(), s.uid(s.key(s.end).Ref())); !errors.Is(err,
		access.ErrForeign) {
		t.Errorf("while it lies elsewhere, the removal says %v", err)
	}
	l.must(t, "UpdateUser", naming(u, "NewPath", u.Path, "NewUserName", "jane"))
	if !l.may(t, l.as(k.newest()), "read", s.file("daily")) {
		t.Fatal("the key did not go along")
	}
	if _, err := s.Delete(t.Context(), s.id.Ref(), i.UID); !errors.Is(err, access.ErrRemains) ||
		!strings.Contains(err.Error(), "jane") {
		t.Errorf("while the key works on, the removal says %v", err)
	}
	l.must(t, "UpdateUser", map[string]string{"UserName": "jane", "NewUserName": u.Name})
	if _, err := s.Delete(t.Context(), s.id.Ref(), i.UID); err != nil ||
		l.may(t, l.as(k.newest()), "read", s.file("daily")) {
		t.Errorf("moved back, the key is left: %v", err)
	}
}

// A key whose user was renamed lives on: nothing says that it is cut, and all else is brought in line.
func TestAKeyThatLivesOnElsewhereKeepsNothingFromTheOthers(t *testing.T) {
	t.Parallel()
	l := startLab(t, versitygw(t), access.Secret)
	s := l.newShop(t, l.open(), time.Hour)
	k := &keys{}
	kChild := &keys{}
	i := s.put(s.identity())
	s.put(s.grant("daily", s.end))
	c := s.put(s.key(s.end), sealing(k))
	child := s
	child.id.Name = "child"
	child.put(child.identity(func(i *access.Identity) { i.ParentID = s.id }))
	child.put(child.grant("daily", s.end))
	child.put(child.key(s.end), sealing(kChild))
	l.must(t, "UpdateUser", naming(store.UserOf(s.id, 1), "NewUserName", "jane"))
	if r, err := s.Get(t.Context(), s.key(s.end).Ref()); err != nil ||
		r.Held ||
		!strings.Contains(strings.Join(r.Drift, " "), "jane") {
		t.Errorf("it is told as %+v, %v", r, err)
	}
	rotate := access.Change{
		Object: s.key(s.end),
		Stack:  "partners",
		UID:    c.UID,
		EndsAt: s.end,
		Issue:  access.IssueOverlap,
		Seal:   k.seal,
	}
	if _, err := s.Put(t.Context(), rotate); !errors.Is(err, access.ErrRemains) ||
		!l.may(t, l.as(k.newest()), "read", s.file("daily")) {
		t.Errorf("the rotation says %v, or its key does not read", err)
	}
	if p := s.store.Cached(s.id); !p.Named(store.UserOf(s.id, 2)).Built {
		t.Errorf("the page says %+v", p.Principals)
	}
	suspended := s.identity(func(i *access.Identity) { i.Suspended = true })
	if _, err := s.Put(t.Context(),
		access.Change{Object: suspended, Stack: "partners", UID: i.UID, EndsAt: s.end}); !errors.Is(err,
		access.ErrRemains) {
		t.Errorf("the suspension says %v", err)
	}
	if l.may(t, l.as(k.newest()), "read", s.file("daily")) || l.may(t, l.as(kChild.newest()), "read", s.file("daily")) {
		t.Error("suspended, a key reads")
	}
	if holds, err := l.open().Holds(t.Context()); err != nil || len(holds) > 0 {
		t.Errorf("marked as cut are %v, %v", holds, err)
	}
}

// A role of one's own account that trusts what stands for a partner gives it more than is declared, and its
// sessions go on after the end.
func TestARoleThatTrustsWhatStandsForAPartnerIsFound(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	s := l.newShop(t, l.open(), time.Hour)
	s.moved(l)
	in := func(name, who string) {
		t.Helper()
		l.must(t, "CreateRole", naming(principal{Kind: store.Role, Name: name}, "AssumeRolePolicyDocument",
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::`+l.cloud.Access+
				`:`+who+`"},"Action":"sts:AssumeRole"}]}`))
	}
	in("reporting", store.AdoptedOf(s.id).String())
	in("batch", "user/acme-sftp") // as where IAM has yet to tell the new name
	in("other", "user/jane")
	what, err := s.Adoption(t.Context(), s.id, "user/acme-sftp")
	if err != nil ||
		(!strings.Contains(what.Sessions, "role/batch, role/reporting.") &&
			!strings.Contains(what.Sessions, "role/reporting, role/batch.")) {
		t.Fatalf("adopting would be %+v, %v", what, err)
	}
	if what, err := l.forbidding("GetAccountAuthorizationDetails").Adoption(t.Context(), s.id,
		"user/acme-sftp"); err != nil || !strings.Contains(what.Sessions, "cannot be listed") {
		t.Errorf("where no role is told, adopting would be %+v, %v", what, err)
	}
	var listings atomic.Int32
	planner := l.open(func(o *Options) {
		under := o.Transport
		o.Fresh = time.Hour
		o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			if actionOf(r) == "GetAccountAuthorizationDetails" {
				listings.Add(1)
			}
			return under.RoundTrip(r)
		})
	})
	for range 2 {
		if again, err := planner.Adoption(t.Context(), s.id, "user/acme-sftp"); err != nil ||
			again.Sessions != what.Sessions ||
			listings.Load() != 1 {
			t.Errorf("with %d listings, adopting would be %+v, %v", listings.Load(), again, err)
		}
	}
	s.put(s.identity(), taking("user/acme-sftp"))
	_, strays, err := s.Survey(t.Context(), nil)
	at := slices.IndexFunc(strays, func(x access.Stray) bool { return x.NativeID == "role/reporting" })
	if err != nil ||
		at < 0 ||
		len(strays[at].Trusts) > 0 ||
		!strings.Contains(strings.Join(strays[at].Unsaid, " "), "goes on after the end") {
		t.Errorf("found are %+v, %v", strays, err)
	}
}

func TestARoleOfThatNameThatSomebodyElseMadeIsLeftAlone(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	s := l.newShop(t, l.open(), time.Hour)
	p := store.RoleOf(s.id)
	l.must(t, "CreateRole", naming(p, "AssumeRolePolicyDocument", vendorTrust, "Path", p.Path))
	i := s.put(s.identity())
	c := s.account("arn:aws:iam::444455556666:role/etl", "", s.end)
	if _, err := s.Put(t.Context(), access.Change{Object: c, Stack: "partners", EndsAt: s.end}); !errors.Is(err,
		access.ErrForeign) {
		t.Errorf("put answers %v", err)
	}
	if n, err := l.open().reader.look(t.Context(), p); err != nil ||
		!n.there ||
		len(n.policies) > 0 {
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
	if err := s.store.Place(t.Context(), store.KeyOf(s.id),
		[]byte(`{"version":1,"identity":"acme/prod/etl","entries":[{]`)); err != nil {
		t.Fatal(err)
	}
	fresh := l.open()
	if _, err := fresh.Get(t.Context(), s.id.Ref()); !errors.Is(err, access.ErrDamaged) {
		t.Errorf("get answers %v", err)
	}
	if damaged, err := fresh.Damaged(t.Context()); err != nil ||
		len(damaged) != 1 ||
		damaged[0].Ref != s.id.Ref() {
		t.Errorf("damaged are %v, %v", damaged, err)
	}
	if _, err := fresh.Put(t.Context(),
		access.Change{Object: s.grant("weekly", s.end), Stack: "partners", EndsAt: s.end}); !errors.Is(err,
		access.ErrDamaged) {
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
	all, err := fresh.reader.all(t.Context())
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
	abroad :=
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:root"},"Action":"sts:AssumeRole"}]}`
	l.must(t, "CreateRole", map[string]string{"RoleName": "acme-legacy", "AssumeRolePolicyDocument": abroad})
	l.must(t, "CreateRole", map[string]string{"RoleName": "ours",
		"AssumeRolePolicyDocument": strings.ReplaceAll(abroad, "444455556666", l.cloud.Access)})
	l.must(t, "CreateUser", map[string]string{"UserName": "globex-labs-sftp"})
	l.must(t, "CreateUser", map[string]string{"UserName": "jane"})
	l.must(t, "CreateRole", map[string]string{"RoleName": "everybody",
		"AssumeRolePolicyDocument": `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}`})
	l.must(t, "CreateRole", map[string]string{"RoleName": "reporting",
		"AssumeRolePolicyDocument": strings.ReplaceAll(abroad, "444455556666", "777788889999")})
	l.must(t, "CreateRole", map[string]string{"RoleName": "another",
		"AssumeRolePolicyDocument": strings.ReplaceAll(abroad, "444455556666", "888877776666")})
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
		if len(stray.Revocation) == 0 ||
			stray.Adoptable != isUser ||
			!errors.Is(err, access.ErrUnsupported) ||
			strings.Contains(stray.Why, "Declare new access") == isUser {
			t.Errorf("%s: %+v, %v", stray.NativeID, stray, err)
		}
	}
	for _, stray := range strays[:2] { // what was cut by hand gives nothing
		if err := l.shellOut(t, stray.Revocation[0], l.cloud.Access); err != nil {
			t.Fatal(err)
		}
	}
	if _, left, err := l.open().Survey(t.Context(), []string{"globex-labs", "777788889999"}); err != nil ||
		len(left) != 3 {
		t.Errorf("after two were cut, %v are left, %v", left, err)
	}
	if want := []string{"role/acme-legacy", "role/everybody", "role/reporting", "user/globex-labs-sftp",
		"user/partner/acme/prod/left"}; !slices.Equal(found, want) {
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
	for _, want := range []string{"a denial of", "acme/pay/*",
		"the limit that its boundary arn:aws:iam::111122223333:policy/limit sets", "the group ops",
		"AWSDenyAll allows or denies", policy.Wider} {
		if !strings.Contains(unsaid, want) {
			t.Errorf("it is not told of %q:\n%s", want, unsaid)
		}
	}
	if len(stray.Grants) != 1 || len(stray.Unsaid) != 4 {
		t.Errorf("it is told as %+v", stray)
	}
}

// A word of the company's own that the configuration has lost says nothing of what is to be allowed. A
// cut needs none of that.
func TestACutActsWhereItCannotBeToldWhatWasAllowed(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	words, err := policy.NewWords(region, map[string][]string{"fetch": {"s3:GetObject"}})
	if err != nil {
		t.Fatal(err)
	}
	s := l.newShop(t, l.open(func(o *Options) { o.Words = words }), time.Hour)
	k := &keys{}
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
	if _, err := s.Put(t.Context(),
		access.Change{
			Object: s.key(s.end.Add(-time.Minute)),
			Stack:  "partners",
			EndsAt: s.end.Add(-time.Minute),
			UID:    c.UID,
		}); err == nil {
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
