// SPDX-License-Identifier: MPL-2.0

package access

import (
	"encoding/json"
	"regexp"
	"time"
)

// Edition names one object as it stands in one system: by its uid, and how far its history has come. Whatever extends
// or reviews it, or moves its end, makes another edition, and so does another object under the same id. What was
// decided on one edition counts for no other.
func Edition(o Object, h History) string {
	text, _ := json.Marshal([]any{h.UID, h.Renewals, unix(h.RenewedAt), unix(h.ReviewedAt), unix(h.ReviewUsedAt),
		unix(o.Common().ExpiresAt.Time)})
	return "e1-" + hexOf(text, 16)
}

// NewEdition names what is to be created in a system, and has no uid yet. Last is the uid of the one that was removed
// there last under the same id; "" where none was.
func NewEdition(o Object, system, last string) string {
	text, _ := json.Marshal([]string{"new", system, o.Ref().String(), last})
	return "e1-new-" + hexOf(text, 16)
}

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

var stamped = regexp.MustCompile(`^e1-(\d{8})-([0-9a-f]{32})$`)

// StampEdition returns an edition with the day on which a worksheet shows it. No spreadsheet takes it
// for a number or a date.
func StampEdition(edition string, day time.Time) string {
	return "e1-" + day.UTC().Format("20060102") + edition[len("e1"):]
}

// ParseStamp reads what StampEdition wrote.
func ParseStamp(text string) (edition string, day time.Time, ok bool) {
	parts := stamped.FindStringSubmatch(text)
	if parts == nil {
		return "", time.Time{}, false
	}
	day, err := time.Parse("20060102", parts[1])
	return "e1-" + parts[2], day, err == nil
}
