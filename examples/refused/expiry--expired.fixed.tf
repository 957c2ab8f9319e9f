# The agreement was renewed, and the access goes on with it.

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
    ends_at   = "2027-10-31T00:00:00Z"
  }
}
