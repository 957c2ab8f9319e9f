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
