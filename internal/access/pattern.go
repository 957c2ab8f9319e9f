// SPDX-License-Identifier: MPL-2.0

package access

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Pattern is a set of paths: whole segments separated by "/", where "+" stands for exactly one segment and "*", only
// as the last segment, for one or more. A Pattern that did not come from ParsePattern is not to be trusted.
type Pattern string

var (
	literal = regexp.MustCompile(`^[A-Za-z0-9._~:@=,-]+$`)
	action  = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)
)

// ParsePattern reads a pattern. What is not canonical does not parse: nothing else could be compared exactly.
func ParsePattern(text string) (Pattern, error) {
	segments := strings.Split(text, "/")
	for i, s := range segments {
		switch {
		case s == "+", s == "*" && i == len(segments)-1:
		case s == "":
			return "", fmt.Errorf("%q has an empty segment: write segments separated by single slashes, with none at "+
				"the start or the end%s", text, meantPattern(segments))
		case s == "*":
			return "", fmt.Errorf("%q has * before its end: * stands only as the last segment; write + for exactly "+
				"one segment", text)
		case strings.Trim(s, ".") == "": // three dots and more are two to some servers
			return "", fmt.Errorf("%q has the segment %q, which climbs paths", text, s)
		case !literal.MatchString(s):
			return "", fmt.Errorf("%q has the segment %q: a segment is made of A-Z a-z 0-9 . _ ~ : @ = , - or is a "+
				"whole + or *", text, s)
		}
	}
	return Pattern(text), nil
}

// meantPattern says what to write for segments of which some are empty; "" where nobody can tell.
func meantPattern(segments []string) string {
	whole := slices.DeleteFunc(slices.Clone(segments), func(s string) bool { return s == "" })
	if len(whole) == 0 {
		return ""
	}
	meant := strings.Join(whole, "/")
	if _, err := ParsePattern(meant); err != nil {
		return ""
	}
	if last := segments[len(segments)-1]; last == "" && whole[len(whole)-1] != "*" {
		return fmt.Sprintf(", such as %q, or %q for all that is below it", meant, meant+"/*")
	}
	return fmt.Sprintf(", such as %q", meant)
}

// ValidAction reports whether s may be an action: a lower-case word of at most 32 characters, or "*", which parses only
// to be refused by a rule.
func ValidAction(s string) bool { return s == "*" || action.MatchString(s) }

// Contains reports whether every path that inner stands for is one that p stands for.
func (p Pattern) Contains(inner Pattern) bool {
	_, outside := Outside([]Pattern{p}, inner)
	return !outside
}

// Outside finds a path that inner stands for and none of the outer patterns does, and says whether there is one. It
// is exact: a literal that no outer pattern names is matched by the fewest of them, so if such paths, of every length
// that could make a difference, are all covered, then all paths are.
func Outside(outer []Pattern, inner Pattern) (path string, outside bool) {
	fresh, longest := freshSegment(outer), 0
	for _, o := range outer {
		longest = max(longest, strings.Count(string(o), "/")+1)
	}
	segments := inner.Segments()
	open := segments[len(segments)-1] == "*"
	for i, s := range segments {
		if s == "+" || s == "*" {
			segments[i] = fresh
		}
	}
	for {
		path = strings.Join(segments, "/")
		if !slices.ContainsFunc(outer, func(o Pattern) bool { return o.Matches(path) }) {
			return path, true
		}
		if !open || len(segments) > longest {
			return "", false
		}
		segments = append(segments, fresh)
	}
}

// freshSegment returns a literal segment that none of the patterns names.
func freshSegment(patterns []Pattern) string {
	for n := 0; ; n++ {
		s := "x"
		if n > 0 {
			s += strconv.Itoa(n)
		}
		if !slices.ContainsFunc(patterns, func(p Pattern) bool { return slices.Contains(p.Segments(), s) }) {
			return s
		}
	}
}

// Matches reports whether p stands for the path.
func (p Pattern) Matches(path string) bool {
	rest, more := string(p), true
	for more {
		var s, segment string
		var pathMore bool
		s, rest, more = strings.Cut(rest, "/")
		if s == "*" {
			return true
		}
		segment, path, pathMore = strings.Cut(path, "/")
		if (s != "+" && s != segment) || more != pathMore {
			return false
		}
	}
	return true
}

// Overlaps reports whether some path is one that both p and q stand for.
func (p Pattern) Overlaps(q Pattern) bool {
	a, b := string(p), string(q)
	for {
		x, aTail, aMore := strings.Cut(a, "/")
		y, bTail, bMore := strings.Cut(b, "/")
		if x == "*" || y == "*" {
			return true
		}
		if x != "+" && y != "+" && x != y {
			return false
		}
		if aMore != bMore {
			return false
		}
		if !aMore {
			return true
		}
		a, b = aTail, bTail
	}
}

// Meet returns the pattern of the paths that two overlapping patterns have in common.
func (p Pattern) Meet(q Pattern) Pattern {
	a, b := p.Segments(), q.Segments()
	var both []string
	for i := 0; ; i++ {
		switch {
		case i == len(a):
			return Pattern(strings.Join(both, "/"))
		case a[i] == "*":
			return Pattern(strings.Join(append(both, b[i:]...), "/"))
		case b[i] == "*":
			return Pattern(strings.Join(append(both, a[i:]...), "/"))
		case a[i] == "+":
			both = append(both, b[i])
		default:
			both = append(both, a[i])
		}
	}
}

// Segments returns the segments of the pattern.
func (p Pattern) Segments() []string { return strings.Split(string(p), "/") }

// Fixed returns how many literal segments stand before the first wildcard, and whether there is a wildcard at all.
func (p Pattern) Fixed() (literals int, wild bool) {
	for s := range strings.SplitSeq(string(p), "/") {
		if s == "+" || s == "*" {
			return literals, true
		}
		literals++
	}
	return literals, false
}
