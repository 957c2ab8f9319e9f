# Rules of ends.
package partner

import rego.v1

problems contains problem("expiry/unknown", s, "expires_at", "expires_at is not known at plan") if {
	some s in subjects
	"expires_at" in s.unknown
}

endless(text) if substring(text, 0, 4) in {"9999", "2999"}

endless(text) if startswith(text, "2099-12-31")

endless(text) if moment(text) > time.add_date(now, 5, 0, 0)

problems contains problem("expiry/indefinite", s, "expires_at", sprintf("expires_at is %s", [s.after.expires_at])) if {
	some s in subjects
	endless(s.after.expires_at)
}

moved(s) if created(s)

moved(s) if ends(s) != moment(s.before.expires_at)

problems contains problem("expiry/past", s, "expires_at", sprintf("expires_at is %s: the access ends at once", [s.after.expires_at])) if {
	some s in subjects
	moved(s)
	ends(s) <= now
}

most := {"partner_identity": ["identity", "8784h", 731], "partner_credential": ["credential", "8784h", 731], "partner_grant": ["grant", "4416h", 366]}

problems contains object.union(found, {"hard": life > hard * day}) if {
	some s in subjects
	[name, usual, hard] := most[s.type]
	life := ends(s) - start(s)
	life > span(lifetime(name, usual))
	found := problem("expiry/too-long", s, "expires_at", sprintf("expires_at is %s, later than max_lifetime allows", [s.after.expires_at]))
}

lifetime(name, _) := text if {
	text := object.get(guardrails.max_lifetime, name, null)
	is_string(text)
}

lifetime(name, usual) := usual if not is_string(object.get(guardrails.max_lifetime, name, null))

# A later end needs a review that is newer than the last extension, or than the week before the creation.
reviewed_since(s) if {
	some at in reviews_known(s)
	at > newest_use(s)
}

newest_use(s) := max({told(s, "renewed")} | {at | at := told(s, "reviewed")}) if told(s, "renewed")

newest_use(s) := max({told(s, "created") - (7 * day)} | {at | at := told(s, "reviewed")}) if not told(s, "renewed")

problems contains problem("expiry/rolling", s, "expires_at", sprintf("expires_at moves from %s to %s, and no new review stands for it", [s.before.expires_at, s.after.expires_at])) if {
	some s in subjects
	extends(s)
	not reviewed_since(s)
}

years := {"partner_identity": 2, "partner_credential": 2, "partner_grant": 1}

problems contains problem("expiry/permanent", s, "expires_at", "it is renewed on its owner's own word") if {
	some s in subjects
	extends(s)
	now > time.add_date(told(s, "created"), years[s.type], 0, 0)
	by := {mailbox(r.by) | some r in standing_reviews(s); moment(r.at) > newest_use(s)}
	by == {mailbox(s.after.owner)}
}

problems contains below("expiry/outlives-identity", s, u, "expires_at", sprintf("expires_at is %s, but %s ends on %s", [s.after.expires_at, u.address, u.after.expires_at])) if {
	some s in subjects
	u := upper(s)
	ends(s) > ends(u)
}

problems contains below("expiry/outlives-parent", s, u, "expires_at", sprintf("expires_at is %s, but %s ends on %s", [s.after.expires_at, u.address, u.after.expires_at])) if {
	some s in identities
	u := identities[s.after.parent_id]
	ends(s) > ends(u)
}

agreements(s) := {moment(a.ends_at) | some a in [object.get(s.after, "agreement", null), object.get(registered(partner(s)), "agreement", null)]; is_object(a)}

problems contains problem("expiry/outlives-agreement", s, "expires_at", sprintf("expires_at is %s, after the end of the agreement", [s.after.expires_at])) if {
	some s in identities
	ends(s) > min(agreements(s))
}

in_force(s) := moment(s.after.ends_at) if is_string(s.after.ends_at)

in_force(s) := ends(s) if not is_string(s.after.ends_at)

problems contains problem("expiry/soon", s, "expires_at", sprintf("it ends on %s", [s.after.expires_at])) if {
	some s in subjects
	left := in_force(s) - now
	left > 0
	left <= min({span(guardrails.warn_before), (in_force(s) - start(s)) / 4})
}

problems contains problem("expiry/expired", s, "expires_at", "it has ended and is still declared") if {
	some s in subjects
	in_force(s) <= now
}
