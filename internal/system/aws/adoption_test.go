// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// byHand makes a user with a key that may do everything, as somebody once did.
func (l *lab) byHand(t testing.TB, p principal) (key string, as *account) {
	t.Helper()
	path := p.Path
	if path == "" {
		path = "/"
	}
	l.must(t, "CreateUser", naming(p, "Path", path))
	l.must(t, "PutUserPolicy", naming(p, "PolicyName", "everything", "PolicyDocument", everything))
	var out struct {
		ID     string `xml:"CreateAccessKeyResult>AccessKey>AccessKeyId"`
		Secret string `xml:"CreateAccessKeyResult>AccessKey>SecretAccessKey"`
	}
	if err := l.admin.Ask(t.Context(), "CreateAccessKey", naming(p), &out); err != nil {
		t.Fatal(err)
	}
	return out.ID, l.holding(aws.Credentials{AccessKeyID: out.ID, SecretAccessKey: out.Secret})
}

func taking(native string) func(*access.Change) { return func(c *access.Change) { c.Adopt = native } }

// lastCommand is the line that holds a command.
var lastCommand = regexp.MustCompile(`(?m)^  (.*)$`)

// The only key of a partner goes on, bounded from then on as all access is, and goes with the identity.
func TestAUserThatSomebodyMadeIsMovedAndAdopted(t *testing.T) {
	t.Parallel()
	l := startLab(t, versitygw(t), access.Secret)
	s := l.newShop(t, l.open(), time.Hour)
	key, as := l.byHand(t, principal{Kind: store.User, Name: "acme-sftp"})
	const native = "user/acme-sftp"
	_, err := s.Adoption(t.Context(), s.id, native)
	if !errors.Is(err, access.ErrUnsupported) || !strings.Contains(err.Error(), "its keys go along") {
		t.Fatalf("before it is moved: %v", err)
	}
	if _, err := s.Put(t.Context(),
		access.Change{Object: s.identity(), Stack: "partners", EndsAt: s.end, Adopt: native}); !errors.Is(err,
		access.ErrUnsupported) {
		t.Errorf("it is adopted before it is moved: %v", err)
	}
	if err := l.shellOut(t, lastCommand.FindStringSubmatch(err.Error())[1], l.cloud.Access); err != nil {
		t.Fatal(err)
	}
	what, err := s.Adoption(t.Context(), s.id, native)
	if err != nil ||
		!slices.Equal(what.Policies, []string{"everything"}) ||
		len(what.Logins) != 1 ||
		!strings.Contains(what.Logins[0], key) ||
		what.Held {
		t.Fatalf("adopting would be %+v, %v", what, err)
	}
	if _, err := s.Get(t.Context(), s.id.Ref()); !errors.Is(err, access.ErrNotFound) {
		t.Errorf("what was only moved is declared: %v", err)
	}
	if !l.may(t, as, "read", s.file("weekly")) {
		t.Error("a look changed something")
	}
	var many []access.Granted
	for n := range 30 {
		end := s.end.Add(time.Duration(n) * time.Second)
		many = append(many, access.Granted{Grant: s.grant(fmt.Sprintf("feed-%d", n), end), EndsAt: end})
	}
	check := s.Capabilities().CheckWhole
	if err := check(nil, many); err == nil ||
		check(nil, many[:1]) != nil ||
		l.open().Capabilities().CheckWhole(nil, many) != nil {
		t.Errorf("the plan of the adoption says of thirty grants that do not fit: %v", err)
	}

	i := s.put(s.identity(), taking(native))
	if i.AdoptedFrom != native || len(i.Adopted) != 1 || l.may(t, as, "read", s.file("daily")) {
		t.Errorf("adopted: %+v, or it may do what nobody granted", i)
	}
	s.put(s.grant("daily", s.end))
	if !l.may(t, as, "read", s.file("daily")) ||
		l.may(t, as, "read", s.file("weekly")) ||
		l.may(t, as, "write", s.file("daily")) {
		t.Error("it may do something else than is granted")
	}
	r, err := s.Get(t.Context(), s.id.Ref())
	if err != nil ||
		len(r.Drift) > 0 ||
		len(r.Adopted) != 1 ||
		r.LastUsedAt.IsZero() {
		t.Errorf("it is told as %+v, %v", r, err)
	}
	if _, err := s.Adoption(t.Context(), s.id, native); !errors.Is(err, access.ErrGoverned) {
		t.Errorf("it is adopted twice: %v", err)
	}
	s.put(s.identity(func(i *access.Identity) { i.Suspended = true }), knowing(i.UID))
	if l.may(t, as, "read", s.file("daily")) {
		t.Error("it reads while the identity is suspended")
	}
	end := time.Now().Add(4 * time.Second).Truncate(time.Second)
	s.put(s.identity(func(i *access.Identity) { i.ExpiresAt = access.At(end) }), knowing(i.UID))
	if late := l.refusedAfter(t, as, s.file("daily"), end); late > time.Second {
		t.Errorf("it is refused only %s after the end", late)
	}
	s.put(s.identity(), knowing(i.UID))
	if _, err := s.Delete(t.Context(), s.id.Ref(), i.UID); err != nil {
		t.Fatal(err)
	}
	if d, err := l.admin.describe(t.Context(), store.AdoptedOf(s.id)); !errors.Is(err, client.ErrAbsent) ||
		l.may(t, as, "read", s.file("daily")) {
		t.Errorf("after the destroy there is %+v, %v", d, err)
	}
}

// moved makes a user where a shop's identity adopts it: ministack does not move users.
func (s shop) moved(l *lab) (key string, as *account) {
	s.t.Helper()
	key, as = l.byHand(s.t, store.AdoptedOf(s.id))
	l.must(s.t, "TagUser", naming(store.AdoptedOf(s.id), "Tags.member.1.Key", wasTag, "Tags.member.1.Value",
		"user/acme-sftp"))
	return key, as
}

// A new key is handed over, and the old user is removed by the printed command. Nothing says then that
// somebody cut the partner off.
func TestTheAdoptedUserGoesWhenTheNewKeyIsThere(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Secret)
	s, k := l.newShop(t, l.open(), time.Hour), &keys{}
	_, as := s.moved(l)
	l.must(t, "AttachUserPolicy", naming(store.AdoptedOf(s.id), "PolicyArn",
		"arn:aws:iam::aws:policy/AdministratorAccess"))
	l.must(t, "CreateGroup", map[string]string{"GroupName": "everybody"})
	l.must(t, "CreateLoginProfile", naming(store.AdoptedOf(s.id), "Password", "Tr0ub4dor&3"))
	_, strays, err := s.Survey(t.Context(), []string{"acme"})
	if err != nil || len(strays) != 1 || !strays[0].Adoptable {
		t.Fatalf("the survey finds %+v, %v", strays, err)
	}
	what, err := s.Adoption(t.Context(), s.id, strays[0].NativeID)
	if err != nil || len(what.Policies) != 2 {
		t.Fatalf("adopting would be %+v, %v", what, err)
	}
	i := s.put(s.identity(), taking(strays[0].NativeID))
	s.put(s.grant("daily", s.end))
	if !l.may(t, as, "read", s.file("daily")) || l.may(t, as, "read", s.file("weekly")) {
		t.Error("it may do something else than is granted")
	}
	if err := l.admin.Ask(t.Context(), "GetLoginProfile", naming(store.AdoptedOf(s.id)), nil); !errors.Is(err,
		client.ErrAbsent) {
		t.Errorf("its password is left: %v", err)
	}
	l.must(t, "CreateAccessKey", naming(store.AdoptedOf(s.id)))
	l.must(t, "CreateLoginProfile", naming(store.AdoptedOf(s.id), "Password", "Tr0ub4dor&3"))
	l.must(t, "AddUserToGroup", naming(store.AdoptedOf(s.id), "GroupName", "everybody"))
	if r, err := l.open().Get(t.Context(), s.id.Ref()); err != nil ||
		len(r.Drift) != 2 ||
		!strings.Contains(strings.Join(r.Drift, ""), "The next apply removes it") {
		t.Errorf("what somebody added is told as %+v, %v", r, err)
	}
	s.put(s.identity(), knowing(i.UID))
	if n, err := s.reader.look(t.Context(), store.AdoptedOf(s.id)); err != nil ||
		len(n.keys) != 1 ||
		len(n.Groups) > 0 ||
		l.admin.Ask(t.Context(), "GetLoginProfile", naming(store.AdoptedOf(s.id)), nil) == nil {
		t.Errorf("what somebody added is left: %+v, %v", n, err)
	}
	s.put(s.key(s.end), sealing(k))
	records, strays, err := l.open().Survey(t.Context(), []string{"acme"})
	if err != nil || len(strays) > 0 {
		t.Errorf("the survey still finds %v, %v", strays, err)
	}
	if steps := s.wording.cutByHand("acme", records); len(steps) != 3 ||
		!slices.Contains(steps, s.wording.cutPrincipal(store.AdoptedOf(s.id))) {
		t.Errorf("to cut by hand: %q", steps)
	}
	now := records[slices.IndexFunc(records, func(r *access.Record) bool { return r.Object.Ref() == s.id.Ref() })]
	if err := l.shellOut(t, lastCommand.FindStringSubmatch(now.Adopted[0])[1], l.cloud.Access); err != nil {
		t.Fatal(err)
	}
	for at, when := range []string{"at once", "after a change"} {
		if at == 1 {
			s.put(s.identity(func(i *access.Identity) { i.Purpose = "Another" }), knowing(i.UID))
		}
		r, err := l.open().Get(t.Context(), s.id.Ref())
		if err != nil ||
			len(r.Drift) != 1-at ||
			len(r.Adopted) > 0 ||
			r.Held ||
			slices.Contains(r.Revocation, s.wording.cutPrincipal(store.AdoptedOf(s.id))) != (at == 0) {
			t.Errorf("%s it is told as %+v, %v", when, r, err)
		}
		if l.may(t, as, "read", s.file("daily")) || !l.may(t, l.as(k.newest()), "read", s.file("daily")) {
			t.Errorf("%s the old key works, or the new one does not", when)
		}
	}
	if _, err := s.at.describe(t.Context(), store.AdoptedOf(s.id)); !errors.Is(err, client.ErrAbsent) {
		t.Errorf("the user is left: %v", err)
	}
}

func TestWhatWasCutByHandIsAdoptedAsCut(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Secret)
	s := l.newShop(t, l.open(), time.Hour)
	_, as := s.moved(l)
	l.must(t, "AttachUserPolicy", naming(store.AdoptedOf(s.id), "PolicyArn", "arn:aws:iam::aws:policy/AWSDenyAll"))
	if what, err := s.Adoption(t.Context(), s.id, "user/acme-sftp"); err != nil || !what.Held {
		t.Fatalf("adopting would be %+v, %v", what, err)
	}
	i := s.put(s.identity(), taking("user/acme-sftp"))
	s.put(s.grant("daily", s.end))
	if !i.Held || l.may(t, as, "read", s.file("daily")) {
		t.Error("adopting gave back what was cut by hand")
	}
	s.put(s.identity(func(i *access.Identity) { i.HoldReleased = "CHG-1" }), knowing(i.UID))
	if !l.may(t, as, "read", s.file("daily")) {
		t.Error("what was released is not back")
	}

	for _, c := range []struct {
		name, release string
		restores      bool
	}{{"other", "CHG-2", true}, {"third", "CHG-1", false}} { // the partner used CHG-1 above
		other := s
		other.id.Name = c.name
		_, as = other.moved(l)
		l.must(t, "PutUserPolicy", naming(store.AdoptedOf(other.id), "PolicyName", holdPolicy, "PolicyDocument",
			`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`))
		if what, err := other.Adoption(t.Context(), other.id, "user/acme-sftp"); err != nil ||
			slices.Contains(what.Spent, c.release) == c.restores {
			t.Errorf("%s: adopting would be %+v, %v", c.release, what, err)
		}
		released := func(i *access.Identity) { i.HoldReleased = c.release }
		i := other.put(other.identity(released), taking("user/acme-sftp"))
		other.put(other.grant("daily", s.end))
		again := other.put(other.identity(released, func(i *access.Identity) { i.Purpose = "Another" }), knowing(i.UID))
		if i.Held == c.restores ||
			again.Held == c.restores ||
			l.may(t, as, "read", s.file("daily")) != c.restores {
			t.Errorf("%s: held %v, and after another change %v", c.release, i.Held, again.Held)
		}
	}
}

func TestWhatCannotBeAdoptedOnAWSSaysWhyAndChangesNothing(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Secret)
	s, k := l.newShop(t, l.open(), time.Hour), &keys{}
	s.put(s.identity())
	s.put(s.key(s.end), sealing(k))
	found := s
	found.id.Name = "found"
	_, own := found.moved(l)
	keyless := s
	keyless.id.Name = "keyless"
	l.must(t, "CreateUser", naming(store.AdoptedOf(keyless.id), "Path", store.FolderOf(keyless.id)))
	l.must(t, "CreateUser", naming(principal{Kind: store.User, Name: "globex-nightly"}, "Path", "/"))
	asItself := l.open(func(o *Options) { o.Credentials = own.Login })
	_, other := l.byHand(t, principal{Kind: store.User, Name: "globex-batch"})
	asOther := l.open(func(o *Options) { o.Credentials = other.Login })
	nobody := l.open()
	nobody.at.number = l.cloud.Access
	nobody.at.caller = "arn:aws:sts::" + l.cloud.Access + ":federated-user/acme-sftp"
	another := func(name, action string, more ...string) shop {
		o := s
		o.id.Name = name
		o.moved(l)
		l.must(t, action, naming(store.AdoptedOf(o.id), more...))
		return o
	}
	l.must(t, "CreatePolicy", map[string]string{"PolicyName": "own", "PolicyDocument": everything})
	l.must(t, "CreateGroup", map[string]string{"GroupName": "everybody"})
	managed := "arn:aws:iam::" + l.cloud.Access + ":policy/own"
	attached := another("attached", "AttachUserPolicy", "PolicyArn", managed)
	grouped := another("grouped", "AddUserToGroup", "GroupName", "everybody")
	bounded := another("bounded", "PutUserPermissionsBoundary", "PermissionsBoundary", managed)
	denying := another("denying", "PutUserPolicy", "PolicyName", "careful", "PolicyDocument",
		`{"Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}`)
	misnamed := another("misnamed", "PutUserPolicy", "PolicyName", holdPolicy, "PolicyDocument", everything)
	suspended := another("suspended", "PutUserPolicy", "PolicyName", cutPolicy, "PolicyDocument", holding)
	for _, c := range []struct {
		says   string
		with   *System
		as     access.IdentityID
		native string
		want   error
		text   string
	}{
		{"a role", s.System, found.id, "role/acme-etl", access.ErrUnsupported, "neither renames a role"},
		{"what is not there", s.System, found.id, "user/acme-gone", access.ErrNotFound, ""},
		{"another path", s.System, found.id, "user/elsewhere/" + store.AdoptedOf(found.id).Name, access.ErrNotFound,
			""},
		{"nothing", s.System, found.id, "", access.ErrUnsupported, "role"},
		{"no name", s.System, found.id, "user/", access.ErrNotFound, ""},
		{"what was moved from elsewhere", s.System, found.id, "user/globex-sftp", access.ErrNotFound, ""},
		{"a key that was issued", s.System, found.id, store.UserOf(s.id, 1).String(), access.ErrGoverned,
			"acme/prod/etl"},
		{"as an identity that is there", s.System, s.id, "user/acme-sftp", access.ErrGoverned, ""},
		{"without a key", s.System, keyless.id, store.AdoptedOf(keyless.id).String(), access.ErrUnsupported,
			"no access key"},
		{"without a key, before it is moved", s.System, keyless.id, "user/globex-nightly", access.ErrUnsupported,
			"no access key"},
		{"the provider's own login", asItself, found.id, "user/acme-sftp", access.ErrUnsupported, "logged in as it"},
		{"the provider's own login, before it is moved", asOther, keyless.id, "user/globex-batch",
			access.ErrUnsupported, "logged in as it"},
		{"as whom the provider is logged in is not known", nobody, found.id, "user/acme-sftp", access.ErrUnsupported,
			"cannot be told"},
		{"a user of whose keys nothing is known", l.forbidding("ListAccessKeys"), found.id, "user/acme-sftp",
			access.ErrUnsupported, "not all of it may be read"},
		{"of whose attached policies", l.forbidding("ListAttachedUserPolicies"), found.id, "user/acme-sftp",
			access.ErrUnsupported, "not all of it may be read"},
		{"of whose groups", l.forbidding("ListGroupsForUser"), found.id, "user/acme-sftp", access.ErrUnsupported,
			"not all of it may be read"},
		{"of whose policies", l.forbidding("ListUserPolicies"), found.id, "user/acme-sftp", access.ErrUnsupported,
			"not all of it may be read"},
		{"of what they say", l.forbidding("GetUserPolicy"), found.id, "user/acme-sftp", access.ErrUnsupported,
			"not all of it may be read"},
		{"what is attached may not be read", l.forbidding("GetPolicy"), attached.id, "user/acme-sftp",
			access.ErrUnsupported, "policy/own may not be read"},
		{"in a group", s.System, grouped.id, "user/acme-sftp", access.ErrUnsupported,
			"a member of everybody, and an apply takes it out"},
		{"within another boundary", s.System, bounded.id, "user/acme-sftp", access.ErrUnsupported,
			"it has the boundary"},
		{"with a deny of its own", s.System, denying.id, "user/acme-sftp", access.ErrUnsupported, "\"careful\" denies"},
		{"with a hold that holds nothing", s.System, misnamed.id, "user/acme-sftp", access.ErrUnsupported,
			"not the one that cuts"},
		{"that somebody suspended", s.System, suspended.id, "user/acme-sftp", access.ErrUnsupported,
			"what this provider writes"},
	} {
		what, err := c.with.Adoption(t.Context(), c.as, c.native)
		if !errors.Is(err, c.want) ||
			!strings.Contains(err.Error(), c.text) ||
			strings.Contains(err.Error(), "delete-user") ||
			strings.Contains(err.Error(), "update-user") {
			t.Errorf("%s: %+v, %v", c.says, what, err)
		}
	}
	if !l.may(t, own, "read", s.file("weekly")) {
		t.Error("a refusal changed something")
	}
}

// A second factor, or a key for SSH, hangs on a user as well. IAM removes no user before these are gone.
func TestAUserThatIAMDoesNotRemoveStaysDeniedEverything(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Secret)
	s := l.newShop(t, l.open(), time.Hour)
	s.moved(l)
	i := s.put(s.identity(), taking("user/acme-sftp"))
	s.put(s.grant("daily", s.end))
	conflict, dropped := true, 0
	s.System = l.open(func(o *Options) {
		under := o.Transport
		o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			if form := formOf(r); form.Get("Action") == "DeleteUserPolicy" && form.Get("PolicyName") == cutPolicy {
				dropped++
			}
			if conflict && actionOf(r) == "DeleteUser" {
				return answering(r, http.StatusConflict,
					"<ErrorResponse><Error><Code>DeleteConflict</Code><Message>must delete MFA device "+
						"first</Message></Error></ErrorResponse>"), nil
			}
			return under.RoundTrip(r)
		})
	})
	_, err := s.Delete(t.Context(), s.id.Ref(), i.UID)
	if !errors.Is(err, access.ErrRemains) || !strings.Contains(err.Error(), "MFA device") {
		t.Errorf("delete answers %v", err)
	}
	if dropped > 2 {
		t.Errorf("the deny was taken away %d times", dropped)
	}
	if n, err := s.reader.look(t.Context(), store.AdoptedOf(s.id)); err != nil ||
		!policy.Cut().Is(n.policies[cutPolicy]) {
		t.Errorf("what remains is %+v, %v", n, err)
	}
	conflict = false
	if _, err := s.Delete(t.Context(), s.id.Ref(), i.UID); err != nil {
		t.Errorf("delete answers %v", err)
	}
}
