# The review took place, and is dated on its day.

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"

  review = {
    at     = "2026-11-23T09:00:00Z"
    by     = "john.roe@example.com"
    reason = "The feed still runs every night"
  }
}
