// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"encoding/json"
	"slices"
	"strings"
)

// What others wrote into IAM. The provider reads it to see whether somebody cut a partner off by AWS's own means, and
// to leave alone what only takes access away. What is not understood is never a cut, and never only a denial.

// foreign is a policy as anybody may have written it: with one statement or several, with elements that are not read
// here.
type foreign struct {
	Statement statements
}

type statements []Stated

// Stated is a statement as anybody may have written it. An element that is not read here leaves a field empty: one with
// NotResource has no Resource, so nothing counts as denied by it.
type Stated struct {
	Effect string
	// Principal is a text or a map; nil in a policy that is attached to something.
	Principal any
	Action    Texts
	// NotAction are all actions but these.
	NotAction Texts
	Resource  Texts
	// Condition is as it was written, so that it can be quoted; empty if there is none (see conditions).
	Condition json.RawMessage
}

// UnmarshalJSON reads one statement as a list of one: IAM takes both.
func (s *statements) UnmarshalJSON(b []byte) error {
	type plain statements
	if err := json.Unmarshal(b, (*plain)(s)); err == nil {
		return nil
	}
	return json.Unmarshal(append(append([]byte("["), b...), ']'), (*plain)(s))
}

// read reads a policy; false if it is no JSON of that form.
func read(text string) (f foreign, ok bool) {
	return f, json.Unmarshal([]byte(text), &f) == nil
}

// TrustIn returns the statements of the trust of a role that somebody wrote; nil if it cannot be read.
func TrustIn(text string) []Stated {
	f, _ := read(text)
	return f.Statement
}

// DeniesAll reports whether a policy denies everything, whatever else it says. Beside a Deny, no Allow counts.
func DeniesAll(text string) bool {
	f, ok := read(text)
	return ok && slices.ContainsFunc(f.Statement, func(s Stated) bool {
		return s.Effect == deny &&
			slices.ContainsFunc(s.Action, isAll) &&
			slices.ContainsFunc(s.Resource, isAll) &&
			s.always()
	})
}

// Denies reports whether a policy denies everything, or each of the actions that another one allows, on all that this
// allows it on. What is not surely denied counts as allowed still: a wildcard inside of a name is not read, and neither
// is a condition. A policy that allows nothing has nothing that could be denied.
func Denies(text string, granted Document) bool {
	if DeniesAll(text) {
		return true
	}
	f, _ := read(text)
	granting := false
	for _, s := range granted.Statement {
		if s.Effect != allow { // somebody made it that
			continue
		}
		for _, action := range s.Action {
			for _, resource := range s.Resource {
				granting = true
				if !f.denies(action, resource) {
					return false
				}
			}
		}
	}
	return granting
}

// denies reports whether one statement of a policy denies an action on all of a resource, whatever the circumstances.
func (f foreign) denies(action, resource string) bool {
	return slices.ContainsFunc(f.Statement, func(s Stated) bool {
		return s.Effect == deny && s.always() && s.meets(action, resource)
	})
}

// meets reports whether a statement is about an action on all of a resource.
func (s *Stated) meets(action, resource string) bool {
	return s.meetsAction(action) && slices.ContainsFunc(s.Resource, func(pattern string) bool {
		begin, wild := strings.CutSuffix(pattern, "*")
		return isAll(pattern) || pattern == resource || (wild && strings.HasPrefix(resource, begin))
	})
}

// meetsAction reports whether a statement is about an action: it names it, or everything but others.
func (s *Stated) meetsAction(action string) bool {
	named := func(patterns Texts) bool {
		return slices.ContainsFunc(patterns, func(pattern string) bool {
			return isAll(pattern) || actionMatches(pattern, action)
		})
	}
	return named(s.Action) || (len(s.NotAction) > 0 && !named(s.NotAction))
}

// isAll reports whether an action or a resource is each of them: "*", "**" or "*:*". A cut of each spelling was undone
// by the next apply before it was known.
func isAll(text string) bool { return strings.Contains(text, "*") && strings.Trim(text, "*:") == "" }

// always reports whether a statement is bound to nothing. An empty Condition is nothing; one that cannot be read may be
// anything.
func (s *Stated) always() bool {
	when, ok := conditions(*s)
	return ok && len(when) == 0
}

// Join returns one policy that says what several say together, without looking into their statements; unread if one of
// them cannot be read. It is for what a group or a principal has in several policies, which only together may deny
// everything.
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

// OnlyDenies reports whether a policy only takes access away. Such a one is never removed but by a release, whoever
// wrote it. One without statements, or one that cannot be read, is none.
func OnlyDenies(text string) bool {
	f, ok := read(text)
	if !ok || len(f.Statement) == 0 {
		return false
	}
	return !slices.ContainsFunc(f.Statement, func(s Stated) bool { return s.Effect != deny })
}

// LetsNobodyIn reports whether the trust of a role was closed by somebody: nothing in it allows anything to anybody but
// the company's own account, or it is denied to everybody. own is that account; "" if its principals count, too.
//
// What we write ourselves if there is nobody to trust is not such a one (NoTrust): else each role whose partner removed
// its own role would be held.
func LetsNobodyIn(trust, own string) bool {
	f, ok := read(trust)
	if !ok || NoTrust().Is(trust) {
		return false
	}
	var allowed, denied Texts
	for _, s := range f.Statement {
		switch {
		case s.Effect == allow && !s.ofAccount(own):
			allowed = append(allowed, s.Action...)
		case s.Effect == deny && s.ofEverybody() && s.always():
			denied = append(denied, s.Action...)
		}
	}
	for _, action := range allowed {
		if !slices.ContainsFunc(denied, func(pattern string) bool { return actionMatches(pattern, action) }) {
			return false
		}
	}
	return true
}

// ofEverybody reports whether a statement of a trust names everybody. One with NotPrincipal leaves somebody out.
func (s *Stated) ofEverybody() bool {
	return s.Principal != nil && slices.ContainsFunc(Listed(s.Of()["AWS"]), isAll)
}

// ofAccount reports whether a statement is about principals of an account alone, by its number or by ARNs. An id such
// as AROAEXAMPLE says of which account it is to nobody but AWS, so it counts as another's.
func (s *Stated) ofAccount(account string) bool {
	of := s.Of()
	who := Listed(of["AWS"])
	return account != "" &&
		len(of) == 1 &&
		len(who) > 0 &&
		!slices.ContainsFunc(who, func(arn string) bool {
			return arn != account && !strings.Contains(arn, "::"+account+":")
		})
}

// Of returns whom a statement is about, by kind: AWS, Federated, Service. One that names only those whom it is not
// about (NotPrincipal) is about everybody else, and is read as about everybody.
func (s *Stated) Of() map[string]any {
	if s.Principal == "*" || s.Principal == nil {
		return map[string]any{"AWS": "*"}
	}
	of, _ := s.Principal.(map[string]any)
	return of
}
