// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/durable"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// The lists of what is revoked, for X.509 and for SSH.
const (
	crlFile = "crl.pem"
	krlFile = "ssh/revoked_keys"
)

// dataFile is the policy data.
const dataFile = "policy/data.json"

// published is the record of what publish/ was made from. It lies in publish/, signed, and so tells a ledger that was put back
// from a newer one.
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
	return err == nil && p.Signature != "" && w.Attested(text, p.Signature) && w.Attested(p.Generation.text(), p.Generation.Signature)
}

// readRecord reads the record as it lies there, signed or not. One that is damaged is as a missing one, which the next change writes anew;
// one of a newer provider is errNewer.
func (at *directory) readRecord() (published, error) {
	var p published
	_, err := readFile(at.paths.record(), &p)
	if err != nil && harms(err) && !errors.Is(err, errNewer) {
		return published{}, nil
	}
	return p, err
}

// known is the publication as this process left it, by the digests of its files.
type known struct {
	generation generation
	holds      ledger.Holds
	digests    map[string][sha256.Size]byte
}

// publisher makes what gateways read. The caller has the lock.
type publisher struct {
	*directory
	keyring  *keyring
	observer *observer
	known    known
}

// due says what a publication needs.
type due int

const (
	notDue   due = iota
	tampered     // something is not as this system left it: the next change makes it anew
	aging        // it is whole, and should be made anew
	broken       // it is not of this ledger: a change did not finish
)

// dueOf says what the publication of a ledger needs. One that is known to be whole is not looked over.
func (ob *observer) dueOf(p published, l *book, whole bool) due {
	switch {
	case l.generation == generation{}:
		return notDue
	case p.Generation == generation{} && l.generation.Number > 1, p.Generation.Number > l.generation.Number:
		return tampered
	case p.Generation != l.generation, !whole && l.Ledger != nil && p.Census != l.census():
		return broken
	case ob.byHand(), !maps.Equal(p.Holds, l.holds), !p.RenewAt.IsZero() && !ob.now().Before(p.RenewAt):
		return aging
	case len(l.found) > 0:
		return tampered
	}
	return notDue
}

// stageFiles stages the files that differ from what is published, and returns the digests of all.
func (pu *publisher) stageFiles(st *stage, files map[string][]byte, old map[string][sha256.Size]byte) map[string][sha256.Size]byte {
	digests := make(map[string][sha256.Size]byte, len(files))
	for name, content := range files {
		before, there := old[name]
		if content == nil { // kept as it is
			digests[name] = before
			continue
		}
		digests[name] = sha256.Sum256(content)
		if !there || digests[name] != before {
			st.write(pu.paths.public(name), content)
		}
	}
	return digests
}

// stagePublication stages what differs from what is published, and returns the record and the digests of all.
func (pu *publisher) stagePublication(st *stage, d *draft, g generation, was published) (published, map[string][sha256.Size]byte, error) {
	p := pu.observer.publication(d)
	record, files, err := pu.files(d, p, g, was)
	if err != nil {
		return published{}, nil, err
	}
	old := pu.known.digests
	if old == nil {
		if old, err = pu.digests(); err != nil {
			return published{}, nil, err
		}
	}
	digests := pu.stageFiles(st, files, old)
	for name := range old {
		if _, still := files[name]; !still && ours(name) {
			st.remove(pu.paths.public(name))
		}
	}
	record.Files = make(map[string]string, len(digests))
	for name, digest := range digests {
		record.Files[name] = hex.EncodeToString(digest[:])
	}
	return record, digests, st.err
}

// files returns all files of a publication; nil stands for one that is to stay as it is.
func (pu *publisher) files(d *draft, p policy.Publication, g generation, was published) (published, map[string][]byte, error) {
	if err := pu.keyring.open(); err != nil {
		return published{}, nil, err
	}
	files, err := policy.Files(p, pu.keyring.signer)
	if err != nil {
		return published{}, nil, err
	}
	maps.Copy(files, policy.Principals(p))
	files[cutName], files["ca.pem"], files["ssh/ca.pub"] = cutScript, pu.keyring.authority.CertificatePEM(), pu.keyring.authority.SSHPublicKey()
	half := d.Now.Add(pu.options.PublicationLife / 2)
	record := published{RenewAt: access.Earliest(half, policy.RefreshAt(p)), Revocations: was.Revocations, RevocationsAt: was.RevocationsAt}
	keep := pu.known.digests != nil && d.Now.Before(was.RevocationsAt.Add(pu.options.PublicationLife/4))
	all := revocationsOf(d)
	digest, err := all.digest(pu.keyring.authority)
	if err != nil {
		return published{}, nil, err
	}
	if keep && digest == was.Revocations {
		files[crlFile], files[krlFile] = nil, nil
	} else {
		record.Revocations, record.RevocationsAt = digest, d.Now
		if files[crlFile], err = pu.keyring.authority.CRL(all.x509, 2*g.Number, d.Now, p.ValidUntil); err == nil {
			files[krlFile], err = pu.keyring.authority.KRL(all.ssh, uint64(2*g.Number), d.Now) //nolint:gosec // counted up from 1
		}
	}
	if err == nil {
		err = pu.cutFiles(d, &record, was.Cuts, keep, files, 2*g.Number+1, p.ValidUntil) // newer than what it replaces, and older than the next
	}
	return record, files, err
}

// cutFiles returns what cuts each partner. Those that say what they said are kept as they are, until the lists are to be renewed:
// a list of theirs has to begin later than the one for all.
func (pu *publisher) cutFiles(d *draft, record *published, was map[string]string, keep bool, files map[string][]byte, number int64, until time.Time) error {
	sign := func(id access.IdentityID, r revocations) (crl, krl []byte, err error) {
		if len(r.x509) > 0 {
			crl, err = pu.keyring.authority.Cut(id, r.x509, number, d.Now, until)
		}
		return crl, pu.keyring.authority.KRLSection(r.ssh), err
	}
	record.Cuts = map[string]string{}
	for partner, c := range pu.cuttings(d) {
		own, err := c.digest(pu.keyring.authority)
		if err != nil {
			return err
		}
		record.Cuts[partner] = own + " " + record.Revocations
		if keep && record.Cuts[partner] == was[partner] {
			files[cutFile(partner)] = nil
			continue
		}
		if files[cutFile(partner)], err = c.text(sign); err != nil {
			return err
		}
	}
	return nil
}

// digestFile returns the digest of a published file; none of a link to nowhere, and of what is no file, which have no content.
func digestFile(path string, f fs.DirEntry) (digest [sha256.Size]byte, err error) {
	content, err := durable.ReadFile(path)
	if err != nil && f.Type()&fs.ModeSymlink != 0 || noFile(err) {
		return digest, nil
	}
	return sha256.Sum256(content), err
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
