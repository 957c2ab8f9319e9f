# Somebody opened more in the system than was declared, and the access is extended on top of it. A rule that warns,
# raised to deny.
# system: was changed by hand

provider "partner" {
  environment = "prod"

  guardrails = {
    levels = { "activity/drift" = "deny" }
  }
}

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-06-30T00:00:00Z"

  review = {
    at     = "2027-01-20T09:00:00Z"
    by     = "john.roe@example.com"
    reason = "The feed still runs every night"
  }
}
