# A framework contract for two years, for which the setting was raised as far as it can be.

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
  expires_at = "2028-11-24T12:00:00Z"
}

resource "partner_grant" "daily" {
  identity_id = partner_identity.orders.id
  resource    = "orders/acme/daily/*"
  actions     = ["read", "list"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the daily order files"
  expires_at  = "2027-11-25T12:00:00Z"
}
