// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/durable"
)

// directory is where a system is, and by which clock it goes. Every part of it knows that.
type directory struct {
	options Options
	paths   paths
	disk    durable.Disk
}

func (at *directory) now() time.Time { return at.options.Clock().UTC() }

// paths says where everything lies in the directory. Names of our own in ledger/ have a dot, which no partner's has.
type paths struct{ root string }

func (p paths) in(elements ...string) string {
	return filepath.Join(append([]string{p.root}, elements...)...)
}

func (p paths) ledger() string                 { return p.in("ledger") }
func (p paths) revoked() string                { return p.in("ledger", "revoked") }
func (p paths) system() string                 { return p.in("ledger", "system.json") }
func (p paths) generationFile() string         { return p.in("ledger", "generation.json") }
func (p paths) sumsFile() string               { return p.in("ledger", "ledger.sums") }
func (p paths) sumsCopy() string               { return p.in("ledger", "ledger.sums.copy") }
func (p paths) record() string                 { return p.in("publish", "generation.json") }
func (p paths) rehearsedFile() string          { return p.in("ledger", "rehearsed.json") }
func (p paths) floor() string                  { return p.in("ledger", "floor.json") }
func (p paths) lockFile() string               { return p.in("ledger", "ledger.lock") }
func (p paths) holderFile() string             { return p.in("ledger", "ledger.holder") }
func (p paths) stagedLedger() string           { return p.in("ledger", ".staged") }
func (p paths) holds() string                  { return p.in("hold") }
func (p paths) keys() string                   { return p.in("keys") }
func (p paths) publish() string                { return p.in("publish") }
func (p paths) stagedPublish() string          { return p.in("publish", ".staged") }
func (p paths) cuttingDir() string             { return p.in("publish", ".cutting") }
func (p paths) public(n string) string         { return p.in("publish", filepath.FromSlash(n)) }
func (p paths) revocationFile(n string) string { return p.in("ledger", "revoked", n) }

// folders returns those that a change writes into, upper ones first.
func (p paths) folders() []string {
	return []string{
		p.holds(), p.in("keys", "copy"), p.stagedLedger(), p.revoked(), p.publish(), p.stagedPublish(), p.public("cut"),
		p.public("policy"), p.public("ssh"),
		p.public(principalsDir),
	}
}

// blocked reports whether a file stands where a folder belongs.
func blocked(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

// leadsNowhere returns where a link leads whose target is not there.
func leadsNowhere(path string) (to string, ok bool) {
	to, err := os.Readlink(path)
	if err != nil {
		return "", false
	}
	_, err = os.Stat(path)
	return to, err != nil
}

// missing reports whether an error says that something is not there, also as a file stands where its folder belongs.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// object returns the file of an object: ledger/PARTNER/ENVIRONMENT/NAME/{identity,credential-KIND,grant-NAME}.json.
func (p paths) object(ref access.Ref) string {
	if ref.Type == access.TypeIdentity {
		return p.in("ledger", filepath.FromSlash(ref.ID), "identity.json")
	}
	holder := ref.ID[:strings.LastIndexByte(ref.ID, '/')]
	last := ref.ID[strings.LastIndexByte(ref.ID, '/')+1:]
	return p.in("ledger", filepath.FromSlash(holder), string(ref.Type)+"-"+last+".json")
}

// stone returns the tombstone of an identity, beside its objects.
func (p paths) stone(id access.IdentityID) string {
	return p.in("ledger", filepath.FromSlash(id.String()), stoneFile)
}

const stoneFile = "remembered.json"

// refOf returns the object that a file of an identity's directory holds, and whether it is one at all.
func refOf(holder, file string) (access.Ref, bool) {
	name, isJSON := strings.CutSuffix(file, ".json")
	if !isJSON {
		return access.Ref{}, false
	}
	ref := access.Ref{Type: access.TypeIdentity, ID: holder}
	if name != "identity" {
		kind, last, _ := strings.Cut(name, "-")
		ref = access.Ref{Type: access.Type(kind), ID: holder + "/" + last}
	}
	_, _, err := access.ParseRef(ref.Type, ref.ID)
	return ref, err == nil && (name == "identity") == (ref.Type == access.TypeIdentity)
}

// The lists of what is revoked, for X.509 and for SSH.
const (
	crlFile = "crl.pem"
	krlFile = "ssh/revoked_keys"
)

// dataFile is the policy data.
const dataFile = "policy/data.json"

const principalsDir = "ssh/principals"
