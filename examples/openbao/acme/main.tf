terraform {
  required_providers {
    partner = {
      source = "partner-access/partner"
    }
  }
}

variable "issuer" {
  description = "ACME's OIDC issuer."
  type        = string
}

variable "expires_at" {
  description = "When it ends."
  type        = string
}

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into ACME's ERP"
  expires_at = var.expires_at
  ceiling    = ["orders/acme/*"]
}

resource "partner_credential" "orders" {
  identity_id = partner_identity.orders.id
  owner       = "jane.doe@example.com"
  expires_at  = var.expires_at
  federated   = { issuer = var.issuer, subject = "svc-orders-${partner_identity.orders.environment}", audiences = ["orders.example.com"] }
}

resource "partner_grant" "orders" {
  identity_id = partner_identity.orders.id
  resource    = "orders/acme/${partner_identity.orders.environment}/*"
  actions     = ["read", "list"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the order files of the day"
  expires_at  = var.expires_at
}

output "login" {
  description = "How ACME logs in."
  value       = partner_credential.orders.login
}
