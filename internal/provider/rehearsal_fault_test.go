// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/rehearsal"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// director is a system whose cut goes as a test wants it to.
type director struct {
	access.System
	steps func([]string) []string
	put   func(access.Change) error
	doors func([]access.Door) []access.Door
}

func (d *director) Unwrap() access.System { return d.System }

func (d *director) Capabilities() access.Capabilities {
	c := d.System.Capabilities()
	if cut := c.CutByHand; d.steps != nil {
		c.CutByHand = func(partner string, records []*access.Record) []string { return d.steps(cut(partner, records)) }
	}
	return c
}

func (d *director) Put(ctx context.Context, c access.Change) (*access.Record, error) {
	if d.put != nil {
		if err := d.put(c); err != nil {
			return nil, err
		}
	}
	return d.System.Put(ctx, c)
}

// directed is a director of doors as well, which are not asked for by the way of Unwrap then.
type directed struct {
	*director
	access.Rehearser
}

func (d directed) Doors(p access.Proof) []access.Door { return d.doors(d.Rehearser.Doors(p)) }

// acmeHolds puts a partner with two kinds of access into a world.
func (w *world) acmeHolds() {
	w.t.Helper()
	id := access.IdentityID{Partner: "acme", Environment: "prod", Name: "orders"}
	terms := access.Terms{Owner: "jane.doe@example.com", ExpiresAt: access.At(w.clock().AddDate(0, 0, 60))}
	for _, o := range []access.Object{
		&access.Identity{ID: id, Terms: terms, Purpose: "Nightly order feed"},
		&access.Credential{
			IdentityID: id,
			Terms:      terms,
			Federated: &access.FederatedTrust{
				Issuer:    "https://login.acme.test",
				Subject:   "s",
				Audiences: []string{"a"},
			},
		},
		&access.Credential{IdentityID: id, Terms: terms, SSHCertificate: &access.SSHRequest{PublicKey: partnerSSHKey}},
	} {
		if _, err := w.system().Put(w.t.Context(),
			access.Change{Object: o, Stack: "partners", EndsAt: o.Common().ExpiresAt.Time}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// nothingOfShadows claims that no twin is there, and no hold.
func (w *world) nothingOfShadows() {
	w.t.Helper()
	records, err := w.system().List(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range records {
		if access.IsShadow(r.Object.Holder().Partner) {
			w.t.Errorf("%s is left", r.Object.Ref())
		}
	}
	if _, err := os.Stat(filepath.Join(w.directory, "hold")); !errors.Is(err, fs.ErrNotExist) {
		w.t.Errorf("a hold is left: %v", err)
	}
	hold, err := os.ReadFile(filepath.Join(w.directory, "publish", "policy", "hold.json"))
	if err != nil || strings.Contains(string(hold), "rehearsal-") {
		w.t.Errorf("it is published who is on hold: %s, %v", hold, err)
	}
}

func TestARehearsalThatFailsLeavesNothing(t *testing.T) {
	nothing := func(steps []string) []string {
		for i := range steps {
			steps[i] = "true"
		}
		return steps
	}
	closed := func(doors []access.Door) []access.Door {
		for i := range doors {
			doors[i].Enter = func(context.Context, string, string) (bool, error) { return false, nil }
		}
		return doors
	}
	for name, d := range map[string]struct {
		director
		says string
	}{
		"a step that fails": {director{steps: func(steps []string) []string {
			return append(steps, "echo no space left >&2; exit 7")
		}}, "step 2 of the cut failed (echo no space left >&2; exit 7): exit status 7: no space left"},
		"steps that do nothing": {director{steps: nothing}, "the shadow was still let in ("},
		"steps that cut too late": {director{steps: func(steps []string) []string {
			return []string{"mkdir -p /nowhere 2>&1 || true"}
		}}, "the steps do not cut this partner"},
		"a door that never opens": {director{doors: closed}, "its refusal would prove nothing"},
		"a put that fails": {director{put: func(c access.Change) error {
			if c.Object.Ref().Type == access.TypeCredential {
				return access.ErrUnavailable
			}
			return nil
		}}, "unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.acmeHolds()
			d.System = w.system()
			var system access.System = &d.director
			if d.doors != nil {
				inner, _ := access.As[access.Rehearser](d.System)
				system = directed{&d.director, inner}
			}
			_, err := rehearsal.Rehearsal{
				System:      system,
				Stack:       "partners",
				Environment: "prod",
				Patience:    200 * time.Millisecond,
			}.Run(t.Context(), "acme")
			if err == nil || !strings.Contains(err.Error(), d.says) {
				t.Errorf("it says %v, and should %q", err, d.says)
			}
			w.nothingOfShadows()
			rehearser, _ := access.As[access.Rehearser](w.system())
			if all, err := rehearser.Rehearsed(t.Context()); err != nil || len(all) > 0 {
				t.Errorf("remembered is %v, %v", all, err)
			}
		})
	}
}

func TestARehearsalThatIsInterruptedLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.acmeHolds()
	ctx, cancel := context.WithCancel(t.Context())
	d := &director{System: w.system(), steps: func(steps []string) []string {
		time.AfterFunc(300*time.Millisecond, cancel)
		return append(steps, "sleep 60")
	}}
	_, err := rehearsal.Rehearsal{System: d, Stack: "partners", Environment: "prod"}.Run(ctx, "acme")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("it says %v", err)
	}
	w.nothingOfShadows()
}

// A run that was killed between the steps of the cut left a twin, another one only its hold.
func TestTheNextRehearsalRemovesWhatAKilledOneLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.acmeHolds()
	put := func(partner, stack string) *access.Record {
		t.Helper()
		r, err := w.system().Put(t.Context(),
			access.Change{Stack: stack, EndsAt: w.clock().Add(10 * time.Minute), Object: &access.Identity{
				ID: access.IdentityID{Partner: partner, Environment: "prod", Name: "twin"}, Purpose: "Shadow",
				Terms: access.Terms{Owner: "jane.doe@example.com",
					ExpiresAt: access.At(w.clock().Add(10 * time.Minute))},
			}})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	put(access.ShadowPartner("dead"), "partners")
	others := put(access.ShadowPartner("alive"), "another")
	for _, partner := range []string{"dead", "gone"} {
		if err := errors.Join(os.MkdirAll(filepath.Join(w.directory, "hold"), 0o755),
			os.WriteFile(filepath.Join(w.directory, "hold", access.ShadowPartner(partner)), nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	out, err := rehearsal.Rehearsal{System: w.system(), Stack: "partners", Environment: "prod"}.Run(t.Context(), "acme")
	if err != nil || len(out.Results) != 2 {
		t.Fatalf("%+v, %v", out, err)
	}
	if _, err := w.system().Delete(t.Context(), others.Object.Ref(), others.UID); err != nil {
		t.Errorf("the twin of another stack: %v", err)
	}
	w.nothingOfShadows()
}

// A partner that is gone cannot be rehearsed any more: what a killed run left goes all the same, by the
// next try or by a destroy.
func TestWhatAKilledRehearsalLeftGoesWithoutAnother(t *testing.T) {
	for name, sweep := range map[string]func(rehearsal.Rehearsal) error{
		"a sweep": func(r rehearsal.Rehearsal) error { return r.Sweep(t.Context()) },
		"a rehearsal of nobody": func(r rehearsal.Rehearsal) error {
			if _, err := r.Run(t.Context(), "globex"); !errors.Is(err, rehearsal.ErrNothing) {
				return err
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.acmeHolds()
			killed := &director{System: w.system(), steps: func(steps []string) []string {
				_ = exec.Command("sh", "-c", steps[0]).Run()
				runtime.Goexit()
				return steps
			}}
			var dead sync.WaitGroup
			dead.Go(func() {
				_, _ = rehearsal.Rehearsal{System: killed, Stack: "partners", Environment: "prod"}.Run(t.Context(),
					"acme")
			})
			dead.Wait()
			records, err := w.system().List(t.Context())
			if err != nil ||
				!slices.ContainsFunc(records, func(r *access.Record) bool {
					return access.IsShadow(r.Object.Holder().Partner)
				}) {
				t.Fatalf("the killed run left nothing: %v", err)
			}
			if err := sweep(rehearsal.Rehearsal{
				System:      w.system(),
				Stack:       "partners",
				Environment: "prod",
			}); err != nil {
				t.Error(err)
			}
			w.nothingOfShadows()
		})
	}
}

// On a real OpenBao: steps that do not cut are found out, what a killed run left is removed, and
// the memory is no access.
func TestARehearsalOnOpenBaoFindsOutStepsThatDoNotCut(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	t.Parallel()
	c := newCluster(t)
	c.cli.must("apply", "-auto-approve")
	before := c.left()
	guest, err := client.New(client.Options{
		Address:   c.bao.Address,
		CACertPEM: []byte(c.bao.CA),
		Login:     client.Token(c.apply),
	})
	if err != nil {
		t.Fatal(err)
	}
	system := openbao.Open(openbao.Options{
		Client: guest,
		Stack:  "partners",
		Mounts: openbao.Mounts{JWT: map[string]string{c.issuer: "partner-jwt-acme"}},
	})
	rehearse := func(s access.System, partner string) error {
		_, err := rehearsal.Rehearsal{
			System:      s,
			Stack:       "partners",
			Environment: "prod",
			Patience:    2 * time.Second,
		}.Run(t.Context(), partner)
		return err
	}
	// Only the login is taken away, and the session lasts.
	late := &director{System: system, steps: func(steps []string) []string { return steps[len(steps)-1:] }}
	for _, partner := range []string{"acme", "globex", "initech"} {
		if err := rehearse(late, partner); err == nil ||
			!strings.Contains(err.Error(), "the steps do not cut this partner") {
			t.Errorf("%s: it says %v", partner, err)
		}
	}
	killed := &director{System: system, steps: func(steps []string) []string {
		panic("killed")
	}}
	func() {
		defer func() { _ = recover() }()
		_ = rehearse(killed, "initech")
	}()
	if left := c.left(); len(left) == len(before) {
		t.Error("the killed run left nothing to remove")
	}
	if err := rehearse(system, "globex"); err != nil {
		t.Error(err)
	}
	after := slices.DeleteFunc(c.left(),
		func(path string) bool { return strings.HasSuffix(path, "partner/globex/rehearsed") })
	if slices.Sort(before); !slices.Equal(before, slices.Sorted(slices.Values(after))) {
		t.Errorf("before there was %v, after it %v", before, after)
	}
}

// What the system cannot make a twin of is said, and the rest is rehearsed.
func TestARehearsalSaysWhatItCouldNotTry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.acmeHolds()
	d := &director{System: w.system(), put: func(c access.Change) error {
		if k, ok := c.Object.(*access.Credential); ok && k.Kind() == access.SSHCertificate {
			return access.ErrUnsupported
		}
		return nil
	}}
	out, err := rehearsal.Rehearsal{System: d, Stack: "partners", Environment: "prod"}.Run(t.Context(), "acme")
	if err != nil || len(out.Results) != 2 {
		t.Fatalf("%+v, %v", out, err)
	}
	for _, r := range out.Results {
		if untried := r.Kind == access.SSHCertificate; untried == r.Admitted ||
			untried != strings.Contains(r.Note, "Could not create a shadow") {
			t.Errorf("%+v", r)
		}
	}
}

func TestARehearsalNeedsSomethingToRehearse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rehearses := func(partner string) string {
		return block("partner_rehearsal", "it", args{"partner": `"` + partner + `"`}, nil)
	}
	w.run(
		resource.TestStep{Config: w.config(identity(nil), rehearses("acme")),
			ExpectError: says("acme has no credential in force")},
		resource.TestStep{Config: w.config(rehearses("rehearsal-1")), ExpectError: says("is reserved")},
		resource.TestStep{Config: w.config(identity(args{"partner": `"rehearsal-1"`})),
			ExpectError: says("is reserved")},
		resource.TestStep{
			Config: w.providerBlock(`guardrails = { enforcement = "collect" }`) + identity(nil) +
				rehearses("acme"),
			ExpectError: says("Nothing can be changed while findings are collected"),
		},
	)
}

// The rule speaks half a year after the partner came, and is silent once the steps were tried; and again when the
// system has forgotten that.
func TestARehearsalIsDueEveryHalfYear(t *testing.T) {
	slow(t)
	t.Parallel()
	l := newLab(t)
	base := identity(args{"expires_at": `"2027-11-20T00:00:00Z"`}) +
		credential("federated", args{"expires_at": `"2027-11-20T00:00:00Z"`})
	with := base + block("partner_rehearsal", "acme",
		args{"partner": `"acme"`, "depends_on": "[partner_credential.orders]"}, nil)
	overdue := func(config string) bool {
		t.Helper()
		for _, d := range l.refuses(config) {
			if d.Severity == "error" {
				t.Errorf("%s: %s", d.Summary, d.Detail)
			}
			if d.rule() == "offboarding/rehearsal-overdue" {
				return true
			}
		}
		return false
	}
	l.begin(base)
	l.passes(180 * day)()
	if overdue(base) {
		t.Error("it is overdue after 180 days")
	}
	l.passes(time.Hour)()
	if !overdue(base) {
		t.Error("it is not overdue after 180 days and an hour")
	}
	l.begin(with)
	if overdue(with) {
		t.Error("it is overdue right after a rehearsal")
	}
	l.must("plan", "-detailed-exitcode")
	l.passes(time.Hour)()
	l.must("plan", "-detailed-exitcode")
	if err := os.Remove(filepath.Join(l.directory, "ledger", "rehearsed.json")); err != nil {
		t.Fatal(err)
	}
	if !overdue(with) {
		t.Error("it is not overdue where the system has forgotten the rehearsal")
	}
	l.begin(with)
	if overdue(with) {
		t.Error("what was forgotten is not rehearsed again")
	}
}
