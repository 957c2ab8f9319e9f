# Rules of credentials.
package partner

import rego.v1

kind(s) := [name | some name in ["federated", "certificate", "ssh_certificate", "secret"]; is_object(s.after[name])][0]

problems contains problem("credential/static-secret", s, "secret", "a secret, where a certificate or federation would do") if {
	some s in credentials
	kind(s) == "secret"
}

# issued_for is how long what is issued once may live.
issued_for(s) := 90 * day if kind(s) == "certificate"

issued_for(s) := 30 * day if kind(s) == "ssh_certificate"

issued_for(s) := 90 * day if {
	kind(s) == "secret"
	narrow(s)
}

issued_for(s) := 30 * day if {
	kind(s) == "secret"
	not narrow(s)
}

narrow(s) if {
	count(s.after.allowed_cidrs) > 0
	every network in s.after.allowed_cidrs { narrow_network(network) }
}

narrow_network(network) if {
	bits := to_number(split(network, "/")[1])
	bits >= {true: 48, false: 24}[contains(network, ":")]
}

rotates(s) if is_string(s.after.rotation["every"])

problems contains problem("credential/no-rotation", s, "rotation.overlap", "the overlap is not shorter than what it overlaps") if {
	some s in credentials
	kind(s) != "federated"
	rotates(s)
	overlap_of(s.after) >= span(s.after.rotation["every"])
}

lives(s) := ends(s) - start(s) if not rotates(s)

lives(s) := min({ends(s) - start(s), span(s.after.rotation["every"]) + overlap_of(s.after)}) if rotates(s)

problems contains object.union(found, {"hard": hard}) if {
	some s in credentials
	lives(s) > issued_for(s)
	not overlap_too_long(s)
	hard := {true: lives(s) > 180 * day, false: false}[kind(s) == "secret"]
	found := problem("credential/no-rotation", s, "rotation", sprintf("what is issued once would live for %d days", [floor(lives(s) / day)]))
}

overlap_too_long(s) if {
	rotates(s)
	overlap_of(s.after) >= span(s.after.rotation["every"])
}

rsa_bits(s) := count(format_int(request(s).PublicKey.N, 2))

# The numbers that Go's parser gives to signatures with MD2, MD5 and SHA-1.
old_signatures := {1, 2, 3, 7, 9}

problems contains problem("credential/weak-key", s, "certificate.csr", sprintf("an RSA key of %d bits", [rsa_bits(s)])) if {
	some s in credentials
	rsa_bits(s) < 2048
}

problems contains problem("credential/weak-key", s, "certificate.csr", "a request signed with SHA-1 or older") if {
	some s in credentials
	request(s).SignatureAlgorithm in old_signatures
}

problems contains problem("credential/rsa-2048", s, "certificate.csr", sprintf("an RSA key of %d bits", [rsa_bits(s)])) if {
	some s in credentials
	rsa_bits(s) >= 2048
	rsa_bits(s) < 3072
}

closed_issuer(issuer) if regex.match(`^https://[^/?#@*]+(/[^?#]*)?$`, issuer)

closed_issuer(issuer) if regex.match(`^http://(localhost|127[.0-9]+|\[::1\])(:[0-9]+)?(/[^?#]*)?$`, issuer)

problems contains problem("credential/open-trust", s, "federated.issuer", sprintf("issuer %q is not one https issuer", [s.after.federated.issuer])) if {
	some s in credentials
	is_string(s.after.federated.issuer)
	not closed_issuer(lower(s.after.federated.issuer))
}

problems contains problem("credential/open-trust", s, "federated.subject", sprintf("subject %q does not name exactly one workload", [s.after.federated.subject])) if {
	some s in credentials
	open_text(s.after.federated.subject, ["*", "?"])
}

problems contains problem("credential/open-trust", s, "federated.audiences", "audiences is empty") if {
	some s in credentials
	is_object(s.after.federated)
	not is_string(object.get(s.after.federated, "aws_principal", null))
	count(list(s.after.federated.audiences)) == 0
}

problems contains problem("credential/open-trust", s, "federated.audiences", "one of the audiences stands for any") if {
	some s in credentials
	some audience in s.after.federated.audiences
	open_text(audience, ["*"])
}

open_text(text, _) if trim_space(text) == ""

open_text(text, marks) if {
	some mark in marks
	contains(text, mark)
}

problems contains problem("credential/network", s, "allowed_cidrs", "no allowed_cidrs") if {
	some s in credentials
	kind(s) != "federated"
	not "allowed_cidrs" in s.unknown
	count(list(s.after.allowed_cidrs)) == 0
}

power(n) := product([2 | some i in numbers.range(1, n); i > 0; n > 0])

covered(networks, bits) := sum([power(bits - to_number(split(network, "/")[1])) | some network in net.cidr_merge(networks)])

problems contains problem("credential/open-network", s, "allowed_cidrs", "allowed_cidrs covers more than a /8 together") if {
	some s in credentials
	covered({n | some n in s.after.allowed_cidrs; not contains(n, ":")}, 32) > power(24)
}

problems contains problem("credential/open-network", s, "allowed_cidrs", "allowed_cidrs covers more than a /32 together") if {
	some s in credentials
	covered({n | some n in s.after.allowed_cidrs; contains(n, ":")}, 128) > power(96)
}

problems contains object.union(problem("credential/count", s, "identity_id", sprintf("identity %s has %d credentials", [id, count(own)])), {"enters": true}) if {
	some id in {c.after.identity_id | some c in credentials}
	own := sort([c.address | some c in credentials; c.after.identity_id == id])
	count(own) > 2
	s := subjects[own[2]]
}
