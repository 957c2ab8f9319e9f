# The feed, before anybody has looked.

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"

  ceiling = ["orders/acme/*"]
}
