// SPDX-License-Identifier: MPL-2.0

package ca

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/material"
)

// SSHRequest asks for a user certificate of an identity.
type SSHRequest struct {
	// PublicKey is the partner's public key, as a line of authorized_keys.
	PublicKey string
	// Identity is who the certificate is of.
	Identity access.IdentityID
	// NotBefore and NotAfter are when it begins and ends, to the second.
	NotBefore, NotAfter time.Time
	// Networks are where it may be used from; anywhere when empty.
	Networks []netip.Prefix
}

// SignSSH signs a user certificate (OpenSSH's PROTOCOL.certkeys). The identity is its key id and its only principal,
// which no account has by itself: what it may log in to is said by the principals files of the servers, and so are
// the restrictions. It therefore carries every extension.
func (a *Authority) SignSSH(r SSHRequest) (Issued, error) {
	issued, err := a.signSSH(r)
	if err != nil {
		return Issued{}, fmt.Errorf("sign an SSH certificate for %s: %w", r.Identity, err)
	}
	return issued, nil
}

func (a *Authority) signSSH(r SSHRequest) (Issued, error) {
	public, err := requestedSSHKey(r.PublicKey)
	if err != nil {
		return Issued{}, err
	}
	begin, end, err := period(r.NotBefore, r.NotAfter)
	if err != nil {
		return Issued{}, err
	}
	options, err := criticalOptions(r.Networks)
	if err != nil {
		return Issued{}, err
	}
	serial, err := newSSHSerial()
	if err != nil {
		return Issued{}, err
	}
	certificate := &ssh.Certificate{
		Key:             public,
		Serial:          serial,
		CertType:        ssh.UserCert,
		KeyId:           r.Identity.String(),
		ValidPrincipals: []string{r.Identity.String()},
		ValidAfter:      uint64(begin.Unix()), //nolint:gosec // period is after 1970
		ValidBefore:     uint64(end.Unix()),   //nolint:gosec // as above
		Permissions:     ssh.Permissions{CriticalOptions: options, Extensions: allExtensions()},
	}
	if err := certificate.SignCert(rand.Reader, a.ssh); err != nil {
		return Issued{}, err
	}
	line := strings.TrimSuffix(string(ssh.MarshalAuthorizedKey(certificate)), "\n")
	return Issued{
		Text:        line + " " + r.Identity.String(),
		Serial:      strconv.FormatUint(serial, 10),
		Fingerprint: ssh.FingerprintSHA256(public),
	}, nil
}

// CheckSSHKey returns an error where SignSSH would not sign for a key.
func CheckSSHKey(line string) error {
	_, err := requestedSSHKey(line)
	return err
}

// requestedSSHKey reads exactly one public key without options.
func requestedSSHKey(text string) (ssh.PublicKey, error) {
	key, err := material.ParseSSHKey(text)
	if err != nil {
		return nil, err
	}
	return key.PublicKey, checkSSHKey(key.PublicKey)
}

// checkSSHKey returns an error where a key is of a kind that is not supported, or too weak.
func checkSSHKey(public ssh.PublicKey) error {
	switch public.Type() {
	case ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256: // on a security key, so strong by construction
		return nil
	}
	key, ok := public.(ssh.CryptoPublicKey)
	if !ok {
		return fmt.Errorf("the kind of key %s is not supported", public.Type())
	}
	return checkKey(key.CryptoPublicKey())
}

// criticalOptions limits where a certificate may be used from, as sshd reads it: networks separated by commas.
func criticalOptions(networks []netip.Prefix) (map[string]string, error) {
	if len(networks) == 0 {
		return nil, nil
	}
	var texts []string
	for _, n := range access.MergeNetworks(networks) {
		if n != n.Masked() || !n.IsValid() {
			return nil, fmt.Errorf("%s is not a network", n)
		}
		texts = append(texts, n.String())
	}
	return map[string]string{"source-address": strings.Join(texts, ",")}, nil
}

// allExtensions returns those that ssh-keygen gives by default.
func allExtensions() map[string]string {
	return map[string]string{
		"permit-X11-forwarding": "", "permit-agent-forwarding": "", "permit-port-forwarding": "", "permit-pty": "",
		"permit-user-rc": "",
	}
}

// newSSHSerial returns random and not zero, since zero means "no serial" and cannot be revoked.
func newSSHSerial() (uint64, error) {
	octets := make([]byte, 8)
	for {
		if _, err := rand.Read(octets); err != nil {
			return 0, err
		}
		if serial := binary.BigEndian.Uint64(octets); serial != 0 {
			return serial, nil
		}
	}
}
