// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
	"github.com/partner-access/terraform-provider-partner/internal/rehearsal"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// redirected is a system whose printed steps go to a cloud of a test instead of AWS.
type redirected struct {
	*System
	from, to string
}

func (r redirected) Capabilities() access.Capabilities {
	c := r.System.Capabilities()
	cut := c.CutByHand
	c.CutByHand = func(partner string, records []*access.Record) (steps []string) {
		for _, step := range cut(partner, records) {
			steps = append(steps, strings.ReplaceAll(step, r.from, r.to))
		}
		return steps
	}
	return c
}

// withProgram puts AWS's own program on the PATH.
func withProgram(t *testing.T) {
	t.Helper()
	t.Setenv("PATH", filepath.Dir(realtool.Find(t, "aws"))+":"+os.Getenv("PATH"))
}

// kept is all that a cloud has: principals, and the names of the objects of the ledger, but for when
// partners were rehearsed.
func (l *lab) kept(t testing.TB) (all []string) {
	t.Helper()
	s := l.open()
	for _, k := range []kind{store.Role, store.User} {
		names, err := s.at.namesAt(t.Context(), k, store.Root)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, names...)
	}
	objects, err := s.store.List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		if !strings.HasPrefix(o.Key, store.RehearsedKey) {
			all = append(all, o.Key+" "+o.ETag)
		}
	}
	slices.Sort(all)
	return all
}

// A twin of each kind is let in, is cut by the printed commands, and is refused, with the rights that are shipped; the
// partner works on meanwhile.
func TestARehearsalCutsATwinAndNothingElse(t *testing.T) {
	const account = "111122223333"
	withProgram(t)
	for name, c := range map[string]struct {
		cloud func(testing.TB) *realtool.Cloud
		kinds []access.Kind
		// aws: it is asked as AWS is, which has DynamoDB.
		aws   bool
		times int
	}{
		"keys on versitygw":           {versitygw, []access.Kind{access.Secret}, false, 2},
		"both kinds on ministack":     {ministack, []access.Kind{access.Federated, access.Secret}, false, 1},
		"both kinds, as AWS is asked": {ministack, []access.Kind{access.Federated, access.Secret}, true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := startLab(t, c.cloud(t), c.kinds...)
			system, refused := l.open(), &asked{}
			if len(c.kinds) > 1 {
				boundary := "" // which denies the ledger
				if c.aws {
					boundary = l.boundary(t, account)
				}
				if _, _, err := system.Stage(t.Context(),
					&access.Credential{Federated: &access.FederatedTrust{}}); !errors.Is(err, access.ErrUnsupported) {
					t.Errorf("as root, which takes on no role: %v", err)
				}
				system, refused = l.openAs(t, l.operator(t, account, "plan", "apply"), boundary)
			}
			s, k := l.newShop(t, system, time.Hour), &keys{}
			s.put(s.identity())
			s.put(s.grant("daily", s.end))
			s.put(s.key(s.end), sealing(k))
			if len(c.kinds) > 1 {
				s.put(s.account("arn:aws:iam::444455556666:role/acme-etl", "of-the-vendor", s.end))
			}
			var tested access.System = system
			if c.aws {
				system = l.asAWS(t, system)
				tested = redirected{system, "https://s3.us-east-1.amazonaws.com", l.cloud.S3}
			}
			before := l.kept(t)
			l.leave(t, s)
			var stop atomic.Bool
			worked := make(chan int)
			go func() {
				reads, holder := 0, l.as(k.newest())
				for ; !stop.Load(); reads++ {
					if !l.may(t, holder, "read", s.file("daily")) {
						t.Error("the partner itself was refused")
						break
					}
				}
				worked <- reads
			}()
			var last time.Time
			for range c.times {
				out, err := rehearsal.Rehearsal{
					System:      tested,
					Stack:       "partners",
					Environment: "prod",
					Patience:    time.Minute,
				}.Run(t.Context(), "acme")
				if err != nil {
					t.Error(err)
					break
				}
				var tried []access.Kind
				for _, r := range out.Results {
					tried = append(tried, r.Kind)
					if !r.Admitted ||
						r.Refused.IsZero() ||
						r.Seconds <= 0 ||
						(r.Session != nil) != (r.Kind == access.Federated) {
						t.Errorf("%+v", r)
					}
					t.Logf("%s, %s: refused after %.3f s; %s", r.Kind, r.How, r.Seconds, r.Note)
				}
				if slices.Sort(tried); !slices.Equal(tried, c.kinds) {
					t.Errorf("tried were %v", tried)
				}
				at, err := l.open().Rehearsed(t.Context())
				if err != nil ||
					len(at) != 1 ||
					!at["acme"].Equal(out.At.Truncate(time.Second)) ||
					at["acme"].Before(last) {
					t.Errorf("remembered is %v, %v; it was at %s", at, err, out.At)
				}
				last = at["acme"]
			}
			stop.Store(true)
			if reads := <-worked; reads < 3 {
				t.Errorf("the partner read only %d times", reads)
			}
			if after := l.kept(t); !slices.Equal(before, after) {
				t.Errorf("before there was %q, after it %q", before, after)
			}
			// the twin was
			refused.refused = slices.DeleteFunc(refused.refused,
				func(r string) bool { return strings.HasSuffix(r, store.SystemKey) })
			if len(refused.refused) > 0 {
				t.Errorf("the shipped rights were refused %v", refused.refused)
			}
		})
	}
}

// leave leaves what rehearsals leave that are killed: a twin that was cut, and a mark of another one.
func (l *lab) leave(t testing.TB, s shop) {
	t.Helper()
	k := &keys{}
	s.id = access.IdentityID{Partner: access.ShadowPartner("dead"), Environment: "prod", Name: "twin"}
	s.put(s.identity())
	s.put(s.key(s.end), sealing(k))
	l.must(t, "PutUserPolicy", naming(store.UserOf(s.id, 1), "PolicyName", holdPolicy, "PolicyDocument", holding))
	for _, partner := range []string{s.id.Partner, access.ShadowPartner("gone")} {
		if err := s.store.Mark(t.Context(), partner); err != nil {
			t.Fatal(err)
		}
	}
}

// The role of a twin trusts whoever runs the rehearsal, by the name that IAM takes in a trust: of a session, its role.
func TestATwinTrustsTheLoginOfTheProvider(t *testing.T) {
	t.Parallel()
	const begin = "arn:aws:iam::111122223333:"
	for arn, want := range map[string]string{
		begin + "user/ops/jane":                                 begin + "user/ops/jane",
		"arn:aws:sts::111122223333:assumed-role/deployer/run-1": begin + "role/ci/deployer",
		begin + "root": "",
		"arn:aws:sts::111122223333:federated-user/jane": "",
	} {
		s, _ := faulty(t, time.Second, func(r *http.Request, _ int64) *http.Response {
			switch formOf(r).Get("Action") {
			case "GetCallerIdentity":
				return answering(r, http.StatusOK,
					"<R><GetCallerIdentityResult><Arn>"+arn+
						"</Arn><Account>111122223333</Account></GetCallerIdentityResult></R>")
			case "GetRole":
				return answering(r, http.StatusOK,
					"<R><GetRoleResult><Role><RoleName>deployer</RoleName><Arn>"+begin+
						"role/ci/deployer</Arn></Role></GetRoleResult></R>")
			}
			return nil
		})
		s.at.Site.Endpoints.STS = "http://127.0.0.1:1"
		c := &access.Credential{
			IdentityID: access.IdentityID{Partner: "rehearsal-1", Environment: "prod", Name: "twin"},
			Federated: &access.FederatedTrust{
				Issuer:    "https://login.acme.test",
				Subject:   "svc-orders",
				Audiences: []string{"sts.amazonaws.com"},
			},
		}
		_, _, err := s.Stage(t.Context(), c)
		if c.Federated.AWSPrincipal != want ||
			(want == "") != errors.Is(err, access.ErrUnsupported) ||
			(want != "" && (err != nil ||
				c.Federated.Issuer != "" ||
				c.Federated.ExternalID == "")) {
			t.Errorf("%s: the twin trusts %+v, %v", arn, c.Federated, err)
		}
	}
}

// A role that IAM has yet to spread refuses for a moment, and one that was cut for good. What refuses for longer, and
// never let in, lacks a right.
func TestALoginThatMayNotAssumeTheRoleOfAShadowIsToldSo(t *testing.T) {
	t.Parallel()
	var lets atomic.Bool
	s, _ := faulty(t, time.Millisecond, func(r *http.Request, _ int64) *http.Response {
		switch {
		case r.URL.Host == "127.0.0.1:1" && lets.Load():
			return answering(r, http.StatusOK,
				"<R><AssumeRoleResult><Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></R>")
		case r.URL.Host == "127.0.0.1:1":
			return answering(r, http.StatusForbidden,
				"<ErrorResponse><Error><Code>AccessDenied</Code><Message>not authorized to perform: "+
					"sts:AssumeRole</Message></Error></ErrorResponse>")
		}
		return nil
	})
	s.at.Site.Endpoints.STS = "http://127.0.0.1:1"
	id := access.IdentityID{Partner: "rehearsal-1", Environment: "prod", Name: "twin"}
	doors := func() access.Door {
		return s.Doors(access.Proof{Credential: &access.Credential{IdentityID: id,
			Federated: &access.FederatedTrust{ExternalID: "x"}}})[0]
	}
	// refused knocks for as long as a role is waited for, and a little longer.
	refused := func(d access.Door) error {
		for begun := time.Now(); time.Since(begun) < 20*time.Millisecond; {
			if in, err := d.Enter(t.Context(), "read", "x"); in || err != nil {
				return err
			}
		}
		return nil
	}
	if err := refused(doors()); !errors.Is(err, access.ErrNotPermitted) ||
		!strings.Contains(err.Error(), "Give this login sts:AssumeRole on ") {
		t.Errorf("a login without the right is told %v", err)
	}
	d := doors()
	lets.Store(true)
	if in, err := d.Enter(t.Context(), "read", "x"); !in || err != nil {
		t.Fatalf("a role that lets in: %t, %v", in, err)
	}
	lets.Store(false)
	if err := refused(d); err != nil {
		t.Errorf("a role that was cut: %v", err)
	}
}

// asAWS is a handle that asks S3 and DynamoDB where AWS has them, which a cloud answers for.
func (l *lab) asAWS(t testing.TB, like *System) *System {
	t.Helper()
	return l.open(func(o *Options) {
		under := o.Transport
		o.Credentials = like.at.Site.Credentials
		o.Boundary = like.at.options.Boundary
		o.Endpoints.S3 = ""
		o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Host, ".amazonaws.com") {
				r = r.Clone(r.Context())
				r.Host, r.URL.Scheme, r.URL.Host = r.URL.Host, "http", strings.TrimPrefix(l.cloud.S3, "http://")
			}
			return under.RoundTrip(r)
		})
	})
}
