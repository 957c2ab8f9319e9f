# The end moves on by three months, and nobody looked whether the access is still needed.

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-06-30T00:00:00Z"
}
