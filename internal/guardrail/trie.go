// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// trie finds the entries whose patterns overlap a pattern, without comparing it with all of them. The zero trie is
// empty. Each node stands for one segment; + and * are children under those names. A trie has no lock of its own: the
// portfolio's guards it.
type trie struct {
	// children are the next segments by their text; ends are the entries of which a pattern ends here.
	children map[string]*trie
	ends     map[*entry]bool
	// partners counts the patterns at and below this segment by partner, so that a walk skips what
	// holds nothing foreign.
	partners map[string]int
}

// add enters an entry at the end of a pattern, and counts it on each segment of the way.
func (t *trie) add(pattern access.Pattern, e *entry) {
	for s := range strings.SplitSeq(string(pattern), "/") {
		t.count(e.holder.Partner, 1)
		child := t.children[s]
		if child == nil {
			child = &trie{}
			if t.children == nil {
				t.children = map[string]*trie{}
			}
			t.children[s] = child
		}
		t = child
	}
	t.count(e.holder.Partner, 1)
	if t.ends == nil {
		t.ends = map[*entry]bool{}
	}
	t.ends[e] = true
}

// drop takes out what add entered with the same pattern. The pattern has to be one that was entered: there are no nodes
// for another. Nodes that become empty stay.
func (t *trie) drop(pattern access.Pattern, e *entry) {
	for s := range strings.SplitSeq(string(pattern), "/") {
		t.count(e.holder.Partner, -1)
		t = t.children[s]
	}
	t.count(e.holder.Partner, -1)
	delete(t.ends, e)
}

// count counts the patterns of a partner up or down. A partner without any has no count.
func (t *trie) count(partner string, by int) {
	if t.partners == nil {
		t.partners = map[string]int{}
	}
	t.partners[partner] += by
	if t.partners[partner] == 0 {
		delete(t.partners, partner)
	}
}

// overlapping adds to found the entries with a pattern that overlaps the given one, but those of one partner. It walks
// as access.Pattern.Overlaps compares. For example, "orders/acme/*" finds "orders/+/daily", since both cover
// orders/acme/daily. With but "" all partners are searched. TestTheTrieFindsWhatOverlaps compares it with Overlaps.
func (t *trie) overlapping(pattern access.Pattern, but string, found map[*entry]bool) {
	t.walk(pattern.Segments(), but, found)
}

// walk collects what overlaps the segments that are left of a pattern. A * that is entered here covers whatever is
// left, so it is collected first; a * in the pattern covers all below; a + goes on in every child but *, which was
// collected.
func (t *trie) walk(segments []string, but string, found map[*entry]bool) {
	if t == nil || t.holdsOnly(but) {
		return
	}
	if len(segments) == 0 {
		t.collect(but, found)
		return
	}
	if open := t.children["*"]; open != nil {
		open.collect(but, found)
	}
	switch s := segments[0]; s {
	case "*":
		for _, child := range t.children {
			child.below(but, found)
		}
	case "+":
		for name, child := range t.children {
			if name != "*" {
				child.walk(segments[1:], but, found)
			}
		}
	default:
		t.children[s].walk(segments[1:], but, found)
		t.children["+"].walk(segments[1:], but, found)
	}
}

// below collects all at and below a segment.
func (t *trie) below(but string, found map[*entry]bool) {
	if t.holdsOnly(but) {
		return
	}
	t.collect(but, found)
	for _, child := range t.children {
		child.below(but, found)
	}
}

// collect collects what ends at a segment.
func (t *trie) collect(but string, found map[*entry]bool) {
	for e := range t.ends {
		if e.holder.Partner != but {
			found[e] = true
		}
	}
}

// holdsOnly reports whether there is nothing at or below a segment but what is of one partner.
func (t *trie) holdsOnly(but string) bool {
	return len(t.partners) == 0 || (len(t.partners) == 1 && t.partners[but] > 0)
}
