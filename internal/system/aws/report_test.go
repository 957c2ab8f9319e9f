// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// many is a shelf with more users than are asked one by one.
func many(names ...string) *shelf {
	h := &shelf{Pages: map[access.IdentityID]*page{}}
	for n := range fewUsers {
		names = append(names, fmt.Sprintf("other-%d", n))
	}
	p := store.Blank(access.IdentityID{Partner: "acme", Environment: "prod", Name: "etl"})
	for _, name := range names {
		p.Principals = append(p.Principals, principal{Kind: store.User, Name: name})
	}
	h.Pages[p.ID] = p
	return h
}

// theReport is what AWS answers, with two keys that were used, and a user whose key never was.
func theReport(r *http.Request, at time.Time) *http.Response {
	const text = `user,arn,user_creation_time,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_2_active,access_key_2_last_used_date
<root_account>,arn:aws:iam::111122223333:root,2020-01-01T00:00:00+00:00,false,N/A,N/A,false,N/A
used,arn:aws:iam::111122223333:user/partner/acme/prod/used,2026-01-01T00:00:00+00:00,true,2026-01-01T00:00:00+00:00,2026-02-03T04:05:06+00:00,false,2026-03-04T05:06:07+00:00
never,arn:aws:iam::111122223333:user/partner/acme/prod/never,2026-01-01T00:00:00+00:00,true,2026-01-01T00:00:00+00:00,N/A,false,N/A
`
	return answering(r, http.StatusOK,
		"<R><GetCredentialReportResult><Content>"+base64.StdEncoding.EncodeToString([]byte(text))+
			"</Content><ReportFormat>text/csv</ReportFormat><GeneratedTime>"+at.Format(time.RFC3339)+
			"</GeneratedTime></GetCredentialReportResult></R>")
}

// Of many users one report tells when their keys were used. What it cannot know, or does not say, each is asked for.
func TestOneReportTellsWhenTheKeysOfManyUsersWereUsed(t *testing.T) {
	t.Parallel()
	made := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	singly := made.Add(time.Hour)
	statuses := map[string]int{
		"ReportNotPresent": 410,
		"ReportExpired":    410,
		"ReportInProgress": 404,
		"NotFound":         404,
		"AccessDenied":     403,
		"InvalidAction":    400,
	}
	created := made.Add(-24 * time.Hour)
	for name, c := range map[string]struct {
		user    string
		created time.Time
		few     bool
		// report are the answers to GetCredentialReport, of which the last one stays: codes, or good.
		report  []string
		refused bool // that one is made
		want    time.Time
	}{
		"of two keys, the later": {
			user:   "used",
			report: []string{"good"},
			want:   time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC),
		},
		"never": {user: "never", report: []string{"good"}},
		"none yet": {user: "never",
			report: []string{"ReportNotPresent", "ReportInProgress", "good"}},
		"an old one": {user: "never", report: []string{"ReportExpired", "good"}},
		"a user of since": {
			user:    "used",
			created: made.Add(time.Second),
			report:  []string{"good"},
			want:    singly,
		},
		"a user that it does not have": {user: "another", report: []string{"good"}, want: singly},
		"few users":                    {user: "used", few: true, report: []string{"good"}, want: singly},
		"it may not be read":           {user: "used", report: []string{"AccessDenied"}, want: singly},
		"none, and none may be made": {
			user:    "used",
			report:  []string{"ReportNotPresent"},
			refused: true,
			want:    singly,
		},
		"another cloud, which has none":     {user: "used", report: []string{"InvalidAction"}, want: singly},
		"another cloud, which knows no IAM": {user: "used", report: []string{"NotFound"}, want: singly},
		"nonsense":                          {user: "used", report: []string{"nonsense"}, want: singly},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reads := 0
			s, _ := faulty(t, time.Second, func(r *http.Request, _ int64) *http.Response {
				switch actionOf(r) {
				case "GetCredentialReport":
					reads++
					switch says := c.report[min(reads, len(c.report))-1]; says {
					case "good":
						return theReport(r, made)
					case "nonsense":
						return answering(r, http.StatusOK,
							"<R><GetCredentialReportResult><Content>dXNlcg==</Content></GetCredentialReportResult></R>")
					default:
						return coded(r, statuses[says], says)
					}
				case "GenerateCredentialReport":
					if c.refused {
						return coded(r, http.StatusForbidden, "AccessDenied")
					}
					return answering(r, http.StatusOK,
						"<R><GenerateCredentialReportResult><State>STARTED</State></GenerateCredentialReportResult></R>")
				case "GetAccessKeyLastUsed":
					return answering(r, http.StatusOK,
						"<R><GetAccessKeyLastUsedResult><AccessKeyLastUsed><LastUsedDate>"+singly.Format(time.RFC3339)+
							"</LastUsedDate></AccessKeyLastUsed></GetAccessKeyLastUsedResult></R>")
				}
				return nil
			})
			h := many(c.user)
			if c.few {
				h.Pages = nil
			}
			n := &native{there: true, described: described{
				Name:    c.user,
				User:    c.user,
				Created: access.Latest(created, c.created),
			}}
			w := wanted{principal: principal{Kind: store.User, Name: c.user, Key: "AKIAEXAMPLE"}}
			for range 2 {
				var told access.Record
				if err := s.lastUse(t.Context(), h, w, n, &told); err != nil ||
					!told.LastUsedAt.Equal(c.want) ||
					told.UseUnknown {
					t.Errorf("it is told as used at %s (unknown: %v), %v", told.LastUsedAt, told.UseUnknown, err)
				}
			}
			if reads > len(c.report) {
				t.Errorf("the report was asked for %d times", reads)
			}
		})
	}
}

// One caller reads the report for all. Where that one was stopped, nobody had one for a quarter of an hour.
func TestACallerThatIsStoppedLeavesTheReportToTheNext(t *testing.T) {
	t.Parallel()
	s, _ := faulty(t, time.Second, func(r *http.Request, _ int64) *http.Response {
		if actionOf(r) != "GetCredentialReport" {
			return nil
		}
		if r.Context().Err() != nil {
			return coded(r, http.StatusServiceUnavailable, "ServiceUnavailable")
		}
		return theReport(r, time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC))
	})
	stopped, stop := context.WithCancel(t.Context())
	stop()
	rp := s.reporter
	if r := rp.latestReport(stopped); r != nil {
		t.Errorf("whoever is stopped reads %+v", r)
	}
	if r := rp.latestReport(t.Context()); r == nil {
		t.Error("the next caller has none")
	}
}
