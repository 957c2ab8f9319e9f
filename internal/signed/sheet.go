// SPDX-License-Identifier: MPL-2.0

package signed

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Sheet is a filled worksheet that somebody signed: what a row of it says counts only where the whole of it,
// byte by byte, was signed.
type Sheet struct {
	File      string
	Content   []byte
	Signature string
	// Rows are its decisions, by id.
	Rows map[string]Row
}

// Row is one decision of a worksheet, and the edition of what it is on, as it stands there.
type Row struct {
	access.Review
	Edition string
}

// Mark names the worksheet, and the key that it was signed with.
func (s *Sheet) Mark() (Mark, error) {
	signature, err := Parse(s.Signature)
	if err != nil {
		return Mark{}, err
	}
	sum := sha256.Sum256(s.Content)
	return Mark{Digest: hex.EncodeToString(sum[:]), Key: signature.Fingerprint(), Sheet: true}, nil
}

// Signer returns the decider who signed the worksheet, by a key that was in force at all of the moments. A signature
// over another spelling of the file does not count either: the other spellings only serve to say what changed the file.
func (s *Sheet) Signer(deciders []access.Decider, moments ...time.Time) (*access.Decider, error) {
	d, err := Check(s.Content, s.Signature, deciders, moments...)
	if !errors.Is(err, ErrOther) {
		return d, err
	}
	for _, other := range s.otherwise() {
		if _, failed := Check(other.content, s.Signature, deciders, moments...); failed == nil {
			return nil, fmt.Errorf("it is over the file %s: %s; a signature is over each byte of the file, so put "+
				"the file back as it was signed, let git leave it alone (*.csv -text in .gitattributes), and read it "+
				"with filebase64()", other.how, other.cause)
		}
	}
	return nil, fmt.Errorf("%w than the file as it is now: it was changed after it was signed, or is another; sign "+
		"it as it is, or put back what was signed", ErrOther)
}

// spelling is a file as a program may have rewritten it; how and cause are phrases of the diagnostic.
type spelling struct {
	content    []byte
	how, cause string
}

// otherwise returns the ways in which programs rewrite a file without being asked. It leaves Content as it is: the
// capped slices make append copy.
func (s *Sheet) otherwise() []spelling {
	unix := bytes.ReplaceAll(s.Content, []byte("\r\n"), []byte("\n"))
	mark := []byte("\ufeff")
	return []spelling{
		{unix, "with the line ends of Unix", "something gave it those of Windows"},
		{bytes.ReplaceAll(unix, []byte("\n"), []byte("\r\n")), "with the line ends of Windows",
			"something gave it those of Unix, as git does"},
		{append(mark[:len(mark):len(mark)], s.Content...), "with a byte order mark", "something took it away"},
		{bytes.TrimPrefix(s.Content, mark), "without a byte order mark", "something put one there"},
		{append(s.Content[:len(s.Content):len(s.Content)], '\n'), "with a line end behind its last line",
			"something took it away"},
		{bytes.TrimSuffix(s.Content, []byte("\n")), "without a line end behind its last line",
			"something put one there"},
	}
}
