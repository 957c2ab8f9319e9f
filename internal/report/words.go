// SPDX-License-Identifier: MPL-2.0

package report

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/inventory"
	"github.com/partner-access/terraform-provider-partner/internal/journal"
)

// stamp returns a moment for machines, in UTC; "" for none. It is to the second, as ends are enforced.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// moment returns a moment for people, in UTC to the minute; "" for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04")
}

// label returns what an item is called: its id, or its name in the system where it has none.
func label(i *inventory.Item) string { return cmp.Or(i.ID, i.NativeID, "(no name)") }

// agreementOf returns an item's agreement, or an empty one, so that tables need no condition; reviewOf does the same.
func agreementOf(i *inventory.Item) access.Agreement {
	if i.Agreement == nil {
		return access.Agreement{}
	}
	return *i.Agreement
}

func reviewOf(i *inventory.Item) access.Review {
	if i.Review == nil {
		return access.Review{}
	}
	return *i.Review
}

// signedText says with which key a decision was signed; "" where it was not.
func signedText(key string) string {
	if key == "" {
		return ""
	}
	return " (signed with " + key + ")"
}

// keyOf returns the fingerprint of the key that a journal's decision was signed with; "" if it was not signed.
func keyOf(s *journal.Signed) string {
	if s == nil {
		return ""
	}
	return s.Key
}

// flagsOf returns an item's flags as text, in the inventory's order; nil for none.
func flagsOf(i *inventory.Item) []string {
	var flags []string
	for _, f := range i.Flags {
		flags = append(flags, string(f))
	}
	return flags
}

// waiversOf returns a sentence for each rule that is set aside, in the order of their slugs.
func waiversOf(i *inventory.Item) []string {
	var all []string
	for _, rule := range slices.Sorted(maps.Keys(i.Waivers)) {
		w := i.Waivers[rule]
		all = append(all, rule+" until "+w.Until.String()+", approved by "+w.Approver+": "+w.Reason+
			signedText(i.Signed[rule]))
	}
	return all
}

// kindOf returns the type, and of a credential its kind.
func kindOf(i *inventory.Item) string {
	if i.Kind == "" {
		return string(i.Type)
	}
	return string(i.Type) + " (" + string(i.Kind) + ")"
}
