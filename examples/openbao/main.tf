# A company with three partners and two environments on one OpenBao: ACME comes from its own issuer, Globex with a certificate,
# and Initech's old system with a secret.

terraform {
  required_version = ">= 1.5"

  required_providers {
    partner = {
      source = "partner-access/partner"
    }
  }
}

provider "partner" {
  environment = "prod"
  stack       = "partners"
  openbao     = local.openbao
  journal     = local.journal
  guardrails  = { owner_domains = ["example.com"] }
  partners    = local.partners
}

provider "partner" {
  alias       = "test"
  environment = "test"
  stack       = "partners"
  openbao     = local.openbao
  journal     = local.journal
  guardrails  = { owner_domains = ["example.com"] }
  partners    = local.partners
}

locals {
  openbao = {
    # The address comes from BAO_ADDR, the login from BAO_TOKEN: a CI system has its own, see approle and jwt.
    mounts = { jwt = { (var.acme_issuer) = "partner-jwt-acme" } }
  }

  # Who changed what, and when; both configurations write it. Keep it on a disk that outlives the run, and ship its lines.
  journal = { path = "journal.jsonl" }

  partners = {
    acme = {
      kind      = "vendor", domains = ["acme.test"], contact = "noc@acme.test"
      agreement = { reference = "MSA-2026-014", ends_at = var.agreements_end_at }
    }
    globex = {
      kind      = "integrator", domains = ["globex.test"], contact = "access@globex.test"
      agreement = { reference = "MSA-2025-202", ends_at = var.agreements_end_at }
    }
    initech = {
      kind      = "vendor", domains = ["initech.test"], contact = "support@initech.test"
      agreement = { reference = "MSA-2019-007", ends_at = var.agreements_end_at }
    }
  }
}

# ACME reads its orders, in both environments, with tokens of its own issuer: there is no secret to keep.

module "acme" {
  source = "./acme"

  issuer     = var.acme_issuer
  expires_at = var.expires_at
}

module "acme_test" {
  source    = "./acme"
  providers = { partner = partner.test }

  issuer     = var.acme_issuer
  expires_at = var.expires_at
}

# Globex delivers invoices with a certificate, which is signed anew each month from the same request.

resource "partner_identity" "globex" {
  partner    = "globex"
  name       = "invoices"
  owner      = "finance-platform@example.com"
  purpose    = "Monthly invoices from Globex's billing"
  expires_at = var.expires_at
  ceiling    = ["invoices/globex/*"]
}

resource "partner_credential" "globex" {
  identity_id   = partner_identity.globex.id
  owner         = "finance-platform@example.com"
  expires_at    = var.expires_at
  certificate   = { csr = var.globex_csr }
  rotation      = { every = "720h", overlap = "168h" }
  allowed_cidrs = var.globex_networks
}

resource "partner_grant" "globex" {
  identity_id = partner_identity.globex.id
  resource    = "invoices/globex/inbox/*"
  actions     = ["create", "update"]
  owner       = "finance-platform@example.com"
  purpose     = "Deliver the invoices of the month"
  expires_at  = var.expires_at
}

# Initech's system knows nothing better than a secret. It is sealed to Initech's key, and rotated each month.

resource "partner_identity" "initech" {
  partner    = "initech"
  name       = "stock"
  owner      = "warehouse@example.com"
  purpose    = "Stock levels for Initech's planning"
  expires_at = var.expires_at
  ceiling    = ["stock/initech/*"]
}

resource "partner_credential" "initech" {
  identity_id   = partner_identity.initech.id
  owner         = "warehouse@example.com"
  expires_at    = var.expires_at
  secret        = { recipient = var.initech_recipient }
  rotation      = { every = "720h", overlap = "48h" }
  allowed_cidrs = var.initech_networks
}

resource "partner_grant" "initech" {
  identity_id = partner_identity.initech.id
  resource    = "stock/initech/levels/*"
  actions     = ["read", "list"]
  owner       = "warehouse@example.com"
  purpose     = "Read the stock levels"
  expires_at  = var.expires_at
}
