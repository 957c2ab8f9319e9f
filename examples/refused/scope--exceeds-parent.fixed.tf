# The subcontractor reaches no more than the partner above it.

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"
  ceiling    = ["orders/acme/*"]

  subcontractors = {
    allowed = true
  }
}

resource "partner_identity" "transport" {
  partner    = "initech"
  name       = "order-transport"
  owner      = "jane.doe@example.com"
  purpose    = "Delivers the orders for ACME"
  expires_at = "2027-03-31T00:00:00Z"
  ceiling    = ["orders/acme/*"]
  parent_id  = partner_identity.orders.id
}
