// SPDX-License-Identifier: MPL-2.0

package access

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPatternsThatDoNotParse(t *testing.T) {
	for _, text := range []string{
		"", "/", "a/", "/a", "a//b", "a/*/b", "*/a", "acme*", "a/b*", "a/..", "a/...", "..../a", "./a", "a/./b", "a b",
		"a?b", "a#b", "a%2e", `a"b`,
		"a{b", "a$b", `a\b`, "a\x00b", "a\nb", "ä", "а/b", "++", "a/+b", "**",
	} {
		if p, err := ParsePattern(text); err == nil {
			t.Errorf("ParsePattern(%q) = %q, want an error", text, p)
		}
	}
	for _, text := range []string{"a", "*", "+", "a/*", "a/+/b", "+/*", "A-Z/a.b/_~:@=,-", "a/..b", "a/b..",
		"ssh/deploy"} {
		if _, err := ParsePattern(text); err != nil {
			t.Errorf("ParsePattern(%q): %v", text, err)
		}
	}
}

func TestAPatternContainsWhatTheInnerOneStandsFor(t *testing.T) {
	for _, c := range []struct {
		outer, inner string
		want         bool
	}{
		{"a/*", "a", false},
		{"a/*", "a/b", true},
		{"a/*", "a/b/c", true},
		{"a/+", "a/*", false},
		{"a/+", "a/b", true},
		{"a/+", "a/b/c", false},
		{"*", "+/+/*", true},
		{"+/*", "+", false},
		{"a/b", "a/+", false},
		{"a/+/c", "a/b/c", true},
		{"a/+/*", "a/*", false},
	} {
		if got := Pattern(c.outer).Contains(Pattern(c.inner)); got != c.want {
			t.Errorf("%s contains %s = %v, want %v", c.outer, c.inner, got, c.want)
		}
	}
}

// Every pattern of up to three segments over this alphabet tells itself from every other by paths of up to five
// segments over the alphabet and one foreign letter.
var alphabet = []string{"a", "b", "x"}

func patterns() *rapid.Generator[Pattern] {
	return rapid.Custom(func(t *rapid.T) Pattern {
		segments := rapid.SliceOfN(rapid.SampledFrom(append([]string{"+"}, alphabet...)), 1, 3).Draw(t, "segments")
		if rapid.Bool().Draw(t, "open") {
			segments[len(segments)-1] = "*"
		}
		return Pattern(strings.Join(segments, "/"))
	})
}

func allPaths() []string {
	var paths []string
	level := []string{""}
	for range 5 {
		var next []string
		for _, p := range level {
			for _, s := range append([]string{"z"}, alphabet...) {
				next = append(next, strings.TrimPrefix(p+"/"+s, "/"))
			}
		}
		paths, level = append(paths, next...), next
	}
	return paths
}

// matches is written apart from Pattern.Matches on purpose: it is what enumeration believes.
func matches(p Pattern, path string) bool {
	segments, parts := p.Segments(), strings.Split(path, "/")
	for i, s := range segments {
		if s == "*" {
			return len(parts) > i
		}
		if i >= len(parts) || (s != "+" && s != parts[i]) {
			return false
		}
	}
	return len(segments) == len(parts)
}

func TestContainsAndOverlapsAgreeWithEnumeration(t *testing.T) {
	paths, pairs, each := allPaths(), 0, 30
	rapid.Check(t, func(t *rapid.T) {
		for range each {
			pairs++
			p, q := patterns().Draw(t, "p"), patterns().Draw(t, "q")
			contains, overlaps := true, false
			for _, path := range paths {
				inP, inQ := matches(p, path), matches(q, path)
				if inP != p.Matches(path) {
					t.Fatalf("%s matches %s = %v", p, path, !inP)
				}
				contains = contains && (inP || !inQ)
				overlaps = overlaps || (inP && inQ)
			}
			if got := p.Contains(q); got != contains {
				t.Fatalf("%s contains %s = %v, enumeration says %v", p, q, got, contains)
			}
			if p.Overlaps(q) != overlaps || q.Overlaps(p) != overlaps {
				t.Fatalf("%s overlaps %s, enumeration says %v", p, q, overlaps)
			}
		}
	})
	if pairs < 20*each {
		t.Fatalf("compared only %d pairs", pairs)
	}
}

func TestOutsideOfSeveralPatternsAgreesWithEnumeration(t *testing.T) {
	paths := allPaths()
	rapid.Check(t, func(t *rapid.T) {
		outer := rapid.SliceOfN(patterns(), 0, 3).Draw(t, "outer")
		inner := patterns().Draw(t, "inner")
		want := false
		for _, path := range paths {
			if matches(inner, path) {
				covered := false
				for _, o := range outer {
					covered = covered || matches(o, path)
				}
				want = want || !covered
			}
		}
		path, got := Outside(outer, inner)
		if got != want {
			t.Fatalf("Outside(%v, %s) = %v, enumeration says %v", outer, inner, got, want)
		}
		if got && !matches(inner, path) {
			t.Fatalf("the witness %s is not a path of %s", path, inner)
		}
		for _, o := range outer {
			if got && matches(o, path) {
				t.Fatalf("the witness %s is a path of %s", path, o)
			}
		}
	})
}
