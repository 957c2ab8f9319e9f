# Before the feed ends it gets a new name and a new end. Nobody looked: for Terraform it is another identity.

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl-2"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-07-31T00:00:00Z"
}

resource "partner_credential" "orders" {
  identity_id = partner_identity.orders.id
  owner       = "jane.doe@example.com"
  expires_at  = "2027-03-31T00:00:00Z"
  federated   = { issuer = "https://login.acme.test", subject = "svc-orders", audiences = ["orders.example.com"] }
}

resource "partner_grant" "daily" {
  identity_id = partner_identity.orders.id
  resource    = "orders/acme/daily/*"
  actions     = ["read"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the daily order files"
  expires_at  = "2027-07-31T00:00:00Z"
}
