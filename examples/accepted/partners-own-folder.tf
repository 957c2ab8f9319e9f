# All that lies below the partner's own name is the partner's: one literal segment is enough.

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"
}

resource "partner_grant" "inbox" {
  identity_id = partner_identity.orders.id
  resource    = "acme/*"
  actions     = ["read", "write"]
  owner       = "jane.doe@example.com"
  purpose     = "Exchange files with the ERP"
  expires_at  = "2027-02-28T00:00:00Z"
}
