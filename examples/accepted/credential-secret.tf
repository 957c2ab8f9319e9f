# A partner that can only send an API key, from one small network: it is rotated each 88 days.
# warns: credential/static-secret
# applied: yes

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"
}

resource "partner_credential" "key" {
  identity_id   = partner_identity.orders.id
  owner         = "jane.doe@example.com"
  expires_at    = "2027-02-28T00:00:00Z"
  allowed_cidrs = ["203.0.113.64/28"]
  rotation      = { every = "2112h", overlap = "48h" }

  secret = {
    recipient = "age1ldmycrj7xr4jax6rpzgzjs0hyxfmtmy53w362d5k2yd9lfdpwanspep5h5"
  }
}

resource "partner_grant" "daily" {
  identity_id = partner_identity.orders.id
  resource    = "orders/acme/daily/*"
  actions     = ["read", "list"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the daily order files"
  expires_at  = "2027-02-28T00:00:00Z"
}
