// SPDX-License-Identifier: MPL-2.0

// Package order sorts by a comparison. It does what package slices does, with one copy of the algorithm in the program:
// slices compiles its own for each type of element, which were 34 copies and 0.3 MB.
package order

import (
	"iter"
	"slices"
	"sort"
)

// Sort sorts s in place. What compares as equal keeps its order.
func Sort[E any](s []E, compare func(a, b E) int) {
	sort.SliceStable(s, func(i, j int) bool { return compare(s[i], s[j]) < 0 })
}

// Sorted returns what all yields, sorted. What compares as equal keeps its order.
func Sorted[E any](all iter.Seq[E], compare func(a, b E) int) []E {
	s := slices.Collect(all)
	Sort(s, compare)
	return s
}
