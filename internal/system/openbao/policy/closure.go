// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// generators returns the shapes of the rules: their resources, and what of their folders another rule's resource meets.
func generators(rules []rule) *shapes {
	out := &shapes{}
	for _, r := range rules {
		out.add(r.resource)
	}
	resources := slices.Clone(out.all)
	for _, r := range rules {
		for _, resource := range resources {
			if r.folders == nil || len(out.all) > limit {
				break
			}
			if both, ok := meet(r.folders, resource); ok {
				out.add(both)
			}
		}
	}
	return out
}

// closure makes a set in which the shapes that match a path have a narrowest one, and it is the one that decides. Not
// ok when that takes too many: the shapes are then those so far.
//
// It ends because no step makes a shape with more segments than the longest has, or with other literals. The meet of
// two shapes may have been rewritten as several; of those, one has the path.
func closure(set *shapes) (closed []shape, ok bool) {
	for {
		before := set
		set = &shapes{}
		set.add(before.all...)
		for i := 0; i < len(set.all) && len(set.all) <= limit; i++ {
			for _, other := range set.all[:i] {
				if both, ok := meet(set.all[i], other); ok {
					set.add(both)
				}
			}
		}
		if len(set.all) > limit {
			return set.all, false
		}
		set = evened(set)
		if set.same(before) {
			return set.all, len(set.all) <= limit
		}
	}
}

// evened rewrites the open shapes of the same head to have the same number of segments: X/* as X/+ and X/+/*.
func evened(set *shapes) *shapes {
	longest := map[string]int{}
	for _, s := range set.all {
		if s.open() {
			longest[s.head().String()] = max(longest[s.head().String()], len(s))
		}
	}
	out := &shapes{}
	for _, s := range set.all {
		for s.open() && len(s) < longest[s.head().String()] {
			closed := append(slices.Clone(s[:len(s)-1]), "+")
			out.add(closed)
			s = append(slices.Clone(closed), "*")
		}
		out.add(s)
	}
	return out
}

// withFolders adds, for every shape that is one path, its folder, where some shape matches that.
func withFolders(closed []shape) []shape {
	var out shapes
	out.add(closed...)
	for _, s := range closed {
		folder := append(slices.Clone(s), "")
		if s.exact() &&
			!s.folder() &&
			slices.ContainsFunc(closed, func(c shape) bool { return c.covers(folder) }) {
			out.add(folder)
		}
	}
	return out.all
}

// necessary returns the blocks of all shapes but those without which the same is allowed.
func necessary(all []shape, rules []rule) []Block {
	order.Sort(all, compareRank)
	var kept shapes
	var out []Block
	for _, s := range all {
		blocks := blocksOf(s, rules)
		if instead, any := decider(kept.all, s); any &&
			sameBlocks(blocksOf(instead, rules), blocks) &&
			!kept.hides(s, rules) {
			continue
		}
		kept.add(s)
		out = append(out, blocks...)
	}
	return out
}

// decider returns the shape that decides for the paths of s, of those that come before it.
func decider(ranked []shape, s shape) (shape, bool) {
	for _, wider := range slices.Backward(ranked) {
		if wider.covers(s) {
			return wider, true
		}
	}
	return nil, false
}

// hides says whether, for want of the folder s, its path without the slash would decide about listings, and otherwise.
func (s *shapes) hides(folder shape, rules []rule) bool {
	if !folder.exact() || !folder.folder() {
		return false
	}
	path := folder[:len(folder)-1]
	return s.seen[path.String()] && !sameBlocks(listing(path, rules), listing(folder, rules))
}

// listing returns the blocks of a shape as if list were all that there is.
func listing(s shape, rules []rule) []Block {
	var only []rule
	for _, r := range rules {
		if slices.Contains(r.Actions, list) {
			r.Actions = []string{list}
			only = append(only, r)
		}
	}
	return blocksOf(s, only)
}

// sameBlocks says whether blocks differ at most in their paths.
func sameBlocks(a, b []Block) bool {
	return slices.EqualFunc(a, b, func(x, y Block) bool {
		return x.Expires.Equal(y.Expires) &&
			slices.Equal(x.Capabilities, y.Capabilities) &&
			slices.Equal(x.Grants, y.Grants)
	})
}

// compareRank orders shapes as OpenBao does: of several that match a path, the last one decides.
func compareRank(a, b shape) int {
	x, y := rankOf(a), rankOf(b)
	return cmp.Or(
		cmp.Compare(x.firstWild, y.firstWild),
		cmp.Compare(x.closed, y.closed),
		cmp.Compare(y.pluses, x.pluses),
		cmp.Compare(len(x.text), len(y.text)),
		cmp.Compare(x.text, y.text),
	)
}

// rank is what OpenBao compares patterns by, in this order; the last field is compared by length first, then as text.
type rank struct {
	firstWild, closed, pluses int
	text                      string
}

// rankOf returns the rank of a shape. A pattern without a wildcard comes last of all, so it decides. closed is 0 for
// one that ends in *, whose text OpenBao compares without it.
func rankOf(s shape) rank {
	r := rank{text: s.String(), closed: 1}
	if r.firstWild = strings.IndexAny(r.text, "+*"); r.firstWild < 0 {
		r.firstWild = math.MaxInt
	}
	r.pluses = strings.Count(r.text, "+")
	if s.open() {
		r.closed, r.text = 0, strings.TrimSuffix(r.text, "*")
	}
	return r
}
