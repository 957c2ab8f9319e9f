// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// schemaVersion is the version of the form of a line: schemas/journal-line.v2.json. Lines of version 1 are read as
// well: the form has only grown.
const schemaVersion = 2

// The rule of the chain is one of bytes, so that a line of Python checks it: a line is BODY,"hash":"HASH"} and
// a newline, HASH is the SHA-256 of BODY in hexadecimal digits, and BODY ends with the HASH of the line
// before, as "previous".
const (
	hashBegins = `,"hash":"`
	hashEnds   = "\"}\n"
	hashLength = 2 * sha256.Size
	tailLength = len(hashBegins) + hashLength + len(hashEnds)
)

// Head says where a journal ends: the number and the hash of its last line. It is kept beside the journal, since lines
// that are cut off at the end leave a chain that is whole. The zero Head is that of an empty journal.
type Head struct {
	Seq  int64
	Hash string
}

// String returns the text of the file beside the journal.
func (h Head) String() string { return strconv.FormatInt(h.Seq, 10) + " " + h.Hash + "\n" }

// ParseHead reads the text of the file beside a journal.
func ParseHead(text string) (Head, error) {
	var h Head
	var err error
	seq, hash, _ := strings.Cut(strings.TrimSuffix(text, "\n"), " ")
	h.Hash = hash
	if h.Seq, err = strconv.ParseInt(seq, 10, 64); err != nil ||
		h.String() != text ||
		h.Seq < 0 ||
		(h.Seq == 0) != (hash == "") ||
		(hash != "" && !isHash(hash)) {
		return Head{}, fmt.Errorf("%q is not the number and the hash of a line", text)
	}
	return h, nil
}

func isHash(s string) bool {
	return len(s) == hashLength && strings.Trim(s, "0123456789abcdef") == ""
}

// seal gives a line its place after the head, and returns its bytes and the head after it.
func (h Head) seal(l Line, now time.Time) ([]byte, Head, error) {
	l.Schema, l.Seq, l.Time = schemaVersion, h.Seq+1, now.UTC().Truncate(time.Millisecond)
	l.Previous, l.Hash = h.Hash, ""
	text, err := json.Marshal(l)
	if err != nil {
		return nil, Head{}, fmt.Errorf("line %d: %w", l.Seq, err)
	}
	body := bytes.TrimSuffix(text, []byte(hashBegins+strings.TrimSuffix(hashEnds, "\n")))
	hash := sum(body)
	return []byte(string(body) + hashBegins + hash + hashEnds), Head{l.Seq, hash}, nil
}

// next returns the head after a line that continues the chain; else it says what is wrong with the line.
func (h Head) next(line []byte) (Head, string) {
	if !bytes.HasSuffix(line, []byte("\n")) {
		return h, "was cut off in the middle"
	}
	body, hash, ok := open(line)
	if !ok {
		return h, notALine
	}
	if sum(body) != hash {
		return h, "was changed: its hash does not fit its text"
	}
	seq, ok := seqOf(body)
	if !ok {
		return h, notALine
	}
	switch {
	case seq > h.Seq+1:
		return h, fmt.Sprintf("is number %d: the lines before it were dropped or moved", seq)
	case seq <= h.Seq:
		return h, fmt.Sprintf("is number %d: it was moved, or is there twice", seq)
	case !bytes.HasSuffix(body, []byte(`"previous":"`+h.Hash+`"`)):
		return h, "does not follow the line before it: one of the two was rewritten"
	}
	return Head{seq, hash}, ""
}

const notALine = "was changed: it is not a line of a journal"

// longestVersion is how long what stands before the number can be.
const longestVersion = len(`{"schema":`) + 9

// seqOf returns the number of a line. It stands in its place, so that a long journal is checked without
// taking each line apart.
func seqOf(body []byte) (seq int64, is bool) {
	version, rest, ok := bytes.Cut(body, []byte(`,"seq":`))
	if !ok || !bytes.HasPrefix(version, []byte(`{"schema":`)) || len(version) > longestVersion {
		return 0, false
	}
	number, _, ok := bytes.Cut(rest, []byte(","))
	seq, err := strconv.ParseInt(string(number), 10, 64)
	return seq, ok && err == nil
}

// open takes a line apart.
func open(line []byte) (body []byte, hash string, ok bool) {
	if len(line) < tailLength {
		return nil, "", false
	}
	body = line[:len(line)-tailLength]
	tail := string(line[len(line)-tailLength:])
	ok = strings.HasPrefix(tail, hashBegins) && strings.HasSuffix(tail, hashEnds)
	return body, tail[len(hashBegins) : len(hashBegins)+hashLength], ok
}

func sum(body []byte) string {
	s := sha256.Sum256(body)
	return hex.EncodeToString(s[:])
}
