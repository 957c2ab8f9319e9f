// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"encoding/json"
	"testing"
)

// The private part of a state comes back to the framework as it went; what nobody can read is none.
func TestThePrivatePartIsShortInTheStateAndComesBackWhole(t *testing.T) {
	written := func(parts map[string]string) []byte {
		values := map[string][]byte{}
		for key, part := range parts {
			values[key] = []byte(part)
		}
		text, err := json.Marshal(values)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for name, c := range map[string]struct {
		framework []byte
		state     string
	}{
		"kept": {written(map[string]string{"kept": `{"print":"x"}`}), `{"kept":{"print":"x"}}`},
		"what a plan adds": {written(map[string]string{"kept": `{}`, "memo": `{"nonce":"n"}`}),
			`{"kept":{},"memo":{"nonce":"n"}}`},
		"the framework's": {written(map[string]string{".import_before_read": `true`}),
			`{".import_before_read":true}`},
		"a text":                    {written(map[string]string{"kept": `"x"`}), `{"kept":"Ingi"}`},
		"the framework's, not JSON": {written(map[string]string{".other": `x y`}), `{".other":"eCB5"}`},
	} {
		short := shortened(c.framework)
		if string(short) != c.state {
			t.Errorf("%s: the state has %s", name, short)
		}
		for _, text := range [][]byte{short, c.framework} {
			if got := legible(text); string(got) != string(c.framework) {
				t.Errorf("%s: %s comes back as %s", name, text, got)
			}
		}
	}
	for _, text := range []string{"", "x", "[]", `{"kept":"nonsense!"}`, `{"kept":"bm9uc2Vuc2U="}`,
		`{"kept":nonsense}`} {
		if got := legible([]byte(text)); got != nil {
			t.Errorf("%s is read as %s", text, got)
		}
	}
	if got := shortened(nil); got != nil {
		t.Errorf("nothing becomes %s", got)
	}
}
