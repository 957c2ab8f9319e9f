# The ceiling of the first leaves the returns out.

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"
  ceiling    = ["orders/europe/daily/*"]
}

resource "partner_identity" "returns" {
  partner    = "globex"
  name       = "returns"
  owner      = "jane.doe@example.com"
  purpose    = "Collects the returned goods"
  expires_at = "2027-03-31T00:00:00Z"
  ceiling    = ["orders/europe/returns/*"]
}
