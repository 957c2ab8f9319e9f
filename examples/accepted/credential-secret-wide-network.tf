# The partner's cloud comes from a wide network, so that its key lives for less than a month.
# warns: credential/static-secret

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
  allowed_cidrs = ["192.0.2.0/24", "198.18.0.0/15"]
  rotation      = { every = "696h", overlap = "24h" }

  secret = {
    recipient = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILje94w6983jJoOagZRNZ65XUk2AIb9vnXVdubMSrM2F b@acme.test"
  }
}
