# What an auditor asks for: what partners hold now, and what changed in the last year, by whom and on whose review.
data "partner_report" "year" {
  title   = "Partner access at Example Corp"
  from    = "2026-01-01T00:00:00Z"
  to      = "2027-01-01T00:00:00Z"
  include = [for file in fileset(path.module, "reports/*.json") : file("${path.module}/${file}")] # of other systems and environments
}

# One partner's, with its subcontractors and its rehearsals.
data "partner_report" "acme" {
  partner = "acme"
}

# One owner's: what to look at in a review.
data "partner_report" "jane" {
  owner = "jane.doe@example.com"
}
