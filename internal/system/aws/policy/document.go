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

// Document is a policy of IAM.
type Document struct {
	Version   string
	Statement []Statement
}

// Statement is one statement of a policy.
type Statement struct {
	Effect string
	// Principal is whom a role trusts; nil in what is attached to one.
	Principal map[string]string `json:",omitempty"`
	Action    Texts
	// Resource is what an action is allowed on; nil in the trust of a role.
	Resource  Texts      `json:",omitempty"`
	Condition Conditions `json:",omitempty"`
}

// Conditions are by their operators, and then by their keys.
type Conditions map[string]map[string]Texts

// Texts are one or more values. One is written as itself, as AWS does.
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

// encode writes JSON as short as it can be: < and & are themselves.
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

// Empty reports whether there is nothing in the document. IAM takes no such policy: it has to be deleted.
func (d Document) Empty() bool { return len(d.Statement) == 0 }

// JSON returns the document in its shortest form. The same document gives the same text.
func (d Document) JSON() string {
	text, err := encode(d)
	if err != nil {
		panic(fmt.Sprintf("policy: %v", err)) // of strings and maps of strings, all of which can be written
	}
	return string(text)
}

// Size returns how many characters AWS counts of the document: all but white space. There is none in the short form,
// but inside of texts, which is counted to be safe.
func (d Document) Size() int { return utf8.RuneCountInString(d.JSON()) }

// Counted returns how many characters AWS counts of a policy that anybody wrote.
func Counted(text string) int { return utf8.RuneCountInString(strings.Join(strings.Fields(text), "")) }

// Is reports whether a policy that IAM holds means the document: the order of keys, white space, and a list around a
// single value make no difference.
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

// Held returns a policy that IAM holds; an empty one where it cannot be read.
func Held(text string) (d Document) {
	if json.Unmarshal([]byte(text), &d) != nil {
		return Document{}
	}
	return d
}

// Within reports whether each statement of partner-grants is in one of a policy that IAM holds: the same conditions,
// and no value of these, no action and no resource more. Then it gives nothing that IAM does not give already.
func (d Document) Within(text string) bool {
	var held Document
	if json.Unmarshal([]byte(text), &held) != nil {
		return false
	}
	in := func(some, of Texts) bool {
		return !slices.ContainsFunc(some, func(one string) bool { return !slices.Contains(of, one) })
	}
	under := func(some, of Conditions) bool {
		if len(some) != len(of) {
			return false
		}
		for operator, keys := range of {
			if len(some[operator]) != len(keys) {
				return false
			}
			for key, values := range keys {
				if len(some[operator][key]) == 0 || !in(some[operator][key], values) {
					return false
				}
			}
		}
		return true
	}
	return !slices.ContainsFunc(d.Statement, func(s Statement) bool {
		return !slices.ContainsFunc(held.Statement, func(of Statement) bool {
			return s.Effect == of.Effect &&
				in(s.Action, of.Action) &&
				in(s.Resource, of.Resource) &&
				under(s.Condition, of.Condition)
		})
	})
}

// plain takes the lists away that hold one value.
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
