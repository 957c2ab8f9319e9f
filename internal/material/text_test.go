// SPDX-License-Identifier: MPL-2.0

package material

import "testing"

// What nobody sees is found wherever it stands; what people write is not.
func TestInvisibleCharactersAreFound(t *testing.T) {
	for _, c := range []rune{
		0, 7, '\r', 0x1b, 0x7f, 0x80, 0x85, 0x9f, 0xad, 0x61c, 0x180e, 0x200b, 0x200c, 0x200d, 0x200e, 0x2028, 0x2029,
		0x202a, 0x202e, 0x2060, 0x2064, 0x2066, 0x2069,
		0x206f, 0xfeff, 0xfff9, 0x34f, 0x115f, 0x3164, 0xffa0, 0xfe00, 0xe0001, 0xe0041, 0xe0100, 0x2800, 0x1d159,
		0xe000, 0xf8ff, 0x10fffd, 0xfe0f, 0xfe0e,
	} {
		for _, text := range []string{string(c) + "ab", "ab" + string(c), "a" + string(c) + "b"} {
			if f, found := FlawIn(text); !found || f.Character != c {
				t.Errorf("%U in %+q: %v, %v", c, text, f, found)
			}
		}
	}
	for _, text := range []string{"", "Nightly order feed\n\tinto ACME's ERP", "Bestätigung für Müller & Söhne — 20 €",
		"日本語、한국어", "Ελληνικά, עברית, العربية, हिन्दी", "⚠️ until May", "1️⃣ ↔️ ❤️‼️", "a\u00a0b"} {
		if f, found := FlawIn(text); found {
			t.Errorf("%q: %v", text, f)
		}
	}
	// they look like without
	for _, text := range []string{"INC-7\ufe0f", "jane.\ufe0fdoe", "INC-7\ufe0e!", "❤\ufe0f\ufe0f", "#\ufe0f",
		"e\u0301\ufe0f"} {
		if _, found := FlawIn(text); !found {
			t.Errorf("%+q: nothing", text)
		}
	}
	for _, text := range []string{"7\ufe0f\u20e3", "❤\ufe0f", "‼\ufe0f", "↔\ufe0e", "©\ufe0f"} {
		if f, found := FlawIn(text); found {
			t.Errorf("%+q: %v", text, f)
		}
	}
	if f, _ := FlawIn("Nightly\u202e"); f.String() != "a right-to-left override (U+202E) as its character 8" {
		t.Error(f)
	}
}
