# The decision was made on the identity with its ceiling. The ceiling has been removed since: nobody has looked at that.

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"

  review = {
    at       = "2026-11-20T09:00:00Z"
    by       = "john.roe@example.com"
    reason   = "The feed still runs every night"
    decision = "keep"
    until    = "2027-03-31T00:00:00Z"
    access   = "v1-10cf739d-641f9a27e2f60f3156881f4a86b0f4f2"
  }
}
