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

// crlName is the name of the list of what is revoked, on the auth method.
const crlName = "partner"

func (pki *certificates) listPath() string {
	return "auth/" + pki.options.Mounts.Cert + "/crls/" + crlName
}

// pushRevoked hands the auth method a list of everything that the engine revoked, and of these serials, until it has them
// all: somebody who revoked at the same time may have pushed an older one after ours.
//
// The list is written here. The engine's own may be built once a day (auto_rebuild) or never (disable), each of its
// authorities has one of its own, and nothing but the serials in it is looked at.
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
		err = pki.settled(ctx, at, func() error {
			covered, err := pki.covers(ctx, want)
			if err == nil && !covered {
				err = fmt.Errorf("the list %s: %w", pki.listPath(), access.ErrNotFound)
			}
			return err
		})
		if err != nil && !errors.Is(err, access.ErrNotFound) {
			return err
		}
	}
	return fmt.Errorf("%w: the auth method does not take the list of what is revoked, or it changes faster than it can be pushed: what was revoked may "+
		"still let in. Shut it out by hand: bao delete auth/%s/certs/ROLE", access.ErrUnavailable, pki.options.Mounts.Cert)
}

// retain adds what the auth method refuses already, and the engine does not say is revoked, as long as it lives: the engine
// could not revoke it where its authority was away.
func (pki *certificates) retain(ctx context.Context, want map[string]bool) error {
	held, err := pki.held(ctx)
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

// covers says whether the auth method's list has all of these serials.
func (pki *certificates) covers(ctx context.Context, want map[string]bool) (bool, error) {
	held, err := pki.held(ctx)
	for serial := range want {
		if err == nil && !held[serial] {
			return false, nil
		}
	}
	return err == nil, err
}

// revoked returns the serials that the engine revoked and has not forgotten.
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

// held returns the serials that the auth method refuses.
func (pki *certificates) held(ctx context.Context) (map[string]bool, error) {
	var list struct {
		Serials map[string]any `json:"serials"`
	}
	err := pki.client.Get(ctx, pki.listPath(), &list)
	if client.Said(err, "no such CRL") { // nothing was pushed yet
		err = nil
	}
	serials := map[string]bool{}
	for text := range list.Serials {
		if number, ok := new(big.Int).SetString(text, 10); ok {
			serials[serialText(number)] = true
		}
	}
	return serials, client.Gone(err)
}

// serialText returns a serial as OpenBao writes it.
func serialText(number *big.Int) string {
	var pairs []string
	for _, b := range number.Bytes() {
		pairs = append(pairs, fmt.Sprintf("%02x", b))
	}
	return strings.Join(pairs, ":")
}

// revocationList returns a list of serials, signed with a key that is forgotten.
func revocationList(serials []string, now time.Time) (string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	list := &x509.RevocationList{Number: big.NewInt(now.UnixNano()), ThisUpdate: now, NextUpdate: now.Add(caLife)}
	for _, serial := range serials {
		number, ok := new(big.Int).SetString(strings.ReplaceAll(serial, ":", ""), 16)
		if !ok {
			return "", fmt.Errorf("%w: %q is no serial", access.ErrUnavailable, serial)
		}
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: number, RevocationTime: now})
	}
	issuer := &x509.Certificate{KeyUsage: x509.KeyUsageCRLSign, SubjectKeyId: []byte{1}}
	issuer.Subject.CommonName = "Revoked by terraform-provider-partner"
	der, err := x509.CreateRevocationList(rand.Reader, list, issuer, key)
	return string(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})), err
}

// lookAtRevocations asks what was revoked, and whether the auth method has heard of it.
func (pki *certificates) lookAtRevocations(ctx context.Context) (r revocations, err error) {
	r.unheard = map[string][]string{}
	r.revoked, err = pki.revoked(ctx)
	if err != nil || len(r.revoked) == 0 {
		r.unread = errors.Is(err, access.ErrNotPermitted)
		return r, permitted(err)
	}
	held, err := pki.held(ctx)
	missing := slices.DeleteFunc(slices.Sorted(maps.Keys(r.revoked)), func(serial string) bool { return held[serial] })
	if err != nil || len(missing) == 0 {
		r.unread = errors.Is(err, access.ErrNotPermitted)
		if errors.Is(err, access.ErrUnsupported) { // the auth method is gone
			err = nil
		}
		return r, permitted(err)
	}
	all, err := pki.allSigned(ctx)
	for _, serial := range missing {
		if c := all[serial]; c.NotAfter.After(pki.now()) {
			r.unheard[c.CommonName] = append(r.unheard[c.CommonName], serial)
		}
	}
	r.unread = errors.Is(err, access.ErrNotPermitted)
	return r, permitted(err)
}

// permitted makes no error of what the login may not do.
func permitted(err error) error {
	if errors.Is(err, access.ErrNotPermitted) {
		return nil
	}
	return err
}

// drift says what was revoked past the declaration.
func (r revocations) drift(pki *certificates, c *access.Credential, issued []ledger.Item) (drift []string) {
	if r.unread {
		return []string{fmt.Sprintf("Whether something was revoked by hand could not be read: the login lacks list on %s/certs/revoked, or read on %s.",
			pki.options.Mounts.PKI, pki.listPath())}
	}
	unheard := r.unheard[c.IdentityID.CommonName()]
	for _, i := range issued {
		if r.revoked[i.Serial] && !slices.Contains(unheard, i.Serial) && i.Until.After(pki.now()) {
			drift = append(drift, fmt.Sprintf("The certificate %s was revoked in %s by hand: it lets nobody in. To issue another, change rotation.trigger "+
				"or set revoke_issued_before.", i.Serial, pki.options.Mounts.PKI))
		}
	}
	return drift
}

// unheardOf says which certificates of a credential are revoked, and still let in: its next change tells the auth method.
func (r revocations) unheardOf(pki *certificates, c *access.Credential) (drift []string) {
	if r.unread {
		return nil
	}
	for _, serial := range r.unheard[c.IdentityID.CommonName()] {
		drift = append(drift, fmt.Sprintf("The certificate %s is revoked in %s, and still lets in: auth/%s has not heard of it. An apply tells it.",
			serial, pki.options.Mounts.PKI, pki.options.Mounts.Cert))
	}
	return drift
}
