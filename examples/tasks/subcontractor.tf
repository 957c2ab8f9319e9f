resource "partner_identity" "support" {
  partner    = "initech" # works for acme
  parent_id  = partner_identity.orders.id
  name       = "support"
  owner      = "jane.doe@example.com"
  purpose    = "Look after ACME's order feed"
  expires_at = "2027-02-28T00:00:00Z"
  contact    = "desk@initech.test"
}

resource "partner_credential" "support" {
  identity_id = partner_identity.support.id
  owner       = "jane.doe@example.com"
  expires_at  = "2027-02-28T00:00:00Z"

  federated = {
    issuer    = "https://login.initech.test"
    subject   = "svc-support"
    audiences = ["orders.example.com"]
  }
}

resource "partner_grant" "support" {
  identity_id = partner_identity.support.id
  resource    = "orders/acme/daily/log/*"
  actions     = ["read"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the log of the feed"
  expires_at  = "2027-02-28T00:00:00Z"
}
