// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
)

// newestWithin is how far from its end the journal is searched for a generation.
const newestWithin = 1 << 20

// Newest returns the number of the last generation of a system that the journal tells of; zero where it tells of none.
func (j *Journal) Newest(system string) int64 {
	f, err := os.Open(j.path)
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return 0
	}
	// no text in a line holds it: there a quote has a backslash before it
	mark := []byte(`,"generation":"` + system + `/`)
	for within := int64(newestWithin); ; within *= 8 {
		from := max(0, info.Size()-within)
		text, err := io.ReadAll(io.NewSectionReader(f, from, info.Size()-from))
		if err != nil {
			return 0
		}
		if at := bytes.LastIndex(text, mark); at >= 0 {
			return generationIn(text[at+len(mark):])
		}
		if from == 0 {
			return 0
		}
	}
}

// generationIn returns the number that a text begins with, up to a quote; 0 where it is none.
func generationIn(text []byte) int64 {
	number, _, _ := bytes.Cut(text, []byte(`"`))
	newest, err := strconv.ParseInt(string(number), 10, 64)
	if err != nil {
		return 0
	}
	return newest
}

// Read returns the lines of the journal up to the first that does not hold, and says in gaps, a sentence each, why it
// cannot be relied on further. It changes nothing. Where there is none yet, there are no lines.
func (j *Journal) Read() (lines []Line, gaps []string, err error) {
	text, err := os.ReadFile(j.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, []string{"There is no journal yet at " + j.path + ": no change was recorded there."}, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read the journal: %w", err)
	}
	head, gap, err := j.readHead()
	if err != nil {
		return nil, nil, fmt.Errorf("read the journal's head: %w", err)
	}
	if gap != "" {
		gaps = append(gaps, gap)
	}
	v, err := Verify(bytes.NewReader(text), head)
	if err != nil {
		return nil, nil, fmt.Errorf("read the journal: %w", err)
	}
	if v.Problem != "" {
		gaps = append(gaps, "The journal is damaged: "+v.Problem+". Its lines from there on are left out.")
	}
	for line := range bytes.Lines(text) {
		var l Line
		if int64(len(lines)) == v.Lines || json.Unmarshal(line, &l) != nil {
			break
		}
		lines = append(lines, l)
	}
	return lines, gaps, nil
}

// readHead reads the head without healing it; nil where it is missing or damaged, and a sentence then.
func (j *Journal) readHead() (head *Head, gap string, err error) {
	text, err := os.ReadFile(j.headPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "The journal's head " + j.headPath() +
			" is missing: lines that were cut off at its end would not be noticed.", nil
	}
	if err != nil {
		return nil, "", err
	}
	if parsed, err := ParseHead(string(text)); err == nil {
		return &parsed, "", nil
	}
	return nil, "The journal's head cannot be read.", nil
}
