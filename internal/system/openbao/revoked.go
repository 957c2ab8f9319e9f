// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// The list of what is revoked. The cert auth method knows nothing of the engine that signed: it refuses a chain if a
// serial in it is on one of the method's own lists, whoever signed either
// (internal/builtin/credential/cert/path_login.go, checkForChainInCRLs), and it looks neither at a list's signature nor
// at its dates. So the list is written here, of all that the engine has revoked, and signed with a key that is thrown
// away.
//
// The engine's own lists would not do: they may be built once a day (auto_rebuild) or never (disable), and each of its
// authorities has one of its own, so after a rotation the new one's list would let in again what the old one revoked
// (see TestAStolenCertificateIsRefusedHoweverTheEngineBuildsItsList).

// crlName is the name of our list on the auth method.
const crlName = "partner"

// listPath returns where our list is.
func (pki *certificates) listPath() string {
	return "auth/" + pki.options.Mounts.Cert + "/crls/" + crlName
}

// push writes the list of these serials and of what the last one had that still counts, which it adds to want, and
// reads it back. It is ErrNotFound if that is not what the auth method has.
func (pki *certificates) push(ctx context.Context, at *site, want map[string]bool) error {
	if err := pki.retain(ctx, want); err != nil {
		return err
	}
	text, err := revocationList(slices.Sorted(maps.Keys(want)), pki.now())
	if err != nil {
		return err
	}
	if err := pki.client.Put(ctx, pki.listPath(), map[string]any{"crl": text}, nil); err != nil {
		return err
	}
	return pki.settled(ctx, at, func() error {
		covered, err := pki.covers(ctx, want)
		if err == nil && !covered {
			err = fmt.Errorf("the list %s: %w", pki.listPath(), access.ErrNotFound)
		}
		return err
	})
}

// pushRevoked makes the auth method refuse everything that the engine revoked, and these serials, until it has them
// all: somebody who revoked at the same time may have pushed an older list after ours. It is what makes a revocation
// act.
//
// It asks for both lists first, and writes nothing if the method has everything. If the method is gone, nobody logs in
// there.
func (pki *certificates) pushRevoked(ctx context.Context, serials ...string) error {
	at, err := pki.lookOnce(ctx)
	if err != nil {
		return err
	}
	defer pki.store.OutdateOne(access.IdentityID{}) // what is the same for all certificates
	for range store.Rounds {
		want, err := pki.revoked(ctx)
		if err != nil {
			return err
		}
		for _, serial := range serials {
			want[serial] = true
		}
		covered, err := pki.covers(ctx, want)
		if err != nil || covered {
			if errors.Is(err, access.ErrUnsupported) {
				return nil // the auth method is gone, and nobody logs in there
			}
			return err
		}
		if err := pki.push(ctx, at, want); err != nil && !errors.Is(err, access.ErrNotFound) {
			return err
		}
	}
	return fmt.Errorf("%w: the auth method does not accept the revocation list, or the list changes faster than it "+
		"can be pushed. What was revoked may still work. Cut it by hand: %s", access.ErrUnavailable,
		pki.ownShell().remove("auth/"+pki.options.Mounts.Cert+"/certs/ROLE"))
}

// retain adds to want what the auth method refuses already and the engine does not say is revoked, as long as it lives:
// the engine could not revoke it while its authority was away. While the engine or its issuer is gone, all of it stays.
func (pki *certificates) retain(ctx context.Context, want map[string]bool) error {
	list, err := pki.list(ctx, crlName)
	held := list.held()
	maps.DeleteFunc(held, func(serial string, _ bool) bool { return want[serial] })
	if err != nil || len(held) == 0 {
		return err
	}
	all, err := pki.allSigned(ctx)
	for serial := range held {
		if away(err) || all[serial].NotAfter.After(pki.now()) {
			want[serial] = true
		}
	}
	if away(err) {
		return nil
	}
	return err
}

// covers reports whether the auth method's list has all of these serials, and keeps them. A list that is fetched from
// an address by itself keeps nothing.
func (pki *certificates) covers(ctx context.Context, want map[string]bool) (bool, error) {
	list, err := pki.list(ctx, crlName)
	held := list.held()
	for serial := range want {
		if err == nil && (!held[serial] || list.From.URL != "") {
			return false, nil
		}
	}
	return err == nil, err
}

// revoked returns the serials that the engine revoked and has not forgotten; none if there is no engine.
func (pki *certificates) revoked(ctx context.Context) (map[string]bool, error) {
	var all struct {
		Keys []string `json:"keys"`
	}
	err := pki.client.List(ctx, pki.options.Mounts.PKI+"/certs/revoked", &all)
	serials := map[string]bool{}
	for _, serial := range all.Keys {
		serials[serial] = true
	}
	if away(err) { // there is no engine
		err = nil
	}
	return serials, client.Gone(err)
}

// crl is a list of the auth method. Its serials are decimal numbers.
type crl struct {
	Serials map[string]any `json:"serials"`
	// From is the address from which the auth method gets the list anew by itself; "" unless somebody said so.
	From struct {
		URL string `json:"url"`
	} `json:"cdp"`
}

// list returns a list of the auth method; an empty one if there is none.
func (pki *certificates) list(ctx context.Context, name string) (list crl, err error) {
	err = pki.client.Get(ctx, "auth/"+pki.options.Mounts.Cert+"/crls/"+name, &list)
	if client.Said(err, "no such CRL") { // nothing was pushed yet
		err = nil
	}
	return list, client.Gone(err)
}

// held returns the serials that the auth method refuses by a list, in the engine's spelling.
func (list crl) held() map[string]bool {
	serials := map[string]bool{}
	for text := range list.Serials {
		if number, ok := new(big.Int).SetString(text, 10); ok {
			serials[serialText(number)] = true
		}
	}
	return serials
}

// others returns the serials that the auth method refuses by lists that are not ours, and one list that each is on.
func (pki *certificates) others(ctx context.Context) (map[string]string, error) {
	var all struct {
		Keys []string `json:"keys"`
	}
	if err := pki.client.List(ctx, "auth/"+pki.options.Mounts.Cert+"/crls", &all); err != nil {
		return nil, client.Gone(err)
	}
	refused := map[string]string{}
	for _, name := range without(all.Keys, crlName) {
		list, err := pki.list(ctx, name)
		if err != nil {
			return nil, err
		}
		for serial := range list.held() {
			refused[serial] = name
		}
	}
	return refused, nil
}

// revocationList returns a list of serials in PEM, signed with a key that is forgotten. Its number grows with the time,
// and it is good for as long as an authority lives.
func revocationList(serials []string, now time.Time) (string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	list := &x509.RevocationList{
		Number:     big.NewInt(now.UnixNano()),
		ThisUpdate: now.Add(-access.Late),
		NextUpdate: now.Add(caLife),
	}
	for _, serial := range serials {
		number, ok := new(big.Int).SetString(strings.ReplaceAll(serial, ":", ""), 16)
		if !ok {
			return "", fmt.Errorf("%w: %q is not a serial", access.ErrUnavailable, serial)
		}
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: number, RevocationTime: now})
	}
	issuer := &x509.Certificate{KeyUsage: x509.KeyUsageCRLSign, SubjectKeyId: []byte{1}}
	issuer.Subject.CommonName = "Revoked by terraform-provider-partner"
	der, err := x509.CreateRevocationList(rand.Reader, list, issuer, key)
	return string(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})), err
}

// lookAtRevocations returns what was revoked, whether the auth method has heard of it, and what else it refuses. A
// login that may not look is no error, but said in it.
func (pki *certificates) lookAtRevocations(ctx context.Context) (r revocations, err error) {
	err = pki.lookAt(ctx, &r)
	r.unread = errors.Is(err, access.ErrNotPermitted)
	if errors.Is(err, access.ErrUnsupported) { // the auth method is gone
		err = nil
	}
	return r, permitted(err)
}

// lookAt reads our own list only if something was revoked, and the certificates only if the auth method has not heard
// of all of that.
func (pki *certificates) lookAt(ctx context.Context, r *revocations) (err error) {
	if r.refused, err = pki.others(ctx); err != nil {
		return err
	}
	if r.revoked, err = pki.revoked(ctx); err != nil || len(r.revoked) == 0 {
		return err
	}
	list, err := pki.list(ctx, crlName)
	if err != nil {
		return err
	}
	r.fetched = list.From.URL
	r.missing = maps.Clone(r.revoked)
	for serial := range list.held() {
		delete(r.missing, serial)
	}
	if len(r.missing) == 0 {
		return nil
	}
	r.unheard = map[string][]string{}
	all, err := pki.allSigned(ctx)
	for _, serial := range slices.Sorted(maps.Keys(r.missing)) {
		if c := all[serial]; c.NotAfter.After(pki.now()) {
			r.unheard[c.CommonName] = append(r.unheard[c.CommonName], serial)
		}
	}
	return err
}

// drift says what was revoked past the declaration, of what was issued: it lets nobody in, and an apply does not change
// that.
func (r revocations) drift(pki *certificates, issued []ledger.Item) (drift []string) {
	if r.unread {
		return []string{fmt.Sprintf("Cannot tell whether something was revoked by hand: the login lacks list on "+
			"%s/certs/revoked or auth/%s/crls, or read on one of these lists.", pki.options.Mounts.PKI,
			pki.options.Mounts.Cert)}
	}
	for _, i := range issued {
		if !i.Until.After(pki.now()) {
			continue
		}
		switch mount := pki.options.Mounts.PKI; {
		case r.revoked[i.Serial] && !r.missing[i.Serial]:
			drift = append(drift, fmt.Sprintf("Somebody revoked the certificate %s in %s by hand: it lets nobody in. "+
				"To issue another, change rotation.trigger or set revoke_issued_before.", i.Serial, mount))
		case r.revoked[i.Authority] && !r.missing[i.Authority]:
			drift = append(drift, fmt.Sprintf("Somebody revoked the authority %s, which signed the certificate %s, "+
				"in %s by hand: the certificate lets nobody in. Make another authority sign (bao write "+
				"%[3]s/config/issuers default=ISSUER), then change rotation.trigger.", i.Authority, i.Serial, mount))
		}
		for _, serial := range []string{i.Serial, i.Authority} {
			if name, ok := r.refused[serial]; ok {
				drift = append(drift, fmt.Sprintf("The certificate %s lets nobody in: auth/%s refuses %s because of "+
					"the list %s, which is not this provider's. If that list is wrong, run: %s", i.Serial,
					pki.options.Mounts.Cert, serial, name,
					pki.ownShell().remove("auth/"+pki.options.Mounts.Cert+"/crls/"+name)))
			}
		}
	}
	return drift
}

// unheardOf says what is revoked, and still lets in or may do so again: the next change of the credential tells the
// auth method.
func (r revocations) unheardOf(pki *certificates, c *access.Credential, issued []ledger.Item) (drift []string) {
	if r.unread {
		return nil
	}
	unheard := r.unheard[c.IdentityID.CommonName()]
	for _, serial := range unheard {
		drift = append(drift, fmt.Sprintf("The certificate %s is revoked in %s, but still lets in: auth/%s does not "+
			"know of it. An apply tells it.",
			serial, pki.options.Mounts.PKI, pki.options.Mounts.Cert))
	}
	for _, serial := range signers(issued) {
		if r.missing[serial] {
			drift = append(drift, fmt.Sprintf("The authority %s is revoked in %s, but its certificates still let in: "+
				"auth/%s does not know of it. An apply tells it, and cuts everybody whose certificate it signed.",
				serial, pki.options.Mounts.PKI, pki.options.Mounts.Cert))
		}
	}
	if r.fetched != "" {
		drift = append(drift, fmt.Sprintf("Somebody made %s come from %s: what was revoked lets in again as soon as "+
			"it is missing there. An apply restores the list of what was revoked.", pki.listPath(), r.fetched))
	}
	return drift
}
