// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/durable"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// published is the record of what publish/ was made from. It lies in publish/, signed, and so tells a ledger that was
// put back from a newer one.
type published struct {
	Version    int        `json:"version"`
	Generation generation `json:"generation"`
	// System is the id of the system: the copy of what ledger/system.json says.
	System string `json:"system,omitempty"`
	// ChangedAt is when the last change was made. A state that knows of later ones is of a newer directory.
	ChangedAt time.Time `json:"changed_at,omitzero"`
	// Floor is what the floor was: one that is gone or was put back is missed by it.
	Floor access.FloorMark `json:"floor,omitzero"`
	// Census is a digest of the objects that it was made from: it tells when somebody took a file away by hand.
	Census string `json:"census"`
	// RenewAt is when it should be made anew though nothing changes: in the middle of its life, or when a line of a
	// principals file ends before all that it stands for.
	RenewAt time.Time `json:"renew_at"`
	// Revocations is a digest of what the two lists say, RevocationsAt when they were signed.
	Revocations   string    `json:"revocations"`
	RevocationsAt time.Time `json:"revocations_at"`
	// Cuts are digests of what cuts each partner; Holds is what was on hold.
	Cuts  map[string]string `json:"cuts,omitempty"`
	Holds ledger.Holds      `json:"holds,omitempty"`
	// Revoked is what was revoked: a ledger that is put back takes it over.
	Revoked []revocation `json:"revoked,omitempty"`
	// Files are the digests of the files.
	Files     map[string]string `json:"files"`
	Signature string            `json:"signature"`
}

// text returns what is signed.
func (p published) text() ([]byte, error) {
	p.Signature = ""
	return json.Marshal(p)
}

// attested reports whether the record is signed, and the generation in it.
func (p published) attested(w policy.Witness) bool {
	text, err := p.text()
	return err == nil &&
		p.Signature != "" &&
		w.Attested(text, p.Signature) &&
		w.Attested(p.Generation.text(), p.Generation.Signature)
}

// readRecord reads the record as it lies there, signed or not. One that is damaged is as a missing one, which the next
// change writes anew; one of a newer provider is errNewer.
func (at *directory) readRecord() (published, error) {
	var p published
	_, err := readFile(at.paths.record(), &p)
	if err != nil && harms(err) && !errors.Is(err, errNewer) {
		return published{}, nil
	}
	return p, err
}

// digests reads what is published now.
func (at *directory) digests() (map[string][sha256.Size]byte, error) {
	digests := map[string][sha256.Size]byte{}
	root := at.paths.publish()
	err := filepath.WalkDir(root, func(path string, f fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if f.IsDir() {
			if path == at.paths.stagedPublish() || path == at.paths.cuttingDir() {
				return fs.SkipDir
			}
			return nil
		}
		if path == at.paths.record() {
			return nil
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		digests[filepath.ToSlash(name)], err = digestFile(path, f)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the publication: %w", err)
	}
	return digests, nil
}

// digestFile returns the digest of a published file; none of a link to nowhere, and of what is no file,
// which have no content.
func digestFile(path string, f fs.DirEntry) (digest [sha256.Size]byte, err error) {
	content, err := durable.ReadFile(path)
	if (err != nil && f.Type()&fs.ModeSymlink != 0) || noFile(err) {
		return digest, nil
	}
	return sha256.Sum256(content), err
}
