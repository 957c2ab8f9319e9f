# What a plan says of the access in it.
package partner

import rego.v1

# subjects are what the plan leaves in place, by address.
subjects[change.address] := {
	"address": change.address,
	"type": change.type,
	"before": earlier(change.change),
	"after": change.change.after,
	"unknown": {name | some name, hidden in change.change.after_unknown; hidden == true},
} if {
	some change in input.resource_changes
	change.mode == "managed"
	change.type in {"partner_identity", "partner_credential", "partner_grant"}
	is_object(change.change.after)
}

# What is replaced is created anew.
earlier(change) := null if "create" in change.actions

earlier(change) := change.before if not "create" in change.actions

# Two blocks may declare one identity, which is a finding of its own.
declared[s.after.id] contains s.address if {
	some s in subjects
	s.type == "partner_identity"
	is_string(s.after.id)
}

identities[id] := subjects[min(addresses)] if some id, addresses in declared

grants contains s if {
	some s in subjects
	s.type == "partner_grant"
}

credentials contains s if {
	some s in subjects
	s.type == "partner_credential"
}

created(s) if is_null(s.before)

holder(s) := s.after.id if s.type == "partner_identity"

holder(s) := s.after.identity_id if s.type != "partner_identity"

partner(s) := split(holder(s), "/")[0]

# upper is the identity of a credential or grant, as far as this plan shows it.
upper(s) := identities[s.after.identity_id] if s.type != "partner_identity"

# Above an identity: those that it hangs on, at any depth.
hangs[id] := [parent | parent := identities[id].after.parent_id; is_string(parent)] if some id, _ in identities

above[id] := graph.reachable(hangs, hangs[id]) if some id, _ in identities

# The settings.
guardrails := object.union(defaults, given("guardrails"))

default settings := {}

settings := data.settings

given(name) := object.filter(settings[name], {key | some key, value in settings[name]; not is_null(value)}) if is_object(object.get(settings, name, null))

given(name) := {} if not is_object(object.get(settings, name, null))

defaults := {
	"warn_before": "720h", "min_fixed_segments": 2, "max_grants": 20,
	"max_lifetime": {}, "levels": {}, "owner_domains": [], "active_owners": [], "environments": [], "shared": [],
	"review_every": "2160h",
}

# The register of partners; without one, every partner may appear.
register := given("partners") if is_object(object.get(settings, "partners", null))

default registered(_) := {}

registered(name) := register[name]

# Time. What lies beyond the years that a number of nanoseconds holds is later than everything else.
now := moment(input.timestamp)

day := ((24 * 3600) * 1000) * 1000000

beyond_all := 9300000000000000000

moment(text) := time.parse_rfc3339_ns(text) if to_number(substring(text, 0, 4)) < 2250

moment(text) := beyond_all if to_number(substring(text, 0, 4)) >= 2250

ends(s) := moment(s.after.expires_at)

span(text) := time.parse_duration_ns(text)

# history is told in a line: created T; renewed once, T; reviewed T.
told(s, word) := moment(found[0][1]) if {
	is_string(s.before.history)
	found := regex.find_all_string_submatch_n(sprintf(`%s [^;]*?(\d{4}-\d\d-\d\dT[0-9:.]+Z)`, [word]), s.before.history, 1)
	count(found) == 1
}

# start is when the life that the plan leaves in place began.
start(s) := now if created(s)

start(s) := now if extends(s)

start(s) := told(s, "renewed") if {
	not created(s)
	not extends(s)
}

start(s) := told(s, "created") if {
	not created(s)
	not extends(s)
	not told(s, "renewed")
}

extends(s) if ends(s) > moment(s.before.expires_at)

# enters: the plan creates the subject, or widens one of these arguments.
enters(s, _) := true if created(s)

enters(s, reads) := count([a | some a in reads; widens(s, a)]) > 0 if not created(s)

widens(s, a) if a in s.unknown

widens(s, "expires_at") if extends(s)

widens(s, "actions") if {
	some action in s.after.actions
	not action in s.before.actions
}

widens(s, "resource") if outside([s.before.resource], s.after.resource)

widens(s, "ceiling") if {
	count(patterns(s.before.ceiling)) > 0
	not within_ceiling(s)
}

within_ceiling(s) if {
	count(patterns(s.after.ceiling)) > 0
	every p in s.after.ceiling { not outside(s.before.ceiling, p) }
}

widens(s, "suspended") if {
	s.before.suspended
	not s.after.suspended
}

widens(s, "allowed_cidrs") if {
	count(list(s.before.allowed_cidrs)) > 0
	not narrower_networks(s)
}

narrower_networks(s) if {
	count(list(s.after.allowed_cidrs)) > 0
	every network in s.after.allowed_cidrs {
		some outer in s.before.allowed_cidrs
		net.cidr_contains(outer, network)
	}
}

widens(s, "agreement") if {
	is_object(s.before.agreement)
	not shorter_agreement(s)
}

shorter_agreement(s) if moment(s.after.agreement.ends_at) <= moment(s.before.agreement.ends_at)

widens(s, "rotation") if {
	is_object(s.before.rotation)
	not shorter_rotation(s)
}

shorter_rotation(s) if {
	span(s.after.rotation["every"]) <= span(s.before.rotation["every"])
	overlap_of(s.after) <= overlap_of(s.before)
}

overlap_of(values) := span(values.rotation.overlap) if is_string(values.rotation.overlap)

overlap_of(values) := 0 if not is_string(values.rotation.overlap)

widens(s, a) if {
	a in {"owner", "review", "purpose", "waivers", "contact", "parent_id", "subcontractors", "expected_use", "hold_released", "federated",
		"certificate", "ssh_certificate", "secret", "identity_id", "environment", "partner", "name"}
	object.get(s.before, a, null) != object.get(s.after, a, null)
}

list(value) := value if is_array(value)

list(value) := [] if not is_array(value)
