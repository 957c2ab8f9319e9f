# One file of each of the partner's warehouses, which come and go.

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"
}

resource "partner_grant" "manifests" {
  identity_id = partner_identity.orders.id
  resource    = "orders/acme/+/manifest"
  actions     = ["read"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the manifest of each warehouse"
  expires_at  = "2027-02-28T00:00:00Z"
}
