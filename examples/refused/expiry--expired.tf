# The agreement has ended, and the access with it; the rule about agreements was lowered, so that only this one says
# so. A rule that warns, raised to deny.

provider "partner" {
  environment = "prod"

  guardrails = {
    levels = {
      "expiry/expired"            = "deny"
      "expiry/outlives-agreement" = "warn"
    }
  }
}

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"

  agreement = {
    reference = "MSA-2024-003"
    ends_at   = "2026-10-31T00:00:00Z"
  }
}
