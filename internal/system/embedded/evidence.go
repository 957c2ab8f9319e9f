// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io/fs"
	"math/big"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// evidence is the publication as gateways see it: read back from the files, as OPA, sshd and verifiers of certificates
// read them, and not from what this process thinks that it wrote. A removal is only said to be done once nothing in it
// speaks for what was removed.
type evidence struct {
	data struct {
		Partner struct {
			Published struct {
				Certificates map[string]struct{}
				Secrets      map[string]struct{}
				Identities   map[string]struct {
					Suspended bool
					Grants    []struct{ Name, Resource string }
				}
				Trust map[string]map[string][]struct{ Identity string }
			}
		}
	}
	principals map[string][][]byte // the lines, by login
	crl        *x509.RevocationList
	at         time.Time // when it was read
}

// readEvidence reads what gateways are shown: the policy data, the lines of each login, and the revocation list of all
// certificates, without those that cut by hand.
func (ob *observer) readEvidence() (*evidence, error) {
	e := &evidence{principals: map[string][][]byte{}, at: ob.now()}
	text, err := ob.paths.shown(dataFile)
	if err == nil {
		err = json.Unmarshal(text, &e.data)
	}
	if err != nil {
		return nil, err
	}
	lists, err := ob.paths.shownLists()
	if err != nil {
		return nil, err
	}
	e.crl = lists[0]
	logins, err := os.ReadDir(ob.paths.public(principalsDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, login := range logins {
		if login.IsDir() { // by which sshd lets nobody in
			continue
		}
		if text, err = ob.paths.shownPrincipals(login.Name()); err != nil {
			return nil, err
		}
		e.principals[login.Name()] = bytes.Split(text, []byte("\n"))
	}
	return e, nil
}

// of says where something of an object still is; "" where nothing is. An identity is looked for in the policy data and
// in the files of logins; a credential by what proves it; a certificate also by what has to be in the revocation list.
func (e *evidence) of(v *ledger.Entry) string {
	published := &e.data.Partner.Published
	holder := v.Object.Holder().String()
	switch o := v.Object.(type) {
	case *access.Identity:
		if _, there := published.Identities[holder]; there {
			return "publish/policy/data.json"
		}
		return e.admits(holder)
	case *access.Grant:
		return e.grants(o, holder)
	case *access.Credential:
		if e.proves(o, v, holder) {
			return "publish/policy/data.json"
		}
		if o.Kind() == access.Certificate && slices.ContainsFunc(v.Issued, e.unlisted) {
			return "publish/" + crlFile
		}
	}
	return ""
}

// grants says where a grant still is. Grants of logins are in the principals files, too, where one line stands for all
// grants of an identity on that login.
func (e *evidence) grants(g *access.Grant, holder string) string {
	login, shell := strings.CutPrefix(string(g.Resource), "ssh/")
	for _, other := range e.data.Partner.Published.Identities[holder].Grants {
		if other.Name == g.Name {
			return "publish/policy/data.json"
		}
		shell = shell && other.Resource != string(g.Resource) // else the line is of the other grant
	}
	if shell {
		return e.admits(holder, login)
	}
	return ""
}

// proves reports whether a credential still proves who somebody is.
func (e *evidence) proves(c *access.Credential, v *ledger.Entry, holder string) bool {
	published := &e.data.Partner.Published
	if c.Federated != nil {
		for _, proof := range published.Trust[c.Federated.Issuer][c.Federated.Subject] {
			if proof.Identity == holder {
				return true
			}
		}
	}
	return slices.ContainsFunc(v.Issued, func(i ledger.Item) bool {
		_, certificate := published.Certificates[i.Fingerprint]
		_, secret := published.Secrets[i.KeyHash]
		return certificate || secret
	})
}

// unlisted reports whether a certificate that would still be valid is not in the revocation list.
func (e *evidence) unlisted(i ledger.Item) bool {
	serial, ok := new(big.Int).SetString(i.Serial, 16)
	return ok && i.Until.After(e.at) &&
		!slices.ContainsFunc(e.crl.RevokedCertificateEntries, func(r x509.RevocationListEntry) bool {
			return r.SerialNumber.Cmp(serial) == 0
		})
}

// admits returns the principals file that still lets an identity in: of any login, or of one.
func (e *evidence) admits(identity string, logins ...string) string {
	for login, lines := range e.principals {
		for _, l := range lines {
			if bytes.HasSuffix(l, []byte(" "+identity)) && (len(logins) == 0 || slices.Contains(logins, login)) {
				return "publish/ssh/principals/" + login
			}
		}
	}
	return ""
}
