# The certificate, which the partner no longer uses, is gone.

provider "partner" {
  environment = "prod"

  guardrails = {
    levels = { "credential/count" = "deny" }
  }
}

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

resource "partner_credential" "ssh" {
  identity_id   = partner_identity.orders.id
  owner         = "jane.doe@example.com"
  expires_at    = "2027-02-28T00:00:00Z"
  allowed_cidrs = ["203.0.113.0/24"]
  rotation      = { every = "480h", overlap = "48h" }

  ssh_certificate = {
    public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMXTJu2tCNCUJKo+EvruDJ7nHdyeBKuoE8rynT83CV5s a@acme.test"
  }
}
