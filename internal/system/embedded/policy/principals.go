// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// login is the resource that stands for a login name of an SSH server.
var login = regexp.MustCompile(`^ssh/([a-z_][a-z0-9_.-]{0,31})$`)

// shell is what one identity may do on one login, each until a moment; zero is never.
type shell struct{ login, pty, forward time.Time }

// Principals returns sshd's AuthorizedPrincipalsFiles, by their path in the publish folder.
//
// sshd takes the first line with a principal of the certificate, and only then looks at the line's options: when that
// line has expired it refuses, whatever follows (auth2-pubkey.c, user_cert_trusted_ca; measured). So all grants of an
// identity on one login become one line, which allows what they allow together, until the first of that ends. Where
// something else lasts longer, the files have to be published anew then: see RefreshAt. Until somebody does, that login
// is refused; it is never open for longer than granted.
//
// sshd lets in during the second of expiry-time itself, so the line carries the second before the end.
func Principals(p Publication) map[string][]byte {
	files := map[string][]byte{}
	for _, i := range sorted(p.Identities) {
		for name, s := range shells(i, p.Now) {
			path := "ssh/principals/" + name
			files[path] = append(files[path], s.line(i.ID, p.SSHDZone)...)
		}
	}
	return files
}

// RefreshAt returns the first moment at which a line of Principals ends while its identity may still do something on
// that login, so that a publication after it allows more; zero where there is none.
func RefreshAt(p Publication) time.Time {
	var first time.Time
	for _, i := range p.Identities {
		for _, s := range shells(i, p.Now) {
			if until := s.until(); until.Before(s.login) {
				first = access.Earliest(first, until)
			}
		}
	}
	return first
}

func sorted(identities []Identity) []Identity {
	return order.Sorted(slices.Values(identities), func(a, b Identity) int { return a.ID.Compare(b.ID) })
}

// shells returns what an identity may do now, by login.
func shells(i Identity, now time.Time) map[string]shell {
	out := map[string]shell{}
	if i.Suspended {
		return out
	}
	for _, g := range i.Grants {
		name := login.FindStringSubmatch(string(g.Resource))
		ends := access.Earliest(g.EndsAt, i.EndsAt)
		if name == nil ||
			!lastSecond(ends).After(now) ||
			i.EndsAt.IsZero() ||
			g.EndsAt.IsZero() {
			continue
		}
		if s, any := out[name[1]].with(g.Actions, ends); any {
			out[name[1]] = s
		}
	}
	return out
}

// with adds a grant, and says whether there was anything in it for sshd.
func (s shell) with(actions []string, ends time.Time) (_ shell, any bool) {
	for _, action := range actions {
		switch action {
		case "login":
		case "login-pty":
			s.pty = access.Latest(s.pty, ends)
		case "login-forward":
			s.forward = access.Latest(s.forward, ends)
		default:
			continue
		}
		s.login, any = access.Latest(s.login, ends), true
	}
	return s, any
}

// until returns when the first of what it allows ends.
func (s shell) until() time.Time { return access.Earliest(s.login, s.pty, s.forward) }

// line returns a line of an AuthorizedPrincipalsFile (sshd(8), "AUTHORIZED_KEYS FILE FORMAT"): restrict takes
// everything away, the next options give back what was granted.
func (s shell) line(id access.IdentityID, zone *time.Location) string {
	options := []string{"restrict", fmt.Sprintf(`expiry-time="%s"`, expiryTime(lastSecond(s.until()), zone))}
	if !s.pty.IsZero() {
		options = append(options, "pty")
	}
	if !s.forward.IsZero() {
		options = append(options, "port-forwarding")
	}
	return strings.Join(options, ",") + " " + id.String() + "\n"
}

// The forms of expiry-time: in UTC since OpenSSH 9.1, and in sshd's own zone before that (ssh-keygen(1), "-V"; the
// release notes of 9.1).
const (
	inUTC  = "20060102150405Z"
	inZone = "20060102150405"
)

// expiryTime writes a moment for sshd, in UTC or, where a zone is given, in the form that has none. Where clocks are
// set back a time of day comes twice, and sshd may take it for the later one: then it writes a moment before.
func expiryTime(t time.Time, zone *time.Location) string {
	if zone == nil {
		return t.UTC().Format(inUTC)
	}
	text := t.In(zone).Format(inZone)
	for _, shift := range []time.Duration{30 * time.Minute, time.Hour, 2 * time.Hour} {
		if t.Add(shift).In(zone).Format(inZone) == text {
			return t.Add(-shift).In(zone).Format(inZone)
		}
	}
	return text
}

// readExpiryTime reads what expiryTime wrote.
func readExpiryTime(text string, zone *time.Location) (time.Time, error) {
	if zone == nil {
		return time.Parse(inUTC, text)
	}
	return time.ParseInLocation(inZone, text, zone)
}

// lastSecond returns the start of the last whole second before an end.
func lastSecond(ends time.Time) time.Time { return ends.Truncate(time.Second).Add(-time.Second) }
