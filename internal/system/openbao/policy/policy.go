// SPDX-License-Identifier: MPL-2.0

// Package policy writes the one OpenBao ACL policy of an identity: exactly what its grants say, path by path and action
// by action, each until its end.
//
// # What a grant means
//
// An action on a path is allowed while some grant that has it, and has not ended, stands for the path. To list the
// folder a/b, OpenBao asks for the path a/b/, with an empty last segment, which + and * match. A grant of list on a/*
// lets list the folder a and all below it; on a/b or a/+, the folder a/b.
//
// # How OpenBao decides
//
// Patterns do not add up: one of them decides, and what only others allow is lost (internal/vault/policy/acl.go of
// OpenBao, AllowOperation and CheckAllowedFromNonExactPaths; all of it measured on 2.7.2):
//
//  1. a pattern without wildcards that is the path; for a listing also one that is the path without its last slash;
//  2. else, of those that match, the one whose first wildcard stands latest, counted in bytes; then one that does not
//     end in *; then one with fewer +; then the longer one; then the greater one as text;
//  3. else, for a listing, the same with the path without its last slash.
//
// A block whose expiration has passed is as if it were not there; blocks of the same path unite.
//
// # What is written
//
// Were the patterns closed under intersection, the patterns that match a path would have a narrowest one. It gets the
// actions of all grants that cover it, which are all grants that match the path. It has to be the one that decides, and
// it is, by 1 and 2, but for two traps.
//
// The first: of a/* and a/+/* the wider one decides, which has fewer +. So where patterns that end in * have the same
// literal head, they are rewritten to have the same number of segments: a/* becomes a/+ and a/+/*. Now a narrower one
// has a literal where a wider one has a +.
//
// The second: listings. A grant of list on a/b also covers a/b/, but with list only. Wherever another grant covers that
// path too, it is written as a path of its own; where none does, step 3 finds the grant. And a pattern without
// wildcards decides by 1 about its folder as well, so its folder is written out where any pattern matches it.
//
// When a pattern's blocks end, so have those of all wider ones that match the same path, since it repeats all of them:
// nothing that an expired block uncovers is alive.
//
// Last, a pattern is left out where the pattern that decides instead has the very same blocks. Taken from the widest to
// the narrowest, that changes nothing: all other patterns that match a path for which it is the narrowest are wider
// than it and already judged, and among those the order of 2 does not depend on the path.
//
// # What is not said here
//
// A path with an empty last segment can be read and deleted (GET a/), and + and * match that segment: a grant of read
// on a/+ reads "a/" too. OpenBao refuses to write there. It knows no pattern that would keep it out.
package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// Grant is what one grant of the identity allows. Its end counts in whole seconds, rounded down.
type Grant struct {
	Name     string
	Resource access.Pattern
	Actions  []string // of Actions
	EndsAt   time.Time
}

// Block is what a policy allows on a path until a moment. Several blocks may have the same path: they unite.
type Block struct {
	Path         string // a pattern, or one with an empty last segment
	Capabilities []string
	Expires      time.Time // in UTC, whole seconds
	Grants       []string  // the names of the grants that say so
}

// list is the action that is asked with another path than all others.
const list = "list"

// Actions returns what a grant may allow: they are capabilities of OpenBao, by the same names.
func Actions() []string { return []string{"create", "read", "update", "patch", "delete", list} }

// limit is the most paths of a policy. A policy is compared with every request of its identity.
const limit = 1000

// Compile makes the blocks that allow exactly what the grants allow, sorted by path and end.
func Compile(grants []Grant) ([]Block, error) {
	var rules []rule
	for _, g := range grants {
		r, err := ruleOf(g)
		if err != nil {
			return nil, err
		}
		rules = append(rules, r)
	}
	closed, ok := closure(generators(rules))
	if !ok {
		return nil, fmt.Errorf("the identity's policy would need more than %d paths, because its grants overlap in "+
			"too many ways, most of all %s: split them among several identities: %w",
			limit, strings.Join(widest(rules, closed), ", "), access.ErrUnsupported)
	}
	blocks := necessary(withFolders(closed), rules)
	order.Sort(blocks, compareBlocks)
	return blocks, nil
}

// rule is a grant as shapes.
type rule struct {
	Grant
	resource shape
	// folders is what it allows to list and nothing else: a/b/ for a/b, and a/+/ for a/+. It is nil if it allows no
	// listing, and if its pattern ends in *, which matches the folders itself.
	folders shape
}

// ruleOf returns a grant as a rule, or why no policy can say it: its name, pattern, actions or end. The end is rounded
// down to the second, since that is what OpenBao reads; later by a part of a second would be later than declared.
func ruleOf(g Grant) (rule, error) {
	fail := func(format string, args ...any) (rule, error) {
		return rule{}, fmt.Errorf("grant %s: %w", g.Name, fmt.Errorf(format, args...))
	}
	if !access.ValidPart(g.Name) {
		return rule{}, fmt.Errorf("%q is not a grant's name", g.Name)
	}
	resource, err := access.ParsePattern(string(g.Resource))
	if err != nil {
		return fail("%w", err)
	}
	for _, a := range g.Actions {
		if !slices.Contains(Actions(), a) {
			return fail("the action %q: write %s: %w", a, strings.Join(Actions(), ", "), access.ErrUnsupported)
		}
	}
	if len(g.Actions) == 0 {
		return fail("it has no actions")
	}
	g.EndsAt = g.EndsAt.UTC().Truncate(time.Second)
	if !writable(g.EndsAt) {
		return fail("it has no end that could be written")
	}
	r := rule{Grant: g, resource: resource.Segments()}
	if slices.Contains(g.Actions, list) && !r.resource.open() {
		r.folders = append(slices.Clone(r.resource), "")
	}
	return r, nil
}

// writable refuses the zero end, and years that RFC 3339 has no text for.
func writable(end time.Time) bool { return end.Year() >= 1970 && end.Year() <= 9999 }

// allowed returns the actions that the rule allows on every path of the shape.
func (r rule) allowed(s shape) []string {
	switch {
	case r.resource.covers(s):
		return r.Actions
	case r.folders != nil && r.folders.covers(s):
		return []string{list}
	}
	return nil
}

// blocksOf returns the blocks of a shape: everything that any rule allows on all of it, by end.
func blocksOf(s shape, rules []rule) []Block {
	var out []Block
	for _, r := range rules {
		actions := r.allowed(s)
		if actions == nil {
			continue
		}
		i := slices.IndexFunc(out, func(b Block) bool { return b.Expires.Equal(r.EndsAt) })
		if i < 0 {
			i, out = len(out), append(out, Block{Path: s.String(), Expires: r.EndsAt})
		}
		out[i].Capabilities = append(out[i].Capabilities, actions...)
		out[i].Grants = append(out[i].Grants, r.Name)
	}
	for i := range out {
		out[i].Capabilities = sortedSet(out[i].Capabilities)
		out[i].Grants = sortedSet(out[i].Grants)
	}
	order.Sort(out, compareBlocks)
	return out
}

func sortedSet(words []string) []string {
	slices.Sort(words)
	return slices.Compact(words)
}

// compareBlocks orders blocks by path and end.
func compareBlocks(a, b Block) int {
	if a.Path != b.Path {
		return strings.Compare(a.Path, b.Path)
	}
	return a.Expires.Compare(b.Expires)
}

// widest names the three rules that cover the most shapes.
func widest(rules []rule, shapes []shape) []string {
	covered := func(r rule) (n int) {
		for _, s := range shapes {
			if r.allowed(s) != nil {
				n++
			}
		}
		return n
	}
	sorted := slices.Clone(rules)
	count := map[string]int{}
	for _, r := range rules {
		count[r.Name] += covered(r)
	}
	order.Sort(sorted, func(a, b rule) int { return count[b.Name] - count[a.Name] })
	var names []string
	for _, r := range sorted[:min(3, len(sorted))] {
		names = append(names, r.Name)
	}
	return names
}
