// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Context is what a check may look at beside the objects themselves. Checks are pure: they change nothing, and now is
// passed in. A Context is made for one evaluation, and used by one goroutine.
type Context struct {
	Settings     *Settings
	Capabilities *access.Capabilities
	Phase        Phase
	Now          time.Time

	view view
	// subject is what is evaluated, which a check may also see as the lower or the upper one of two.
	subject *entry
	// hid are the rules that a waiver of the subject hid, or that could not be judged yet.
	hid map[string]bool
	// reached is what the system says of the subject, where it was asked.
	reached *access.Reach
}

// problem is what a check found.
type problem struct {
	// attribute is where it is in the subject: of two, in the lower one or the first. other is where in the other one.
	attribute, other string
	// host is the one above that is at fault; nil: the last one of the path that the rule follows.
	host *entry
	// text names the objects and both values. fix says what to write instead; "" where the remedy of the rule says all.
	text, fix string
	// paste is a block to write, beneath what says so.
	paste string
	// cause overrides what makes it an error.
	cause cause
	// hard: it is beyond what any configuration can raise, so neither a setting nor a waiver helps.
	hard bool
	// settles: where its rule is lowered to a warning, what it warns of at plan is settled until the apply,
	// which refuses it else.
	settles bool
}

// cause is what makes a finding an error. It decides whether less access is refused: a finding that the plan does not
// bring in is at most a warning, or a destroy, which plans everything first, would fail on what was there before
// (evaluation.worst).
type cause int

const (
	// byChange: the creation or widening of an argument that the rule reads.
	byChange cause = iota
	// entered: the check has seen that the plan brings it in. standing: that it does not.
	entered
	standing
)

// one returns a list of one problem on an attribute.
func one(attribute, text, fix string) []problem {
	return []problem{{attribute: attribute, text: text, fix: fix}}
}

// two returns a list of one problem between two objects, on an attribute of each.
func two(attribute, other, text, fix string) []problem {
	return []problem{{attribute: attribute, other: other, text: text, fix: fix}}
}

// enteredIf returns entered if a check has seen that the plan brings its finding in, else standing.
func enteredIf(b bool) cause {
	if b {
		return entered
	}
	return standing
}
