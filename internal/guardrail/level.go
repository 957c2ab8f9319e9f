// SPDX-License-Identifier: MPL-2.0

package guardrail

import "fmt"

// Level is what a finding of a rule does. Levels are ordered: the greater one weighs more, and settings compare them
// so. The zero Level is Off.
type Level int

// The levels: Off is silent, Warn shows, Deny stops the plan where it creates or widens access.
const (
	Off Level = iota
	Warn
	Deny
)

// String returns the level as it is written in a configuration.
func (l Level) String() string {
	switch l {
	case Off:
		return "off"
	case Warn:
		return "warn"
	case Deny:
		return "deny"
	}
	return fmt.Sprintf("Level(%d)", int(l))
}

// ParseLevel reads off, warn or deny. With an error, it returns Off: callers must not go by the level then.
func ParseLevel(text string) (Level, error) {
	for _, l := range []Level{Off, Warn, Deny} {
		if l.String() == text {
			return l, nil
		}
	}
	return Off, fmt.Errorf("%q is not a level: write off, warn or deny", text)
}
