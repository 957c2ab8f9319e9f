# Decides whether a partner's request is allowed, from what the access system published in data.partner.published, and
# from who was cut by hand, in data.partner_hold. Without the latter nobody is allowed anything.
#
# The gateway asks for data.partner.allow with this input:
#
#	{
#		"credential": {"secret": "partner_..."},
#		"action": "read",
#		"path": "orders/acme/daily/1.csv",
#		"ip": "203.0.113.7"
#	}
#
# The credential is exactly one of
#
#	{"secret": KEY}                       the API key as it was sent
#	{"certificate": {"fingerprint": HEX}} SHA-256 of the client certificate that the gateway verified against ca.pem
#	{"certificate": {"serial": HEX}}      its serial; only where the gateway trusts no other CA for clients
#	{"claims": {"iss", "sub", "aud"}}     the claims of a token whose signature the gateway verified: with the keys of its
#	                                      issuer, or with jwks.json where this system is the issuer; then also its "exp",
#	                                      "jti" and "uid". All claims, as they are in the token, are right for both.
#
# The path is what the gateway serves, decoded, without a slash at its start. The ip is where the request comes from; it
# is needed for credentials that are bound to networks.
package partner

# OPA of before 1.0 knows "if" and "contains" by this line alone; in a bundle that takes another one's place it overlooks
# the manifest's rego_version. Newer ones take it for what it is: nothing.
import rego.v1

import data.partner.published
import data.partner_hold as hold

default allow := false

# Whether the request is allowed.
allow if count(admitted) > 0

# Who it is: the identity that is allowed; where none is, the one that the credential is of.
identity := min(admitted)

identity := min({proof.identity | some proof in proofs}) if not allow

# The identities that are allowed what the request asks for. Two have one token only where a rule was waived.
admitted contains proof.identity if {
	now < published.valid_until_ns
	some proof in proofs
	now < proof.ends_at_ns
	token_lives
	network_allowed(proof)
	holder := published.identities[proof.identity]
	holder.suspended == false
	not_held(holder)
	not_held_alone(proof)
	now < holder.ends_at_ns
	some grant in holder.grants
	now < grant.ends_at_ns
	input.action in grant.actions
	covers(grant)
}

now := time.now_ns()

# Neither the identity nor what it hangs on is on hold, or of a partner on hold; or each that is of one was released.
not_held(holder) if {
	every id in holder.line {
		off_hold(id)
	}
}

off_hold(id) if {
	object.get(hold.held, id, false) == false
	object.get(hold.held, split(id, "/")[0], false) == false
}

off_hold(id) if {
	object.get(hold.held, id, false) == false
	hold.released[id] == true
}

# The credential itself is not on hold.
not_held_alone(proof) if {
	credential := concat("/", [proof.identity, object.get(proof, "kind", "")])
	object.get(hold.held, credential, false) == false
}

# The published credentials that the request proves to hold.
proofs contains published.secrets[crypto.sha256(input.credential.secret)] if one_credential

proofs contains published.certificates[fingerprint] if {
	one_credential
	fingerprint := hex(input.credential.certificate.fingerprint)
}

proofs contains published.certificates[fingerprint] if {
	one_credential
	not input.credential.certificate.fingerprint
	fingerprint := published.serials[trim_left(hex(input.credential.certificate.serial), "0")]
}

proofs contains proof if {
	one_credential
	some proof in published.trust[input.credential.claims.iss][input.credential.claims.sub]
	some audience in audiences
	audience in proof.audiences
}

# A token that the access system gave out itself, for one run. It is of an identity as it was then: who was made anew
# under the id since is somebody else.
proofs contains proof if {
	one_credential
	token := input.credential.claims
	token.iss == published.issuer
	"partner" in audiences
	token.uid == published.identities[token.sub].uid
	object.get(published.revoked_tokens, token.jti, "") == ""
	proof := {"ends_at_ns": token.exp * 1000000000, "identity": token.sub, "networks": []}
}

one_credential if count(input.credential) == 1

# Programs write hexadecimal in either case, some with colons.
hex(text) := lower(replace(text, ":", ""))

# RFC 7519, section 4.1.3: one audience, or several.
audiences := [input.credential.claims.aud] if is_string(input.credential.claims.aud)

audiences := input.credential.claims.aud if is_array(input.credential.claims.aud)

# RFC 7519, section 4.1.4: the gateway should have looked, but a token that says it has ended proves nothing.
token_lives if not "exp" in object.keys(object.get(input.credential, "claims", {}))

token_lives if now < input.credential.claims.exp * 1000000000

network_allowed(proof) if proof.networks == []

network_allowed(proof) if {
	not contains(input.ip, "/") # else a whole network would pass for an address
	some network in proof.networks
	net.cidr_contains(network, input.ip)
}

# The segments of a path that means one thing to every server: no character that some server decodes, cuts at, drops, or
# takes for a dot or a slash (as full-width ones), and no segment that is empty or climbs, also not where dots and spaces at an
# end are dropped.
segments := parts if {
	regex.match(`^[ -~\p{L}\p{M}\p{Nd}]+$`, input.path)
	not regex.match(`[%\\?#;]`, input.path)
	parts := split(input.path, "/")
	every part in parts {
		not regex.match(`^[. ]*$`, part)
	}
}

# A pattern covers a path segment by segment; an open one (its * is left out here) goes on for one or more.
covers(grant) if {
	grant.open == false
	count(segments) == count(grant.segments)
	begins(grant)
}

covers(grant) if {
	grant.open == true
	count(segments) > count(grant.segments)
	begins(grant)
}

begins(grant) if {
	every i, segment in grant.segments {
		segment in {"+", segments[i]}
	}
}

# Why a request is refused, in words for a log. Nothing in them is secret, but they are not for the partner.
reason contains "policy_outdated" if not now < published.valid_until_ns

reason contains "credential_unknown" if count(proofs) == 0

reason contains "credential_ended" if {
	not allow
	some proof in proofs
	not now < proof.ends_at_ns
}

reason contains "token_ended" if {
	not allow
	not token_lives
}

reason contains "token_revoked" if {
	not allow
	published.revoked_tokens[input.credential.claims.jti]
}

reason contains "network_not_allowed" if {
	not allow
	some proof in proofs
	not network_allowed(proof)
}

reason contains "identity_suspended" if {
	not allow
	some proof in proofs
	not published.identities[proof.identity].suspended == false
}

reason contains "identity_on_hold" if {
	not allow
	some proof in proofs
	not not_held(published.identities[proof.identity])
}

reason contains "credential_on_hold" if {
	not allow
	some proof in proofs
	not not_held_alone(proof)
}

reason contains "hold_unknown" if not hold.held

reason contains "identity_ended" if {
	not allow
	some proof in proofs
	not now < published.identities[proof.identity].ends_at_ns
}

reason contains "path_unclear" if not segments

reason contains "not_granted" if {
	not allow
	count(proofs) > 0
	count(asked) == 0
}

reason contains "grant_ended" if {
	not allow
	some ended in asked
	ended
	not false in asked
}

# Whether each grant of what the request asks for has ended.
asked contains ended if {
	some proof in proofs
	some grant in published.identities[proof.identity].grants
	input.action in grant.actions
	covers(grant)
	ended := now >= grant.ends_at_ns
}

# Both in one, for gateways whose decision log is to tell who was let in, and no more than that.
default verdict := {"allow": false}

verdict := {"allow": true, "identity": identity} if allow
