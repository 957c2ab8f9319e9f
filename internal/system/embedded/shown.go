// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"

	"github.com/partner-access/terraform-provider-partner/internal/durable"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/policy"
)

// What gateways read is read here, for whoever proves something by it: that a removed object is gone, and in a
// rehearsal who gets in. So the one cannot look at another file than the other.

// shown returns the text of a published file.
func (p paths) shown(name string) ([]byte, error) { return durable.ReadFile(p.public(name)) }

// shownPolicy returns what OPA is fed: the data, and what was put on hold since.
func (p paths) shownPolicy() (data, hold []byte, err error) {
	if data, err = p.shown(dataFile); err == nil {
		hold, err = p.shown(policy.HoldText)
	}
	return data, hold, err
}

// shownPrincipals returns the file that says who may log in as a user of sshd.
func (p paths) shownPrincipals(login string) ([]byte, error) {
	return p.shown(principalsDir + "/" + login)
}

// shownAuthority returns the certificate of who signs for TLS servers.
func (p paths) shownAuthority() (*x509.Certificate, error) {
	blocks, err := p.shownBlocks("ca.pem")
	if err != nil {
		return nil, err
	}
	authority, err := x509.ParseCertificate(blocks[0].Bytes)
	if err != nil {
		return nil, fmt.Errorf("read ca.pem: %w", err)
	}
	return authority, nil
}

// shownLists returns the revocation lists of TLS servers, whoever signed them: first that of all certificates, then
// those that cut by hand.
func (p paths) shownLists() ([]*x509.RevocationList, error) {
	blocks, err := p.shownBlocks(crlFile)
	if err != nil {
		return nil, err
	}
	lists := make([]*x509.RevocationList, len(blocks))
	for n, block := range blocks {
		if lists[n], err = x509.ParseRevocationList(block.Bytes); err != nil {
			return nil, fmt.Errorf("read %s: %w", crlFile, err)
		}
	}
	return lists, nil
}

// shownBlocks returns the blocks of PEM in a published file, at least one.
func (p paths) shownBlocks(name string) (blocks []*pem.Block, err error) {
	text, err := p.shown(name)
	if err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		blocks = append(blocks, block)
	}
	if len(blocks) == 0 {
		return nil, fmt.Errorf("read %s: it is not in PEM", name)
	}
	return blocks, nil
}
