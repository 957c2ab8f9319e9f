// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/material"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// Certificates. The partner makes the key and a request; the PKI engine signs its key for the identity's name, and the
// cert auth method lets in whoever shows what the engine signed. Nothing but the key is taken from the request.
//
// At a login, the auth method checks the chain, the names that the role asks for, and the serials on its own lists
// (revoked.go); it knows nothing of the engine. What was signed cannot be shortened: an earlier end revokes it and
// signs anew.

// certificates are what the authority for partners signs, and the auth method that takes it.
type certificates struct {
	*server
	store  *policies
	mounts *mounting

	// signing guards signers, and is held while one is read.
	signing sync.Mutex
	// signers are certificates of authorities of our engine, in PEM, by their serials; "" for one that is gone.
	signers map[string]string
}

// certificateRoles returns what may be signed for an identity, and who may log in with it, in this order. ca are the
// authorities that the second one trusts, in PEM; "" writes none. end bounds what is signed.
//
// Each identity has a role of its own on the auth method, so its networks are its own, and deleting the role shuts it
// out.
func (pki *certificates) certificateRoles(c *access.Credential, end time.Time, ca string) []role {
	id := c.IdentityID
	name := roleOf(c.IdentityID)
	session := int(pki.options.Session.Seconds())
	cn := id.CommonName()
	return []role{{pki.options.Mounts.PKI + "/roles/" + name, map[string]any{
		"allow_any_name": false, "allowed_domains": []string{cn}, "allow_bare_domains": true,
		"enforce_hostnames": false, "allow_localhost": false,
		"allow_ip_sans": false, "allow_wildcard_certificates": false,
		"allowed_uri_sans": []string{"partner:" + id.String()},
		"cn_validations":   []string{"disabled"}, "use_csr_common_name": false, "use_csr_sans": false,
		"server_flag": false, "client_flag": true,
		"key_type": "any", "key_usage": []string{"DigitalSignature"}, "ext_key_usage": []string{"ClientAuth"},
		"no_store":       false,
		"generate_lease": false, "require_cn": true, "allow_subdomains": false, "allow_glob_domains": false,
		"allowed_domains_template":  false,
		"allowed_uri_sans_template": false, "allowed_other_sans": []string{}, "allowed_serial_numbers": []string{},
		"issuer_ref":        "default",
		"code_signing_flag": false, "email_protection_flag": false, "not_after_bound": access.At(end).String(),
		"not_before_duration": 60,
		// What somebody sets here is in each certificate: other uses, names that another system believes, another end.
		"ext_key_usage_oids": []string{}, "policy_identifiers": []string{}, "basic_constraints_valid_for_non_ca": false,
		"allow_token_displayname": false,
		"ou":                      []string{}, "organization": []string{}, "country": []string{},
		"locality":       []string{},
		"province":       []string{},
		"street_address": []string{}, "postal_code": []string{}, "allowed_user_ids": []string{},
		"allowed_ip_sans_cidr": []string{},
		"ttl":                  0, "max_ttl": 0, "not_after": "", "not_before": "", "key_bits": 0, "signature_bits": 0,
		"use_pss": false,
	}}, {"auth/" + pki.options.Mounts.Cert + "/certs/" + name, map[string]any{
		"certificate": ca, "display_name": store.NameOf(id), "allowed_common_names": []string{cn},
		"allowed_uri_sans": []string{"partner:" + id.String()},
		"token_ttl":        session, "token_max_ttl": session, "token_explicit_max_ttl": session,
		"token_no_default_policy": true,
		"token_policies":          []string{}, "token_bound_cidrs": networks(c), "token_period": 0, "token_num_uses": 0,
		"token_type":             "service",
		"token_strictly_bind_ip": false,
		// What is not written here stays as somebody left it, and may refuse the partner: OpenBao keeps what
		// a change does not name.
		"allowed_names": []string{}, "allowed_dns_sans": []string{}, "allowed_email_sans": []string{},
		"allowed_organizational_units": []string{},
		"required_extensions":          []string{}, "allowed_metadata_extensions": []string{}, "ocsp_enabled": false,
		"ocsp_ca_certificates":  "",
		"ocsp_servers_override": []string{}, "ocsp_fail_open": false, "ocsp_query_all_servers": false,
	}}}
}

// signed is the engine's answer to a request. Expiration is in seconds since 1970.
type signed struct {
	Certificate string   `json:"certificate"`
	Chain       []string `json:"ca_chain"`
	CA          string   `json:"issuing_ca"`
	Serial      string   `json:"serial_number"`
	Expiration  int64    `json:"expiration"`
}

// sign signs the partner's request, and returns the item for the ledger and the text for the partner: the certificate
// and who signed it. ca is the authority that signs. at is now, and asked is when the certificate should end.
//
// It ends with its authority at the latest: nobody logs in with it after that, whatever it says (see
// TestWhatAnAuthoritySignsEndsWithIt). One that lasts longer than asked is revoked and refused: the role bounds it, so
// somebody has changed that.
//
// The request is sent once. If its answer is lost, the error is ambiguous, and issuer.sign revokes what may have come
// of it.
func (pki *certificates) sign(ctx context.Context, c *access.Credential, ca string, at, asked time.Time) (ledger.Item,
	string, error) {
	where, err := pki.lookOnce(ctx)
	if err != nil {
		return ledger.Item{}, "", err
	}
	csr, err := readableRequest(c.Certificate.CSR)
	if err != nil {
		return ledger.Item{}, "", err
	}
	until := asked
	if signer := certificateIn(ca); signer != nil {
		until = access.Earliest(until, signer.NotAfter)
	}
	if !until.After(at) { // OpenBao would sign what has ended
		why, err := pki.unable(ctx, ca)
		return ledger.Item{}, "", errors.Join(fmt.Errorf("%w: %s. Nothing was signed", access.ErrUnsupported, why), err)
	}
	request := map[string]any{
		"csr": csr, "common_name": c.IdentityID.CommonName(), "exclude_cn_from_sans": true,
		"uri_sans": "partner:" + c.IdentityID.String(), "not_after": access.At(until).String(),
	}
	var answer signed
	path := pki.options.Mounts.PKI + "/sign/" + roleOf(c.IdentityID)
	err = pki.settled(ctx, where, func() error { return pki.client.PostOnce(ctx, path, request, &answer) })
	if err != nil {
		if why, lookErr := pki.unable(ctx, ca); lookErr == nil && why != "" {
			err = fmt.Errorf("%w: %s. Nothing was signed", access.ErrUnsupported, why)
		}
		return ledger.Item{}, "", err
	}
	block, _ := pem.Decode([]byte(answer.Certificate))
	if block == nil {
		return ledger.Item{}, "", fmt.Errorf("%w: the signed certificate is not in PEM", access.ErrUnavailable)
	}
	sum := sha256.Sum256(block.Bytes)
	end := time.Unix(answer.Expiration, 0).UTC()
	if end.After(until) {
		return ledger.Item{}, "", errors.Join(fmt.Errorf("%w: it was signed until %s instead of %s",
			access.ErrUnsupported, access.At(end), access.At(until)),
			pki.revokeSerial(ctx, answer.Serial))
	}
	item := ledger.Item{
		Authority:   authoritySerial(answer.CA),
		At:          at,
		Until:       end,
		RotatesAt:   rotatesBefore(c, at, end, asked),
		Serial:      answer.Serial,
		Fingerprint: hex.EncodeToString(sum[:]),
	}
	return item, material.Chain(answer.Certificate, answer.CA), nil
}

// text returns a certificate that was signed before, in the form in which sign told it. If its authority is gone, it is
// the certificate alone.
func (pki *certificates) text(ctx context.Context, i ledger.Item) (string, error) {
	var leaf struct {
		Certificate string `json:"certificate"`
	}
	if err := pki.client.Get(ctx, pki.options.Mounts.PKI+"/cert/"+i.Serial, &leaf); err != nil {
		return "", err
	}
	ca, err := pki.authority(ctx)
	if err == nil {
		ca, err = pki.trusted(ctx, []ledger.Item{i}, ca)
	}
	if away(err) {
		err = nil // the leaf is what was issued
	}
	return material.Chain(leaf.Certificate, ca), err
}

// revokeSerial revokes a certificate in the engine. One that the engine does not know any more has ended and was tidied
// away. The auth method hears of it by pushRevoked alone.
func (pki *certificates) revokeSerial(ctx context.Context, serial string) error {
	err := pki.client.Put(ctx, pki.options.Mounts.PKI+"/revoke", map[string]any{"serial_number": serial}, nil)
	if client.Said(err, "not found") {
		return nil // it has ended, and was tidied away
	}
	return err
}

// allSigned returns all certificates that the authority signed and still keeps, by serial, in one request. None is no
// error.
func (pki *certificates) allSigned(ctx context.Context) (map[string]signedCertificate, error) {
	var all struct {
		Certificates map[string]signedCertificate `json:"key_info"`
	}
	err := pki.client.List(ctx, pki.options.Mounts.PKI+"/certs/detailed", &all)
	return all.Certificates, client.Gone(err)
}

// signedCertificate is what the engine's listing tells of one.
type signedCertificate struct {
	CommonName string    `json:"common_name"`
	NotBefore  time.Time `json:"not_before"`
	NotAfter   time.Time `json:"not_after"`
}

// unknownSerials returns the certificates of an identity, by its common name, that live and that its ledger does not
// hold: somebody signed them by hand, or a process that died before it wrote the policy.
func (pki *certificates) unknownSerials(ctx context.Context, id access.IdentityID) (serials []string, err error) {
	all, err := pki.allSigned(ctx)
	if err != nil {
		return nil, err
	}
	d, err := pki.store.Fetch(ctx, id)
	if err != nil && !errors.Is(err, access.ErrForeign) {
		return nil, err
	}
	known := d.Issued(access.Ref{Type: access.TypeCredential, ID: id.String() + "/" + string(access.Certificate)})
	for serial, c := range all {
		if c.CommonName == id.CommonName() && c.NotAfter.After(pki.now()) && !knows(known, serial) {
			serials = append(serials, serial)
		}
	}
	return serials, nil
}

// revokeUnknown revokes certificates of an identity that its ledger does not hold.
func (pki *certificates) revokeUnknown(ctx context.Context, id access.IdentityID) error {
	serials, err := pki.unknownSerials(ctx, id)
	if err != nil {
		return err
	}
	for _, serial := range serials {
		if err := pki.revokeSerial(ctx, serial); err != nil {
			return err
		}
	}
	return nil
}

// knows reports whether one of the items has a serial.
func knows(items []ledger.Item, serial string) bool {
	for _, i := range items {
		if i.Serial == serial {
			return true
		}
	}
	return false
}

var _ method = (*certificates)(nil)

func (pki *certificates) mount(*access.Credential) string { return pki.options.Mounts.Cert }

func (*certificates) aliasOf(id access.IdentityID) string { return id.CommonName() }

func (pki *certificates) enter(ctx context.Context, _ *access.Credential, _ bool) (accessor string, err error) {
	return pki.mounts.authMount(ctx, pki.options.Mounts.Cert, "cert", nil)
}

// roles returns both roles, as they trust who signed what was issued. It makes the authority if that is missing.
func (pki *certificates) roles(ctx context.Context, c *access.Credential, end time.Time, issued []ledger.Item) ([]role,
	error) {
	ca, err := pki.authority(ctx)
	if err == nil {
		ca, err = pki.trusted(ctx, issued, ca)
	}
	return pki.certificateRoles(c, end, ca), err
}

func (*certificates) named(context.Context, *site, access.IdentityID) error { return nil }

func (pki *certificates) paths(c *access.Credential) []string {
	return pki.everywhere(c.IdentityID, nil)
}

func (pki *certificates) entrance(c *access.Credential) string {
	return "auth/" + pki.options.Mounts.Cert + "/certs/" + roleOf(c.IdentityID)
}

func (pki *certificates) everywhere(id access.IdentityID, _ map[string]mounted) []string {
	return []string{"auth/" + pki.options.Mounts.Cert + "/certs/" + roleOf(id),
		pki.options.Mounts.PKI + "/roles/" + roleOf(id)}
}

// tellLogin tells the role's name beside the path: without it, OpenBao would look for a role among all that trust the
// authority.
func (pki *certificates) tellLogin(c *access.Credential, shell string, told map[string]string) {
	told["path"], told["name"] = "auth/"+pki.options.Mounts.Cert+"/login", roleOf(c.IdentityID)
	told["command"] = fmt.Sprintf("bao login%s-method=cert -path=%s -client-cert=certificate.pem -client-key=KEYFILE "+
		"-token-only name=%s",
		shell, pki.options.Mounts.Cert, told["name"])
}
