// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// What was issued for a credential, as Terraform sees it: when it moves, what of it a plan knows, and what a state
// keeps. Whether it is issued anew at all is decided in reissue.go.

// withIssued adds what the system says of what it issued, all of it computed. None of it is marked as sensitive:
// nothing in it is secret, and every output of it would have to be marked as well.
func withIssued(attributes map[string]schema.Attribute) map[string]schema.Attribute {
	for name, description := range map[string]string{
		"rotates_at":   "When the next rotation is due. RFC 3339, UTC; null if it does not rotate.",
		"serial":       "The serial of the certificate: hexadecimal for X.509, decimal for SSH.",
		"fingerprint":  "The SHA-256 fingerprint of what was issued.",
		"last_used_at": "When the system last saw it used. RFC 3339, UTC; null if the system does not know.",
		"sealed_secret": "The secret in ASCII armor, sealed to the recipient: only the partner can open it. Null for " +
			"other kinds, and after an import until the next rotation.",
		"issued": "What was signed: an X.509 certificate in PEM, with those between it and the root, or an " +
			"OpenSSH certificate line. Gateways have the root (`publish/ca.pem`, on OpenBao `partner-pki/cert/ca`); " +
			"Java's `keytool` needs it as well. Null for other kinds, and after an import until the next rotation.",
	} {
		attributes[name] = schema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	attributes["login"] = schema.MapAttribute{
		Computed: true, ElementType: types.StringType,
		MarkdownDescription: "What the partner needs to log in. Nothing in it is secret.",
	}
	return attributes
}

// begin says what is known of a new credential before anything is issued for it: what its kind never has is null.
func (m *credentialModel) begin(c change) {
	unknownAll(&m.RotatesAt, &m.SealedSecret, &m.Issued, &m.Serial, &m.Fingerprint, &m.LastUsedAt)
	m.sayLogin(c)
	if c.fresh {
		m.LastUsedAt = types.StringNull()
	}
	credential := c.after.(*access.Credential)
	none := types.StringNull()
	switch kind := credential.Kind(); {
	case kind == "": // it is not known yet
	case !kind.Issues():
		m.RotatesAt = none
		m.SealedSecret = none
		m.Issued = none
		m.Serial = none
		m.Fingerprint = none
	case kind.Sealed():
		m.Issued, m.Serial = none, none
	default:
		m.SealedSecret = none
	}
	if credential.Rotation == nil && c.fresh && !c.unknown["rotation"] {
		m.RotatesAt = none
	}
}

// sayLogin plans what the partner needs to log in, if the system can say it by the arguments. Later: some of it only
// the system's first change makes, such as an authority.
func (m *credentialModel) sayLogin(c change) {
	if unknownAll(&m.Login); c.words != nil && !c.words.Later {
		m.Login = textMap(c.words.Login)
	}
}

// move marks as unknown what the change may set anew, by the decision that the apply comes to as well (reissue).
//
// If it is issued anew, what was issued becomes unknown. If it waits for its identity, nothing is issued, and only its
// rotation moves; but what has to be revoked is gone, so an IssueReplace makes what was issued unknown, too.
func (m *credentialModel) move(c change, k kept) {
	if c.before == nil {
		m.begin(c)
		return
	}
	issue, anew, why := reissue(c, k)
	if why != "" && !anew {
		unknownAll(&m.RotatesAt) // it waits for its identity, and is due from now on
	}
	before := c.before.(*access.Credential)
	after := c.after.(*access.Credential)
	if revoked := why != "" && issue == access.IssueReplace; anew || revoked {
		m.moveIssued(after.Kind())
		return
	}
	m.moveRotation(c, before, after, k)
	if !access.SameTrust(before, after) {
		m.sayLogin(c)
	}
}

// moveIssued marks all that says what is issued as unknown.
func (m *credentialModel) moveIssued(kind access.Kind) {
	unknownAll(&m.RotatesAt, &m.Fingerprint, &m.Status)
	if kind.Sealed() {
		unknownAll(&m.SealedSecret)
		return
	}
	unknownAll(&m.Issued, &m.Serial)
}

// moveRotation sets when the next rotation is due, of what stays issued.
func (m *credentialModel) moveRotation(c change, before, after *access.Credential, k kept) {
	due := after.RotatesAt(k.IssuedAt)
	if ages(before, after, k) {
		// what it was due by before counts on
		m.RotatesAt = timeValue(access.Earliest(timeOf(m.RotatesAt), due))
	}
	// What is fixed was issued to its own end. If that comes before the new rotation, the system says when it is due.
	if c.fixed && due.After(k.IssuedUntil) && rotatesOtherwise(before, after) {
		unknownAll(&m.RotatesAt)
	}
}

// rotatesOtherwise reports whether a change gives a rotation, or another overlap.
func rotatesOtherwise(before, after *access.Credential) bool {
	return after.Rotation != nil && (before.Rotation == nil || before.Rotation.Overlap != after.Rotation.Overlap)
}

// observe writes what was issued. A certificate and a sealed secret come only with the change that issued them.
func (m *credentialModel) observe(seen observed, all extent) {
	m.terms.observe(seen, all)
	issued := seen.Issued
	if issued == nil {
		issued = &access.Issued{}
	}
	// The texts are told once: a later reading has none, and the state keeps its own as long as they are of what is in
	// force.
	told := all
	if !m.Fingerprint.IsNull() && m.knows(issued) {
		told = unknownOnly
	}
	set(&m.RotatesAt, timeValue(issued.RotatesAt), all)
	set(&m.Serial, optionalText(issued.Serial), all)
	set(&m.Fingerprint, optionalText(issued.Fingerprint), all)
	set(&m.SealedSecret, optionalText(issued.Sealed), told)
	set(&m.Issued, optionalText(issued.Text), told)
	set(&m.Login, textMap(seen.Login), all)
	set(&m.LastUsedAt, timeValue(seen.LastUsedAt), all)
}

// issued returns how the journal calls what the state knows: the serial of a certificate, or the fingerprint of a
// secret.
func (m *credentialModel) issued() string {
	return cmp.Or(m.Serial.ValueString(), m.Fingerprint.ValueString())
}

// knows reports whether the state was told of what was issued.
func (m *credentialModel) knows(i *access.Issued) bool {
	return m.Fingerprint.ValueString() == i.Fingerprint && m.Serial.ValueString() == i.Serial
}

// restore keeps what was issued before and is still in force: the system tells it once, and the plan expected another.
// See TestASuspensionBetweenPlanAndApplyLosesNoSecret.
func (m *credentialModel) restore(state *credentialModel, seen observed) {
	if seen.Issued != nil && state.knows(seen.Issued) {
		set(&m.SealedSecret, state.SealedSecret, unknownOnly)
		set(&m.Issued, state.Issued, unknownOnly)
	}
}
