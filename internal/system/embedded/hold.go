// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/ca"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// A partner, an identity or a credential is cut by hand without Terraform, keys or state, by publish/cut.sh: a
// file in hold/ makes it last, and what gateways read is changed at once. Each change adds to what is published,
// so that cuts add up in whatever order they are made: signed lists of revoked certificates of one identity each
// (see ca.Cut), sections of sshd's list of revoked keys, lines that are left out. Every publication brings them
// along in cut/PARTNER.txt.

// cutScript is publish/cut.sh.
//
//go:embed cut.sh
var cutScript []byte

const cutName = "cut.sh"

// holdFile returns the name of the file that holds a partner, an identity or a credential; no part of an id has a dot.
func holdFile(scope string) string { return strings.ReplaceAll(scope, "/", ".") }

// scopeOf returns what a file in hold/ holds.
func scopeOf(file string) (scope string, ok bool) {
	scope = strings.ReplaceAll(file, ".", "/")
	_, notIdentity := access.ParseIdentityID(scope)
	_, _, notCredential := access.ParseRef(access.TypeCredential, scope)
	return scope, access.ValidPart(scope) || notIdentity == nil || notCredential == nil
}

// readHolds reads hold/. Whatever bears the name of something holds it, also a folder or a dangling link.
func (p paths) readHolds() (ledger.Holds, error) {
	files, err := os.ReadDir(p.holds())
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fail(err, nothingChanged)
	}
	found := ledger.Holds{}
	for _, f := range files {
		scope, ok := scopeOf(f.Name())
		if !ok {
			continue
		}
		info, err := f.Info()
		if errors.Is(err, fs.ErrNotExist) { // it was taken away meanwhile
			continue
		}
		if err != nil {
			return nil, fail(err, nothingChanged)
		}
		found[scope] = cutAt(info)
	}
	if len(found) == 0 {
		return nil, nil
	}
	return found, nil
}

// cutAt returns when a mark in hold/ was made last. One that is as old as the one before it, by a clock
// that went back, is longer.
func cutAt(mark fs.FileInfo) time.Time {
	at := mark.ModTime().UTC()
	if mark.Mode().IsRegular() {
		at = at.Add(time.Duration(mark.Size()))
	}
	return at
}

// cut reports whether a credential gives no access, by declaration or by hand, or because a record of its
// identity cannot be read.
func (d *draft) cut(c *access.Credential) bool {
	return d.cutIdentity(c.IdentityID) || d.HeldAlone(d.Holds, c)
}

// cutIdentity reports whether an identity gives none.
func (d *draft) cutIdentity(id access.IdentityID) bool {
	return d.Standing(id).Cut() || d.HeldIdentity(d.Holds, id) || d.damaged.of(id) != nil
}

// identities returns the identities that are there.
func (d *draft) identities() iter.Seq2[*access.Identity, *ledger.Entry] {
	return func(yield func(*access.Identity, *ledger.Entry) bool) {
		for _, e := range d.Ledger {
			if i, ok := e.Object.(*access.Identity); ok && !e.Removed() && !yield(i, e) {
				return
			}
		}
	}
}

// heldPartners returns the partners on hold of which an identity was not released, and by partner those that were.
func (d *draft) heldPartners() (held map[string]bool, released map[string][]string) {
	held, released = map[string]bool{}, map[string][]string{}
	for i, e := range d.identities() {
		partner := i.ID.Partner
		since, ok := d.Holds[partner]
		switch {
		case !ok:
		case since.After(e.HoldLifted):
			held[partner] = true
		default:
			released[partner] = append(released[partner], i.ID.String())
		}
	}
	return held, released
}

// hold returns who is on hold, as gateways are told. A partner whose identities were all released is not.
func (d *draft) hold() policy.Hold {
	var h policy.Hold
	if len(d.Holds) == 0 {
		return h
	}
	for i, e := range d.identities() {
		if id := i.ID.String(); d.Holds[id].After(e.HoldLifted) {
			h.Held = append(h.Held, id)
		}
	}
	held, released := d.heldPartners()
	for scope := range d.Holds {
		credential := d.Ledger[access.Ref{Type: access.TypeCredential, ID: scope}]
		switch {
		case access.ValidPart(scope): // a partner: one that has no identity yet is held too
			if held[scope] || len(released[scope]) == 0 {
				h.Held = append(h.Held, scope)
				h.Released = append(h.Released, released[scope]...)
			}
		case credential != nil && !credential.Removed() && d.HeldAlone(d.Holds, credential.Object):
			h.Held = append(h.Held, scope)
		}
	}
	return h
}

// cutting is what changes where a partner, or a part of it, is cut: its identities, and those that hang on them.
type cutting map[access.IdentityID]*cutMember

// cutMember is one identity of a cutting.
type cutMember struct {
	// lineage is it with all that it hangs on.
	lineage []access.IdentityID
	// kinds are those of its credentials.
	kinds []access.Kind
	// revoked is what it holds that is not revoked anyway; nil where all of its credentials are cut.
	revoked *revocations
}

// member returns the part of an identity, which it adds where there is none.
func (c cutting) member(id access.IdentityID) *cutMember {
	if c[id] == nil {
		c[id] = &cutMember{}
	}
	return c[id]
}

// revoke makes the cut list certificates as on hold from a moment on.
func (m *cutMember) revoke(kind access.Kind, issued []ledger.Item, at time.Time) {
	if m.revoked == nil {
		m.revoked = &revocations{}
	}
	for _, i := range issued {
		m.revoked.add(kind, ca.Revoked{Serial: i.Serial, At: at, Hold: true})
	}
}

// cutFile returns where it lies what cuts a partner.
func cutFile(partner string) string { return "cut/" + partner + ".txt" }

// digest returns one of all that a partner's file says, but for the moments in it.
func (c cutting) digest(a *ca.Authority) (string, error) {
	sum := sha256.New()
	for _, id := range order.Sorted(maps.Keys(c), access.IdentityID.Compare) {
		m := c[id]
		sum.Write(fmt.Appendln(nil, m.lineage, m.kinds))
		if m.revoked != nil {
			own, err := m.revoked.digest(a)
			if err != nil {
				return "", err
			}
			sum.Write(fmt.Appendln(nil, own))
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// text returns the file that cuts a partner, for cut.sh: words in lines, of which the first says what it is.
//
//	line ID ABOVE...       an identity with what it hangs on
//	credential ID KIND     what it has
//	crl ID BASE64,...      its list for the verifiers of certificates
//	krl ID \ooo...         its section for sshd's list
func (c cutting) text(sign func(access.IdentityID, revocations) (crl, krl []byte, err error)) ([]byte, error) {
	var out bytes.Buffer
	for _, id := range order.Sorted(maps.Keys(c), access.IdentityID.Compare) {
		out.WriteString("line")
		for _, above := range c[id].lineage {
			out.WriteString(" " + above.String())
		}
		out.WriteString("\n")
		for _, kind := range c[id].kinds {
			fmt.Fprintf(&out, "credential %s %s\n", id, kind)
		}
		r := c[id].revoked
		if r == nil {
			continue
		}
		crl, krl, err := sign(id, *r)
		if err != nil {
			return nil, err
		}
		if len(r.x509) > 0 {
			fmt.Fprintf(&out, "crl %s %s\n", id, base64Lines(crl))
		}
		if len(r.ssh) > 0 {
			fmt.Fprintf(&out, "krl %s ", id)
			for _, octet := range krl {
				fmt.Fprintf(&out, `\%03o`, octet)
			}
			out.WriteString("\n")
		}
	}
	return out.Bytes(), nil
}

// base64Lines returns the lines of a block in PEM, with commas between.
func base64Lines(block []byte) string {
	var lines []string
	for line := range strings.Lines(string(block)) {
		if !strings.HasPrefix(line, "-----") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return strings.Join(lines, ",")
}
