// SPDX-License-Identifier: MPL-2.0

package access

import "testing"

func TestOneMailboxHasManyAddresses(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"jane.doe@example.com", "jane.doe@example.com", true},
		{"jane.doe@example.com", "Jane.Doe@EXAMPLE.com", true},
		{"jane.doe@example.com", "jane.doe+approvals@example.com", true},
		{"jane.doe+a@example.com", " JANE.DOE+b+c@example.com ", true},
		{"jane.doe@example.com", "jane.doe@example.org", false},
		{"jane.doe@example.com", "janedoe@example.com", false},
		{"jane.doe@example.com", "john+jane.doe@example.com", false},
		{"Platform Team", "platform team", true},
		{"jane.doe@example.com", "Jane Doe <Jane.Doe@example.com>", true},
		{"jane.doe@example.com", "mailto:jane.doe+x@example.com", true},
		{"jane.doe@example.com", "jane.doe@example.com.", true},
		{"jane.doe@example.com", `"jane.doe"@example.com (CEO)`, true},
		{"jane.doe@example.com", "Jane Doe <jane@example.com>", false},
		{"a+b", "a+c", false},
	} {
		if SameAddress(c.a, c.b) != c.same || SameAddress(c.b, c.a) != c.same {
			t.Errorf("%q and %q: same is not %v", c.a, c.b, c.same)
		}
	}
}

func TestAnAddressIsFoundAsProgramsCopyIt(t *testing.T) {
	for text, want := range map[string]string{
		"jane@example.com":                     "jane@example.com",
		" jane@example.com\n":                  "jane@example.com",
		"Jane Doe <jane@example.com>":          "jane@example.com",
		"<jane@example.com>":                   "jane@example.com",
		"<jane@example.com>.":                  "jane@example.com",
		"Jane <jane@example.com> (CEO)":        "jane@example.com",
		"mailto:jane@example.com":              "jane@example.com",
		"MailTo:Jane@example.com":              "Jane@example.com",
		"jane@example.com (the board)":         "jane@example.com",
		`"jane"@example.com.`:                  "jane@example.com",
		"Jane <mailto:jane@example.com>":       "jane@example.com",
		"jane@example.com, joe@example.com":    "",
		"Jane <jane@example.com> <joe@ex.com>": "",
		"jane@localhost":                       "",
		"the board":                            "",
		"mailto:":                              "",
		"":                                     "",
	} {
		got, ok := AddressIn(text)
		if ok != (want != "") || (ok && got != want) {
			t.Errorf("%q: %q, %v, want %q", text, got, ok, want)
		}
	}
}
