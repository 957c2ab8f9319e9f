// SPDX-License-Identifier: MPL-2.0

package access

import "time"

// Bygone is a uid that stands for nothing any more: its object was removed, or taken up under another uid.
type Bygone struct {
	Type Type   `json:"type"`
	ID   string `json:"id"`
	UID  string `json:"uid"`
	// At is since when.
	At time.Time `json:"at"`
}

// Ref names the object that had the uid.
func (b Bygone) Ref() Ref { return Ref{Type: b.Type, ID: b.ID} }

// Forgotten reports whether a year has passed since.
func (b Bygone) Forgotten(now time.Time) bool { return !now.Before(b.At.AddDate(1, 0, 0)) }
