// SPDX-License-Identifier: MPL-2.0

package report

import (
	"bytes"
	"encoding/csv"
	"strconv"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/inventory"
	"github.com/partner-access/terraform-provider-partner/internal/shown"
)

// columns are the table's, in their order. New ones go to the end, so that what reads by position keeps working.
var columns = []string{
	"system", "at", "type", "id", "native_id", "partner", "environment", "name", "parent", "kind", "owner", "purpose",
	"contact", "stack", "resource", "actions", "ceiling", "agreement", "agreement_ends_at", "expires_at", "ends_at",
	"rotates_at", "created_at", "renewed_at", "renewals", "reviewed_at", "reviewed_by", "review_reason", "last_used_at",
	"status", "flags", "drift", "waivers", "enforced_by", "revocation", "why", "import",
	"standing", "source", "issuer", "subject", "audiences", "fingerprint", "networks", "owner_left", "review_due_at",
	"use_unknown", "logins",
}

// CSV returns the inventory, a row per item, as RFC 4180 has it: ended by CR LF, the first row naming the columns.
func (r *Report) CSV() string {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.UseCRLF = true
	rows := [][]string{columns}
	standings := map[*inventory.Item]Standing{}
	for _, h := range r.holdings() {
		for _, i := range h.Items() {
			standings[i] = h.Standing
		}
	}
	for n := range r.Inventory.Items {
		i := &r.Inventory.Items[n]
		rows = append(rows, r.row(i, standings[i]))
	}
	// A buffer never refuses to be written to, so there is no error to return.
	_ = w.WriteAll(rows)
	return out.String()
}

// row returns an item, with the standing of its identity. Every cell is made safe: partners and systems choose some of
// the values, and a spreadsheet reads a cell that begins with = as a formula (see TestCSVHostile).
func (r *Report) row(i *inventory.Item, standing Standing) []string {
	agreement := agreementOf(i)
	review := reviewOf(i)
	cells := []string{
		r.Inventory.System, stamp(r.Inventory.At), string(i.Type), i.ID, i.NativeID, i.Partner, i.Environment, i.Name,
		i.Parent, string(i.Kind), i.Owner, i.Purpose,
		i.Contact, i.Stack, i.Resource, lines(i.Actions), lines(i.Ceiling), agreement.Reference,
		stamp(agreement.EndsAt.Time), stamp(i.ExpiresAt), stamp(i.EndsAt),
		stamp(i.RotatesAt), stamp(i.CreatedAt), stamp(i.RenewedAt), strconv.FormatInt(i.Renewals, 10),
		stamp(i.ReviewedAt), review.By, review.Reason, stamp(i.LastUsedAt),
		i.Status, lines(flagsOf(i)), lines(i.Drift), lines(waiversOf(i)), i.EnforcedBy, lines(i.Revocation), i.Why,
		i.Import,
		standing.Slug(), r.label(i.System), i.Issuer, i.Subject, lines(i.Audiences), i.Fingerprint, lines(i.Networks),
		truth(i.OwnerLeft), stamp(i.ReviewDueAt), truth(i.UseUnknown), strconv.Itoa(i.Logins),
	}
	for n := range cells {
		cells[n] = shown.Inert(shown.Visible(cells[n]))
	}
	return cells
}

// lines puts several values into one cell, one below the other.
func lines(values []string) string { return strings.Join(values, "\n") }

// truth returns "true", or nothing.
func truth(is bool) string {
	if is {
		return "true"
	}
	return ""
}
