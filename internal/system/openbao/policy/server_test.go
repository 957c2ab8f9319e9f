// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// bench is a mount and a random source of its own on a shared server.
type bench struct {
	*realtool.Bao
	mount  string
	random *rand.Rand
	past   time.Time
	future time.Time
}

func newBench(t *testing.T, bao *realtool.Bao, n int) *bench {
	t.Helper()
	b := &bench{Bao: bao, mount: fmt.Sprintf("kv%d", n), random: rand.New(rand.NewPCG(2026, uint64(n)))}
	b.past, b.future = time.Now().Add(-time.Minute), time.Now().Add(time.Hour)
	b.must(t, "POST", "sys/mounts/"+b.mount, map[string]any{"type": "kv"})
	return b
}

// must asks as root.
func (b *bench) must(t *testing.T, method, path string, body any) map[string]any {
	t.Helper()
	status, answer := b.Call(t, b.RootToken, method, path, body)
	if status != 200 && status != 204 {
		t.Fatalf("%s %s: %d %v", method, path, status, answer)
	}
	return answer
}

// token has one policy and nothing else.
func (b *bench) token(t *testing.T, name string, grants []Grant) (token, text string) {
	t.Helper()
	blocks, err := Compile(grants)
	if err != nil {
		t.Fatal(err)
	}
	text = Render([]string{"test " + name}, blocks)
	b.must(t, "POST", "sys/policies/acl/"+name, map[string]any{"policy": text})
	answer := b.must(t, "POST", "auth/token/create",
		map[string]any{"policies": []string{name}, "no_default_policy": true, "no_parent": true})
	token, _ = answer["auth"].(map[string]any)["client_token"].(string)
	return token, text
}

func (b *bench) grants() (out []Grant) {
	for i := range 1 + b.random.IntN(6) {
		actions := Actions()
		b.random.Shuffle(len(actions), func(i, j int) { actions[i], actions[j] = actions[j], actions[i] })
		g := Grant{
			Name:     string(rune('a' + i)),
			Actions:  actions[:1+b.random.IntN(3)],
			EndsAt:   b.future,
			Resource: access.Pattern(b.pattern()),
		}
		switch b.random.IntN(6) {
		case 0:
			g.EndsAt = b.past
		case 1:
			g.EndsAt = b.future.Add(time.Hour)
		}
		out = append(out, g)
	}
	return out
}

func (b *bench) pattern() string {
	segments := []string{b.mount}
	for range 1 + b.random.IntN(4) {
		segments = append(segments, []string{"a", "b", "+", "+"}[b.random.IntN(4)])
	}
	if b.random.IntN(2) == 0 {
		segments[len(segments)-1] = "*"
	}
	if b.random.IntN(10) == 0 {
		segments[0] = "+"
	}
	return strings.Join(segments, "/")
}

// paths are some that tell grants apart: each grant's own, folders above and below it, and others.
func (b *bench) paths(grants []Grant) []string {
	letter := func() string { return []string{"a", "b", "x"}[b.random.IntN(3)] }
	set := map[string]bool{}
	for range 8 {
		for _, g := range grants {
			segments := g.Resource.Segments()
			for i, s := range segments {
				if s == "+" || s == "*" {
					segments[i] = letter()
				}
			}
			segments[0] = b.mount
			switch b.random.IntN(4) {
			case 0:
				segments = append(segments, letter())
			case 1:
				segments = segments[:max(1, len(segments)-1)]
			}
			set[strings.Join(segments, "/")] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// wants is what the grants say about a path, in the words of sys/capabilities.
func wants(grants []Grant, path string) (want []string) {
	for _, action := range Actions() {
		if (action == list) == strings.HasSuffix(path, "/") && grantsAllow(grants, action, path, time.Now()) {
			want = append(want, action)
		}
	}
	return want
}

// checkCapabilities asks the server what the token may do on all paths and folders at once. sys/capabilities answers as
// for listings, so that for folders only list counts, and for paths everything else.
func (b *bench) checkCapabilities(t *testing.T, token, text string, grants []Grant, paths []string) {
	t.Helper()
	for _, p := range slices.Clone(paths) {
		paths = append(paths, p+"/")
	}
	answer := b.must(t, "POST", "sys/capabilities", map[string]any{"token": token, "paths": paths})
	for _, path := range paths {
		var got []string
		all, _ := answer[path].([]any)
		for _, capability := range all {
			if c, _ := capability.(string); c != "deny" && (c == list) == strings.HasSuffix(path, "/") {
				got = append(got, c)
			}
		}
		want := wants(grants, path)
		slices.Sort(want)
		if len(all) == 0 || !slices.Equal(got, want) {
			t.Errorf("%s: the server allows %v, want %v, by %+v and so\n%s", path, got, want, grants, text)
		}
	}
}

// methods are how a partner asks for an action. Whether a write creates or updates depends on what is there.
var methods = map[string]string{
	"create": "POST",
	"read":   "GET",
	"update": "POST",
	"patch":  "PATCH",
	"delete": "DELETE",
	list:     "LIST",
}

// checkRequest makes one real request, as the partner would.
func (b *bench) checkRequest(t *testing.T, token, text string, grants []Grant, path string) {
	t.Helper()
	action := Actions()[b.random.IntN(len(Actions()))]
	asked := path
	if path == b.mount { // has no key
		action = list
	}
	var body any
	switch action {
	case "create":
		b.must(t, "DELETE", path, nil)
		body = map[string]any{"n": "1"}
	case "update", "patch":
		b.must(t, "POST", path, map[string]any{"n": "1"})
		body = map[string]any{"n": "2"}
	case "read":
		asked += []string{"", "/"}[b.random.IntN(2)]
	case list:
		asked += "/"
	}
	status, answer := b.Call(t, token, methods[action], asked, body)
	want := grantsAllow(grants, action, asked, time.Now())
	if got := status != 403; got != want {
		t.Errorf("%s %s: %d %v, want allowed %v, by %+v and so\n%s", action, asked, status, answer, want, grants, text)
	}
}

func TestServerAllowsExactlyWhatTheGrantsSay(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a real bao")
	}
	const sets, workers = 2000, 4
	bao := realtool.StartBao(t)
	for n := range workers {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, bao, n)
			for i := 0; i < sets/workers && !t.Failed(); i++ {
				grants := b.grants()
				token, text := b.token(t, fmt.Sprintf("test/%s/%d", b.mount, i), grants)
				paths := b.paths(grants)
				b.checkCapabilities(t, token, text, grants, paths)
				for range 3 {
					b.checkRequest(t, token, text, grants, paths[b.random.IntN(len(paths))])
				}
			}
		})
	}
}

func TestTheServerRefusesAtTheSecondOfTheEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a real bao")
	}
	b := newBench(t, realtool.StartBao(t), 0)
	end := time.Now().Add(2500 * time.Millisecond).Truncate(time.Second)
	token, _ := b.token(t, "test/end", []Grant{
		{Name: "a", Resource: "kv0/a", Actions: []string{"read"}, EndsAt: end},
		{Name: "b", Resource: "kv0/*", Actions: []string{"read", list}, EndsAt: end},
		{Name: "c", Resource: "kv0/c", Actions: []string{"read"}, EndsAt: end.Add(time.Hour)},
	})
	allowed := func(method, path string) bool {
		status, _ := b.Call(t, token, method, path, nil)
		return status != 403
	}
	for time.Now().Before(end.Add(2 * time.Second)) {
		before := time.Now()
		read := allowed("GET", "kv0/a")
		listed := allowed("LIST", "kv0")
		later := allowed("GET", "kv0/c")
		after := time.Now()
		if !later {
			t.Errorf("%s from the end: refused what ends later", before.Sub(end))
		}
		if after.Before(end) && (!read || !listed) {
			t.Errorf("%s before the end: read %v, list %v, want both", end.Sub(after), read, listed)
		}
		if before.After(end) && (read || listed) {
			t.Errorf("%s after the end: read %v, list %v, want neither", before.Sub(end), read, listed)
		}
		if t.Failed() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}
