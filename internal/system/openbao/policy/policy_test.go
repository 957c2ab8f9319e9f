// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// grants reads lines such as "read list on kv/a/* until 13", the hour; their names are a, b, c.
func grants(lines ...string) (out []Grant) {
	for i, line := range lines {
		actions, rest, _ := strings.Cut(line, " on ")
		resource, hour, ends := strings.Cut(rest, " until ")
		g := Grant{
			Name:     string(rune('a' + i)),
			Resource: access.Pattern(resource),
			Actions:  strings.Fields(actions),
			EndsAt:   noon,
		}
		if ends {
			g.EndsAt = until(hour)
		}
		out = append(out, g)
	}
	return out
}

func until(hour string) time.Time {
	t, err := time.Parse("2006-01-02T15", "2027-03-31T"+hour)
	if err != nil {
		panic(err)
	}
	return t
}

// lines says blocks as sentences such as "read list on kv/a/* until 13 by a b".
func lines(blocks []Block) (out []string) {
	for _, b := range blocks {
		out = append(out, fmt.Sprintf("%s on %s until %02d by %s", strings.Join(b.Capabilities, " "), b.Path,
			b.Expires.Hour(), strings.Join(b.Grants, " ")))
	}
	return out
}

func TestGrantsAreCompiledToPaths(t *testing.T) {
	for name, c := range map[string]struct{ grants, want []string }{
		"nothing granted is nothing allowed": {},
		"one grant is one path": {
			[]string{"read list on kv/a/*"},
			[]string{"list read on kv/a/* until 12 by a"},
		},
		"a path without wildcards lets list its folder by itself": {
			[]string{"read list on kv/a"},
			[]string{"list read on kv/a until 12 by a"},
		},
		"paths apart stay apart": {
			[]string{"read on kv/a/*", "update on kv/b"},
			[]string{"read on kv/a/* until 12 by a", "update on kv/b until 12 by b"},
		},
		"a narrower path repeats what the wider one allows": {
			[]string{"read on kv/a/*", "update on kv/a/b/*"},
			[]string{"read on kv/a/* until 12 by a", "read update on kv/a/b/* until 12 by a b"},
		},
		"a narrower path repeats it with the wider one's own end": {
			[]string{"read on kv/a/* until 13", "update on kv/a/b/* until 14"},
			[]string{"read on kv/a/* until 13 by a", "read on kv/a/b/* until 13 by a",
				"update on kv/a/b/* until 14 by b"},
		},
		"where two patterns cross, their intersection is a path": {
			[]string{"read on kv/+/b", "update on kv/a/+"},
			[]string{"read on kv/+/b until 12 by a", "update on kv/a/+ until 12 by b",
				"read update on kv/a/b until 12 by a b"},
		},
		"of patterns that end in *, the wider one is rewritten, or it would decide": {
			[]string{"list on kv/*", "read on kv/+/*"},
			[]string{"list on kv/+ until 12 by a", "list read on kv/+/* until 12 by a b"},
		},
		"a narrower path that allows the same is left out": {
			[]string{"read on kv/a/*", "read on kv/a/*", "read on kv/+/b"},
			[]string{"read on kv/+/b until 12 by c", "read on kv/a/* until 12 by a b",
				"read on kv/a/b until 12 by a b c"},
		},
		"a folder under another pattern is listed by its own path": {
			[]string{"read on kv/a/*", "list on kv/a/b"},
			[]string{"read on kv/a/* until 12 by a", "list read on kv/a/b until 12 by a b",
				"list read on kv/a/b/ until 12 by a b"},
		},
		"a path without wildcards does not take the listing of its folder away": {
			[]string{"read on kv/a", "list on kv/a/*"},
			[]string{"read on kv/a until 12 by a", "list on kv/a/* until 12 by b", "list on kv/a/ until 12 by b"},
		},
		"read on + does not take away the listing of the folder above": {
			[]string{"list on roles", "read on roles/+"},
			[]string{"list on roles until 12 by a", "read on roles/+ until 12 by b",
				"list read on roles/ until 12 by a b"},
		},
		"equal patterns and ends are one block": {
			[]string{"read on kv/a", "update read on kv/a"},
			[]string{"read update on kv/a until 12 by a b"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			blocks, err := Compile(grants(c.grants...))
			if err != nil {
				t.Fatal(err)
			}
			got, want := lines(blocks), slices.Clone(c.want)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
			}
		})
	}
}

func TestAnEndIsRoundedDownToTheSecond(t *testing.T) {
	almost := grants("read on kv/a", "update on kv/a")
	almost[0].EndsAt = noon.Add(999 * time.Millisecond).In(time.FixedZone("", 3600))
	blocks, err := Compile(almost)
	if err != nil || len(blocks) != 1 || !blocks[0].Expires.Equal(noon) {
		t.Errorf("got %v, %v, want one block until %s", blocks, err, noon)
	}
}

func TestWhatIsNoGrantIsNotCompiled(t *testing.T) {
	for name, c := range map[string]struct {
		change      func(*Grant)
		unsupported bool
	}{
		"an action that OpenBao does not have":   {func(g *Grant) { g.Actions = []string{"read", "login"} }, true},
		"an action that is more than a grant is": {func(g *Grant) { g.Actions = []string{"sudo"} }, true},
		"no action":                              {func(g *Grant) { g.Actions = nil }, false},
		"no end":                                 {func(g *Grant) { g.EndsAt = time.Time{} }, false},
		"an end that has no text": {func(g *Grant) {
			g.EndsAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
		}, false},
		"a name that is none":           {func(g *Grant) { g.Name = "a\"" }, false},
		"a resource that is no pattern": {func(g *Grant) { g.Resource = "kv/{{identity.entity.id}}" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			bad := grants("read on kv/a")
			c.change(&bad[0])
			blocks, err := Compile(bad)
			if err == nil || errors.Is(err, access.ErrUnsupported) != c.unsupported {
				t.Errorf("got %v, %v, want an error, of what is not supported: %v", blocks, err, c.unsupported)
			}
		})
	}
}

// crossing are grants of which every two overlap in a path of their own, so that n of them need some 2^n.
func crossing(n int) (out []Grant) {
	for i := range n {
		segments := slices.Repeat([]string{"+"}, n+1)
		segments[0], segments[i+1] = "kv", "a"
		out = append(out, Grant{
			Name:     fmt.Sprintf("crossing-%d", i),
			Resource: access.Pattern(strings.Join(segments, "/")),
			Actions:  []string{"read"},
			EndsAt:   noon,
		})
	}
	return out
}

func TestGrantsThatOverlapInTooManyWaysAreRefused(t *testing.T) {
	if blocks, err := Compile(crossing(9)); err != nil || len(blocks) != 511 {
		t.Errorf("9 crossing grants: %d blocks, %v, want 511", len(blocks), err)
	}
	apart := grants("read on kv/apart")
	start := time.Now()
	_, err := Compile(append(apart, crossing(40)...))
	if !errors.Is(err, access.ErrUnsupported) ||
		!strings.Contains(err.Error(), "crossing-") ||
		strings.Contains(err.Error(), "most of all a,") {
		t.Errorf("40 crossing grants: %v, want unsupported, and the names of some", err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %s to say no", took)
	}
}

func TestManyGrantsThatDoNotOverlapAreFine(t *testing.T) {
	var many []Grant
	for i := range limit {
		many = append(many, Grant{
			Name:     fmt.Sprintf("g-%d", i),
			Resource: access.Pattern(fmt.Sprintf("kv/%d/*", i)),
			Actions:  []string{"read", list},
			EndsAt:   noon,
		})
	}
	if blocks, err := Compile(many); err != nil || len(blocks) != limit {
		t.Errorf("%d grants: %d blocks, %v", limit, len(blocks), err)
	}
	many = append(many, grants("read on kv/one/too/many")...)
	if _, err := Compile(many); !errors.Is(err, access.ErrUnsupported) {
		t.Errorf("%d grants: %v, want unsupported", limit+1, err)
	}
}
