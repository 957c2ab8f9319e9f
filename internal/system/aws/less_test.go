// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"errors"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// What is above it cannot be read. What takes access from a subcontractor is carried out all the same,
// and nothing gives it any.
func TestLessOfASubcontractorActsThoughThePageOfItsPartnerIsDamaged(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	s, k := l.newShop(t, l.open(), time.Hour), &keys{}
	s.put(s.identity(func(i *access.Identity) {
		i.Subcontractors = &access.Subcontractors{Allowed: true, MaxDepth: 1}
	}))
	child := s
	child.id.Name = "sub"
	under := func(i *access.Identity) { i.ParentID = s.id }
	i := child.put(child.identity(under))
	g := child.put(child.grant("daily", s.end))
	c := child.put(child.key(s.end), sealing(k))
	holder := l.as(k.newest())
	if !l.may(t, holder, "read", s.file("daily")) {
		t.Fatal("the subcontractor does not read")
	}
	if err := s.store.Place(t.Context(), store.KeyOf(s.id), []byte("{")); err != nil {
		t.Fatal(err)
	}
	child.System = l.open()
	for what, o := range map[string]access.Object{"a new grant": child.grant("weekly", s.end),
		"a later end": child.key(s.end.Add(time.Minute))} {
		change := access.Change{Object: o, Stack: "partners", EndsAt: s.end.Add(time.Minute), Seal: k.seal}
		if o.Ref() == c.Object.Ref() {
			change.UID = c.UID
		}
		if _, err := child.Put(t.Context(), change); !errors.Is(err, access.ErrDamaged) {
			t.Errorf("%s answers %v", what, err)
		}
	}
	sooner := s.end.Add(-time.Minute)
	child.put(child.grant("daily", sooner), knowing(g.UID))
	child.put(child.key(sooner), knowing(c.UID))
	if l.may(t, holder, "read", s.file("daily")) {
		t.Error("nobody knows whether it may, and it reads")
	}
	child.put(child.identity(under, func(i *access.Identity) { i.Suspended = true }), knowing(i.UID))
	if r, err := child.Get(t.Context(), child.id.Ref()); err != nil || !r.Object.(*access.Identity).Suspended {
		t.Errorf("it is not suspended: %+v, %v", r, err)
	}
	if _, err := child.Delete(t.Context(), child.id.Ref(), i.UID); err != nil {
		t.Error(err)
	}
}
