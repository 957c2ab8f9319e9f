# What an auditor asks for: what partners hold now, and what was changed in the last year, by whom and on whose review.
data "partner_report" "year" {
  title = "Partner access at Example Corp"
  from  = "2026-01-01T00:00:00Z"
  to    = "2027-01-01T00:00:00Z"
}

# terraform output -raw report > report.html
output "report" {
  value = data.partner_report.year.html
}

# All ends, for the calendar of whoever answers for them.
output "calendar" {
  value = data.partner_report.year.calendar
}

# One partner's, as a table.
data "partner_report" "acme" {
  partner = "acme"
}

output "acme" {
  value = data.partner_report.acme.csv
}
