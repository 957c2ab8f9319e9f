# It is used every quarter, and the identity says so.

provider "partner" {
  environment = "prod"

  guardrails = {
    levels = { "activity/dormant" = "deny" }
  }
}

resource "partner_identity" "orders" {
  partner      = "acme"
  name         = "orders-etl"
  owner        = "jane.doe@example.com"
  purpose      = "Nightly order feed into the ERP"
  expires_at   = "2027-03-31T00:00:00Z"
  expected_use = "2400h"
}
