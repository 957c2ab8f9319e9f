resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into ACME's ERP"
  expires_at = "+180d"
  ceiling    = ["orders/acme/*"]
}

resource "partner_credential" "certificate" {
  identity_id   = partner_identity.orders.id
  owner         = "jane.doe@example.com"
  expires_at    = "+180d"
  certificate   = { csr = file("partner/etl.csr") }
  rotation      = { every = "720h", overlap = "48h" }
  allowed_cidrs = ["203.0.113.0/24"]
}

resource "partner_credential" "key" {
  identity_id   = partner_identity.orders.id
  owner         = "jane.doe@example.com"
  expires_at    = "+180d"
  secret        = { recipient = file("partner/id_acme.pub") }
  rotation      = { every = "720h", overlap = "24h" }
  allowed_cidrs = ["203.0.113.0/24"]
}

resource "partner_identity" "support" {
  partner    = "acme"
  name       = "support"
  owner      = "ops@example.com"
  purpose    = "Collect diagnostics from the order hosts"
  expires_at = "+60d"
  ceiling    = ["ssh/diagnose"]
}

resource "partner_credential" "support" {
  identity_id     = partner_identity.support.id
  owner           = "ops@example.com"
  expires_at      = "+60d"
  ssh_certificate = { public_key = file("partner/id_support.pub") }
  rotation        = { every = "168h", overlap = "24h" }
  allowed_cidrs   = ["127.0.0.1/32", "203.0.113.0/24"]
}

resource "partner_grant" "support" {
  identity_id = partner_identity.support.id
  resource    = "ssh/diagnose"
  actions     = ["login"]
  owner       = "ops@example.com"
  purpose     = "Log in as diagnose on the order hosts"
  expires_at  = "+60d"
}

# None of these is secret. They are long, and "sensitive" keeps them out of every plan: terraform output -raw prints them.

output "certificate" {
  sensitive = true
  value     = partner_credential.certificate.issued
}

output "ssh_certificate" {
  sensitive = true
  value     = partner_credential.support.issued
}

output "sealed_key" {
  sensitive = true
  value     = partner_credential.key.sealed_secret
}

output "handover" {
  sensitive = true
  value = provider::partner::handover(
    partner_identity.orders,
    [partner_credential.certificate, partner_credential.key],
    [partner_grant.daily],
  )
}

output "revocation" {
  value = partner_identity.orders.revocation
}
