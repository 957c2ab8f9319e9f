package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// ErrTampered says that the journal is not what its head says. Nothing goes on until somebody looked.
var ErrTampered = errors.New("the journal was tampered with, or damaged")

// tampered is an ErrTampered that says what is wrong and what to do.
func (j *Journal) tampered(problem string) error {
	name := filepath.Base(j.path)
	return fmt.Errorf("%w: %w: %s: %s. Nothing more is changed until somebody looked. Restore %s and %s.head from where their lines are "+
		"shipped to; or keep them as evidence: move both away together, and the next change begins a new journal. Where access has to be "+
		"cut before that, set the provider's journal.path to a new file",
		access.ErrUnavailable, ErrTampered, j.path, problem, name, name)
}

// heal finds the line that the head names, near the end, and follows the chain from there. What a process left that died
// in the middle of its write is cut off, and kept beside. It returns where the journal ends now.
func (j *Journal) heal(f *os.File, head Head) (last Head, end int64, healed string, err error) {
	rest, at, err := j.after(f, head)
	if err != nil {
		return Head{}, 0, "", err
	}
	last = head
	for len(rest) > 0 {
		line := rest
		if n := bytes.IndexByte(rest, '\n'); n >= 0 {
			line = rest[:n+1]
		}
		next, problem := last.next(line)
		if problem != "" {
			break
		}
		last, rest, at = next, rest[len(line):], at+int64(len(line))
	}
	if len(rest) == 0 {
		return last, at, "", nil
	}
	if next, problem := last.next(append(bytes.Clone(rest), '\n')); problem == "" {
		end = at + int64(len(rest))
		_, err := f.WriteAt([]byte("\n"), end) // the line is whole, but for its end
		return next, end + 1, "", err
	}
	healed, err = j.cutOff(f, last, at, rest)
	return last, at, healed, err
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
	return fmt.Sprintf("After line %d of %s stood %d bytes that are no line, as a process leaves them that dies while it writes. No change was "+
		"made on their word. They are kept in %s, and the chain goes on from line %d.", last.Seq, j.path, len(rest), j.tornPath(), last.Seq), f.Truncate(at)
}

// How much of the end is read to find the line that the head names: usually it is the last one. No batch is longer than the
// most.
const firstLook, longestLook = 8 << 10, 64 << 20

// after is what stands after the line that the head names, and where that begins.
func (j *Journal) after(f *os.File, head Head) (rest []byte, at int64, err error) {
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	size := info.Size()
	mark := []byte(hashBegins + head.Hash + hashEnds)
	for n := min(size, firstLook); ; n = min(size, 8*n) {
		text := make([]byte, n)
		if _, err := f.ReadAt(text, size-n); err != nil && !errors.Is(err, io.EOF) {
			return nil, 0, err
		}
		if head.Seq == 0 && n == size {
			return text, 0, nil
		}
		if i := bytes.LastIndex(text, mark); i >= 0 && head.Seq > 0 {
			begins := bytes.LastIndexByte(text[:i], '\n') + 1
			if begins > 0 || n == size {
				ends := i + len(mark)
				return text[ends:], size - n + int64(ends), j.named(text[begins:ends], head)
			}
		}
		if n == size || n >= longestLook {
			return nil, 0, j.differs(f, head)
		}
	}
}

// named checks that a line is the one that the head names.
func (j *Journal) named(line []byte, head Head) error {
	body, hash, _ := open(line)
	var at struct{ Seq int64 }
	if sum(body) != hash || json.Unmarshal([]byte(string(body)+"}"), &at) != nil || at.Seq != head.Seq {
		return j.tampered(fmt.Sprintf("its last line, number %d, was changed", head.Seq))
	}
	return nil
}

// differs says how the journal differs from its head.
func (j *Journal) differs(f *os.File, head Head) error {
	v, err := Verify(io.NewSectionReader(f, 0, 1<<62), &head)
	if err != nil {
		return err
	}
	if v.Problem == "" {
		v.Problem = fmt.Sprintf("it has %d lines, and its head knows of %d only", v.Lines, head.Seq)
	}
	return j.tampered(v.Problem)
}
