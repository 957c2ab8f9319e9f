// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// A publication is a set of files that gateways pull: OPA's policy and its data, what is revoked for TLS and SSH, who
// may log in as whom, and cut.sh with what it needs to cut each partner without us. It is compiled from the whole
// ledger each time, for what is compiled from a part could keep what the rest took away; only files that differ are
// written.
//
// Three things are never made anew from one publication to the next unless they have to be, since gateways load them
// one by one: the revocation lists, each partner's cut, and what did not change at all.

// known is the publication as this process left it, by the digests of its files. It spares the next commit of this
// process reading all of them. It is dropped as soon as anything says that somebody else was there (committer.fresh).
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

// stageFiles stages the files that differ from what is published, and returns the digests of all.
func (pu *publisher) stageFiles(st *stage, files map[string][]byte,
	old map[string][sha256.Size]byte) map[string][sha256.Size]byte {
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

// stagePublication stages what differs from what is published, and returns the record and the digests of all. What lies
// there under a name that gateways would read, and is not of this publication, is removed, whoever put it there.
func (pu *publisher) stagePublication(st *stage, d *draft, g generation, was published) (published,
	map[string][sha256.Size]byte, error) {
	p := pu.publication(d)
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
//
// The revocation lists stay while they say the same, for up to a quarter of a publication's life: a list that is signed
// anew in each commit would have to be loaded anew by each gateway. Their numbers are even, and those of cut.sh's lists
// odd: higher than that of the list that they were published with, and lower than that of the next. Which of two lists
// counts for a certificate, their beginnings decide (ca.Authority.Cut).
func (pu *publisher) files(d *draft, p policy.Publication, g generation, was published) (published, map[string][]byte,
	error) {
	if err := pu.keyring.open(); err != nil {
		return published{}, nil, err
	}
	files, err := policy.Files(p, pu.keyring.signer)
	if err != nil {
		return published{}, nil, err
	}
	maps.Copy(files, policy.Principals(p))
	files[cutName], files["ca.pem"], files["ssh/ca.pub"] = cutScript, pu.keyring.authority.CertificatePEM(),
		pu.keyring.authority.SSHPublicKey()
	half := d.Now.Add(pu.options.PublicationLife / 2)
	record := published{
		RenewAt:       access.Earliest(half, policy.RefreshAt(p)),
		Revocations:   was.Revocations,
		RevocationsAt: was.RevocationsAt,
	}
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
			number := uint64(2 * g.Number) //nolint:gosec // counted up from 1
			files[krlFile], err = pu.keyring.authority.KRL(all.ssh, number, d.Now)
		}
	}
	if err == nil {
		// newer than what it replaces, and older than the next
		err = pu.cutFiles(d, &record, was.Cuts, keep, files, 2*g.Number+1, p.ValidUntil)
	}
	return record, files, err
}

// cutFiles returns what cuts each partner. Those that say what they said are kept as they are, until the lists are to
// be renewed: a list of theirs has to begin later than the one for all.
func (pu *publisher) cutFiles(d *draft, record *published, was map[string]string, keep bool, files map[string][]byte,
	number int64, until time.Time) error {
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

// alonePublished keeps cut.sh out of the publication until free is called: it reads what lies there and adds to it, and
// would bring back what is replaced meanwhile. Where the holds are others by now than those that were drafted with, it
// is errCutMeanwhile: what cut.sh has just taken away is not to be published once more, not even for a moment.
func (pu *publisher) alonePublished(publish bool, drafted ledger.Holds) (free func() error, err error) {
	if !publish {
		return func() error { return nil }, nil
	}
	dir := pu.paths.cuttingDir()
	if err := pu.lockPublication(dir); err != nil {
		return nil, err
	}
	free = func() error { return fail(pu.disk.RemoveAll(dir), perhapsChanged) }
	err = pu.disk.Do("create", dir,
		func() error { return os.WriteFile(filepath.Join(dir, byProvider), nil, privateFile) })
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

// lockPublication makes the directory that is the lock on the publication, which cut.sh makes likewise. A lock of a
// provider is of one that died, since we hold the ledger's; one of cut.sh has died when it was waited for in vain.
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

// cuttings returns all partners that have an identity, or one that hangs on theirs, with what is cut with each.
func (pu *publisher) cuttings(d *draft) map[string]cutting {
	identities := cutting{}
	for _, ref := range order.Sorted(maps.Keys(d.Ledger), ledger.CompareRefs) { // kinds are told in this order
		e := d.Ledger[ref]
		if e.Removed() {
			continue
		}
		switch o := e.Object.(type) {
		case *access.Identity:
			identities.member(o.ID).lineage = d.Lineage(o.ID)
		case *access.Credential:
			m := identities.member(o.IdentityID)
			m.kinds = append(m.kinds, o.Kind())
			if !d.cut(o) {
				m.revoke(o.Kind(), e.Issued, d.Now)
			}
		}
	}
	all := map[string]cutting{}
	for id, m := range identities {
		for _, above := range m.lineage {
			if all[above.Partner] == nil {
				all[above.Partner] = cutting{}
			}
			all[above.Partner][id] = m
		}
	}
	return all
}
