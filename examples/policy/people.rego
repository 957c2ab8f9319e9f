# Rules of owners, reviews, purposes and the register.
package partner

import rego.v1

# address is exactly one e-mail address.
address(text) := {"local": parts[0], "domain": parts[1]} if {
	count(text) <= 254
	parts := split(lower(text), "@")
	count(parts) == 2
	count(parts[0]) <= 64
	regex.match("^[a-z0-9!#$%&'*+/=?^_`{|}~-]+([.][a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$", parts[0])
	regex.match(`^([a-z0-9][a-z0-9-]{0,62}[.])+[a-z0-9][a-z0-9-]{0,62}$`, parts[1])
	not regex.match(`[.][0-9]+$`, parts[1])
}

# mailbox is an address without its tag: what is compared.
mailbox(text) := regex.replace(lower(trim_space(text)), `[+][^@]*@`, "@")

below_domain(domain, others) if {
	some other in others
	lower(other) == domain
}

below_domain(domain, others) if {
	some other in others
	endswith(domain, concat("", [".", lower(other)]))
}

# outsider reports why an address is not one of our own people's.
outsider(text, s) := "is the contact of the partner" if contact_of(text, s)

outsider(text, s) := "is of a domain of the partner" if {
	not contact_of(text, s)
	below_domain(address(text).domain, list(registered(partner(s)).domains))
}

outsider(text, s) := "is not of owner_domains" if {
	not contact_of(text, s)
	domain := address(text).domain
	not below_domain(domain, list(object.get(registered(partner(s)), "domains", [])))
	count(guardrails.owner_domains) > 0
	not below_domain(domain, guardrails.owner_domains)
}

contact_of(text, s) if mailbox(text) == mailbox(registered(partner(s)).contact)

contact_of(text, s) if mailbox(text) == mailbox(s.after.contact)

contact_of(text, s) if mailbox(text) == mailbox(upper(s).after.contact)

known_owner(s) if is_string(s.after.owner)

problems contains problem("owner/missing", s, "owner", "the owner is blank") if {
	some s in subjects
	trim_space(s.after.owner) == ""
}

problems contains problem("owner/not-an-address", s, "owner", sprintf("%q is not exactly one e-mail address", [s.after.owner])) if {
	some s in subjects
	known_owner(s)
	not address(s.after.owner)
}

placeholders := {
	"noreply", "donotreply", "noresponse", "todo", "tbd", "tba", "tbc", "test", "tests", "tester", "testing", "testuser", "nobody", "noone",
	"someone", "anyone", "changeme", "replaceme", "fixme", "placeholder", "example", "sample", "dummy", "fake", "foobar", "asdf", "xxx", "none",
	"null", "nil", "undefined", "unknown", "unowned", "unassigned", "user", "username", "yourname", "firstnamelastname", "firstlast", "name",
	"temp", "tmp", "invalid", "blackhole", "devnull",
}

placeholder(text) if {
	name := split(address(text).local, "+")[0]
	trim_right(replace(replace(replace(name, ".", ""), "-", ""), "_", ""), "0123456789") in placeholders
}

placeholder(text) if below_domain(address(text).domain, ["invalid"])

problems contains problem("owner/placeholder", s, "owner", sprintf("%s is a placeholder", [s.after.owner])) if {
	some s in subjects
	placeholder(s.after.owner)
}

problems contains problem("owner/external", s, "owner", sprintf("%s %s", [s.after.owner, why])) if {
	some s in subjects
	why := outsider(s.after.owner, s)
}

departed(text) if {
	count(guardrails.active_owners) > 0
	every active in guardrails.active_owners { mailbox(active) != mailbox(text) }
}

problems contains problem("owner/departed", s, "owner", sprintf("%s is not among the active_owners", [s.after.owner])) if {
	some s in subjects
	departed(s.after.owner)
}

problems contains problem("partner/unknown", s, "partner", sprintf("%s is not in the register", [partner(s)])) if {
	some s in subjects
	not partner(s) in object.keys(register)
}

problems contains problem("review/future", s, "review.at", sprintf("the review is of %s", [s.after.review.at])) if {
	some s in subjects
	moment(s.after.review.at) > now
}

problems contains problem("review/automatic", s, "review.at", sprintf("the review is of %s, within a minute of the plan", [s.after.review.at])) if {
	some s in subjects
	abs(moment(s.after.review.at) - now) <= 60 * 1000000000
}

problems contains problem("review/by-partner", s, "review.by", sprintf("the reviewer %s %s", [s.after.review.by, why])) if {
	some s in subjects
	why := outsider(s.after.review.by, s)
}

problems contains problem("review/by-partner", s, "review.by", sprintf("the reviewer %q is no address in owner_domains", [s.after.review.by])) if {
	some s in subjects
	is_string(s.after.review.by)
	count(guardrails.owner_domains) > 0
	not address(s.after.review.by)
	not outsider(s.after.review.by, s)
}

# Reviews that stand: the subject's own and its identity's.
reviews_known(s) := {moment(r.at) | some r in standing_reviews(s)}

standing_reviews(s) := [r | some r in array.concat([s.after.review], [u | u := upper(s).after.review; not of_one_row(u)]); is_object(r); not ends(r)]

# A decision of a worksheet is of its row alone, and what was decided to end nobody has decided to keep.
of_one_row(r) if is_string(r.access)

ends(r) if r.decision == "end"

problems contains problem("review/overdue", s, "review", "nobody has looked at it for longer than review_every") if {
	some s in subjects
	created_at := told(s, "created")
	looked := max({created_at} | reviews_known(s) | {at | at := told(s, "reviewed")})
	now - looked > span(guardrails.review_every)
}

problems contains problem("purpose/missing", s, "purpose", "the purpose is blank") if {
	some s in subjects
	trim_space(s.after.purpose) == ""
}

empty_words := {
	"test", "tests", "testing", "temp", "temporary", "tmp", "access", "accesses", "integration", "integrations", "n", "a", "na", "none", "null",
	"tbd", "tba", "todo", "purpose", "use", "usage", "used", "using", "general", "misc", "miscellaneous", "other", "various", "stuff", "things",
	"thing", "needed", "need", "needs", "required", "requirement", "partner", "partners", "vendor", "vendors", "supplier", "customer", "client",
	"external", "third", "party", "identity", "account", "accounts", "service", "user", "grant", "permission", "permissions", "credential",
	"credentials", "api", "key", "login", "connection", "setup", "project", "work", "business", "asdf", "foo", "bar", "xxx", "placeholder",
	"the", "an", "and", "or", "of", "for", "to", "with", "by", "in", "on", "from", "is", "as", "it", "this", "that", "our", "their",
}

vague(s) if {
	purpose := trim_space(s.after.purpose)
	wide := count(regex.find_n(`[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]`, purpose, -1))
	count(purpose) + wide < 12
}

vague(s) if {
	own := {word | some word in regex.find_n(`[\p{L}\p{Nd}]+`, partner(s), -1)}
	words := {word | some word in regex.find_n(`[\p{L}\p{Nd}]+`, lower(s.after.purpose), -1); trim(word, "0123456789") != ""}
	count((words - empty_words) - own) == 0
}

problems contains problem("purpose/vague", s, "purpose", sprintf("the purpose %q says nothing", [s.after.purpose])) if {
	some s in subjects
	is_string(s.after.purpose)
	vague(s)
}

problems contains problem("plan/unknown", s, a, sprintf("%s is not known at plan", [a])) if {
	some s in subjects
	some a in {"owner", "review", "resource", "actions", "hold_released"}
	a in s.unknown
}

ends_now(r) if object.get(r, "end", null) == true

problems contains problem("review/decided-otherwise", s, "review.decision", sprintf("the review of %s decided that it ends, and it is still declared", [s.after.review.at])) if {
	some s in subjects
	s.after.review.decision == "end"
	not ends_now(s.after.review)
}

problems contains problem("review/decided-otherwise", s, "review.end", sprintf("review.end is true, but the review of %s did not decide to end it", [s.after.review.at])) if {
	some s in subjects
	ends_now(s.after.review)
	object.get(s.after.review, "decision", null) != "end"
}

problems contains problem("review/decided-otherwise", s, "expires_at", sprintf("expires_at is %s, and the review decided to keep it until %s", [s.after.expires_at, s.after.review.until])) if {
	some s in subjects
	moment(s.after.expires_at) > moment(s.after.review.until)
}
