# The logs of the gateways that let the partner in are collected elsewhere, so that the rule is silenced for this
# system.

provider "partner" {
  environment = "prod"

  guardrails = {
    levels = { "activity/not-logged" = "off" }
  }
}

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"
}
