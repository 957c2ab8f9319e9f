// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"fmt"
	"os"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/durable"
)

// A chain tells that a line was changed to whoever reads all of it, which a change that is made every second cannot. So
// the journal's stamp remembers what the kernel says of the file since the last line: its number, its size, and when
// its content and its attributes were changed. Any write moves the last of these, and no program can set it; so a stamp
// that fits means that nobody wrote there, and else the next change reads every line. The stamp is believed for that
// alone: it can only save reading.
//
// Where the system has a key of its own, the stamp is signed with it, and one that is not has every line read: who can
// write there and not read the key cannot make a fitting one. What was written before a change of the same process has
// opened the key is not signed.
//
// It does not see what root does who sets the clock or writes to the disk itself, what is written within the kernel's
// tick after the last line (some milliseconds), and, beside a system without a key, what whoever writes does who makes
// a fitting stamp as well.

func (j *Journal) stampPath() string { return j.path + ".stamp" }

// stampText returns the stamp of a file that ends with the head.
func stampText(f *os.File, head Head) (string, error) {
	marks, err := marksOf(f)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d %s %s\n", head.Seq, head.Hash, marks), nil
}

// untouched reports whether nobody has written to the file since its head was written.
func (j *Journal) untouched(f *os.File, head Head) bool {
	if _, err := regular(j.stampPath()); err != nil {
		return false
	}
	remembered, err := os.ReadFile(j.stampPath())
	if err != nil {
		return false
	}
	now, err := stampText(f, head)
	signature, fits := strings.CutPrefix(string(remembered), now)
	if err != nil || !fits {
		return false
	}
	if j.notary == nil {
		return signature == ""
	}
	has, signed := j.notary.Notarized([]byte(now), strings.TrimSuffix(signature, "\n"))
	return signed || (!has && signature == "")
}

// stamp remembers how the file is now. Where it cannot, or the machine dies before it lasts, the next
// change reads all lines.
func (j *Journal) stamp(f *os.File, head Head) {
	text, err := stampText(f, head)
	if err == nil && j.notary != nil {
		if signature := j.notary.Notarize([]byte(text)); signature != "" {
			text += signature + "\n"
		}
	}
	// the old one fits no more, as the file has grown; and a file system waits where a new file replaces one
	_ = os.Remove(j.stampPath())
	if err == nil {
		err = swap(durable.Disk{Unsynced: true}, j.stampPath(), []byte(text))
	}
	if err != nil {
		_ = os.Remove(j.stampPath())
	}
}
