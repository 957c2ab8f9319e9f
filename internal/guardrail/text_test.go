// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"testing"
	"time"
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
		90 * time.Minute: "1h30m", time.Minute: "1m", time.Hour: "1h", 90*time.Second + 5: "1m30s", 0: "0s", day: "1 day", 3*day + time.Minute: "just over 3 days",
	} {
		if got := length(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}
