# Twenty feeds on one identity, which is as many as one may have.

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"
}

resource "partner_grant" "feed" {
  for_each = toset([for n in range(20) : format("%02d", n)])

  identity_id = partner_identity.orders.id
  resource    = "orders/acme/plant-${each.key}/*"
  actions     = ["read"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the order files of plant ${each.key}"
  expires_at  = "2027-02-28T00:00:00Z"
}
