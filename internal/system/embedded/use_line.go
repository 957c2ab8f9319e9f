// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"time"
)

// logTime is when a line was written, as gateways write it. What cannot be read is no time, and the
// rest of the line counts.
type logTime struct{ time.Time }

// timeLayouts are those of RFC 3339, of nginx's $time_local, and of loggers that write a zone without
// colon or a space for the T.
var timeLayouts = []string{time.RFC3339, "02/Jan/2006:15:04:05 -0700", "2006-01-02T15:04:05Z0700",
	"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z0700"}

// UnmarshalJSON reads a moment in one of those forms, or the seconds or milliseconds since 1970. A time
// without a zone is none.
func (t *logTime) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		for _, layout := range timeLayouts {
			if at, err := time.Parse(layout, text); err == nil {
				t.Time = at
				return nil
			}
		}
		raw = []byte(text)
	}
	var since float64
	if json.Unmarshal(raw, &since) == nil && since > 1e9 && since < 1e13 {
		if since > 1e11 {
			since /= 1000
		}
		t.Time = time.Unix(int64(since), 0)
	}
	return nil
}

// tail returns the end of a log, also of one that was packed by gzip when it was rotated.
func tail(f *os.File) (io.Reader, error) {
	var magic [2]byte
	if n, _ := f.ReadAt(magic[:], 0); n == 2 && bytes.Equal(magic[:], []byte{0x1f, 0x8b}) {
		unpacked, err := gzip.NewReader(f)
		if err != nil {
			return bytes.NewReader(nil), nil //nolint:nilerr // it is being packed: the next reading finds it whole
		}
		return unpacked, nil
	}
	if info, err := f.Stat(); err == nil && info.Size() > tailLimit {
		if _, err := f.Seek(-tailLimit, io.SeekEnd); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// tailLimit is how much of each log is read, its end: some hundred thousand logins.
const tailLimit = 64 << 20
