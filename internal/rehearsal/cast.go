// SPDX-License-Identifier: MPL-2.0

package rehearsal

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"
	"golang.org/x/crypto/ssh"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// cast is a shadow partner: one identity, a credential of each kind that the partner holds, and grants of what reaches
// nothing.
type cast struct {
	identity *access.Identity
	parts    []*part
	grants   []*access.Grant
}

// part is one credential of the shadow, with what only its holder has.
type part struct {
	credential *access.Credential
	key        crypto.Signer
	recipient  *age.X25519Identity
	// action on path is what the shadow does with it.
	action, path string
	// without is why it cannot be tried here; nil where it can.
	without error
}

// models returns the credentials of a partner that its shadow imitates: the first in force of each kind.
func models(partner string, records []*access.Record, now time.Time) (all []*access.Credential) {
	seen := map[access.Kind]bool{}
	for _, r := range records {
		c, ok := r.Object.(*access.Credential)
		if !ok ||
			c.Holder().Partner != partner ||
			seen[c.Kind()] ||
			!r.EndsAt.After(now) {
			continue
		}
		seen[c.Kind()] = true
		all = append(all, c)
	}
	return all
}

// castOf makes the shadow of a partner, in memory.
func castOf(ctx context.Context, system access.System, partner, environment string, records []*access.Record,
	now time.Time) (*cast, error) {
	var word [4]byte
	_, _ = rand.Read(word[:]) // it never fails, or ends the process
	shadow := access.ShadowPartner(hex.EncodeToString(word[:]))
	terms := access.Terms{ExpiresAt: access.At(now.Add(life).Truncate(time.Second))}
	c := &cast{}
	for _, model := range models(partner, records, now) {
		p, err := partOf(model, shadow)
		if err != nil {
			return nil, err
		}
		c.parts = append(c.parts, p)
	}
	if len(c.parts) == 0 {
		return nil, ErrNothing
	}
	for _, r := range records { // who owns its first identity answers for the shadow
		if i, ok := r.Object.(*access.Identity); ok && i.ID.Partner == partner {
			terms.Owner = i.Owner
			break
		}
	}
	c.dress(access.IdentityID{Partner: shadow, Environment: environment, Name: "twin"}, terms, partner)
	if stager, is := access.As[access.Stager](system); is {
		if err := c.stage(ctx, stager); err != nil {
			return nil, err
		}
	}
	c.grant()
	return c, nil
}

// stage lets the system say what each part does, and where.
func (c *cast) stage(ctx context.Context, stager access.Stager) error {
	for _, p := range c.parts {
		action, on, err := stager.Stage(ctx, p.credential)
		if err != nil && !errors.Is(err, access.ErrUnsupported) {
			return err
		}
		p.action, p.path, p.without = action, string(on), err
	}
	return nil
}

// dress gives all of the cast its identity and terms.
func (c *cast) dress(id access.IdentityID, terms access.Terms, partner string) {
	purpose := "Shadow in a rehearsal of the offboarding of " + partner +
		": it reaches nothing of the partner's, and is removed at once"
	c.identity = &access.Identity{ID: id, Terms: terms, Purpose: purpose}
	for _, p := range c.parts {
		p.credential.IdentityID, p.credential.Terms = id, terms
	}
}

// grant grants what the parts do.
func (c *cast) grant() {
	granted := map[string]bool{}
	for _, p := range c.parts {
		if granted[p.path] || p.without != nil {
			continue
		}
		granted[p.path] = true
		c.grants = append(c.grants, &access.Grant{
			IdentityID: c.identity.ID, Name: fmt.Sprintf("probe-%d", len(c.grants)+1), Terms: c.identity.Terms,
			Resource: access.Pattern(p.path), Actions: []string{p.action},
			Purpose: c.identity.Purpose,
		})
	}
}

// partOf returns a credential like another one, with keys of its own.
func partOf(model *access.Credential, shadow string) (p *part, err error) {
	p = &part{credential: &access.Credential{}, action: "read", path: shadow + "/probe/path"}
	switch model.Kind() {
	case access.Federated: // at the partner's issuer, which knows no such subject
		trust := *model.Federated
		trust.Subject = shadow + "-" + rand.Text()
		p.credential.Federated = &trust
	case access.Certificate:
		p.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err == nil {
			p.credential.Certificate, err = requestOf(p.key)
		}
	case access.SSHCertificate:
		p.action, p.path = "login", "ssh/"+shadow
		_, p.key, err = ed25519.GenerateKey(rand.Reader)
		if err == nil {
			p.credential.SSHCertificate, err = sshRequestOf(p.key)
		}
	case access.Secret:
		if p.recipient, err = age.GenerateX25519Identity(); err == nil {
			p.credential.Secret = &access.SecretRequest{Recipient: p.recipient.Recipient().String()}
		}
	}
	if err != nil {
		return nil, fmt.Errorf("make a key for the shadow: %w", err)
	}
	return p, nil
}

func requestOf(key crypto.Signer) (*access.CertificateRequest, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return nil, err
	}
	return &access.CertificateRequest{CSR: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST",
		Bytes: der}))}, nil
}

func sshRequestOf(key crypto.Signer) (*access.SSHRequest, error) {
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	return &access.SSHRequest{PublicKey: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public)))}, nil
}

// seal seals a secret to the shadow's own key: what is kept of it is what is kept of a partner's.
func (p *part) seal(secret []byte) (string, error) {
	var out bytes.Buffer
	a := armor.NewWriter(&out)
	w, err := age.Encrypt(a, p.recipient.Recipient())
	if err == nil {
		_, err = w.Write(secret)
	}
	if err == nil {
		err = w.Close()
	}
	if err == nil {
		err = a.Close()
	}
	return out.String(), err
}

// proof returns what the shadow holds once the credential was issued. It opens its secret as the partner does.
func (p *part) proof(issued *access.Issued) (access.Proof, error) {
	proof := access.Proof{Credential: p.credential, Issued: issued, Key: p.key}
	if p.recipient == nil {
		return proof, nil
	}
	opened, err := age.Decrypt(armor.NewReader(strings.NewReader(issued.Sealed)), p.recipient)
	if err != nil {
		return proof, fmt.Errorf("open the shadow's secret: %w", err)
	}
	secret, err := io.ReadAll(opened)
	proof.Secret = string(secret)
	return proof, err
}
