// SPDX-License-Identifier: MPL-2.0

package access

import (
	"strings"
	"testing"
)

func TestNamesAndPatternsSayWhatToWrite(t *testing.T) {
	for text, says := range map[string]string{
		"PROD": "such as prod", "feed_1": "such as feed-1", " feed": "such as feed", "acme inc.": "such as acme-inc",
		"-a": "such as a", "a/b": "such as a-b",
		"": "letter or a digit", "müller": "letter or a digit", "---": "letter or a digit",
		strings.Repeat("a", 64): "letter or a digit",
	} {
		if err := CheckPart(text, "a name"); err == nil || !strings.HasSuffix(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
	if err := CheckPart("orders-etl", "a name"); err != nil {
		t.Error(err)
	}
	for text, says := range map[string]string{
		"/orders": `at the start or the end, such as "orders"`, "orders//daily/*": `such as "orders/daily/*"`,
		"orders/acme/": `such as "orders/acme", or "orders/acme/*" for all that is below it`,
		"":             "or the end", "/": "or the end", "/orders/../x": "or the end",
	} {
		if _, err := ParsePattern(text); err == nil || !strings.HasSuffix(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
}
