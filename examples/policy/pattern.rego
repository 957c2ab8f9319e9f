# Patterns: paths of whole segments; + is one segment, * at the end one or more.
package partner

import rego.v1

patterns(value) := list(value)

# outside reports whether a pattern covers a path that none of the outer ones does. The candidates are exact: a literal that no outer
# pattern names is matched by the fewest of them, at every length that could make a difference.
outside(outer, inner) if {
	some path in candidates(outer, inner)
	every o in outer { not matches(split(o, "/"), path) }
}

fresh := "~"

candidates(outer, inner) := [path |
	segments := split(inner, "/")
	literal := [seg | some s in segments; seg := filled(s)]
	longest := max([count(split(o, "/")) | some o in outer])
	some more in numbers.range(0, longest + 1)
	grown(segments, more)
	path := array.concat(literal, [fresh | some n in numbers.range(1, more); n >= 1; more > 0])
]

filled(s) := fresh if s in {"+", "*"}

filled(s) := s if not s in {"+", "*"}

grown(_, 0)

grown(segments, more) if {
	more > 0
	open(segments)
}

open(segments) if segments[count(segments) - 1] == "*"

matches(p, path) if {
	open(p)
	count(path) >= count(p)
	every i, s in p { passes(s, path[i]) }
}

matches(p, path) if {
	not open(p)
	count(path) == count(p)
	every i, s in p { passes(s, path[i]) }
}

passes(s, _) if s in {"+", "*"}

passes(s, t) if s == t

overlap(a, b) if {
	p := split(a, "/")
	q := split(b, "/")
	lengths_meet(p, q)
	every i, s in p { meets(s, segment(q, i)) }
}

meets(s, t) if passes(s, t)

meets(s, t) if passes(t, s)

lengths_meet(p, q) if count(p) == count(q)

lengths_meet(p, q) if {
	count(p) < count(q)
	open(p)
}

lengths_meet(p, q) if {
	count(p) > count(q)
	open(q)
}

# meet is the pattern of the paths that two overlapping ones share.
meet(a, b) := concat("/", [s |
	p := split(a, "/")
	q := split(b, "/")
	some i in numbers.range(0, max([count(p), count(q)]) - 1)
	s := tighter(segment(p, i), segment(q, i))
])

tighter(s, t) := t if s == "*"

tighter(s, t) := t if {
	s == "+"
	t != "*"
}

tighter(s, t) := s if {
	s == "+"
	t == "*"
}

tighter(s, _) := s if not s in {"+", "*"}

# fixed is how many literal segments a pattern begins with.
fixed(pattern) := count(segments) if {
	segments := split(pattern, "/")
	not wild(pattern)
}

fixed(pattern) := min([i | some i, s in split(pattern, "/"); s in {"+", "*"}]) if wild(pattern)

wild(pattern) if {
	some s in split(pattern, "/")
	s in {"+", "*"}
}

segment(p, i) := p[i] if i < count(p)

segment(p, i) := "*" if i >= count(p)
