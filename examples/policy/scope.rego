# Rules of what access reaches, and of environments, keys and ids.
package partner

import rego.v1

problems contains problem("scope/wildcard-action", s, "actions", sprintf("%s stands for everything", [action])) if {
	some s in grants
	some action in s.after.actions
	action in {"*", "sudo", "root", "admin", "all"}
}

problems contains problem("scope/wildcard-resource", s, "resource", sprintf("resource %s has %d literal segments before its first wildcard", [resource, n])) if {
	some s in grants
	resource := s.after.resource
	wild(resource)
	n := fixed(resource)
	n < guardrails.min_fixed_segments
	not partner(s) in array.slice(split(resource, "/"), 0, n)
}

problems contains below("scope/outside-ceiling", s, u, "resource", sprintf("resource %s is not inside of the ceiling of %s", [s.after.resource, u.address])) if {
	some s in grants
	u := upper(s)
	ceiling := patterns(u.after.ceiling)
	count(ceiling) > 0
	outside(ceiling, s.after.resource)
}

# The nearest identity above that has a ceiling.
ceilinged(id) := identities[id] if count(patterns(identities[id].after.ceiling)) > 0

nearest(s) := ceilinged(s.after.parent_id) if s.type == "partner_identity"

nearest(s) := found if {
	s.type == "partner_identity"
	not ceilinged(s.after.parent_id)
	grandparent := identities[s.after.parent_id].after.parent_id
	found := ceilinged(grandparent)
}

nearest(s) := ceilinged(upper(s).after.parent_id) if s.type == "partner_grant"

reach(s) := patterns(s.after.ceiling) if s.type == "partner_identity"

reach(s) := [s.after.resource] if {
	s.type == "partner_grant"
	is_string(s.after.resource)
}

reached_by := {"partner_identity": "ceiling", "partner_grant": "resource"}

problems contains below("scope/exceeds-parent", s, u, reached_by[s.type], sprintf("%s is not inside of the ceiling of %s", [p, u.address])) if {
	some s in subjects
	u := nearest(s)
	some p in reach(s)
	outside(patterns(u.after.ceiling), p)
}

related(s, o) if holder(s) in above[holder(o)]

related(s, o) if holder(o) in above[holder(s)]

allowed_meeting(p) if {
	some common in guardrails.shared
	not outside([common], p)
}

# reaching are the subjects that reach anything: pairs are asked of these alone.
reaching contains s if {
	some s in subjects
	count(reach(s)) > 0
}

problems contains pair("scope/foreign-partner", o, s, reached_by[o.type], sprintf("%s reaches %s, as %s does", [o.address, meet(p, q), s.address])) if {
	some s in reaching
	some o in reaching
	s.address < o.address
	partner(s) != partner(o)
	not related(s, o)
	some p in reach(s)
	some q in reach(o)
	overlap(p, q)
	not allowed_meeting(meet(p, q))
}

problems contains pair("scope/overlap", b, a, "resource", sprintf("%s allows the same as %s", [b.address, a.address])) if {
	some a in grants
	some b in grants
	a.address < b.address
	a.after.identity_id == b.after.identity_id
	a.after.id != b.after.id
	overlap(a.after.resource, b.after.resource)
	same_action(a, b)
}

same_action(a, b) if {
	some action in a.after.actions
	action in b.after.actions
}

same_action(a, b) if "*" in array.concat(a.after.actions, b.after.actions)

problems contains object.union(problem("scope/accumulation", s, "identity_id", sprintf("identity %s has %d grants", [id, count(own)])), {"enters": true}) if {
	some id in {g.after.identity_id | some g in grants}
	own := sort([g.address | some g in grants; g.after.identity_id == id])
	count(own) > guardrails.max_grants
	s := subjects[own[guardrails.max_grants]]
}

problems contains problem("separation/environment", s, at, sprintf("the environment %s is neither the provider's nor in environments", [environment])) if {
	is_string(settings.environment)
	some s in subjects
	some at in {"id", "parent_id", "identity_id"}
	id := object.get(s.after, at, null)
	is_string(id)
	environment := split(id, "/")[1]
	not environment in {settings.environment}
	not environment in guardrails.environments
}

declares[[s.type, s.after.id]] contains s.address if some s in subjects

problems contains pair("separation/duplicate", subjects[y], subjects[x], "name", sprintf("%s declares the same as %s", [y, x])) if {
	some addresses in declares
	some x in addresses
	some y in addresses
	x < y
}

# keys are what a credential is recognized by, as far as text shows it.
keys_of(s) := ((certificate_key(s) | ssh_key(s)) | trust(s)) | recipient(s)

certificate_key(s) := {["certificate", parsed.PublicKey] | parsed := request(s)}

request(s) := crypto.x509.parse_certificate_request(s.after.certificate.csr)

ssh_key(s) := {["ssh", array.slice(split(trim_space(s.after.ssh_certificate.public_key), " "), 0, 2)] | is_string(s.after.ssh_certificate.public_key)}

trust(s) := {["federated", s.after.federated.issuer, s.after.federated.subject] | is_string(s.after.federated.issuer)}

recipient(s) := {["recipient", array.slice(split(trim_space(s.after.secret.recipient), " "), 0, 2)] | is_string(s.after.secret.recipient)}

holds[key] contains c.address if {
	some c in credentials
	some key in keys_of(c)
}

problems contains pair("separation/shared-key", b, a, key[0], sprintf("%s holds what %s holds", [y, x])) if {
	some key, addresses in holds
	some x in addresses
	some y in addresses
	x < y
	a := subjects[x]
	b := subjects[y]
	a.after.identity_id != b.after.identity_id
	not one_partner(key, a, b)
}

# A recipient may open the secrets of several identities of its own partner.
one_partner(key, a, b) if {
	key[0] == "recipient"
	partner(a) == partner(b)
}
