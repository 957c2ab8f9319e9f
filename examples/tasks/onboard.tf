terraform {
  required_providers {
    partner = {
      source = "partner-access/partner"
    }
  }
}

provider "partner" {
  environment = "prod"
  guardrails  = { owner_domains = ["example.com"] }
}

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into ACME's ERP"
  expires_at = "2027-03-31T00:00:00Z"
  ceiling    = ["orders/acme/*"]
  contact    = "noc@acme.test"
  agreement  = { reference = "MSA-2026-014", ends_at = "2027-06-30T00:00:00Z" }
}

resource "partner_credential" "certificate" {
  identity_id   = partner_identity.orders.id
  owner         = "jane.doe@example.com"
  expires_at    = "2027-02-28T00:00:00Z"
  certificate   = { csr = file("etl.csr") }
  rotation      = { every = "720h", overlap = "48h" }
  allowed_cidrs = ["203.0.113.0/24"]
}

resource "partner_grant" "daily" {
  identity_id = partner_identity.orders.id
  resource    = "orders/acme/daily/*"
  actions     = ["read", "list"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the daily order files"
  expires_at  = "2027-02-28T00:00:00Z"
}

output "certificate" {
  sensitive = true # it is not secret, but long
  value     = partner_credential.certificate.issued
}

output "handover" {
  sensitive = true
  value     = provider::partner::handover(partner_identity.orders, [partner_credential.certificate], [partner_grant.daily])
}
