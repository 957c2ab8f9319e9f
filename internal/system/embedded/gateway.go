// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/ca"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/policy"
)

// For a rehearsal this system is its own gateway: it judges by what is published, as it lies there,
// and never by the ledger.

const atNextPull = "Measured where it is published. A gateway acts at its next pull, and its open sessions last as " +
	"long as it allows."

// gateways are those that a rehearsal asks.
type gateways struct{ *directory }

// Doors returns the gateways that a credential is for. A certificate has two: some verify it and ask nobody.
func (gw *gateways) Doors(p access.Proof) []access.Door {
	doors := traitOf(p.Credential.Kind()).doors
	if doors == nil {
		return nil
	}
	return doors(gw, p)
}

// opaAllows decides as OPA does with the policy that is published, as it lies there.
func (gw *gateways) opaAllows(r policy.Request) (bool, error) {
	data, hold, err := gw.paths.shownPolicy()
	if err != nil {
		return false, fail(err, nothingChanged)
	}
	return policy.Allows(data, hold, r, gw.now())
}

// tlsVerifies verifies a client as nginx does, with ssl_client_certificate and ssl_crl.
func (gw *gateways) tlsVerifies(p access.Proof) (bool, error) {
	authority, lists, err := gw.tlsFiles()
	if err != nil {
		return false, err
	}
	block, _ := pem.Decode([]byte(p.Issued.Text))
	if block == nil {
		return false, errors.New("the issued certificate is not in PEM")
	}
	shown, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return false, fmt.Errorf("read what was issued: %w", err)
	}
	public, comparable := p.Key.Public().(interface{ Equal(crypto.PublicKey) bool })
	roots := x509.NewCertPool()
	roots.AddCert(authority)
	_, err = shown.Verify(x509.VerifyOptions{
		Roots:       roots,
		CurrentTime: gw.now(),
		KeyUsages:   []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	list := ca.ListFor(lists, shown, gw.now())
	if err != nil ||
		!comparable ||
		!public.Equal(shown.PublicKey) ||
		list == nil {
		return false, nil //nolint:nilerr // it is the refusal
	}
	return !slices.ContainsFunc(list.RevokedCertificateEntries, func(r x509.RevocationListEntry) bool {
		return r.SerialNumber.Cmp(shown.SerialNumber) == 0
	}), nil
}

// tlsFiles returns the authority, and the lists that it signed.
func (gw *gateways) tlsFiles() (*x509.Certificate, []*x509.RevocationList, error) {
	authority, err := gw.paths.shownAuthority()
	if err != nil {
		return nil, nil, fail(err, nothingChanged)
	}
	lists, err := gw.paths.shownLists()
	if err != nil {
		return nil, nil, fail(err, nothingChanged)
	}
	for _, list := range lists {
		if err := list.CheckSignatureFrom(authority); err != nil {
			return nil, nil, fmt.Errorf("read %s: %w", crlFile, err)
		}
	}
	return authority, lists, nil
}

// sshdAdmits judges a login as sshd does, with TrustedUserCAKeys, RevokedKeys and AuthorizedPrincipalsFile.
func (gw *gateways) sshdAdmits(p access.Proof, path string) (bool, error) {
	trusted, err := gw.paths.shown("ssh/ca.pub")
	if err != nil {
		return false, fail(err, nothingChanged)
	}
	authority, _, _, _, err := ssh.ParseAuthorizedKey(trusted)
	if err != nil {
		return false, fmt.Errorf("read ssh/ca.pub: %w", err)
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(p.Issued.Text))
	shown, ok := key.(*ssh.Certificate)
	if err != nil || !ok {
		return false, errors.New("what was issued is not an SSH certificate")
	}
	own, err := ssh.NewSignerFromSigner(p.Key)
	if err != nil || string(own.PublicKey().Marshal()) != string(shown.Key.Marshal()) {
		return false, err
	}
	list, err := gw.paths.shown(krlFile)
	if err != nil {
		return false, fail(err, nothingChanged)
	}
	revoked, err := ca.RevokedSerials(list)
	if err != nil {
		return false, err
	}
	return gw.loginAdmits(p.Credential.IdentityID, shown, authority, revoked, path)
}

// loginAdmits reports whether sshd lets a certificate in as the login of a path: it is signed by the
// authority, in force, not revoked, and its identity stands in the login's principals file
// (AuthorizedPrincipalsFile of sshd_config(5)).
func (gw *gateways) loginAdmits(id access.IdentityID, shown *ssh.Certificate, authority ssh.PublicKey, revoked []uint64,
	path string) (bool, error) {
	checker := ssh.CertChecker{Clock: gw.now,
		IsRevoked: func(c *ssh.Certificate) bool { return slices.Contains(revoked, c.Serial) }}
	if string(shown.SignatureKey.Marshal()) != string(authority.Marshal()) ||
		checker.CheckCert(id.String(), shown) != nil {
		return false, nil //nolint:nilerr // it is the refusal
	}
	principals, err := gw.paths.shownPrincipals(strings.TrimPrefix(path, "ssh/"))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fail(err, nothingChanged)
	}
	return policy.Login(principals, id, gw.now(), gw.options.SSHDZone)
}
