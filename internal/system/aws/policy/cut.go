// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"encoding/json"
	"slices"
	"strings"
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
		return s.Effect == deny && slices.ContainsFunc(s.Action, isAll) && slices.ContainsFunc(s.Resource, isAll) && s.always()
	})
}

// isAll reports whether an action or a resource is each of them: *, ** or *:*.
func isAll(text string) bool { return strings.Contains(text, "*") && strings.Trim(text, "*:") == "" }

// always reports whether a statement is bound to nothing.
func (s *Stated) always() bool {
	when, ok := conditions(*s)
	return ok && len(when) == 0
}

// Join returns one policy that says what several say together; unread where one of them cannot be read.
func Join(texts []string, unread string) string {
	var all struct{ Statement []json.RawMessage }
	for _, text := range texts {
		var one struct{ Statement json.RawMessage }
		var several []json.RawMessage
		if json.Unmarshal([]byte(text), &one) != nil {
			return unread
		}
		if json.Unmarshal(one.Statement, &several) != nil {
			several = []json.RawMessage{one.Statement}
		}
		all.Statement = append(all.Statement, several...)
	}
	joined, err := encode(all)
	if err != nil {
		return unread
	}
	return string(joined)
}

// OnlyDenies reports whether a policy only takes access away.
func OnlyDenies(text string) bool {
	f, ok := read(text)
	if !ok || len(f.Statement) == 0 {
		return false
	}
	return !slices.ContainsFunc(f.Statement, func(s Stated) bool { return s.Effect != deny })
}

// LetsNobodyIn reports whether the trust of a role was closed by somebody: nothing in it allows anything, or it is denied to everybody, and it
// is not what we write where there is nobody to trust.
func LetsNobodyIn(trust string) bool {
	f, ok := read(trust)
	if !ok || NoTrust().Is(trust) {
		return false
	}
	var allowed, denied Texts
	for _, s := range f.Statement {
		switch everybody := s.Principal != nil && slices.ContainsFunc(Listed(s.Of()["AWS"]), isAll); {
		case s.Effect == allow:
			allowed = append(allowed, s.Action...)
		case s.Effect == deny && everybody && s.always():
			denied = append(denied, s.Action...)
		}
	}
	return !slices.ContainsFunc(allowed, func(action string) bool {
		return !slices.ContainsFunc(denied, func(pattern string) bool { return actionMatches(pattern, action) })
	})
}

// Of returns whom a statement is about, by kind. One that names only those whom it is not about is about everybody else.
func (s *Stated) Of() map[string]any {
	if s.Principal == "*" || s.Principal == nil {
		return map[string]any{"AWS": "*"}
	}
	of, _ := s.Principal.(map[string]any)
	return of
}
