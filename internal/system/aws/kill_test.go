// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// shellOut runs a printed step as it is, in a shell whose settings lead elsewhere.
func (l *lab) shellOut(t testing.TB, step, id string) error {
	t.Helper()
	cmd := exec.Command("sh", "-c", step)
	cmd.Env = []string{
		"PATH=" + filepath.Dir(realtool.Find(t, "aws")) + ":" + os.Getenv("PATH"), "HOME=" + t.TempDir(),
		"AWS_ACCESS_KEY_ID=" + id, "AWS_SECRET_ACCESS_KEY=" + l.cloud.Secret,
		"AWS_REGION=ap-south-1", "AWS_DEFAULT_OUTPUT=table", "AWS_PAGER=false", "AWS_ENDPOINT_URL=http://127.0.0.1:1",
		"AWS_ENDPOINT_URL_IAM=http://127.0.0.1:1",
	}
	out, err := cmd.CombinedOutput()
	if err != nil && !strings.Contains(string(out), "NOT CUT: ") {
		t.Logf("%s says %s", step, out)
	}
	return err
}

// The printed steps are run as they are, in shells whose settings lead elsewhere.
func TestThePrintedStepsCutInTheRightAccountOrSaySo(t *testing.T) {
	t.Parallel()
	cloud := ministack(t)
	l := startLab(t, cloud, access.Federated)
	away := startLab(t, cloud.In("999988887777"), access.Federated) // which has a partner and a role of the same names
	s, k := l.newShop(t, l.open(), time.Hour), &keys{}
	allowing := func(i *access.Identity) { i.Subcontractors = &access.Subcontractors{Allowed: true, MaxDepth: 1} }
	top := s.put(s.identity(allowing))
	s.put(s.grant("daily", s.end))
	s.put(s.key(s.end), sealing(k))
	v := l.newVendor(t, "444455556666", "acme-etl")
	trust := s.put(s.account(v.principal("acme-etl"), "", s.end))
	session := l.assume(t, v.as, trust.Login["role_arn"], trust.Login["external_id"])
	below := s
	hung := func(i *access.Identity) { i.ParentID = s.id }
	below.id = access.IdentityID{Partner: "sub", Environment: "prod", Name: "etl"}
	child := below.put(below.identity(hung))
	below.put(below.grant("daily", s.end))
	its := &keys{}
	below.put(below.key(s.end), sealing(its))
	all, err := l.open().List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// Of the identity, and what hangs on it.
	steps := all[slices.IndexFunc(all, func(r *access.Record) bool { return r.Object.Ref() == s.id.Ref() })].Revocation
	there := away.newShop(t, away.open(), time.Hour)
	there.put(there.identity())
	there.put(there.grant("daily", there.end))
	others := &keys{}
	there.put(there.key(there.end), sealing(others))
	if l.shellOut(t, steps[0], "999988887777") == nil {
		t.Error("a login of another account is not told that it cut nothing")
	}
	if !l.may(t, session, "read", s.file("daily")) ||
		!l.may(t, l.as(k.newest()), "read", s.file("daily")) ||
		!away.may(t, away.as(others.newest()), "read", there.file("daily")) {
		t.Error("a login of another account cut somebody")
	}
	for _, step := range steps {
		if err := l.shellOut(t, step, l.cloud.Access); err != nil {
			t.Fatalf("%s: %v", step, err)
		}
	}
	if r, err := l.open().Get(t.Context(), trust.Object.Ref()); err != nil ||
		!r.Held ||
		l.may(t, session, "read", s.file("daily")) {
		t.Errorf("the steps do not cut a role, or a session of it: %v", err)
	}
	for who, keys := range map[shop]*keys{s: k, below: its} {
		if l.may(t, l.as(keys.newest()), "read", s.file("daily")) {
			t.Errorf("the steps do not cut %s", who.id)
		}
		if r, err := l.open().Get(t.Context(), who.key(s.end).Ref()); err != nil || !r.Held {
			t.Errorf("%s is not held: %v", who.id, err)
		}
	}
	s.put(s.identity(allowing, func(i *access.Identity) { i.HoldReleased = "INC-1" }), knowing(top.UID))
	if r := below.put(below.identity(), knowing(child.UID)); !r.Held ||
		l.may(t, l.as(its.newest()), "read", s.file("daily")) {
		t.Errorf("what hung on it comes back: held %v", r.Held)
	}
}
