# The partner moves from an API key to its own issuer, and has both until it is done.
# warns: credential/static-secret
# applied: yes

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"
}

resource "partner_credential" "federated" {
  identity_id = partner_identity.orders.id
  owner       = "jane.doe@example.com"
  expires_at  = "2027-02-28T00:00:00Z"

  federated = {
    issuer    = "https://login.acme.test"
    subject   = "svc-orders"
    audiences = ["orders.example.com"]
  }
}

resource "partner_credential" "key" {
  identity_id   = partner_identity.orders.id
  owner         = "jane.doe@example.com"
  expires_at    = "2026-12-31T00:00:00Z"
  allowed_cidrs = ["203.0.113.0/24"]
  rotation      = { every = "360h", overlap = "24h" }

  secret = {
    recipient = "age10d7kxnf4yd0hqdhhhqwlmh235a2k0a0pesqwpjtxahrk7ftdkytsldzsgj"
  }
}
