# The grants are exactly what was agreed on, no less.
# applied: yes

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"
  ceiling    = ["orders/acme", "orders/acme/*", "stock/+/acme"]
}

resource "partner_grant" "orders" {
  identity_id = partner_identity.orders.id
  resource    = "orders/acme/*"
  actions     = ["read", "list"]
  owner       = "jane.doe@example.com"
  purpose     = "Read everything about its orders"
  expires_at  = "2027-02-28T00:00:00Z"
}

resource "partner_grant" "folder" {
  identity_id = partner_identity.orders.id
  resource    = "orders/acme"
  actions     = ["list"]
  owner       = "jane.doe@example.com"
  purpose     = "List the folder of its orders"
  expires_at  = "2027-02-28T00:00:00Z"
}

resource "partner_grant" "stock" {
  identity_id = partner_identity.orders.id
  resource    = "stock/berlin/acme"
  actions     = ["read"]
  owner       = "jane.doe@example.com"
  purpose     = "Read its stock in each warehouse"
  expires_at  = "2027-02-28T00:00:00Z"
}
