package embedded

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/ca"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/policy"
)

// The lists of what is revoked, for X.509 and for SSH.
const (
	crlFile = "crl.pem"
	krlFile = "ssh/revoked_keys"
)

// published is the record of what publish/ was made from.
type published struct {
	Version    int        `json:"version"`
	Generation generation `json:"generation"`
	// RenewAt is when it should be made anew though nothing changes: in the middle of its life, or when a line of a
	// principals file ends before all that it stands for.
	RenewAt time.Time `json:"renew_at"`
	// Revocations is a digest of what the two lists say, RevocationsAt when they were signed.
	Revocations   string    `json:"revocations"`
	RevocationsAt time.Time `json:"revocations_at"`
	Files         []string  `json:"files"`
}

// known is the publication as this process left it, by the digests of its files.
type known struct {
	generation generation
	digests    map[string][sha256.Size]byte
}

// due says what a publication needs.
type due int

const (
	notDue due = iota
	aging      // it is whole, and should be made anew
	broken     // it is not of this ledger, or a file is missing
)

// due reads the record of the publication. One that is known to be whole is not looked over.
func (s *System) due(l *ledger, whole bool) (published, due, error) {
	var p published
	if _, err := readFile(s.paths.published(), &p); err != nil {
		return p, broken, err
	}
	if p.Generation != l.generation || l.unborn() {
		return p, broken, nil
	}
	if !whole && slices.ContainsFunc(p.Files, s.missing) {
		return p, broken, nil
	}
	if !p.RenewAt.IsZero() && !s.now().Before(p.RenewAt) {
		return p, aging, nil
	}
	return p, notDue, nil
}

func (s *System) missing(name string) bool {
	_, err := os.Stat(s.paths.public(name))
	return err != nil
}

// open opens the keys, and makes them the first time.
func (s *System) open() (err error) {
	if s.authority != nil && s.signer != nil {
		return nil
	}
	if err := s.disk.mkdir(s.paths.keys(), privateDir); err != nil {
		return err
	}
	if s.authority, err = ca.OpenAt(s.paths.keys(), s.options.Passphrase, s.options.Clock); err != nil {
		return err
	}
	s.signer, err = policy.OpenSigner(s.paths.keys(), s.options.Passphrase)
	return err
}

// stagePublication stages what differs from what is published, and returns the record and the digests of all.
func (s *System) stagePublication(st *stage, d *draft, g generation, was published) (published, map[string][sha256.Size]byte, error) {
	p := s.publication(d)
	record, files, err := s.files(d, p, g, was)
	if err != nil {
		return published{}, nil, err
	}
	old := s.known.digests
	if old == nil {
		if old, err = s.digests(); err != nil {
			return published{}, nil, err
		}
	}
	digests := make(map[string][sha256.Size]byte, len(files))
	for name, content := range files {
		before, there := old[name]
		if content == nil { // kept as it is
			digests[name] = before
			continue
		}
		digests[name] = sha256.Sum256(content)
		if there && digests[name] == before {
			continue
		}
		if err := st.write(s.paths.public(name), content); err != nil {
			return published{}, nil, err
		}
	}
	for name := range old {
		if _, still := files[name]; !still && strings.HasPrefix(name, "ssh/principals/") {
			st.remove(s.paths.public(name))
		}
	}
	record.Files = slices.Sorted(maps.Keys(files))
	return record, digests, nil
}

// files are all files of a publication; nil stands for one that is to stay as it is.
func (s *System) files(d *draft, p policy.Publication, g generation, was published) (published, map[string][]byte, error) {
	if err := s.open(); err != nil {
		return published{}, nil, err
	}
	files, err := policy.Files(p, s.signer)
	if err != nil {
		return published{}, nil, err
	}
	maps.Copy(files, policy.Principals(p))
	files["ca.pem"], files["ssh/ca.pub"] = s.authority.CertificatePEM(), s.authority.SSHPublicKey()
	half := d.now.Add(s.options.PublicationLife / 2)
	record := published{RenewAt: access.Earliest(half, policy.RefreshAt(p)), Revocations: was.Revocations, RevocationsAt: was.RevocationsAt}
	revoked := s.revoked(d)
	digest, err := revoked.digest(s.authority)
	if err != nil {
		return published{}, nil, err
	}
	if s.known.digests != nil && digest == was.Revocations && d.now.Before(was.RevocationsAt.Add(s.options.PublicationLife/4)) {
		files[crlFile], files[krlFile] = nil, nil
		return record, files, nil
	}
	record.Revocations, record.RevocationsAt = digest, d.now
	if files[crlFile], err = s.authority.CRL(revoked.x509, g.Number, d.now, p.ValidUntil); err == nil {
		files[krlFile], err = s.authority.KRL(revoked.ssh, uint64(g.Number), d.now)
	}
	return record, files, err
}

// publication is all access that is in force.
func (s *System) publication(d *draft) policy.Publication {
	p := policy.Publication{Environment: s.options.Environment, Now: d.now, ValidUntil: d.now.Add(s.options.PublicationLife).Truncate(time.Second)}
	at := map[access.IdentityID]int{}
	for _, e := range d.entries {
		if i, ok := e.object.(*access.Identity); ok && !e.removed() {
			stands := d.standing(i.ID)
			at[i.ID] = len(p.Identities)
			p.Identities = append(p.Identities, policy.Identity{ID: i.ID, EndsAt: stands.end, Suspended: stands.cut()})
		}
	}
	for _, e := range d.entries {
		n, found := at[e.object.Holder()]
		if !found || e.removed() {
			continue
		}
		holder := &p.Identities[n]
		switch o := e.object.(type) {
		case *access.Credential:
			holder.Credentials = append(holder.Credentials, credentials(o, e, holder.EndsAt)...)
		case *access.Grant:
			holder.Grants = append(holder.Grants, policy.Grant{
				Name: o.Name, Resource: o.Resource, Actions: o.Actions, EndsAt: access.Earliest(e.bound, holder.EndsAt),
			})
		}
	}
	return p
}

// credentials are the proofs of one credential that are in force.
func credentials(c *access.Credential, e *entry, above time.Time) []policy.Credential {
	end := access.Earliest(e.bound, above)
	if c.Kind() == access.Federated {
		return []policy.Credential{{Kind: c.Kind(), EndsAt: end, Networks: c.AllowedCIDRs, Trust: c.Federated}}
	}
	var proofs []policy.Credential
	for _, i := range e.issued {
		proofs = append(proofs, policy.Credential{
			Kind: c.Kind(), EndsAt: i.end(end), Networks: c.AllowedCIDRs,
			Serial: i.Serial, Fingerprint: i.Fingerprint, KeyHash: i.KeyHash,
		})
	}
	return proofs
}

// revocations are what the two lists say.
type revocations struct {
	x509 []ca.Revoked
	ssh  []uint64
}

// revoked are the certificates that were revoked, and those on hold because their identity is suspended: a gateway that
// asks only the lists would let them in.
func (s *System) revoked(d *draft) revocations {
	var out revocations
	for _, name := range slices.Sorted(maps.Keys(d.revoked)) {
		r := d.revoked[name]
		out.add(r.Kind, ca.Revoked{Serial: r.Serial, At: r.At})
	}
	for _, ref := range slices.SortedFunc(maps.Keys(d.entries), compareRefs) {
		e := d.entries[ref]
		if c, ok := e.credential(); ok && len(e.issued) > 0 && !e.removed() && d.standing(c.IdentityID).cut() {
			for _, i := range e.issued {
				out.add(c.Kind(), ca.Revoked{Serial: i.Serial, At: d.now, Hold: true})
			}
		}
	}
	return out
}

func (r *revocations) add(kind access.Kind, certificate ca.Revoked) {
	switch kind {
	case access.Certificate:
		r.x509 = append(r.x509, certificate)
	case access.SSHCertificate:
		if serial, err := strconv.ParseUint(certificate.Serial, 10, 64); err == nil {
			r.ssh = append(r.ssh, serial)
		}
	case access.Federated, access.Secret:
	}
}

// digest is of what the lists say, and who signs them; the moment of a hold is of no matter.
func (r revocations) digest(a *ca.Authority) (string, error) {
	x509 := slices.Clone(r.x509)
	for i := range x509 {
		if x509[i].Hold {
			x509[i].At = time.Time{}
		}
	}
	text, err := json.Marshal([]any{a.CertificatePEM(), a.SSHPublicKey(), x509, r.ssh})
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), err
}

// digests reads what is published now.
func (s *System) digests() (map[string][sha256.Size]byte, error) {
	digests := map[string][sha256.Size]byte{}
	root := s.paths.publish()
	err := filepath.WalkDir(root, func(path string, f fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || f.IsDir() {
			if err == nil && path == s.paths.stagedPublish() {
				return fs.SkipDir
			}
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		digests[filepath.ToSlash(name)] = sha256.Sum256(content)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the publication: %w", err)
	}
	return digests, nil
}
