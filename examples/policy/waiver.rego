# Rules of waivers.
package partner

import rego.v1

waivers contains {"of": s, "slug": slug, "says": w, "before": object.get(waivers_of(object.union({"waivers": {}}, values(s.before))), slug, {})} if {
	some s in subjects
	some slug, w in waivers_of(s.after)
}

values(before) := before if is_object(before)

values(before) := {} if not is_object(before)

newly(w) if count(w.before) == 0

later(w) if newly(w)

later(w) if moment(w.says.until) > moment(w.before.until)

# waiver_problem is a finding that is an error only if the plan brings in this waiver.
waiver_problem(rule, w, at, says, enters) := object.union(
	problem(rule, w.of, sprintf("waivers[%q]%s", [w.slug, at]), says),
	{"enters": enters},
)

is_new(w) := count([true | newly(w)]) > 0

is_later(w) := count([true | later(w)]) > 0

problems contains waiver_problem("waiver/unknown-rule", w, "", sprintf("%s is no rule", [w.slug]), is_new(w)) if {
	some w in waivers
	not data.catalogue[w.slug]
}

problems contains waiver_problem("waiver/fixed-rule", w, "", sprintf("%s is fixed", [w.slug]), is_new(w)) if {
	some w in waivers
	data.catalogue[w.slug].fixed
}

problems contains waiver_problem("waiver/expired", w, ".until", sprintf("it waives %s until %s", [w.slug, w.says.until]), is_later(w)) if {
	some w in waivers
	moment(w.says.until) <= now
}

problems contains waiver_problem("waiver/too-long", w, ".until", sprintf("it waives %s until %s, over 90 days ahead", [w.slug, w.says.until]), is_later(w)) if {
	some w in waivers
	moment(w.says.until) > now + (90 * day)
}

unfit(w) if mailbox(w.says.approver) == mailbox(w.of.after.owner)

unfit(w) if {
	configured("owner/not-an-address") == "deny"
	not address(w.says.approver)
}

unfit(w) if {
	configured("owner/placeholder") == "deny"
	placeholder(w.says.approver)
}

unfit(w) if {
	configured("owner/external") == "deny"
	outsider(w.says.approver, w.of)
}

unfit(w) if {
	configured("owner/departed") == "deny"
	departed(w.says.approver)
}

approver_changed(w) if newly(w)

approver_changed(w) if w.says.approver != w.before.approver

problems contains waiver_problem("waiver/self-approved", w, ".approver", sprintf("%s cannot approve it", [w.says.approver]), count([true | approver_changed(w)]) > 0) if {
	some w in waivers
	unfit(w)
}
