// SPDX-License-Identifier: MPL-2.0

package report

import "strconv"

// notes are sentences that several rows have in common: a row has only the number. Texts are the notes in the order of
// their numbers, from 1. A note gets its number when a row first asks for it, so rows have to be made in the order in
// which they stand.
type notes struct {
	uses    map[string]int
	numbers map[string]int
	Texts   []string
}

// phrase is a sentence of a row, or the number of the note that says it.
type phrase struct {
	Text string
	Note int // 0 for none
}

// String returns the phrase as text.
func (p phrase) String() string {
	if p.Note == 0 {
		return p.Text
	}
	return "note " + strconv.Itoa(p.Note)
}

// newNotes counts what the report says again and again.
func (r *Report) newNotes() *notes {
	n := &notes{uses: map[string]int{}, numbers: map[string]int{}}
	for i := range r.Inventory.Items {
		for _, text := range remarks(&r.Inventory.Items[i]) {
			n.uses[text]++
		}
	}
	return n
}

// shorten takes a sentence into a row. One that is long and stands in several rows becomes a note.
func (n *notes) shorten(text string) phrase {
	const short = 24
	if n.uses[text] < 2 || len(text) <= short {
		return phrase{Text: text}
	}
	return phrase{Text: text, Note: n.number(text)}
}

// number returns the number of a note, which always is one. The sentence gets a note even if only one row has it; ""
// gets none, and returns 0.
func (n *notes) number(text string) int {
	if text == "" {
		return 0
	}
	if n.numbers[text] == 0 {
		n.Texts = append(n.Texts, text)
		n.numbers[text] = len(n.Texts)
	}
	return n.numbers[text]
}
