# Judges a plan as the guardrails do, for pipelines that check the plans of others: see the guide "Policies for other pipelines".
# The input is the plan in JSON. The settings are data.settings, in the form of the provider's arguments; they are those of the pipeline
# that checks. What the configuration sets for itself is not looked at.
package partner

import rego.v1

# deny are findings that stop the plan.
deny contains verdict if {
	some verdict in verdicts
	verdict.level == "deny"
}

# warn are findings to look at.
warn contains verdict if {
	some verdict in verdicts
	verdict.level == "warn"
}

verdicts contains {"rule": p.rule, "level": level, "address": p.address, "msg": msg} if {
	some p in standing
	level := level_of(p)
	not silenced(p, level)
	msg := sprintf("%s: %s: %s. %s", [p.rule, p.address, p.says, data.catalogue[p.rule].remedy])
}

# standing are the problems that no waiver hides.
standing contains p if {
	some p in problems
	level_of(p) != "off"
	not waived(p)
}

# A finding is an error only if the plan brings it in: less access is never refused.
level_of(p) := "deny" if object.get(p, "hard", false)

level_of(p) := "warn" if {
	not object.get(p, "hard", false)
	configured(p.rule) == "deny"
	not p.enters
}

level_of(p) := configured(p.rule) if {
	not object.get(p, "hard", false)
	not configured_but_standing(p)
}

configured_but_standing(p) if {
	configured(p.rule) == "deny"
	not p.enters
}

configured(rule) := data.catalogue[rule].level if data.catalogue[rule].fixed

configured(rule) := object.get(guardrails, ["levels", rule], data.catalogue[rule].level) if not data.catalogue[rule].fixed

waived(p) if {
	not data.catalogue[p.rule].fixed
	not object.get(p, "hard", false)
	some address in object.get(p, "between", [p.address])
	until := waivers_of(subjects[address].after)[p.rule].until
	moment(until) > now
}

waivers_of(after) := object.get(after, "waivers", {}) if is_object(object.get(after, "waivers", {}))

# Another finding on the same argument says it better.
silenced(p, level) if {
	some by in standing
	by.address == p.address
	by.at == p.at
	p.rule in data.catalogue[by.rule].silences
	heavier(level_of(by), level)
}

heavier(_, "warn")

heavier("deny", "deny")

# problem is what a rule found on a subject; it is an error if the plan brings in one of the arguments that the rule reads.
problem(rule, s, at, says) := {
	"rule": rule, "address": s.address, "at": at, "says": says,
	"enters": enters(s, data.catalogue[rule].reads),
}

# pair is what a rule found between two subjects.
pair(rule, s, other, at, says) := {
	"rule": rule, "address": s.address, "at": at, "says": says, "between": [s.address, other.address],
	"enters": true in {enters(s, data.catalogue[rule].reads), enters(other, data.catalogue[rule].reads)},
}

# below is what a rule found of a subject and the one above it.
below(rule, s, upper, at, says) := {
	"rule": rule, "address": s.address, "at": at, "says": says, "between": [s.address, upper.address],
	"enters": true in {enters(s, data.catalogue[rule].reads), enters(upper, data.catalogue[rule].reads_above)},
}
