// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// comment begins a line of the header.
const comment = "# "

// Render writes a policy: the lines of the header as comments, then the blocks, sorted. It panics where a line could
// end a comment early or a word could end its quotes: callers encode what people wrote, and blocks come from [Compile].
func Render(header []string, blocks []Block) string {
	var text strings.Builder
	for _, line := range header {
		if !Printable(line) {
			panic(fmt.Sprintf("policy: %q is no line of a header", line))
		}
		text.WriteString(comment + line + "\n")
	}
	for _, b := range order.Sorted(slices.Values(blocks), compareBlocks) {
		b.write(&text)
	}
	return text.String()
}

// Split takes apart what [Render] wrote: the lines of the header, and the rest.
func Split(text string) (header []string, body string) {
	body = text
	for {
		line, rest, whole := strings.Cut(body, "\n")
		line, ok := strings.CutPrefix(line, comment)
		if !whole || !ok {
			return header, body
		}
		header, body = append(header, line), rest
	}
}

// Printable says whether a text can be a line of the header: it has no control characters, line separators or broken
// UTF-8, nor U+E123, which OpenBao's parser keeps for itself.
func Printable(line string) bool {
	return utf8.ValidString(line) && !strings.ContainsFunc(line, func(r rune) bool {
		return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp) || r == '\uE123'
	})
}

// write writes a block as OpenBao's HCL, with the names of its grants as comment: drift and the store find a grant's
// paths by that. Every word is checked again, since what is no word could end its quotes and add a path.
func (b Block) write(text *strings.Builder) {
	text.WriteString("path " + quoted(validPath, b.Path) + " {\n")
	if len(b.Grants) > 0 {
		text.WriteString("  comment      = " + quoted(access.ValidPart, b.Grants...) + "\n")
	}
	var capabilities []string
	for _, c := range b.Capabilities {
		capabilities = append(capabilities, quoted(validAction, c))
	}
	text.WriteString("  capabilities = [" + strings.Join(capabilities, ", ") + "]\n")
	text.WriteString("  expiration   = " +
		quoted(validMoment, b.Expires.UTC().Truncate(time.Second).Format(time.RFC3339)) + "\n}\n")
}

// quoted puts words in one pair of quotes, where none needs an escape.
func quoted(valid func(string) bool, words ...string) string {
	for _, w := range words {
		if !valid(w) {
			panic(fmt.Sprintf("policy: %q cannot stand in a policy", w))
		}
	}
	return `"` + strings.Join(words, " ") + `"`
}

// validPath says whether a text is a pattern, or a pattern that does not end in * and a slash.
func validPath(text string) bool {
	resource, folder := strings.CutSuffix(text, "/")
	p, err := access.ParsePattern(resource)
	return err == nil && (!folder || !shape(p.Segments()).open())
}

func validAction(text string) bool { return slices.Contains(Actions(), text) }

func validMoment(text string) bool {
	t, err := time.Parse(time.RFC3339, text)
	return err == nil && writable(t)
}
