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
	NotAction Texts
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
		return s.Effect == deny &&
			slices.ContainsFunc(s.Action, isAll) &&
			slices.ContainsFunc(s.Resource, isAll) &&
			s.always()
	})
}

// Denies reports whether a policy denies everything, or each of the actions that another one allows,
// where that allows them.
func Denies(text string, granted Document) bool {
	if DeniesAll(text) {
		return true
	}
	f, _ := read(text)
	each, left := 0, 0
	for _, s := range granted.Statement {
		if s.Effect != allow { // somebody made it that
			continue
		}
		for _, action := range s.Action {
			for _, resource := range s.Resource {
				each++
				if !slices.ContainsFunc(f.Statement, func(d Stated) bool {
					return d.Effect == deny &&
						d.always() &&
						d.meets(action, resource)
				}) {
					left++
				}
			}
		}
	}
	return each > 0 && left == 0
}

// meets reports whether a statement is about an action on all of a resource.
func (s *Stated) meets(action, resource string) bool {
	of := func(patterns Texts) bool {
		return slices.ContainsFunc(patterns,
			func(pattern string) bool { return isAll(pattern) || actionMatches(pattern, action) })
	}
	on := slices.ContainsFunc(s.Resource, func(pattern string) bool {
		begin, wild := strings.CutSuffix(pattern, "*")
		return isAll(pattern) || pattern == resource || (wild && strings.HasPrefix(resource, begin))
	})
	return on && (of(s.Action) || (len(s.NotAction) > 0 && !of(s.NotAction)))
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

// LetsNobodyIn reports whether the trust of a role was closed by somebody: nothing in it allows anything to anybody but
// the company's own account, or it is denied to everybody, and it is not what we write where there is nobody to trust.
// own is that account; "" where its principals count, too.
func LetsNobodyIn(trust, own string) bool {
	f, ok := read(trust)
	if !ok || NoTrust().Is(trust) {
		return false
	}
	var allowed, denied Texts
	for _, s := range f.Statement {
		switch everybody := s.Principal != nil && slices.ContainsFunc(Listed(s.Of()["AWS"]), isAll); {
		case s.Effect == allow && !s.within(own):
			allowed = append(allowed, s.Action...)
		case s.Effect == deny && everybody && s.always():
			denied = append(denied, s.Action...)
		}
	}
	return !slices.ContainsFunc(allowed, func(action string) bool {
		return !slices.ContainsFunc(denied, func(pattern string) bool { return actionMatches(pattern, action) })
	})
}

// within reports whether a statement is about principals of an account alone.
func (s *Stated) within(account string) bool {
	of := s.Of()
	who := Listed(of["AWS"])
	return account != "" &&
		len(of) == 1 &&
		len(who) > 0 &&
		!slices.ContainsFunc(who, func(arn string) bool {
			return arn != account && !strings.Contains(arn, "::"+account+":")
		})
}

// Of returns whom a statement is about, by kind. One that names only those whom it is not about
// is about everybody else.
func (s *Stated) Of() map[string]any {
	if s.Principal == "*" || s.Principal == nil {
		return map[string]any{"AWS": "*"}
	}
	of, _ := s.Principal.(map[string]any)
	return of
}
