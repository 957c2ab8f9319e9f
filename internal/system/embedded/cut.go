// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/durable"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/ca"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// errCutMeanwhile: somebody cut by hand after a change was drafted, and before it was published.
var errCutMeanwhile = errors.New("somebody made a cut by hand at the same time")

const (
	// cutByHandFile is what cut.sh leaves where it has changed the publication.
	cutByHandFile = ".cut-by-hand"
	// byProvider is the file that tells our lock on the publication from one of cut.sh.
	byProvider = "provider"
	// cutPatience is how long cut.sh may take; after that it has died.
	cutPatience = 5 * time.Second
)

// byHand reports whether cut.sh has changed the publication since it was made.
func (at *directory) byHand() bool {
	_, err := os.Lstat(at.paths.public(cutByHandFile))
	return err == nil
}

// holdNew holds what is new while something of its partner, or that it comes from, was cut by hand.
func (le *leader) holdNew(d *draft, scope string) error {
	file, last := filepath.Join(le.paths.holds(), holdFile(scope)), d.Holds[scope]
	err := le.disk.Mkdir(le.paths.holds(), publicDir)
	if err == nil {
		err = le.disk.Write(file, nil, publicFile)
	}
	if err == nil {
		d.Holds, err = le.paths.readHolds()
	}
	if err == nil && !d.Holds[scope].After(last) { // the clock went back since it was held, and perhaps released
		d.Holds[scope] = last.Add(time.Millisecond)
		err = os.Chtimes(file, time.Time{}, d.Holds[scope])
	}
	return fail(err, nothingChanged)
}

// alonePublished keeps cut.sh out of the publication until free is called: it reads what lies there and adds to it, and would
// bring back what is replaced meanwhile. Where the holds are others by now than those that were drafted with, it is
// errCutMeanwhile: what cut.sh has just taken away is not to be published once more, not even for a moment.
func (pu *publisher) alonePublished(publish bool, drafted ledger.Holds) (free func() error, err error) {
	if !publish {
		return func() error { return nil }, nil
	}
	dir := pu.paths.cuttingDir()
	if err := pu.lockPublication(dir); err != nil {
		return nil, err
	}
	free = func() error { return fail(pu.disk.RemoveAll(dir), perhapsChanged) }
	err = pu.disk.Do("create", dir, func() error { return os.WriteFile(filepath.Join(dir, byProvider), nil, privateFile) })
	if err == nil {
		var now ledger.Holds
		if now, err = pu.paths.readHolds(); err == nil && !maps.Equal(now, drafted) {
			err = errCutMeanwhile
		}
	}
	if err != nil {
		return nil, errors.Join(err, free())
	}
	return free, nil
}

// lockPublication makes the directory that is the lock on the publication, which cut.sh makes likewise. A lock of a provider is of one
// that died, since we hold the ledger's; one of cut.sh has died when it was waited for in vain.
func (pu *publisher) lockPublication(dir string) error {
	if err := pu.disk.Mkdir(pu.paths.publish(), publicDir); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, byProvider)); err == nil {
		if err := pu.disk.RemoveAll(dir); err != nil {
			return err
		}
	}
	for deadline := access.WallClock().Add(cutPatience); ; time.Sleep(5 * time.Millisecond) {
		err := pu.disk.Do("mkdir", dir, func() error { return os.Mkdir(dir, privateDir) })
		if err == nil || !errors.Is(err, fs.ErrExist) {
			return err
		}
		if access.WallClock().After(deadline) {
			if err := pu.disk.RemoveAll(dir); err != nil {
				return err
			}
		}
	}
}

// addsLists reports whether a revocation list in PEM is the one of a digest, with lists behind it that cut.sh adds.
func addsLists(text []byte, digest string) bool {
	const last = "-----END X509 CRL-----\n"
	at := bytes.Index(text, []byte(last))
	return at >= 0 && digestOf(text[:at+len(last)]) == digest && ca.AreCuts(text[at+len(last):])
}

// addsSections reports whether a KRL is the one of a digest, with sections behind it.
func addsSections(text []byte, digest string) bool {
	_, err := ca.RevokedSerials(text)
	return err == nil && slices.ContainsFunc(ca.KRLEnds(text), func(end int) bool { return digestOf(text[:end]) == digest })
}

// onlyCuts reports whether a published file differs from what was published, by its digest, only in what cut.sh does: it takes
// access away, and gives none.
func (ob *observer) onlyCuts(l *book, name, digest string) bool {
	text, err := durable.ReadFile(ob.paths.public(name))
	if err != nil {
		return false
	}
	switch {
	case name == crlFile: // more lists, which nobody believes without our signature
		return addsLists(text, digest)
	case name == krlFile: // more sections, which only revoke
		return addsSections(text, digest)
	case strings.HasPrefix(name, principalsDir+"/"): // the lines are left out of those who are on hold
		want, _ := ob.compiled(l, name)
		return bytes.Equal(want, text)
	case name == policy.HoldText:
		return draftOn(l, ob.now(), nil).hold().Says(text)
	case name == policy.HoldBundle:
		data, err := policy.Unpack(text, "data.json")
		return err == nil && draftOn(l, ob.now(), nil).hold().Says(data)
	}
	return false
}
