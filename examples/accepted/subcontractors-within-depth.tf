# The partner has a carrier, and the carrier has drivers: both were agreed on, and end with the partner.
# applied: yes

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"
  ceiling    = ["orders/acme/*"]

  subcontractors = {
    allowed   = true
    max_depth = 2
  }
}

resource "partner_identity" "carrier" {
  partner    = "initech"
  name       = "order-transport"
  owner      = "jane.doe@example.com"
  purpose    = "Delivers the orders for ACME"
  expires_at = "2027-03-31T00:00:00Z"
  ceiling    = ["orders/acme/transport/*"]
  parent_id  = partner_identity.orders.id

  subcontractors = {
    allowed = true
  }
}

resource "partner_identity" "drivers" {
  partner    = "hooli"
  name       = "driver-app"
  owner      = "jane.doe@example.com"
  purpose    = "Shows the drivers their next stop"
  expires_at = "2027-02-28T00:00:00Z"
  ceiling    = ["orders/acme/transport/stops/*"]
  parent_id  = partner_identity.carrier.id
}

resource "partner_grant" "orders" {
  identity_id = partner_identity.orders.id
  resource    = "orders/acme/transport/*"
  actions     = ["read"]
  owner       = "jane.doe@example.com"
  purpose     = "Follow the orders on their way"
  expires_at  = "2027-03-31T00:00:00Z"
}

resource "partner_grant" "stops" {
  identity_id = partner_identity.drivers.id
  resource    = "orders/acme/transport/stops/*"
  actions     = ["read"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the next stop of a tour"
  expires_at  = "2027-02-28T00:00:00Z"
}
