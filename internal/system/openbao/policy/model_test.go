// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// A model of OpenBao, written after internal/vault/policy/acl.go in its own terms: bytes, prefixes and text.

// serverAllows says what OpenBao does at a moment with a request for an action on a path; for a
// listing, with its slash.
func serverAllows(blocks []Block, action, path string, now time.Time) bool {
	capabilities := map[string][]string{}
	for _, b := range blocks {
		if !now.After(b.Expires) {
			capabilities[b.Path] = append(capabilities[b.Path], b.Capabilities...)
		}
	}
	without := strings.TrimSuffix(path, "/")
	for _, exact := range []string{path, without} {
		if granted, ok := capabilities[exact]; ok &&
			!strings.ContainsAny(exact, "+*") &&
			(exact == path || action == list) {
			return slices.Contains(granted, action)
		}
	}
	for _, asked := range []string{path, without} {
		var matching []string
		for p := range capabilities {
			if strings.ContainsAny(p, "+*") &&
				serverMatches(p, asked) &&
				(asked == path || action == list) {
				matching = append(matching, p)
			}
		}
		if len(matching) > 0 {
			return slices.Contains(capabilities[slices.MaxFunc(matching, serverRank)], action)
		}
	}
	return false
}

func serverMatches(p, path string) bool {
	text, prefix := strings.CutSuffix(p, "*")
	mine := strings.Split(text, "/")
	theirs := strings.Split(path, "/")
	if len(theirs) < len(mine) || (!prefix && len(theirs) != len(mine)) {
		return false
	}
	for i, segment := range mine {
		last := prefix && i == len(mine)-1 && strings.HasPrefix(theirs[i], segment)
		if segment != "+" && segment != theirs[i] && !last {
			return false
		}
	}
	return true
}

func serverRank(a, b string) int {
	textA, prefixA := strings.CutSuffix(a, "*")
	textB, prefixB := strings.CutSuffix(b, "*")
	if c := cmp.Compare(strings.IndexAny(a, "+*"), strings.IndexAny(b, "+*")); c != 0 {
		return c
	}
	if prefixA != prefixB {
		return map[bool]int{true: -1, false: 1}[prefixA]
	}
	return cmp.Or(
		-cmp.Compare(strings.Count(a, "+"), strings.Count(b, "+")),
		cmp.Compare(len(textA), len(textB)),
		cmp.Compare(textA, textB),
	)
}

// grantsAllow is what should be: for a listing, of the folder that the path with its slash is.
func grantsAllow(grants []Grant, action, path string, now time.Time) bool {
	return slices.ContainsFunc(grants, func(g Grant) bool {
		if !slices.Contains(g.Actions, action) || now.After(g.EndsAt) {
			return false
		}
		return g.Resource.Matches(path) || (action == list && g.Resource.Matches(strings.TrimSuffix(path, "/")))
	})
}

var (
	noon    = time.Date(2027, 3, 31, 12, 0, 0, 0, time.UTC)
	ends    = []time.Time{noon, noon.Add(time.Hour), noon.Add(2 * time.Hour)}
	moments = []time.Time{noon.Add(-time.Minute), noon.Add(time.Minute), noon.Add(time.Hour + time.Minute),
		noon.Add(3 * time.Hour)}
)

// somePaths are all paths of up to five segments over the letters of the patterns and a foreign one, with and without a
// slash at the end.
func somePaths() []string {
	level, all := []string{""}, []string(nil)
	for range 5 {
		var next []string
		for _, p := range level {
			for _, s := range []string{"a", "b", "x"} {
				next = append(next, strings.TrimPrefix(p+"/"+s, "/"))
			}
		}
		level, all = next, append(all, next...)
	}
	for _, p := range slices.Clone(all) {
		all = append(all, p+"/")
	}
	return all
}

func someGrants() *rapid.Generator[[]Grant] {
	one := rapid.Custom(func(t *rapid.T) Grant {
		segments := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "+", "+"}), 1, 4).Draw(t, "segments")
		if rapid.Bool().Draw(t, "open") {
			segments[len(segments)-1] = "*"
		}
		return Grant{
			Resource: access.Pattern(strings.Join(segments, "/")),
			Actions: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"read", "update", list}), 1, 3,
				rapid.ID).Draw(t, "actions"),
			EndsAt: rapid.SampledFrom(ends).Draw(t, "end"),
		}
	})
	return rapid.Map(rapid.SliceOfN(one, 1, 6), func(grants []Grant) []Grant {
		for i := range grants {
			grants[i].Name = string(rune('a' + i))
		}
		return grants
	})
}

func TestAPolicyAllowsExactlyWhatTheGrantsSay(t *testing.T) {
	paths := somePaths()
	rapid.Check(t, func(t *rapid.T) {
		grants := someGrants().Draw(t, "grants")
		blocks, err := Compile(grants)
		if err != nil {
			t.Fatal(err)
		}
		now := rapid.SampledFrom(moments).Draw(t, "now")
		for _, path := range paths {
			for _, action := range []string{"read", "update", list} {
				if action == list && !strings.HasSuffix(path, "/") {
					continue
				}
				if got, want := serverAllows(blocks, action, path, now),
					grantsAllow(grants, action, path, now); got != want {
					t.Fatalf("%s %s: %v, want %v\n%s", action, path, got, want, Render(nil, blocks))
				}
			}
		}
	})
}

// What is written once is not written again, and the order of the grants does not matter: a policy is compared as text.
func TestAPolicyDoesNotDependOnTheOrderOfTheGrants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		grants := someGrants().Draw(t, "grants")
		blocks, err := Compile(grants)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Compile(rapid.Permutation(grants).Draw(t, "in another order"))
		if err != nil || Render(nil, again) != Render(nil, blocks) {
			t.Fatalf("%v\n%s\nin another order:\n%s", err, Render(nil, blocks), Render(nil, again))
		}
	})
}
