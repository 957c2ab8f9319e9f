// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// "90 days; 90 days is the most" says nothing.
func TestWhatIsOverALimitReadsSo(t *testing.T) {
	const most = 90 * day
	for d, want := range map[time.Duration]string{
		91 * day:                   "91 days",
		most + 5*time.Hour:         "90 days and 5h",
		most + 90*time.Minute:      "90 days and 1h30m",
		most + 20*time.Minute:      "just over 90 days",
		most + 23*time.Hour + 59*1: "90 days and 23h",
	} {
		if got := beyond(d, most); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}

// One formatter says each length under a day: the rule's text and what it says to write were 1h30m0s and 1h30m.
func TestALengthIsWrittenAsConfigurationsWriteIt(t *testing.T) {
	for d, want := range map[time.Duration]string{
		90 * time.Minute: "1h30m", time.Minute: "1m", time.Hour: "1h", 90*time.Second + 5: "1m30s", 0: "0s",
		day: "1 day", 3*day + time.Minute: "just over 3 days",
	} {
		if got := length(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}

// The shorter grant reads, and the longer one syncs, which is to read and to write: what both allow is to read,
// whichever comes first by its name.
func TestWhatTwoGrantsBothAllowIsInTheShorterOnesWords(t *testing.T) {
	words := can(func(c *access.Capabilities) {
		c.Does = func(_ access.Pattern, action string) []string {
			return map[string][]string{"read": {"Get"}, "sync": {"Get", "Put"}}[action]
		}
	})
	for _, syncs := range []string{"a", "b"} {
		for _, longer := range []int{90, 180} {
			reads := map[string]string{"a": "b", "b": "a"}[syncs]
			said := ""
			for _, f := range build(words, plans(identity(etl)),
				plans(with(grant(etl, syncs, resource("orders/acme/*"), actions("sync")), until(in(longer)))),
				plans(with(grant(etl, reads, resource("orders/acme/*"), actions("read")), until(in(90))))).findings() {
				if f.Rule.Slug == "scope/overlap" {
					said += f.Problem
				}
			}
			if !strings.Contains(said, "both allow read on orders/acme/*") {
				t.Errorf("%s syncs for %d days: %q", syncs, longer, said)
			}
		}
	}
}
