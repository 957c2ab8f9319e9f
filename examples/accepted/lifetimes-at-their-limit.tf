# Everything lives exactly as long as it may: a year and a day, a grant half a year.
# applied: yes

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-11-25T12:00:00Z"
}

resource "partner_credential" "key" {
  identity_id = partner_identity.orders.id
  owner       = "jane.doe@example.com"
  expires_at  = "2027-11-25T12:00:00Z"

  federated = {
    issuer    = "https://login.acme.test"
    subject   = "svc-orders"
    audiences = ["orders.example.com"]
  }
}

resource "partner_grant" "daily" {
  identity_id = partner_identity.orders.id
  resource    = "orders/acme/daily/*"
  actions     = ["read", "list"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the daily order files"
  expires_at  = "2027-05-27T12:00:00Z"
}
