# After a year somebody other than the owner decided anew that the grant is needed.
# applied: yes
# warns: offboarding/rehearsal-overdue

provider "partner" {
  environment = "prod"

  guardrails = {
    max_lifetime = {
      identity = "17544h"
      grant    = "8784h"
    }
  }
}

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2028-11-20T00:00:00Z"

  review = {
    at     = "2027-11-20T09:00:00Z"
    by     = "john.roe@example.com"
    reason = "The feed still runs every night"
  }
}

resource "partner_grant" "daily" {
  identity_id = partner_identity.orders.id
  resource    = "orders/acme/daily/*"
  actions     = ["read", "list"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the daily order files"
  expires_at  = "2028-03-31T00:00:00Z"
}
