# Its feed is to be replaced by another one. A rule that warns, raised to deny.

provider "partner" {
  environment = "prod"

  guardrails = {
    levels = { "offboarding/rehearsal-overdue" = "deny" }
  }
}

resource "partner_identity" "stock" {
  partner    = "acme"
  name       = "stock-feed"
  owner      = "jane.doe@example.com"
  purpose    = "Hourly stock feed into the ERP"
  expires_at = "2027-09-30T00:00:00Z"
}
