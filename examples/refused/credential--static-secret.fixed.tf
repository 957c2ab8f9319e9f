# The partner proves itself by a token of its own identity provider, and there is nothing to pass on.

provider "partner" {
  environment = "prod"

  guardrails = {
    levels = { "credential/static-secret" = "deny" }
  }
}

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
    issuer    = "https://login.acme.test"
    subject   = "svc-orders"
    audiences = ["orders.example.com"]
  }
}
