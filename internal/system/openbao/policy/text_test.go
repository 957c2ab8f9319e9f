// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"slices"
	"testing"
	"time"
)

func TestPoliciesAreRenderedInOneOrder(t *testing.T) {
	blocks, err := Compile(grants("read list on kv/acme/*", "update on kv/acme/orders until 13"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(blocks)
	got := Render([]string{"partner acme/prod/etl", "", `{"owner":"ä@example.com"}`}, blocks)
	want := `# partner acme/prod/etl
# 
# {"owner":"ä@example.com"}
path "kv/acme/*" {
  comment      = "a"
  capabilities = ["list", "read"]
  expiration   = "2027-03-31T12:00:00Z"
}
path "kv/acme/orders" {
  comment      = "a"
  capabilities = ["list", "read"]
  expiration   = "2027-03-31T12:00:00Z"
}
path "kv/acme/orders" {
  comment      = "b"
  capabilities = ["update"]
  expiration   = "2027-03-31T13:00:00Z"
}
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestSplitTakesApartWhatRenderWrote(t *testing.T) {
	blocks, err := Compile(grants("read on kv/a"))
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range [][]string{nil, {"one"}, {"one", "", "# two", `path "kv/b" {`}} {
		for _, blocks := range [][]Block{nil, blocks} {
			gotHeader, gotBody := Split(Render(header, blocks))
			if !slices.Equal(gotHeader, header) || gotBody != Render(nil, blocks) {
				t.Errorf("of %q: got %q and %q", header, gotHeader, gotBody)
			}
		}
	}
}

func TestSplitLeavesWhatOthersWrote(t *testing.T) {
	for _, text := range []string{"", "#", "# one", "#one\n", "path \"a\" {}\n# one\n"} {
		if header, body := Split(text); len(header) > 0 || body != text {
			t.Errorf("%q: got %q and %q", text, header, body)
		}
	}
}

func TestRenderPanicsRatherThanWriteWhatIsNoWord(t *testing.T) {
	good := Block{Path: "kv/a", Capabilities: []string{"read"}, Expires: noon, Grants: []string{"a"}}
	for name, c := range map[string]struct {
		header string
		change func(*Block)
	}{
		"a header of two lines":              {header: "one\npath \"*\" {}"},
		"a header with a carriage return":    {header: "one\rtwo"},
		"a header that is not UTF-8":         {header: "\xff"},
		"a header with a line separator":     {header: "one\u2028two"},
		"a header with the parser's own":     {header: "\uE123"},
		"a path that ends its quotes":        {change: func(b *Block) { b.Path = `kv/a" {` }},
		"a path with a template":             {change: func(b *Block) { b.Path = "kv/{{identity.entity.name}}" }},
		"a path with an interpolation":       {change: func(b *Block) { b.Path = "kv/${a}" }},
		"an empty path":                      {change: func(b *Block) { b.Path = "" }},
		"a path with two slashes":            {change: func(b *Block) { b.Path = "kv/a//" }},
		"a path with a slash after *":        {change: func(b *Block) { b.Path = "kv/*/" }},
		"a capability that is not an action": {change: func(b *Block) { b.Capabilities = []string{"sudo"} }},
		"a name of a grant with quotes":      {change: func(b *Block) { b.Grants = []string{`"`} }},
		"no end":                             {change: func(b *Block) { b.Expires = time.Time{} }},
	} {
		t.Run(name, func(t *testing.T) {
			bad := good
			if c.change != nil {
				c.change(&bad)
			}
			defer func() {
				if recover() == nil {
					t.Error("it did not panic")
				}
			}()
			Render([]string{c.header}, []Block{bad})
		})
	}
	good.Path = "kv/+/a/"
	Render([]string{"fine"}, []Block{good})
}
