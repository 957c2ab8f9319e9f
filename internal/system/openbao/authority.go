// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// The authority for partners: who signs now, who signed before, and why it may not. Each identity's role on the cert
// auth method trusts exactly the authorities that signed what the identity holds (trusted), so a rotated authority ends
// nobody's access and nothing else of the engine is believed (see TestACertificateOutlivesTheRotationOfItsAuthority).

// signers returns the serials of the authorities that signed items, sorted, each once. Items of before serials were
// noted have none.
func signers(items []ledger.Item) (serials []string) {
	for _, i := range items {
		if i.Authority != "" && !slices.Contains(serials, i.Authority) {
			serials = append(serials, i.Authority)
		}
	}
	slices.Sort(serials)
	return serials
}

// trusted returns the certificates, in PEM, of the authorities that signed what was issued for a credential. If nothing
// was, or none of them is left in the engine, it is the one that signs now. now is that one's certificate.
func (pki *certificates) trusted(ctx context.Context, items []ledger.Item, now string) (string, error) {
	need := signers(items)
	if len(need) == 0 || (len(need) == 1 && need[0] == authoritySerial(now)) {
		return now, nil
	}
	var all []string
	for _, serial := range need {
		text := now
		if serial != authoritySerial(now) {
			var err error
			if text, err = pki.authorityOf(ctx, serial); err != nil {
				return "", err
			}
		}
		if text != "" {
			all = append(all, text)
		}
	}
	if len(all) == 0 {
		return now, nil
	}
	return strings.Join(all, "\n"), nil
}

// with returns a bundle of authorities and the one that signs now, which is in it once.
func with(bundle, now string) string {
	if now == "" || strings.Contains(bundle, now) {
		return bundle
	}
	return strings.TrimSpace(bundle + "\n" + now)
}

// authorities returns our engine's, as authoritiesAt does.
func (pki *certificates) authorities(ctx context.Context) (map[string]string, error) {
	return pki.authoritiesAt(ctx, pki.options.Mounts.PKI)
}

// signersOf returns the serials of all authorities that signed what partners hold, and the word for those of which
// nobody knows the serial.
func signersOf(l ledger.Ledger) map[string]bool {
	serials := map[string]bool{unread: true}
	for _, e := range l {
		for _, serial := range signers(e.Issued) {
			serials[serial] = true
		}
	}
	return serials
}

// authorityOf returns the certificate, in PEM, of an authority of our engine; "" if it is not there any more. Each is
// read once in a process: a certificate does not change.
func (pki *certificates) authorityOf(ctx context.Context, serial string) (string, error) {
	pki.signing.Lock()
	defer pki.signing.Unlock()
	if text, known := pki.signers[serial]; known {
		return text, nil
	}
	ids, err := pki.authorities(ctx)
	if err != nil {
		return "", err
	}
	var ca struct {
		Certificate string `json:"certificate"`
	}
	if id := ids[serial]; id != "" {
		if err := pki.client.Get(ctx, pki.options.Mounts.PKI+"/issuer/"+id+"/json", &ca); client.Gone(err) != nil {
			return "", err
		}
	}
	pki.signers[serial] = strings.TrimSpace(ca.Certificate)
	return pki.signers[serial], nil
}

// authoritySerial returns the serial of the first certificate of a text, as OpenBao writes serials; "" if there is
// none.
func authoritySerial(text string) string {
	if c := certificateIn(text); c != nil {
		return serialText(c.SerialNumber)
	}
	return ""
}

// unable says why the authority that should sign does not: it has ended, was revoked, or may not. "" if it signs, as
// far as the login may look. ca is its certificate.
func (pki *certificates) unable(ctx context.Context, ca string) (string, error) {
	mount := pki.options.Mounts.PKI
	another := fmt.Sprintf("Make another one sign: bao write %s/config/issuers default=ISSUER", mount)
	if c := certificateIn(ca); c != nil && !c.NotAfter.After(pki.now()) {
		return fmt.Sprintf("the authority of %s ended on %s, so it signs nothing. %s", mount, access.At(c.NotAfter),
			another), nil
	}
	var issuer struct {
		ID      string `json:"issuer_id"`
		Usage   string `json:"usage"`
		Revoked bool   `json:"revoked"`
	}
	err := pki.client.Get(ctx, mount+"/issuer/default", &issuer)
	switch {
	case err != nil:
		if away(err) {
			err = nil // which is said otherwise
		}
		return "", permitted(client.Gone(err))
	case issuer.Revoked:
		return fmt.Sprintf("the authority of %s was revoked there, so it signs nothing. %s", mount, another), nil
	case issuer.Usage != "" && !slices.Contains(strings.Split(issuer.Usage, ","), "issuing-certificates"):
		return fmt.Sprintf("the authority of %s may not sign (its usage is %s). Allow it: bao patch "+
			"%[1]s/issuer/%[3]s usage=%[2]s,issuing-certificates",
			mount, issuer.Usage, issuer.ID), nil
	}
	return "", nil
}

// signer returns the certificate, in PEM, of the authority that signs now: the engine's default issuer. It makes none.
func (pki *certificates) signer(ctx context.Context) (string, error) {
	var ca struct {
		Certificate string `json:"certificate"`
	}
	err := pki.client.Get(ctx, pki.options.Mounts.PKI+"/cert/ca", &ca)
	return strings.TrimSpace(ca.Certificate), err
}

// authority returns the certificate, in PEM, of the authority that signs. It is made if it is missing and the
// configuration says so, with its engine; otherwise the error has the commands that make it.
//
// The lock is held while it is made, so changes side by side make one. Another process may make it at the same time,
// see makeAuthority.
func (pki *certificates) authority(ctx context.Context) (string, error) {
	at, err := pki.lookOnce(ctx)
	if err != nil {
		return "", err
	}
	mount := pki.options.Mounts.PKI
	pki.probing.Lock()
	defer pki.probing.Unlock()
	if err := pki.refuseOther(at); err != nil {
		return "", err
	}
	_, there := at.engines[mount+"/"]
	if there {
		ca, err := pki.signer(ctx)
		if noIssuer(err) {
			ca, err = pki.unissued(ctx)
		}
		if err != nil || ca != "" {
			return ca, client.Gone(err)
		}
	}
	if !pki.options.Bootstrap {
		return "", missing(mount+" with an authority", "bao secrets enable -path="+mount+" -max-lease-ttl=87840h pki",
			"bao write "+mount+"/root/generate/internal common_name='Partner access' key_type=ec "+
				"key_bits=256 ttl=87840h")
	}
	if err := pki.makeAuthority(ctx, at, there); err != nil {
		return "", err
	}
	var ca string
	err = pki.settled(ctx, at, func() (err error) {
		if ca, err = pki.signer(ctx); err == nil && ca == "" {
			err = access.ErrNotFound
		}
		return err
	})
	return ca, err
}

// makeAuthority makes the engine if it is missing, and an authority in it. If another process makes the same at once,
// either one is right, so what is taken already is no error (see TestManyBootstrapsAtOnceMakeOneOfEverything). An
// answer that was lost is none either: the caller reads what is there.
func (pki *certificates) makeAuthority(ctx context.Context, at *site, mountedAlready bool) error {
	mount := pki.options.Mounts.PKI
	if !mountedAlready {
		config := map[string]any{
			"type":        "pki",
			"description": mountDescription,
			"config":      map[string]any{"max_lease_ttl": caLife.String()},
		}
		if err := pki.client.Put(ctx, "sys/mounts/"+mount, config, nil); err != nil && !taken(err) {
			return err
		}
	}
	root := map[string]any{
		"common_name": "Partner access",
		"key_type":    "ec",
		"key_bits":    256,
		"ttl":         caLife.String(),
		"issuer_name": "partner",
	}
	err := pki.settled(ctx, at, func() error {
		return pki.client.PostOnce(ctx, mount+"/root/generate/internal", root, nil)
	})
	if err != nil && !ambiguous(err) && !client.Said(err, "already in use") {
		return err
	}
	at.engines[mount+"/"] = mounted{Type: "pki"}
	return nil
}

// unissued looks again at an authority without a default issuer. It returns the certificate if there is one by now; ""
// if an authority may be made, since there is no issuer at all; otherwise an error with what to do.
//
// One that somebody is just making has its issuer a moment before that is the default: of a hundred certificates of a
// first apply, one was refused (see TestAnAuthorityThatIsBeingMadeIsWaitedFor).
func (pki *certificates) unissued(ctx context.Context) (ca string, err error) {
	mount := pki.options.Mounts.PKI
	var issuers struct {
		Keys []string `json:"keys"`
	}
	if err := pki.client.List(ctx, mount+"/issuers", &issuers); client.Gone(err) != nil {
		return "", err
	}
	if pki.options.Bootstrap && len(issuers.Keys) == 0 {
		return "", nil
	}
	for range 3 {
		if err := access.Pause(ctx, 100*time.Millisecond); err != nil {
			return "", err
		}
		if ca, err = pki.signer(ctx); !noIssuer(err) {
			return ca, err
		}
	}
	return "", fmt.Errorf("%w: %s. Nothing was signed", access.ErrUnsupported, withoutIssuer(mount))
}

// withoutIssuer says what an authority lacks, and what to do.
func withoutIssuer(mount string) string {
	return fmt.Sprintf("the engine %s has no default issuer, so it signs nothing: name one of bao list %s/issuers by "+
		"bao write %s/config/issuers default=ISSUER, or make one by bao write %s/root/generate/internal "+
		"common_name='Partner access' key_type=ec key_bits=256 ttl=87840h", mount, mount, mount, mount)
}

// refuseUnable returns ErrUnsupported if the authority that is there signs nothing, or another engine stands in its
// place. An authority that is missing is no error here: what makes it, or needs it, says so.
func (pki *certificates) refuseUnable(ctx context.Context, at *site) error {
	pki.probing.Lock()
	err := pki.refuseOther(at)
	pki.probing.Unlock()
	if err != nil {
		return err
	}
	ca, err := pki.signer(ctx)
	if noIssuer(err) {
		if ca, err = pki.unissued(ctx); err != nil {
			return err
		}
	}
	if ca == "" || err != nil { // which is looked at otherwise
		return nil //nolint:nilerr // see above
	}
	why, err := pki.unable(ctx, ca)
	if why != "" {
		err = fmt.Errorf("%w: %s", access.ErrUnsupported, strings.TrimSuffix(why, "."))
	}
	return err
}

// refuseOther returns ErrUnsupported if another engine stands in the authority's place. The lock probing is held.
func (pki *certificates) refuseOther(at *site) error {
	mount := pki.options.Mounts.PKI
	if engine, there := at.engines[mount+"/"]; there && engine.Type != "pki" {
		return fmt.Errorf("%w: %s has the engine %s instead of pki", access.ErrUnsupported, mount, engine.Type)
	}
	return nil
}

// orphans says which of the certificates that were issued were signed by an authority that the engine lost. Their role
// still trusts it, until an apply writes the role from what the engine has.
func (pki *certificates) orphans(ctx context.Context, items []ledger.Item, now string) (drift []string, err error) {
	for _, serial := range signers(items) {
		if serial == authoritySerial(now) {
			continue
		}
		text, err := pki.authorityOf(ctx, serial)
		if err != nil {
			return nil, err
		}
		if text == "" {
			drift = append(drift, fmt.Sprintf("The authority %s is gone from %s: its certificates work until the next "+
				"apply at the latest. To issue a new one, change rotation.trigger.", serial, pki.options.Mounts.PKI))
		}
	}
	return drift, nil
}
