# Rules of subcontractors.
package partner

import rego.v1

offers(s) if s.after.subcontractors.allowed

problems contains below("delegation/not-allowed", s, u, "parent_id", sprintf("%s allows no subcontractors", [u.address])) if {
	some s in identities
	u := identities[s.after.parent_id]
	not offers(u)
}

depth_under(s, top) := count(above[s.after.id]) - count(above[top.after.id]) if {
	top.after.id in above[s.after.id]
	not s.after.id in above[s.after.id]
}

problems contains below("delegation/depth", s, up, "parent_id", sprintf("it is %d deep under %s", [deep, up.address])) if {
	some s in identities
	some id in above[s.after.id]
	up := identities[id]
	offers(up)
	deep := depth_under(s, up)
	deep > depth_of(up)
}

depth_of(s) := s.after.subcontractors.max_depth if is_number(s.after.subcontractors.max_depth)

depth_of(s) := 1 if not is_number(s.after.subcontractors.max_depth)

problems contains problem("delegation/cycle", s, "parent_id", "the chain of parents returns to itself") if {
	some s in identities
	s.after.id in above[s.after.id]
	s.after.id == min({id | some id in above[s.after.id]; identities[id]})
}
