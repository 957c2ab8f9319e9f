package embedded

import (
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/ca"
)

// record is what callers are told of an entry. They may change it: nothing of the ledger is in it.
func (l *ledger) record(e *entry) (*access.Record, error) {
	object, err := cloned(e.object)
	if err != nil {
		return nil, err
	}
	stands := l.standing(e.object.Holder())
	r := &access.Record{
		Object: object, History: e.history,
		EndsAt:    access.Earliest(e.bound, stands.end),
		Suspended: stands.cut() || e.removed(),
	}
	if _, holder := l.identity(e.object.Holder()); holder != nil && holder.history.ReviewedAt.After(r.ReviewedAt) {
		r.ReviewedAt = holder.history.ReviewedAt
	}
	switch {
	case e.removed():
		r.Drift = []string{"Its removal was begun and not finished: it gives no access, and is kept until it is destroyed or applied again."}
	case stands.broken != "":
		r.Drift = []string{"It gives no access, because " + stands.broken + "."}
	}
	if i, found := e.newest(); found && !e.removed() {
		r.Issued = &access.Issued{At: i.At, Until: i.end(r.EndsAt), RotatesAt: i.RotatesAt, Serial: i.Serial, Fingerprint: i.Fingerprint}
	}
	r.EnforcedBy, r.Revocation, r.Login = enforcedBy(object), cutByHand(object), login(object)
	return r, nil
}

// placed is the answer to a put.
func (l *ledger) placed(p *placed) (*access.Record, error) {
	e := p.entry
	if now := l.entries[e.ref]; now != nil && now.history.UID == e.history.UID {
		e = now
	}
	r, err := l.record(e)
	if err == nil && r.Issued != nil && p.tell {
		i, _ := e.newest()
		r.Issued.Text, r.Issued.Sealed = i.Certificate, i.Sealed
	}
	return r, err
}

// login is what the partner needs to log in, nothing secret in it, and nothing that a rotation changes.
func login(o access.Object) map[string]string {
	c, ok := o.(*access.Credential)
	if !ok {
		return nil
	}
	id := c.IdentityID.String()
	switch c.Kind() {
	case access.Federated:
		return map[string]string{"issuer": c.Federated.Issuer, "subject": c.Federated.Subject, "audiences": strings.Join(c.Federated.Audiences, " ")}
	case access.Certificate:
		return map[string]string{"subject": "CN=" + ca.CommonName(c.IdentityID), "san": "URI:partner:" + id}
	case access.SSHCertificate:
		return map[string]string{"principal": id, "key_id": id}
	case access.Secret:
		return map[string]string{"header": "Authorization: Bearer " + keyPrefix + "..."}
	}
	return nil
}
