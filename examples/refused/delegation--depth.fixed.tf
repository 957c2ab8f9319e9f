# The partner on top may have two below it.

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"

  subcontractors = {
    allowed   = true
    max_depth = 2
  }
}

resource "partner_identity" "transport" {
  partner    = "initech"
  name       = "order-transport"
  owner      = "jane.doe@example.com"
  purpose    = "Delivers the orders for ACME"
  expires_at = "2027-03-31T00:00:00Z"
  parent_id  = partner_identity.orders.id

  subcontractors = {
    allowed = true
  }
}

resource "partner_identity" "driver" {
  partner    = "hooli"
  name       = "driver-app"
  owner      = "jane.doe@example.com"
  purpose    = "Shows the drivers their next stop"
  expires_at = "2027-03-31T00:00:00Z"
  parent_id  = partner_identity.transport.id
}
