// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"errors"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

const (
	floorPath = "sys/policies/acl/" + store.FloorName
	notePath  = "sys/policies/acl/partner/floor"
)

// floorLab is a server with the shipped policies, and logins of the two configurations.
type floorLab struct {
	*lab
	security, partners string // their tokens
}

func newFloorLab(t *testing.T) *floorLab {
	t.Helper()
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	l := &floorLab{lab: startLab(t)}
	for _, policy := range []string{"plan", "apply", "floor"} {
		text, err := os.ReadFile("../../../examples/openbao/policies/" + policy + ".hcl")
		if err != nil {
			t.Fatal(err)
		}
		l.must("POST", "sys/policies/acl/shipped-"+policy, map[string]any{"policy": string(text)})
		if policy == "plan" {
			before, _, _ := strings.Cut(string(text), "# What no configuration can loosen")
			l.must("POST", "sys/policies/acl/older-plan", map[string]any{"policy": before})
		}
	}
	l.security, l.partners = l.token("shipped-plan", "shipped-floor"), l.token("shipped-plan", "shipped-apply")
	return l
}

func (l *floorLab) token(policies ...string) string {
	l.t.Helper()
	answer := l.must("POST", "auth/token/create",
		map[string]any{"policies": policies, "no_default_policy": true, "ttl": "1h"})
	return answer["auth"].(map[string]any)["client_token"].(string)
}

// as is a handle of a login, as a new process has.
func (l *floorLab) as(token string) *System {
	l.t.Helper()
	return l.open(func(o *client.Options) { o.Login = client.Token(token) })
}

func (l *floorLab) set(grants int, known int64) *access.FloorRecord {
	l.t.Helper()
	r, err := l.as(l.security).SetFloor(l.t.Context(), access.Floor{SetBy: "ciso@example.com", MaxGrants: grants},
		"security", known)
	if err != nil {
		l.t.Fatal(err)
	}
	return r
}

func (l *floorLab) text(path string) string {
	l.t.Helper()
	text, _ := l.must("GET", path, nil)["data"].(map[string]any)["policy"].(string)
	return text
}

// lost returns why a floor is not known to the partners' configuration.
func (l *floorLab) lost(token string) string {
	l.t.Helper()
	r, err := l.as(token).Floor(l.t.Context())
	var lost *access.FloorError
	if !errors.As(err, &lost) {
		l.t.Fatalf("the floor is %+v, %v, and not lost", r, err)
	}
	return lost.Error()
}

// Who declares access reads the floor and cannot change it; who sets it cannot give access.
func TestTheLoginsOfTheFloor(t *testing.T) {
	t.Parallel()
	l := newFloorLab(t)
	if r, err := l.as(l.partners).Floor(t.Context()); r != nil || err != nil {
		t.Errorf("before there is one: %+v, %v", r, err)
	}
	if _, err := l.as(l.token("older-plan", "shipped-apply")).Floor(t.Context()); !errors.Is(err,
		access.ErrNotPermitted) {
		t.Errorf("a login from before floors, where there is none: %v", err)
	}
	l.set(5, 0)
	if r, err := l.as(l.partners).Floor(t.Context()); err != nil || r.Floor.MaxGrants != 5 {
		t.Errorf("the partners' login reads %+v, %v", r, err)
	}
	// whoever removed the note, as the survey said, made a floor that nobody would miss
	if _, strays, err := l.open().Survey(t.Context(), nil); err != nil || slices.ContainsFunc(strays,
		func(s access.Stray) bool { return s.NativeID == notePath }) {
		t.Errorf("the survey takes the note for somebody else's: %v, %v", strays, err)
	}
	for _, act := range []func(*System) error{
		func(s *System) error {
			_, err := s.SetFloor(t.Context(), access.Floor{SetBy: "me@example.com"}, "security", 0)
			return err
		},
		func(s *System) error { _, err := s.LiftFloor(t.Context(), "security", 1); return err },
	} {
		if err := act(l.as(l.partners)); !errors.Is(err, access.ErrNotPermitted) {
			t.Errorf("the partners' login changes it: %v", err)
		}
	}
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		if status, _ := l.bao.Call(t, l.partners, method, floorPath,
			map[string]any{"policy": "# nothing"}); status != http.StatusForbidden &&
			status != http.StatusMethodNotAllowed {
			t.Errorf("the partners' login, %s: %d", method, status)
		}
	}
	id := &access.Identity{ID: access.IdentityID{Partner: "acme", Environment: "prod", Name: "etl"},
		Purpose: "Nightly order feed",
		Terms:   access.Terms{Owner: "jane@example.com", ExpiresAt: access.At(time.Now().Add(time.Hour))}}
	change := access.Change{Object: id, Stack: "security", EndsAt: id.ExpiresAt.Time}
	if _, err := l.as(l.security).Put(t.Context(), change); !errors.Is(err, access.ErrNotPermitted) {
		t.Errorf("security's login gives access: %v", err)
	}
	// The note alone says to a login from before that there is a floor.
	if says := l.lost(l.token("older-plan", "shipped-apply")); !strings.Contains(says, "cannot be read: this login") {
		t.Error(says)
	}
	// Who removes the note has removed nothing.
	if status, _ := l.bao.Call(t, l.partners, "DELETE", notePath, nil); status >= 300 {
		t.Fatalf("the note is not removed: %d", status)
	}
	if r, err := l.as(l.partners).Floor(t.Context()); err != nil || r.Floor.MaxGrants != 5 {
		t.Errorf("without its note: %+v, %v", r, err)
	}
}

func TestAFloorThatIsTamperedWithInOpenBaoIsMissed(t *testing.T) {
	t.Parallel()
	l := newFloorLab(t)
	l.set(9, 0)
	older := l.text(floorPath)
	now := l.set(3, 1)
	current := l.text(floorPath)
	write := func(text string) func() {
		return func() { l.must("POST", floorPath, map[string]any{"policy": text}) }
	}
	for what, c := range map[string]struct {
		tamper func()
		says   string
	}{
		"removed":  {func() { l.must("DELETE", floorPath, nil) }, "is gone: somebody removed it"},
		"replayed": {write(older), "went back to generation 1"},
		"edited": {write(strings.Replace(current, `"max_grants":3`, `"max_grants":99`, 1)),
			"was edited by somebody"},
		"another system's": {write(strings.Replace(current, now.System, "copied", 1)),
			"belongs to the access system copied"},
		"a newer version's": {write(strings.Replace(current, `"max_grants":3`, `"max_grants":3,"max_tomorrow":1`, 1)),
			"this floor needs a newer version"},
		"something else":    {write("path \"x\" {\n  capabilities = [\"read\"]\n}\n"), "cannot be read"},
		"with a path in it": {write(current + "path \"x\" {\n  capabilities = [\"read\"]\n}\n"), "cannot be read"},
	} {
		c.tamper()
		if says := l.lost(l.partners); !strings.Contains(says, c.says) {
			t.Errorf("%s: %s", what, says)
		}
		write(current)()
		if r, err := l.as(l.partners).Floor(t.Context()); err != nil || r.Generation != 2 {
			t.Errorf("put back after %s: %+v, %v", what, r, err)
		}
	}
	l.must("DELETE", floorPath, nil)
	if r := l.set(4, 2); r.Generation != 3 {
		t.Errorf("set again it is of generation %d", r.Generation)
	}
	if r, err := l.as(l.partners).Floor(t.Context()); err != nil || r.Floor.MaxGrants != 4 {
		t.Errorf("set again: %+v, %v", r, err)
	}
	// Who may write the note makes the floor nobody else's.
	l.must("POST", notePath, map[string]any{"policy": strings.Replace(l.text(notePath), `"stack":"security"`,
		`"stack":"partners"`, 1)})
	if says := l.lost(l.partners); !strings.Contains(says, "was edited by somebody") {
		t.Error(says)
	}
	l.set(5, 3)
	// Nor does it leave no room for a next one.
	l.must("POST", notePath, map[string]any{"policy": strings.Replace(l.text(notePath), `"generation":4`,
		`"generation":9223372036854775807`, 1)})
	if r := l.set(6, 4); r.Generation != 5 {
		t.Errorf("after a note of a generation that cannot be: %d", r.Generation)
	}
}
