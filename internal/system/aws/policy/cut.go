// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"encoding/json"
	"slices"
)

// foreign is a policy as anybody may have written it.
type foreign struct {
	Statement statements
}

type statements []Stated

// Stated is a statement as anybody may have written it.
type Stated struct {
	Effect    string
	Principal any
	Action    Texts
	Resource  Texts
	Condition json.RawMessage
}

// UnmarshalJSON reads one statement as a list of one.
func (s *statements) UnmarshalJSON(b []byte) error {
	type plain statements
	if err := json.Unmarshal(b, (*plain)(s)); err == nil {
		return nil
	}
	return json.Unmarshal(append(append([]byte("["), b...), ']'), (*plain)(s))
}

func read(text string) (f foreign, ok bool) {
	return f, json.Unmarshal([]byte(text), &f) == nil
}

// TrustIn returns the statements of the trust of a role that somebody wrote; nil where it cannot be read.
func TrustIn(text string) []Stated {
	f, _ := read(text)
	return f.Statement
}

// DeniesAll reports whether a policy denies everything, whatever else it says.
func DeniesAll(text string) bool {
	f, ok := read(text)
	return ok && slices.ContainsFunc(f.Statement, func(s Stated) bool {
		return s.Effect == deny && slices.Contains(s.Action, "*") && slices.Contains(s.Resource, "*") && len(s.Condition) == 0
	})
}

// OnlyDenies reports whether a policy only takes access away.
func OnlyDenies(text string) bool {
	f, ok := read(text)
	if !ok || len(f.Statement) == 0 {
		return false
	}
	return !slices.ContainsFunc(f.Statement, func(s Stated) bool { return s.Effect != deny })
}

// LetsNobodyIn reports whether the trust of a role was closed by somebody: nothing in it allows anything, and it is not what we write where
// there is nobody to trust.
func LetsNobodyIn(trust string) bool {
	f, ok := read(trust)
	return ok && !NoTrust().Is(trust) && !slices.ContainsFunc(f.Statement, func(s Stated) bool { return s.Effect == allow })
}
