# One workflow of one branch of the partner's repository: the subject has slashes and colons, and no wildcard.

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
    issuer    = "https://token.actions.githubusercontent.com"
    subject   = "repo:acme/orders-etl:ref:refs/heads/main"
    audiences = ["https://orders.example.com", "orders"]
  }
}
