// SPDX-License-Identifier: MPL-2.0

package worksheet

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/shown"
)

// The columns that are read back. People fill in the last three.
const (
	columnID       = "id"
	columnType     = "type"
	columnAccess   = "access"
	columnEdition  = "edition"
	columnDecision = "decision"
	columnUntil    = "until"
	columnReason   = "reason"
)

// columns are a worksheet's, in their order.
var columns = []string{
	columnID, columnType, "allows", "for", "owner", "ends", "last used", "reviewed", "due", "widened since", "flags",
	columnAccess, columnEdition,
	columnDecision, columnUntil, columnReason,
}

// bom tells a spreadsheet that the text is UTF-8.
const bom = "\ufeff"

func (r Row) cells() []string {
	return []string{
		r.ID, string(r.Type), r.Allows, r.For, r.Owner, access.At(r.EndsAt).String(), r.LastUsed,
		access.At(r.ReviewedAt).String(),
		access.At(r.DueAt).String(), r.Widened, strings.Join(r.Flags, ", "), r.Access, r.Edition, "", "", "",
	}
}

// CSV returns rows as RFC 4180 has them, for spreadsheets: marked as UTF-8, and with nothing in them that one runs.
func CSV(rows []Row) string {
	out := bytes.NewBufferString(bom)
	w := csv.NewWriter(out)
	w.UseCRLF = true
	all := [][]string{columns}
	for _, r := range rows {
		cells := r.cells()
		for n := range cells {
			cells[n] = shown.Inert(shown.Visible(cells[n]))
		}
		all = append(all, cells)
	}
	_ = w.WriteAll(all) // a buffer never refuses to be written to
	return out.String()
}

// Markdown returns rows as a table for a tracker of issues.
func Markdown(rows []Row, at time.Time) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%d to review, as of %s. Decide on each: keep until a date, narrow or end, and why. What "+
		"nobody decides on ends by itself.\n\n",
		len(rows), access.At(at))
	if len(rows) == 0 {
		return out.String()
	}
	out.WriteString("| " + strings.Join(columns, " | ") + " |\n" + strings.Repeat("| --- ", len(columns)) + "|\n")
	for _, r := range rows {
		for _, cell := range r.cells() {
			out.WriteString("| " + strings.ReplaceAll(shown.Markdown(cell), "\n", "<br>") + " ")
		}
		out.WriteString("|\n")
	}
	return out.String()
}
