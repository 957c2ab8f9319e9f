// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// ErrTampered says that the journal is not what its head says. Nothing goes on until somebody looked.
var ErrTampered = errors.New("the journal was tampered with, or damaged")

// tampered returns an ErrTampered that says what is wrong and what to do.
func (j *Journal) tampered(problem string) error {
	name := filepath.Base(j.path)
	return fmt.Errorf("%w: %w: %s: %s. The provider changes nothing more until somebody has looked. Restore %s and "+
		"%s.head from where their lines are shipped to. Or keep them as evidence: move both away together, and "+
		"the next change begins a new journal. To cut access before that, set the provider's journal.path to a "+
		"new file",
		access.ErrUnavailable, ErrTampered, j.path, problem, name, name)
}

// place is where a journal ends, and what was found on the way there.
type place struct {
	last Head
	end  int64
	// healed says what was done about what an earlier process left unfinished, found what the journal
	// itself has to keep of it.
	healed, found string
}

// heal finds where the journal ends. A file that nobody wrote to since this program did needs no reading. Else every
// line is checked up to the one that the head names, and the chain followed from there: what a process left that died
// in the middle of its write is cut off, and kept beside.
func (j *Journal) heal(f *os.File, head Head) (place, error) {
	info, err := f.Stat()
	if err != nil {
		return place{}, err
	}
	if j.untouched(f, head) {
		return place{last: head, end: info.Size()}, nil
	}
	rest, at, err := j.after(f, head)
	if err != nil {
		return place{}, err
	}
	last, uncounted, length := follow(head, rest)
	p := place{last: last, end: at + int64(length)}
	rest = rest[length:]
	if next, problem := p.last.next(append(bytes.Clone(rest), '\n')); problem == "" && json.Valid(rest) {
		uncounted = append(uncounted, rest) // the line is whole, but for its end
		if _, err := f.WriteAt([]byte("\n"), p.end+int64(len(rest))); err != nil {
			return place{}, err
		}
		p.last, p.end, rest = next, p.end+int64(len(rest))+1, nil
	}
	if len(uncounted) > 0 {
		p.found = j.uncounted(head, uncounted)
		p.healed = p.found
	}
	if len(rest) > 0 {
		torn, err := j.cutOff(f, p.last, p.end, rest)
		if err != nil {
			return place{}, err
		}
		p.healed = strings.TrimSpace(p.healed + "\n" + torn)
	}
	return p, nil
}

// follow returns the lines at the beginning of a text that continue the chain of a head, how long they are together,
// and the head after them.
func follow(head Head, text []byte) (last Head, lines [][]byte, length int) {
	for line := range bytes.Lines(text) {
		next, problem := head.next(line)
		if problem != "" || !json.Valid(line) {
			break
		}
		head, lines, length = next, append(lines, line), length+len(line)
	}
	return head, lines, length
}

// longestShown is how much is shown of a line that the head does not count, mostShown how many of them.
const longestShown, mostShown = 1500, 5

// uncounted says which lines follow on the one that the head names. That is how a process leaves a journal
// that dies between a line and its head, and how somebody does who adds a line; nothing tells the two apart
// but what the line says.
func (j *Journal) uncounted(head Head, lines [][]byte) string {
	shown := ""
	for n, line := range lines {
		if n == mostShown {
			shown += fmt.Sprintf("\n- and %d more", len(lines)-n)
			break
		}
		shown += "\n- " + shorten(string(line), longestShown)
	}
	return fmt.Sprintf("%s has lines after line %d, the last that its head counts. Either a process died between a "+
		"line and its head, or somebody added lines. They are now part of the chain. Compare each with the "+
		"access system, and with what was shipped:%s", j.path, head.Seq, shown)
}

// cutOff keeps what is no line in a file beside the journal, and then takes it out of the journal.
func (j *Journal) cutOff(f *os.File, last Head, at int64, rest []byte) (healed string, err error) {
	torn, err := plain(j.tornPath())
	if err != nil {
		return "", err
	}
	note, err := json.Marshal(struct {
		Time  time.Time `json:"time"`
		After int64     `json:"after_line"`
		Bytes []byte    `json:"base64"`
	}{j.options.Clock().UTC().Truncate(time.Millisecond), last.Seq, rest})
	if err == nil {
		_, err = torn.Seek(0, io.SeekEnd)
	}
	if err == nil {
		_, err = torn.Write(append(note, '\n'))
	}
	if err == nil {
		err = torn.Sync()
	}
	if err = errors.Join(err, torn.Close()); err != nil {
		return "", err
	}
	return fmt.Sprintf("After line %d of %s there were %d bytes that are not a line, as a process leaves when it "+
		"dies while writing. No change relied on them. They are kept in %s, and the chain continues from line %d.",
		last.Seq, j.path, len(rest), j.tornPath(), last.Seq), f.Truncate(at)
}

// after checks each line up to the one that the head names, and returns what stands after it, and where that begins.
func (j *Journal) after(f *os.File, head Head) (rest []byte, at int64, err error) {
	lines := bufio.NewReaderSize(io.NewSectionReader(f, 0, 1<<62), 64<<10)
	var last Head
	for last.Seq < head.Seq {
		line, err := lines.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, 0, err
		}
		if len(line) == 0 {
			return nil, 0, j.tampered(missing(last.Seq, head.Seq))
		}
		next, problem := last.next(line)
		if problem != "" {
			return nil, 0, j.tampered(fmt.Sprintf("line %d %s", last.Seq+1, problem))
		}
		last, at = next, at+int64(len(line))
	}
	if last != head {
		return nil, 0, j.tampered(anew(last.Seq))
	}
	rest, err = io.ReadAll(lines)
	return rest, at, err
}
