# Somebody looked before the grant is widened. A review of the identity covers its grants.

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"

  review = {
    at     = "2027-03-01T09:00:00Z"
    by     = "john.roe@example.com"
    reason = "The feed still runs every night"
  }
}

resource "partner_grant" "daily" {
  identity_id = partner_identity.orders.id
  resource    = "orders/acme/daily/*"
  actions     = ["delete", "read"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the daily order files"
  expires_at  = "2027-03-31T00:00:00Z"
}
