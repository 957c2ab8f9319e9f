// SPDX-License-Identifier: MPL-2.0

package signed

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/shown"
)

// Subject is what a single decision is on.
type Subject struct {
	Ref access.Ref
	// Edition is which one of its id it is, Access the digest of what it gives after the change.
	Edition, Access string
}

// ReviewLine returns the one line that is signed for a review. Until is the end that it keeps the access until. A
// review without a decision is signed as one that keeps.
func ReviewLine(on Subject, r *access.Review, until time.Time) string {
	decision := string(r.Decision)
	if decision == "" {
		decision = string(access.DecisionKeep)
	}
	return line("review", on, "decision", decision, "until", moment(until), "at", moment(r.At.Time), "by", r.By,
		"reason", r.Reason)
}

// WaiverLine returns the one line that is signed for the waiver of a rule. Many rules look at the end or at the owner
// of what they judge: these stand in it as well.
func WaiverLine(on Subject, of *access.Terms, rule string, w access.Waiver) string {
	return line("waiver", on, "expires_at", moment(of.ExpiresAt.Time), "owner", of.Owner, "rule", rule, "until",
		moment(w.Until.Time), "by", w.Approver, "reason", w.Reason)
}

// ReleaseLine returns the one line that is signed to lift what was cut by hand.
func ReleaseLine(on Subject, value, by string) string {
	return line("hold-release", on, "value", value, "by", by)
}

// line writes names and values in their order. Each value is quoted in ASCII, with escapes for what would end it, end
// the line, or not be seen: two decisions never have the same line.
func line(kind string, on Subject, values ...string) string {
	var b strings.Builder
	b.WriteString(Namespace + " v1 " + kind + " " + strconv.QuoteToASCII(on.Ref.String()))
	values = append([]string{"edition", on.Edition, "access", on.Access}, values...)
	for n := 0; n < len(values); n += 2 {
		b.WriteString(" " + values[n] + " " + strconv.QuoteToASCII(values[n+1]))
	}
	return b.String()
}

// moment writes a moment in its one spelling; "" for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// Command returns the command of a shell that signs a line.
func Command(line string) string {
	return "printf '%s\\n' " + shown.Word(line) + " | ssh-keygen -Y sign -n " + Namespace + " -f KEY"
}

// CheckLine returns the decider who signed a line, by a key that was in force at all of the moments.
func CheckLine(line, text string, deciders []access.Decider, moments ...time.Time) (d *access.Decider, err error) {
	for _, end := range []string{"\n", "", "\r\n"} { // a line has none in it, so that how it ends means nothing
		if d, err = Check([]byte(line+end), text, deciders, moments...); !errors.Is(err, ErrOther) {
			return d, err
		}
	}
	return nil, err
}

// Mark is what stays with a decision of how it was signed: enough to name it, and nothing to prove it by.
type Mark struct {
	// Digest is the SHA-256 of the worksheet that was signed, or of the signature of a single
	// decision; Key the fingerprint.
	Digest, Key string
	// Sheet reports whether it is of a worksheet.
	Sheet bool
}

const sheetPrefix = "worksheet sha256:"

// MarkOf reads what stands in the argument signature: of a worksheet its name, else the signature itself. White space
// around a signature and the line ends of Windows do not change its digest. It verifies nothing.
func MarkOf(text string) (Mark, error) {
	if rest, ok := strings.CutPrefix(text, sheetPrefix); ok {
		digest, key, _ := strings.Cut(rest, " ")
		if raw, err := hex.DecodeString(digest); err != nil ||
			len(raw) != sha256.Size ||
			!strings.HasPrefix(key, "SHA256:") {
			return Mark{}, errors.New("it names no worksheet: take it from the function decisions as it is")
		}
		return Mark{Digest: digest, Key: key, Sheet: true}, nil
	}
	s, err := Parse(text)
	if err != nil {
		return Mark{}, err
	}
	sum := sha256.Sum256([]byte(strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))))
	return Mark{Digest: hex.EncodeToString(sum[:]), Key: s.Fingerprint()}, nil
}

// String returns how a row of a signed worksheet names it.
func (m Mark) String() string { return fmt.Sprintf("%s%s %s", sheetPrefix, m.Digest, m.Key) }
