// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/golden"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// A change of the code that is to change nothing changes neither what is written, nor in which order. So a whole life
// is told here, act by act: each request that changes something in IAM or in the ledger, with all that it says, and
// what a caller is told. The server's clock goes on, so moments stand as what lies between them and the beginning, in
// tens of minutes.
func TestALifeIsWrittenAsBefore(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Secret, access.Federated)
	g := &life{lab: l, begun: time.Now(), keys: &keys{}, known: map[access.Ref]*access.Record{},
		objects: map[string]string{}}
	g.shop = shop{
		t:      t,
		id:     access.IdentityID{Partner: "acme", Environment: "prod", Name: "etl"},
		end:    time.Now().Add(3 * time.Hour).Truncate(time.Second),
		place:  l.place(),
		System: g.handle(),
	}
	g.live(t)
	golden.Compare(t, filepath.Join("testdata", "life.golden"), g.text.String())
}

// life tells a life.
type life struct {
	*lab
	shop
	keys  *keys
	begun time.Time
	known map[access.Ref]*access.Record
	text  strings.Builder
	// objects are the ledger's as they were told last.
	objects map[string]string

	writing sync.Mutex
	writes  []string
}

// live is the life of a partner's identities: everything that is made, changed, cut by hand, adopted and removed.
func (g *life) live(t *testing.T) {
	const vendor = "arn:aws:iam::444455556666:role/acme-etl"
	child := g.shop
	child.id.Name = "lab"
	end := g.end
	identity := g.identity()
	grant := g.grant("daily", end)
	key := g.key(end)
	key.Rotation = &access.Rotation{Every: span("20h"), Overlap: span("1h")}
	trust := g.account(vendor, "", end)
	act := func(name string, do func()) {
		t.Helper()
		g.System = g.handle() // another process
		do()
		g.tell(name)
	}
	act("an identity is created", func() { g.change(identity) })
	act("a grant is created", func() { g.change(grant) })
	act("a key is issued", func() { g.change(key) })
	act("an account is trusted", func() { g.change(trust) })
	act("nothing is changed", func() {
		g.change(identity)
		g.change(grant)
		g.change(key)
		g.change(trust)
	})
	act("a child is created", func() {
		g.change(child.identity(func(i *access.Identity) { i.ParentID = g.id }))
		g.change(child.grant("lab", end))
		g.change(child.workload("https://login.acme.test", "orders.example.com"))
	})
	act("the identity ends earlier, and all below", func() {
		identity.ExpiresAt = access.At(end.Add(-2 * time.Hour))
		g.change(identity)
	})
	act("the identity is renewed, and all below", func() {
		identity.ExpiresAt = access.At(end)
		g.change(identity)
	})
	act("the grant is narrowed", func() {
		grant.Actions = []string{"read"}
		g.change(grant)
	})
	act("the key is rotated", func() { g.change(key, issuing(access.IssueOverlap)) })
	act("the key is replaced", func() { g.change(key, issuing(access.IssueReplace)) })
	act("what is trusted is bound to a network", func() {
		trust.AllowedCIDRs = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}
		g.change(trust)
	})
	act("the identity is suspended", func() {
		identity.Suspended = true
		g.change(identity)
	})
	act("the identity is let go on", func() {
		identity.Suspended = false
		g.change(identity)
	})
	act("the key is cut by hand, and put again", func() {
		user := store.UserOf(g.id, 3)
		g.must(t, "PutUserPolicy", naming(user, "PolicyName", "incident-7", "PolicyDocument", policy.Cut().JSON()))
		g.change(key)
	})
	act("it is rotated, while it is cut", func() { g.change(key, issuing(access.IssueOverlap)) })
	act("the cut is released", func() {
		identity.HoldReleased = "INC-7"
		g.change(identity, knowing(g.known[identity.Ref()].UID))
		g.change(key)
	})
	act("somebody changes things by hand, and it is put again", func() {
		role := store.RoleOf(g.id)
		g.must(t, "PutRolePolicy", naming(role, "PolicyName", "more", "PolicyDocument", everything))
		g.must(t, "TagRole", naming(role, "Tags.member.1.Key", "team", "Tags.member.1.Value", "orders"))
		g.read(t, trust.Ref(), grant.Ref())
		g.change(trust)
		g.read(t, trust.Ref(), grant.Ref())
	})
	act("somebody's user is adopted", func() {
		old := g.shop
		old.id.Name = "old"
		old.moved(g.lab)
		_, strays, err := g.Survey(t.Context(), []string{"acme"})
		if err != nil || len(strays) != 1 {
			t.Fatalf("the survey finds %+v, %v", strays, err)
		}
		g.change(old.identity(), taking(strays[0].NativeID))
		g.change(old.grant("daily", end))
		g.read(t, old.id.Ref())
		g.removal(t, old.id.Ref())
	})
	act("the grant is removed", func() { g.removal(t, grant.Ref()) })
	act("the key is removed", func() { g.removal(t, key.Ref()) })
	act("the identity is removed, with all below", func() { g.removal(t, identity.Ref()) })
	act("it is created anew", func() {
		g.change(g.identity())
		g.change(g.grant("daily", end))
		g.change(g.key(end))
	})
	act("its page is damaged, and it is removed", func() {
		g.s3(t, g.admin, http.MethodPut, g.bucket("ledger")+"/prod/"+store.KeyOf(g.id), "{")
		g.removal(t, g.id.Ref())
	})
}

func issuing(i access.Issue) func(*access.Change) { return func(c *access.Change) { c.Issue = i } }

// handle is what another process has, and what it writes is told.
func (g *life) handle() *System {
	return g.open(func(o *Options) {
		under := o.Transport
		o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			g.note(r)
			return under.RoundTrip(r)
		})
	})
}

// note takes down a request that writes: the action with what it says, or the object with its text.
func (g *life) note(r *http.Request) {
	if !changes(r) {
		return
	}
	var said []string
	form := formOf(r)
	for _, name := range slices.Sorted(maps.Keys(form)) {
		if name != "Action" && name != "Version" {
			said = append(said, name+"="+g.plain(form.Get(name)))
		}
	}
	write := actionOf(r) + " " + strings.Join(said, " ")
	if actionOf(r) == "" {
		write = r.Method + " " + g.plain(strings.TrimPrefix(r.URL.Path, "/"+g.bucket("ledger")))
		if body, err := r.GetBody(); err == nil {
			text, _ := io.ReadAll(body)
			write += "\n" + g.plain(string(text))
		}
	}
	g.writing.Lock()
	defer g.writing.Unlock()
	g.writes = append(g.writes, strings.TrimSpace(write))
}

// change puts an object by whoever knows what the last change said, and tells what is said now.
func (g *life) change(o access.Object, edits ...func(*access.Change)) {
	g.shop.t.Helper()
	knows := func(c *access.Change) {
		if r := g.known[o.Ref()]; r != nil {
			c.UID = r.UID
			if r.Issued != nil {
				c.Known = r.Issued.Fingerprint
			}
		}
	}
	r := g.put(o, append([]func(*access.Change){sealing(g.keys), knows}, edits...)...)
	g.known[o.Ref()] = r
	g.record(r)
}

func (g *life) removal(t *testing.T, ref access.Ref) {
	t.Helper()
	swept, err := g.Delete(t.Context(), ref, g.known[ref].UID)
	if err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(g.known, func(r access.Ref, _ *access.Record) bool { return r == ref || slices.Contains(swept, r) })
	fmt.Fprintln(&g.text, "-- removed with it:", swept)
}

func (g *life) read(t *testing.T, refs ...access.Ref) {
	t.Helper()
	for _, ref := range refs {
		r, err := g.Get(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		g.record(r)
	}
}

// record tells what a caller is told.
func (g *life) record(r *access.Record) {
	text, err := json.Marshal(struct {
		Ref                    access.Ref
		EndsAt                 time.Time
		Suspended, Held        bool
		Issued                 *access.Issued
		Adopted, Drift, Revoke []string
		Login                  map[string]string
		Words                  access.Words
	}{r.Object.Ref(), r.EndsAt, r.Suspended, r.Held, r.Issued, r.Adopted, r.Drift, r.Revocation, r.Login, r.Words})
	if err != nil {
		panic(err) // texts and moments
	}
	fmt.Fprintln(&g.text, "-- record", g.plain(string(text)))
}

// tell tells an act: what was written, in the order of writing; of an object what is new in its text. What is done to
// several principals between two writes to the ledger is done side by side, so each is told by itself.
func (g *life) tell(act string) {
	fmt.Fprintf(&g.text, "== %s\n", act)
	for _, w := range byPrincipal(g.writes) {
		object, text, written := strings.Cut(w, "\n")
		fmt.Fprintln(&g.text, object)
		if written {
			g.text.WriteString(golden.Changed(g.objects[object], text+"\n"))
			g.objects[object] = text + "\n"
		}
	}
	g.writes = nil
	fmt.Fprintln(&g.text)
}

// ofPrincipal finds whom a request changes.
var ofPrincipal = regexp.MustCompile(`\b(RoleName|UserName)=\S+`)

// byPrincipal puts what is done between two writes to the ledger in the order of the principals.
func byPrincipal(writes []string) []string {
	inLedger := func(w string) bool { return strings.HasPrefix(w, "PUT ") || strings.HasPrefix(w, "DELETE ") }
	for from := 0; from < len(writes); {
		to := from + 1
		for to < len(writes) && !inLedger(writes[from]) && !inLedger(writes[to]) {
			to++
		}
		slices.SortStableFunc(writes[from:to], func(a, b string) int {
			return strings.Compare(ofPrincipal.FindString(a), ofPrincipal.FindString(b))
		})
		from = to
	}
	return writes
}

// chances are what differs from run to run.
var chances = []golden.Chance{
	golden.NewChance(`\b[0-9a-f]{64}\b`, "SHA256"),
	golden.NewChance(`\b[0-9a-f]{32}\b`, "EXTERNAL"),
	golden.NewChance(`\bA[KR][A-Z]{2}[A-Z0-9]{16,17}\b`, "KEY"),
	golden.NewChance(`\b[A-Z2-7]{26}\b`, "UID"),
	golden.NewChance(`https?://(127\.0\.0\.1|localhost):\d+`, "ADDRESS"),
}

// plain is a text without what differs from run to run.
func (g *life) plain(text string) string {
	return golden.Since(g.begun, golden.Plain(text, chances))
}
