resource "partner_identity" "legacy" {
  partner    = "acme"
  name       = "legacy"
  owner      = "todo@example.com"
  purpose    = "acme access"
  expires_at = "9999-12-31T00:00:00Z"
}

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into ACME's ERP"
  expires_at = "+120d"
  ceiling    = ["orders/acme/*"]
}

resource "partner_credential" "orders" {
  identity_id   = partner_identity.orders.id
  owner         = ""
  expires_at    = "+120d"
  secret        = { recipient = file("partner/id_acme.pub") }
  allowed_cidrs = ["0.0.0.0/0"]
}

resource "partner_grant" "orders" {
  identity_id = partner_identity.orders.id
  resource    = "orders/*"
  actions     = ["*"]
  owner       = "joe@acme.test"
  purpose     = "Read the daily order files"
  expires_at  = "+150d"
}
