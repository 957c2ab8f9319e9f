// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/csv"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// AWS's credential report tells of all users at once when their keys were used last. It may be four hours old and names
// no key, so nothing else is taken from it: which keys there are, and which of them is active, each user is asked for.

const (
	// fewUsers is how many users are asked one by one when their keys were used last, since these answers are fresher.
	fewUsers = 20
	// reportTime is for how long a report may be in the making. If it takes longer, users are asked one by one.
	reportTime = 5 * time.Second
)

// credentialReport is when the keys of all users were used last, by the users' names, as it was at a moment. Zero: a
// key of that user never was.
type credentialReport struct {
	used map[string]time.Time
	at   time.Time
}

// reporter reads the credential report, once for all.
type reporter struct {
	at *account

	// reporting is held while one caller reads it for all, and guards the rest.
	reporting sync.Mutex
	// report is nil if it cannot be had.
	report *credentialReport
	// reportAsked is when it was read last, also if there was none.
	reportAsked time.Time
}

// reported returns when a key of a user was used last by the credential report; false if that does not tell, or is not
// worth its requests. A user that is younger than the report may have the name of an earlier one.
func (rp *reporter) reported(ctx context.Context, h *shelf, n *native) (used time.Time, told bool) {
	if h == nil || n.User == "" || n.Created.IsZero() || !manyUsers(h) {
		return used, false
	}
	r := rp.latestReport(ctx)
	if r == nil || !n.Created.Before(r.at) { // it may tell of one that had the name before
		return used, false
	}
	used, told = r.used[n.User]
	return used, told
}

// manyUsers reports whether there are more users in the ledger than are asked one by one.
func manyUsers(h *shelf) bool {
	users := 0
	for _, p := range h.Pages {
		for _, x := range p.Principals {
			if x.Kind == store.User {
				users++
			}
		}
		if users > fewUsers {
			return true
		}
	}
	return false
}

// latestReport returns the credential report, which one caller reads for all and which serves for useServes; nil if it
// cannot be had. A caller that is stopped leaves it to the next (TestACallerThatIsStoppedLeavesTheReportToTheNext).
func (rp *reporter) latestReport(ctx context.Context) *credentialReport {
	rp.reporting.Lock()
	defer rp.reporting.Unlock()
	if rp.reportAsked.IsZero() || access.WallClock().Sub(rp.reportAsked) >= useServes {
		r := rp.readReport(ctx)
		if r == nil && ctx.Err() != nil { // its caller was stopped, which says nothing to the next one
			return nil
		}
		rp.report, rp.reportAsked = r, access.WallClock()
	}
	return rp.report
}

// readReport reads the report, and has it made if there is none that is recent: IAM answers 410 then, keeps one for
// four hours, and says ReportInProgress while it makes it (GenerateCredentialReport, GetCredentialReport).
func (rp *reporter) readReport(ctx context.Context) *credentialReport {
	ctx, cancel := context.WithTimeout(ctx, reportTime)
	defer cancel()
	for begun := false; ; {
		var out struct {
			Content string    `xml:"GetCredentialReportResult>Content"`
			At      time.Time `xml:"GetCredentialReportResult>GeneratedTime"`
		}
		err := rp.at.Ask(ctx, "GetCredentialReport", nil, &out)
		if err == nil {
			return parseReport(out.Content, out.At)
		}
		var said *client.Error
		if !errors.As(err, &said) {
			return nil
		}
		none := said.Status == http.StatusGone
		making := said.Code == "ReportInProgress"
		switch {
		case none && !begun:
			begun = true
			err = rp.at.Ask(ctx, "GenerateCredentialReport", nil, nil)
		case none || making:
			err = access.Pause(ctx, time.Second/2)
		}
		if err != nil {
			return nil
		}
	}
}

// parseReport reads a report; nil if it is none. Columns are found by their names, and a key that never was used has no
// date.
func parseReport(content string, at time.Time) *credentialReport {
	text, err := base64.StdEncoding.DecodeString(content)
	if err != nil {
		return nil
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil || len(rows) == 0 {
		return nil
	}
	name := slices.Index(rows[0], "user")
	first := slices.Index(rows[0], "access_key_1_last_used_date")
	second := slices.Index(rows[0], "access_key_2_last_used_date")
	if min(name, first, second) < 0 {
		return nil
	}
	r := &credentialReport{map[string]time.Time{}, at}
	for _, row := range rows[1:] {
		var last time.Time // where a key never was used, it is no date
		for _, column := range []int{first, second} {
			if used, err := time.Parse(time.RFC3339, row[column]); err == nil {
				last = access.Latest(last, used.UTC())
			}
		}
		r.used[row[name]] = last
	}
	return r
}
