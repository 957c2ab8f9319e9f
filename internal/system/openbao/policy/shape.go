// SPDX-License-Identifier: MPL-2.0

package policy

import "strings"

// shape is a set of paths, by segments as in access.Pattern, where the last segment may also be the literal "", for the
// paths that end in a slash. No wildcard stands before "" unless it is a +.
type shape []string

func (s shape) String() string { return strings.Join(s, "/") }

// open says whether the shape ends in *.
func (s shape) open() bool { return s[len(s)-1] == "*" }

// folder says whether the shape's paths end in a slash, all of them.
func (s shape) folder() bool { return s[len(s)-1] == "" }

// exact says whether the shape is one path.
func (s shape) exact() bool { return len(s.head()) == len(s) }

// head returns the shape before its first wildcard.
func (s shape) head() shape {
	for i, segment := range s {
		if segment == "+" || segment == "*" {
			return s[:i]
		}
	}
	return s
}

// covers says whether every path of the inner shape is a path of s.
func (s shape) covers(inner shape) bool {
	for i, segment := range s {
		switch {
		case i == len(inner):
			return false
		case segment == "*":
			return true
		case inner[i] == "*" || (segment != "+" && segment != inner[i]):
			return false
		}
	}
	return len(s) == len(inner)
}

// meet returns the shape of the paths that are in both, if there are any.
func meet(a, b shape) (shape, bool) {
	out := make(shape, 0, max(len(a), len(b)))
	for i := range max(len(a), len(b)) {
		switch {
		case i == len(a) || i == len(b):
			return nil, false
		case a[i] == "*":
			return append(out, b[i:]...), true
		case b[i] == "*":
			return append(out, a[i:]...), true
		case a[i] == "+":
			out = append(out, b[i])
		case b[i] == "+" || a[i] == b[i]:
			out = append(out, a[i])
		default:
			return nil, false
		}
	}
	return out, true
}

// shapes is a set of shapes that remembers in which order they came.
type shapes struct {
	all  []shape
	seen map[string]bool
}

// add adds shapes that are not in the set yet, at its end.
func (s *shapes) add(more ...shape) {
	if s.seen == nil {
		s.seen = map[string]bool{}
	}
	for _, m := range more {
		if text := m.String(); !s.seen[text] {
			s.seen[text] = true
			s.all = append(s.all, m)
		}
	}
}

// same says whether two sets have the same shapes.
func (s *shapes) same(other *shapes) bool {
	if len(s.all) != len(other.all) {
		return false
	}
	for text := range s.seen {
		if !other.seen[text] {
			return false
		}
	}
	return true
}
