// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Verdict is what a check of a journal found.
type Verdict struct {
	// Lines is how many lines hold, from the first on; Last is where they end.
	Lines int64
	Last  Head
	// Problem says what is wrong, and at which line; "" where nothing is.
	Problem string
}

// Verify checks every line of a journal, and, where the head is given, that none is missing at the end. Without a head
// it cannot know that. The error is one of reading.
//
// A head that is behind is fine: the process died between the line and the head, and the next
// change brings it up to date.
func Verify(r io.Reader, head *Head) (Verdict, error) {
	lines := bufio.NewReaderSize(r, 64<<10)
	var v Verdict
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return v, err
		}
		if len(line) == 0 {
			break
		}
		if v.take(line, head); v.Problem != "" {
			return v, nil
		}
	}
	if head != nil && v.Lines < head.Seq {
		v.Problem = missing(v.Lines, head.Seq)
	}
	return v, nil
}

// take goes on to the next line, unless it does not fit the lines before it or the head.
func (v *Verdict) take(line []byte, head *Head) {
	next, problem := v.Last.next(line)
	if problem == "" && !json.Valid(line) {
		problem = notALine
	}
	if problem != "" {
		v.Problem = fmt.Sprintf("line %d %s", v.Lines+1, problem)
		return
	}
	v.Lines, v.Last = next.Seq, next
	if head != nil && next.Seq == head.Seq && next != *head {
		v.Problem = anew(next.Seq)
	}
}

func anew(line int64) string {
	return fmt.Sprintf("line %d has another hash than the head says: everything up to it was rewritten", line)
}

func missing(last, head int64) string {
	return fmt.Sprintf("it ends after line %d, but its head says that %d were written: lines were cut off at the end",
		last, head)
}
