# The best that a partner can have: no secret at all. Its issuer has a path, as those of cloud tenants do.
# applied: yes

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"
}

resource "partner_credential" "key" {
  identity_id = partner_identity.orders.id
  owner       = "jane.doe@example.com"
  expires_at  = "2027-02-28T00:00:00Z"

  federated = {
    issuer    = "https://login.microsoftonline.com/4b1c6d2e-8f3a-4e5d-9c7b-1a2b3c4d5e6f/v2.0"
    subject   = "9f0e8d7c-6b5a-4c3d-8e2f-1a0b9c8d7e6f"
    audiences = ["api://orders.example.com"]
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
