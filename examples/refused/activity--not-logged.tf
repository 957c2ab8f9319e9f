# The system keeps no audit log, so nobody could see what this identity did. A rule that warns, raised to deny.
# system: keeps no log

provider "partner" {
  environment = "prod"

  guardrails = {
    levels = { "activity/not-logged" = "deny" }
  }
}

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"
}
