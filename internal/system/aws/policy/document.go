// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// Document is a policy of IAM as it is written here: no element that is not needed.
type Document struct {
	// Version is that of the language; without it, IAM would read the one of 2008.
	Version   string
	Statement []Statement
}

// Statement is one statement of a policy.
type Statement struct {
	// Effect is "Allow" or "Deny".
	Effect string
	// Principal is whom a role trusts; nil in what is attached to one.
	Principal map[string]string `json:",omitempty"`
	Action    Texts
	// Resource is what an action is allowed on; nil in the trust of a role.
	Resource  Texts      `json:",omitempty"`
	Condition Conditions `json:",omitempty"`
}

// Conditions are by their operators, and then by their keys. All have to be met; of the values of one key, one is
// enough.
type Conditions map[string]map[string]Texts

// Texts are one or more values. One is written as itself, as AWS does, which saves two characters.
type Texts []string

// MarshalJSON writes one value as itself, and several as a list.
func (t Texts) MarshalJSON() ([]byte, error) {
	if len(t) == 1 {
		return encode(t[0])
	}
	return encode([]string(t))
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *Texts) UnmarshalJSON(b []byte) error {
	var one string
	if err := json.Unmarshal(b, &one); err == nil {
		*t = Texts{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(t))
}

// encode writes JSON as short as it can be: <, > and & are themselves, where Go would write six characters. Keys of
// maps are sorted, so the same value gives the same text.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// document returns the policy of some statements.
func document(statements ...Statement) Document {
	return Document{Version: "2012-10-17", Statement: statements}
}

// Empty reports whether there is nothing in the document. IAM takes no such policy, so it has to be deleted.
func (d Document) Empty() bool { return len(d.Statement) == 0 }

// JSON returns the document in its shortest form. The same document gives the same text.
func (d Document) JSON() string {
	text, err := encode(d)
	if err != nil {
		panic(fmt.Sprintf("policy: %v", err)) // of strings and maps of strings, all of which can be written
	}
	return string(text)
}

// Size returns how many characters AWS counts of the document: all but white space (AWS IAM, quotas). The short form
// has none but inside of texts, and that is counted, to be safe.
func (d Document) Size() int { return utf8.RuneCountInString(d.JSON()) }

// Counted returns how many characters AWS counts of a policy that anybody wrote: all but white space.
func Counted(text string) int { return utf8.RuneCountInString(strings.Join(strings.Fields(text), "")) }

// Is reports whether a policy that IAM holds means the document: the order of keys, white space, and a list around a
// single value make no difference. The order inside of a list does.
func (d Document) Is(text string) bool {
	var held, own any
	if json.Unmarshal([]byte(text), &held) != nil {
		return false
	}
	if err := json.Unmarshal([]byte(d.JSON()), &own); err != nil {
		return false
	}
	return reflect.DeepEqual(plain(held), plain(own))
}

// Held returns a policy that IAM holds; an empty one if it cannot be read.
func Held(text string) (d Document) {
	if json.Unmarshal([]byte(text), &d) != nil {
		return Document{}
	}
	return d
}

// Within reports whether each statement of partner-grants is in one of a policy that IAM holds: the same conditions,
// and no value of these, no action and no resource more. Then it gives nothing that IAM does not give already, and may
// be written although something that limits it (a boundary) could not be.
func (d Document) Within(text string) bool {
	var held Document
	if json.Unmarshal([]byte(text), &held) != nil {
		return false
	}
	for _, s := range d.Statement {
		if !slices.ContainsFunc(held.Statement, s.within) {
			return false
		}
	}
	return true
}

// within reports whether another statement allows all that this one does.
func (s Statement) within(other Statement) bool {
	return s.Effect == other.Effect &&
		s.Action.within(other.Action) &&
		s.Resource.within(other.Resource) &&
		s.Condition.within(other.Condition)
}

// within reports whether each value is one of others.
func (t Texts) within(others Texts) bool {
	return !slices.ContainsFunc(t, func(one string) bool { return !slices.Contains(others, one) })
}

// within reports whether conditions are met at most where others are: the same operators and keys, with no value more.
// A condition less would allow more, and so would a value more, since one of them is enough.
func (c Conditions) within(others Conditions) bool {
	if len(c) != len(others) {
		return false
	}
	for operator, keys := range others {
		if len(c[operator]) != len(keys) {
			return false
		}
		for key, values := range keys {
			own := c[operator][key]
			if len(own) == 0 || !own.within(values) {
				return false
			}
		}
	}
	return true
}

// plain takes the lists away that hold one value, at any depth. It changes what it is given.
func plain(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
		if len(v) == 1 {
			return v[0]
		}
	case map[string]any:
		for k := range v {
			v[k] = plain(v[k])
		}
	}
	return v
}
