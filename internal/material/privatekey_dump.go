// SPDX-License-Identifier: MPL-2.0

package material

import (
	"encoding/ascii85"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// dump is a way of writing bytes one by one.
type dump struct {
	list, one *regexp.Regexp
	base      int
}

// dumps are those of openssl, xxd, od, printf, Python, Go and PowerShell, and the numbers of a
// list, in Java with signs.
var dumps = []dump{
	{regexp.MustCompile(`(?i)((0x|\\+x|%)?[0-9a-f]{2}[-:.,\s]{0,8}){32,}`), regexp.MustCompile(`(?i)[0-9a-f]{2}`), 16},
	{regexp.MustCompile(`(?i)(0x[0-9a-f]{1,2}[,\s]{1,8}){32,}`), regexp.MustCompile(`(?i)[0-9a-f]{1,2}\b`), 16},
	{regexp.MustCompile(`(-?[0-9]{1,3}[,\s]{1,8}){32,}`), regexp.MustCompile(`-?[0-9]+`), 10},
	{regexp.MustCompile(`(\\*[0-3][0-7]{2}[,\s]{0,8}){32,}`), regexp.MustCompile(`[0-3][0-7]{2}`), 8},
	{regexp.MustCompile(`((0b)?[01]{8}[,\s]{0,8}){32,}`), regexp.MustCompile(`[01]{8}`), 2},
}

var (
	// Where a line of a dump begins, and what it shows of the bytes as text.
	offsets  = regexp.MustCompile(`(?m)^[ \t]*[0-9a-fA-F]{6,8}:?[ \t]`)
	columns  = regexp.MustCompile(`(?m)(  \S.{0,15}| {1,2}\|.{0,16}\|)$`)
	uuencode = regexp.MustCompile(`(?m)^begin [0-7]{3,4} \S+$`)
)

// dumped reports whether a text has the bytes of a key one by one.
func dumped(text string) bool {
	if !dumpLike(text) {
		return false
	}
	for _, as := range []string{text, columns.ReplaceAllString(offsets.ReplaceAllString(text, " "), "")} {
		for _, d := range dumps {
			for _, list := range d.list.FindAllString(as, -1) {
				if b := d.bytes(list); privateBytes(b, 1) || privateBytes(swapped(b), 1) {
					return true
				}
			}
		}
	}
	return false
}

// swapped returns the bytes of words of 16 bits, which hexdump and od -x write with the second byte first.
func swapped(b []byte) []byte {
	b = slices.Clone(b)
	for i := 0; i+1 < len(b); i += 2 {
		b[i], b[i+1] = b[i+1], b[i]
	}
	return b
}

// dumpLike reports whether a stretch of the text is made of what dumps are made of, so that the
// slower look is worth it.
func dumpLike(text string) bool {
	stretch := 0
	for i := range len(text) {
		if strings.IndexByte("0123456789abcdefABCDEFxX\\%.,:- \t\r\n", text[i]) < 0 {
			stretch = 0
		} else if stretch++; stretch >= 48 {
			return true
		}
	}
	return false
}

// bytes returns what was written; nil where that are no bytes.
func (d dump) bytes(list string) (b []byte) {
	for _, one := range d.one.FindAllString(list, -1) {
		n, err := strconv.ParseInt(one, d.base, 16)
		if err != nil || n < -128 || n > 255 {
			return nil
		}
		b = append(b, byte(n))
	}
	return b
}

// mailed returns what is in a text as the mails of old have it: uuencoded, or in ascii85 as PDF and PostScript mark
// it; nil where nothing is.
func mailed(text string) []byte {
	if _, after, ok := strings.Cut(text, "<~"); ok {
		of, _, _ := strings.Cut(after, "~>")
		b := make([]byte, 4*len(of))
		n, _, _ := ascii85.Decode(b, []byte(of), true)
		return b[:n]
	}
	if !strings.Contains(text, "begin ") {
		return nil
	}
	if at := uuencode.FindStringIndex(text); at != nil {
		return undone(strings.Split(text[at[1]:], "\n"))
	}
	return nil
}

// undone decodes lines that uuencode wrote: how many bytes there are, then six bits in each letter.
func undone(lines []string) (b []byte) {
	for _, line := range lines {
		var bits, n uint
		for i := 1; i < len(line); i++ {
			bits, n = bits<<6|uint(line[i]-' ')&63, n+6
			if n >= 8 {
				n -= 8
				b = append(b, byte(bits>>n&0xff))
			}
		}
	}
	return b
}
