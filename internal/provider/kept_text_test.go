// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Terraform writes the whole state anew with each resource that it applies: what is kept of nearly every
// resource was 174 characters.
func TestWhatIsKeptOfNearlyEveryResourceIsShort(t *testing.T) {
	created := time.Date(2026, 12, 1, 6, 55, 23, 0, time.UTC)
	plain := access.History{UID: "KW4XB362JBZQ33E4Y5OLXHHGQLM", Stack: "default", CreatedAt: created}
	with := func(change func(*access.History)) access.History {
		h := plain
		change(&h)
		return h
	}
	for name, c := range map[string]struct {
		kept kept
		text string
	}{
		"a resource as most are": {kept{History: plain, System: "IIFC", Print: "7S1K"},
			`["KW4XB362JBZQ33E4Y5OLXHHGQLM",1796108123,"IIFC","7S1K"]`},
		"of another stack": {kept{History: with(func(h *access.History) { h.Stack = "partners" }), System: "IIFC"},
			`["KW4XB362JBZQ33E4Y5OLXHHGQLM",1796108123,"IIFC","","partners"]`},
		"with more": {kept{History: plain, System: "IIFC", Print: "7S1K", Held: true},
			`["KW4XB362JBZQ33E4Y5OLXHHGQLM",1796108123,"IIFC","7S1K",{"held":true}]`},
		"with more, of another stack": {kept{History: with(func(h *access.History) { h.Stack = "x" }), Due: true},
			`["KW4XB362JBZQ33E4Y5OLXHHGQLM",1796108123,"","","x",{"due":true}]`},
		"renewed": {kept{History: with(func(h *access.History) { h.Renewals, h.RenewedAt = 1, created }),
			System: "IIFC"},
			`["",0,"IIFC","",{"history":{"uid":"KW4XB362JBZQ33E4Y5OLXHHGQLM","stack":"default",` +
				`"created_at":"2026-12-01T06:55:23Z","renewed_at":"2026-12-01T06:55:23Z","renewals":1}}]`},
		"what is to be adopted": {kept{System: "IIFC", Adopt: "identity/entity/name/x"},
			`["",0,"IIFC","",{"adopt":"identity/entity/name/x"}]`},
		"nothing": {kept{}, `["",0,"",""]`},
	} {
		text, err := json.Marshal(c.kept)
		if err != nil || string(text) != c.text {
			t.Errorf("%s: %s, %v", name, text, err)
		}
	}
}

// Whatever is kept comes back as it was, from a list and from the object that earlier versions wrote.
func TestWhateverIsKeptComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := keptOfAnyKind(t)
		for name, written := range map[string]any{"as a list": k, "by name": keptByName(k)} {
			text, err := json.Marshal(written)
			if err != nil {
				t.Fatal(err)
			}
			framework, err := json.Marshal(map[string][]byte{keptKey: text})
			if err != nil {
				t.Fatal(err)
			}
			if got := legible(shortened(framework)); string(got) != string(framework) {
				t.Fatalf("%s comes back from the state as %s", framework, got)
			}
			var back kept
			if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, k) {
				t.Fatalf("%s: %s came back as %+v, and was %+v (%v)", name, text, back, k, err)
			}
		}
	})
}

// What nearly every resource keeps is 48 bytes in the state, and what does not fit is JSON; both come back to the
// framework as they were.
func TestWhatIsKeptIsPackedInTheState(t *testing.T) {
	const usual = `"KW4XB362JBZQ33E4Y5OLXHHGQL",1764572123,"IIFCI6YHFN6EF6NWIMNAMHINPN","7S1KFYhODFtj"`
	for name, c := range map[string]struct {
		list string
		size int
	}{
		"as most are":             {`[` + usual + `]`, 48},
		"of another stack":        {`[` + usual + `,"partners"]`, 59},
		"with more":               {`[` + usual + `,{"held":true}]`, 62},
		"an id of another length": {`["KW4XB362JBZQ33E4Y5OLXHHGQLM",1764572123,"IIFCI6YHFN6EF6NWIMNAMHINPN","7S1KFYhODFtj"]`, 0},
		"an id that is no base32": {`["KW4XB362JBZQ33E4Y5OLXHHGQ1",1764572123,"IIFCI6YHFN6EF6NWIMNAMHINPN","7S1KFYhODFtj"]`, 0},
		"an escaped id":           {`["\\u004bW4XB362JBZQ33E4Y5OLX",1764572123,"IIFCI6YHFN6EF6NWIMNAMHINPN","7S1KFYhODFtj"]`, 0},
		"no fingerprint": {`["KW4XB362JBZQ33E4Y5OLXHHGQL",1764572123,"IIFCI6YHFN6EF6NWIMNAMHINPN",""]`,
			0},
		"created at no time": {`["KW4XB362JBZQ33E4Y5OLXHHGQL",0,"IIFCI6YHFN6EF6NWIMNAMHINPN","7S1KFYhODFtj"]`,
			0},
		"created before 1970":          {`["KW4XB362JBZQ33E4Y5OLXHHGQL",-1,"IIFCI6YHFN6EF6NWIMNAMHINPN","7S1KFYhODFtj"]`, 0},
		"created after 2106":           {`["KW4XB362JBZQ33E4Y5OLXHHGQL",4294967296,"IIFCI6YHFN6EF6NWIMNAMHINPN","7S1KFYhODFtj"]`, 0},
		"what is kept of no object":    {`["",0,"IIFCI6YHFN6EF6NWIMNAMHINPN",""]`, 0},
		"the object of an old version": {`{"history":{"uid":"KW4XB362JBZQ33E4Y5OLXHHGQL"}}`, 0},
	} {
		framework, err := json.Marshal(map[string][]byte{keptKey: []byte(c.list)})
		if err != nil {
			t.Fatal(err)
		}
		short := shortened(framework)
		if c.size == 0 {
			c.size = len(`{"kept":`) + len(c.list) + len(`}`)
		}
		if len(short) != c.size {
			t.Errorf("%s: %d bytes, not %d: %q", name, len(short), c.size, short)
		}
		if got := legible(short); string(got) != string(framework) {
			t.Errorf("%s: %q comes back as %s", name, short, got)
		}
	}
}

// A state can be edited, and a packed part be cut short or changed in any byte: what cannot be read is
// none, and nothing fails.
func FuzzAPackedPart(f *testing.F) {
	whole := []byte("\x01" + "0123456789abcdefg" + "time" + "0123456789abcdefg" + "printprin" + `,{"held":true}`)
	for size := range len(whole) {
		f.Add(whole[:size+1])
	}
	f.Fuzz(func(t *testing.T, private []byte) {
		var parts map[string][]byte
		if text := legible(private); text != nil && json.Unmarshal(text, &parts) != nil {
			t.Errorf("%q is read as %s", private, text)
		}
	})
}

// keptOfAnyKind sets each field of what is kept, and of its history, or leaves it: also fields that come later.
func keptOfAnyKind(t *rapid.T) (k kept) {
	texts := rapid.SampledFrom([]string{"x", "default", "a \"quoted\" text", "KW4XB362JBZQ33E4Y5OLXHHGQL", "7S1KFYhODFtj", "\u00e9"})
	seconds := rapid.Int64Range(-10, 4_000_000_000)
	var fill func(v reflect.Value)
	fill = func(v reflect.Value) {
		for i := range v.NumField() {
			f := v.Field(i)
			if !f.CanSet() || rapid.Bool().Draw(t, v.Type().Field(i).Name) {
				continue
			}
			switch to := f.Addr().Interface().(type) {
			case *time.Time:
				*to = time.Unix(seconds.Draw(t, "seconds"),
					rapid.SampledFrom([]int64{0, 0, 5}).Draw(t, "nanoseconds")).UTC()
			case *json.RawMessage:
				*to = json.RawMessage(`{"name":"x"}`)
			case *[]string:
				*to = rapid.SliceOfN(texts, 1, 3).Draw(t, "texts")
			default:
				switch f.Kind() {
				case reflect.Struct:
					fill(f)
				case reflect.String:
					f.SetString(texts.Draw(t, "text"))
				case reflect.Bool:
					f.SetBool(true)
				case reflect.Int64, reflect.Int:
					f.SetInt(rapid.Int64Range(1, 9).Draw(t, "number"))
				default:
					t.Fatalf("%s is of a kind that this test cannot make: %s", v.Type().Field(i).Name, f.Type())
				}
			}
		}
	}
	fill(reflect.ValueOf(&k).Elem())
	return k
}

// Whatever stands in a private part, reading it does not fail: it is what is kept, or nothing.
func FuzzWhatIsKept(f *testing.F) {
	for _, text := range []string{
		`["x",253402300800,"y","z",""]`, `["x",-99999999999999,"y","z"]`,
		`[]`, `["x"]`, `["x",7,"y","z"]`, `["x",7,"y","z","s",{"held":true}]`, `[1,2,3,4]`,
		`null`,
		`{}`, `{"history":{"uid":"x"}}`, `["x",7,"y","z",{}]`, `["x",7,"y","z",null]`, `["x",7,"y","z","s",{},{}]`,
		`7`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var k kept
		if json.Unmarshal(text, &k) != nil {
			return
		}
		again, err := json.Marshal(k)
		if err != nil {
			t.Fatalf("%s is read, and cannot be written again: %v", text, err)
		}
		var back kept
		if err := json.Unmarshal(again, &back); err != nil {
			t.Errorf("%s is written as %s, and then not read: %v", text, again, err)
		}
	})
}
