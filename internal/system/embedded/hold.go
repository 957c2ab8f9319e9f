// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/ca"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// A partner, an identity or a credential is cut by hand without Terraform, keys or state, by publish/cut.sh: a file in hold/
// makes it last, and what gateways read is changed at once. Each change adds to what is published, so that cuts add up in
// whatever order they are made: signed lists of revoked certificates of one identity each (see ca.Cut), sections of sshd's
// list of revoked keys, lines that are left out. Every publication brings them along in cut/PARTNER.txt.

// cutScript is publish/cut.sh.
//
//go:embed cut.sh
var cutScript []byte

const cutName = "cut.sh"

// holdFile returns the name of the file that holds a partner, an identity or a credential; no part of an id has a dot.
func holdFile(scope string) string { return strings.ReplaceAll(scope, "/", ".") }

// scopeOf returns what a file in hold/ holds.
func scopeOf(file string) (scope string, is bool) {
	scope = strings.ReplaceAll(file, ".", "/")
	_, notIdentity := access.ParseIdentityID(scope)
	_, _, notCredential := access.ParseRef(access.TypeCredential, scope)
	return scope, access.ValidPart(scope) || notIdentity == nil || notCredential == nil
}

// readHolds reads hold/. Whatever bears the name of something holds it, also a folder or a dangling link.
func (p paths) readHolds() (ledger.Holds, error) {
	files, err := os.ReadDir(p.holds())
	if errors.Is(err, fs.ErrNotExist) {
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
		found[scope] = info.ModTime().UTC()
	}
	if len(found) == 0 {
		return nil, nil
	}
	return found, nil
}

var _ access.Warden = (*System)(nil)

// WouldHold reports whether an object would be held if it were made now.
func (s *System) WouldHold(ctx context.Context, o access.Object) (bool, error) {
	l, err := s.view(ctx)
	if err != nil {
		return false, fmt.Errorf("look for holds of %s: %w", o.Ref(), err)
	}
	return ledger.WouldHold(l.Ledger, l.holds, l.stones, o), nil
}

// Holds returns what was cut by hand, by when each was cut last.
func (s *System) Holds(ctx context.Context) (map[string]time.Time, error) {
	l, err := s.view(ctx)
	if err != nil {
		return nil, fmt.Errorf("read what was cut by hand: %w", err)
	}
	return l.holds, nil
}

// cut reports whether a credential gives no access, by declaration or by hand, or because a record of its identity cannot be read.
func (d *draft) cut(c *access.Credential) bool {
	return d.cutIdentity(c.IdentityID) || d.HeldAlone(d.Holds, c)
}

// cutIdentity reports whether an identity gives none.
func (d *draft) cutIdentity(id access.IdentityID) bool {
	return d.Standing(id).Cut() || d.HeldIdentity(d.Holds, id) || d.damaged.of(id) != nil
}

// hold returns who is on hold, as gateways are told. A partner whose identities were all released is not.
func (d *draft) hold() policy.Hold {
	var h policy.Hold
	if len(d.Holds) == 0 {
		return h
	}
	free := map[string]bool{} // partners with identities, all of which were released
	for _, e := range d.Ledger {
		i, ok := e.Object.(*access.Identity)
		if !ok || e.Removed() {
			continue
		}
		if d.Holds[i.ID.String()].After(e.HoldLifted) {
			h.Held = append(h.Held, i.ID.String())
		}
		since, on := d.Holds[i.ID.Partner]
		if !on {
			continue
		}
		if since.After(e.HoldLifted) {
			free[i.ID.Partner] = false
			continue
		}
		if _, known := free[i.ID.Partner]; !known {
			free[i.ID.Partner] = true
		}
		h.Released = append(h.Released, i.ID.String())
	}
	for scope := range d.Holds {
		switch e := d.Ledger[access.Ref{Type: access.TypeCredential, ID: scope}]; {
		case access.ValidPart(scope) && !free[scope]: // also one that has no identity yet
			h.Held = append(h.Held, scope)
		case e != nil && !e.Removed() && d.HeldAlone(d.Holds, e.Object):
			h.Held = append(h.Held, scope)
		}
	}
	h.Released = slices.DeleteFunc(h.Released, func(id string) bool {
		partner, _, _ := strings.Cut(id, "/")
		return free[partner]
	})
	return h
}

// cutting is what changes where a partner, or a part of it, is cut.
type cutting struct {
	// lines are its identities with all that each hangs on, credentials the kinds that each has.
	lines       map[access.IdentityID][]access.IdentityID
	credentials map[access.IdentityID][]access.Kind
	// revoked is what each holds that is not revoked anyway.
	revoked map[access.IdentityID]*revocations
}

// cuttings returns all partners that have an identity, with what is cut with each.
func (s *System) cuttings(d *draft) map[string]*cutting {
	all := map[string]*cutting{}
	for _, e := range d.Ledger {
		i, ok := e.Object.(*access.Identity)
		if !ok || e.Removed() {
			continue
		}
		line := d.Lineage(i.ID)
		for _, member := range line {
			c := all[member.Partner]
			if c == nil {
				c = &cutting{map[access.IdentityID][]access.IdentityID{}, map[access.IdentityID][]access.Kind{}, map[access.IdentityID]*revocations{}}
				all[member.Partner] = c
			}
			c.lines[i.ID] = line
		}
	}
	for _, ref := range slices.SortedStableFunc(maps.Keys(d.Ledger), ledger.CompareRefs) {
		e := d.Ledger[ref]
		c, ok := e.Credential()
		if !ok || e.Removed() {
			continue
		}
		for _, member := range d.Lineage(c.IdentityID) {
			cut := all[member.Partner]
			if cut == nil || cut.lines[c.IdentityID] == nil || slices.Contains(cut.credentials[c.IdentityID], c.Kind()) {
				continue
			}
			cut.credentials[c.IdentityID] = append(cut.credentials[c.IdentityID], c.Kind())
			if d.cut(c) {
				continue
			}
			if cut.revoked[c.IdentityID] == nil {
				cut.revoked[c.IdentityID] = &revocations{}
			}
			for _, i := range e.Issued {
				cut.revoked[c.IdentityID].add(c.Kind(), ca.Revoked{Serial: i.Serial, At: d.Now, Hold: true})
			}
		}
	}
	return all
}

// cutFile returns where it lies what cuts a partner.
func cutFile(partner string) string { return "cut/" + partner + ".txt" }

// digest returns one of all that a partner's file says.
func (c *cutting) digest(a *ca.Authority) (string, error) {
	sum := sha256.New()
	for _, id := range slices.SortedStableFunc(maps.Keys(c.lines), access.IdentityID.Compare) {
		sum.Write(fmt.Appendln(nil, c.lines[id], c.credentials[id]))
		if r := c.revoked[id]; r != nil {
			own, err := r.digest(a)
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
func (c *cutting) text(sign func(access.IdentityID, revocations) (crl, krl []byte, err error)) ([]byte, error) {
	var out bytes.Buffer
	for _, id := range slices.SortedStableFunc(maps.Keys(c.lines), access.IdentityID.Compare) {
		out.WriteString("line")
		for _, member := range c.lines[id] {
			out.WriteString(" " + member.String())
		}
		out.WriteString("\n")
		for _, kind := range c.credentials[id] {
			fmt.Fprintf(&out, "credential %s %s\n", id, kind)
		}
		r := c.revoked[id]
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
