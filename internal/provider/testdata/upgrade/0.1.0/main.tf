# What an upgrade of the provider must read with an empty plan: each resource, each kind of credential, and what they say of their past.

provider "partner" {
  environment = "prod"

  guardrails = {
    owner_domains = ["example.com"]
    levels        = { "offboarding/rehearsal-overdue" = "off", "expiry/soon" = "off" }
  }

  partners = {
    acme = {
      kind      = "vendor"
      contact   = "security@acme.test"
      domains   = ["acme.test"]
      agreement = { reference = "MSA-2026-17", ends_at = "2027-06-30T00:00:00Z" }
    }
    globex = {
      kind      = "subcontractor"
      contact   = "ops@globex.test"
      domains   = ["globex.test"]
      agreement = { reference = "SUB-4", ends_at = "2027-06-30T00:00:00Z" }
    }
  }
}

resource "partner_floor" "this" {
  set_by        = "ciso@example.com"
  owner_domains = ["example.com"]
  max_waiver    = "2160h"
  levels        = { "activity/drift" = "warn" }
}

resource "partner_identity" "orders" {
  partner        = "acme"
  name           = "orders-etl"
  owner          = "jane.doe@example.com"
  purpose        = "Nightly order feed into the ERP"
  expires_at     = "2027-03-31T00:00:00Z"
  ceiling        = ["orders/acme/*"]
  subcontractors = { allowed = true }

  review = {
    at     = "2026-11-23T09:00:00Z"
    by     = "john.roe@example.com"
    reason = "The feed runs until the new ERP is live"
  }
}

resource "partner_identity" "files" {
  partner    = "globex"
  parent_id  = partner_identity.orders.id
  name       = "files"
  owner      = "jane.doe@example.com"
  purpose    = "Convert ACME's order files"
  expires_at = "2027-02-28T00:00:00Z"
}

resource "partner_identity" "support" {
  partner    = "acme"
  name       = "support"
  owner      = "ops@example.com"
  purpose    = "Remote support of the order hosts"
  expires_at = "2027-03-31T00:00:00Z"
  suspended  = true
}

resource "partner_credential" "federated" {
  identity_id = partner_identity.files.id
  owner       = "jane.doe@example.com"
  expires_at  = "2027-02-28T00:00:00Z"

  federated = {
    issuer    = "https://login.globex.test"
    subject   = "svc-files"
    audiences = ["orders.example.com"]
  }
}

resource "partner_credential" "certificate" {
  identity_id   = partner_identity.orders.id
  owner         = "jane.doe@example.com"
  expires_at    = "2027-02-28T00:00:00Z"
  allowed_cidrs = ["203.0.113.0/24"]
  rotation      = { every = "480h", overlap = "48h" }

  certificate = {
    csr = <<-EOT
      -----BEGIN CERTIFICATE REQUEST-----
      MIHIMHECAQAwDzENMAsGA1UEAwwEYWNtZTBZMBMGByqGSM49AgEGCCqGSM49AwEH
      A0IABHm/zVLFJZVr4ZwxuyG0d+72tjYgQ3seSRaNnujvjmeL+WZL+eaYX1JpcdZw
      FSecVmiTX310vStQdCFuMuNPjiGgADAKBggqhkjOPQQDAgNHADBEAiAZ9ud+Y3DW
      4qX6SwHjA6e8rQmhRHXr76yc0UNO9jEjlAIgIVrWU4fwzj3CdqSt7CvlSA1T5PRP
      TRFjT48zzYXYDNI=
      -----END CERTIFICATE REQUEST-----
    EOT
  }
}

resource "partner_credential" "secret" {
  identity_id   = partner_identity.orders.id
  owner         = "jane.doe@example.com"
  expires_at    = "2027-02-28T00:00:00Z"
  secret        = { recipient = "age1g4cmkag7wz6v70vmx3zlacnx0ep6x2c4pa348w75gt6t4m97047sq7l5wg" }
  rotation      = { every = "480h", overlap = "48h" }
  allowed_cidrs = ["203.0.113.0/24"]

  waivers = {
    "credential/static-secret" = {
      reason   = "ACME's old ERP speaks neither OIDC nor TLS"
      approver = "ciso@example.com"
      until    = "2027-01-31T00:00:00Z"
    }
  }
}

resource "partner_credential" "ssh" {
  identity_id     = partner_identity.support.id
  owner           = "ops@example.com"
  expires_at      = "2027-02-28T00:00:00Z"
  ssh_certificate = { public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMXTJu2tCNCUJKo+EvruDJ7nHdyeBKuoE8rynT83CV5s" }
  rotation        = { every = "168h", overlap = "24h" }
  allowed_cidrs   = ["203.0.113.0/24"]
}

resource "partner_grant" "daily" {
  identity_id = partner_identity.orders.id
  resource    = "orders/acme/daily/*"
  actions     = ["read", "list"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the daily order files"
  expires_at  = "2027-02-28T00:00:00Z"
}

resource "partner_grant" "diagnose" {
  identity_id = partner_identity.support.id
  resource    = "ssh/diagnose"
  actions     = ["login"]
  owner       = "ops@example.com"
  purpose     = "Log in as diagnose on the order hosts"
  expires_at  = "2027-02-28T00:00:00Z"
}

resource "partner_rehearsal" "acme" {
  partner  = "acme"
  triggers = { quarter = "2026-Q4" }

  depends_on = [partner_credential.certificate, partner_grant.daily]
}
