# A company with three partners in one AWS account: Observant, which sells software and comes from its own account with an external id
# that it chose; ACME, which comes with tokens of its own issuer; and Globex's old system, which needs an access key.

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

  aws = { # the login is that of AWS's own programs
    region    = var.region
    ledger    = "s3://${var.ledger_bucket}/prod"
    boundary  = var.boundary
    endpoints = var.endpoints
  }

  # Who changed what, and when. Keep it on a disk that outlives the run, and ship its lines.
  journal    = { path = "journal.jsonl" }
  guardrails = { owner_domains = ["example.com"] }

  partners = {
    observant = {
      kind         = "vendor", domains = ["observant.test"], contact = "security@observant.test"
      aws_accounts = ["444455556666"] # as it stands in the contract: no other account is trusted as Observant's
      agreement    = { reference = "MSA-2026-031", ends_at = var.agreements_end_at }
    }
    acme = {
      kind      = "vendor", domains = ["acme.test"], contact = "noc@acme.test"
      agreement = { reference = "MSA-2026-014", ends_at = var.agreements_end_at }
    }
    globex = {
      kind      = "integrator", domains = ["globex.test"], contact = "access@globex.test"
      agreement = { reference = "MSA-2025-202", ends_at = var.agreements_end_at }
    }
  }
}

# Observant reads exports. It can name no role of its own, only its account, and tells customers apart by the external id.

resource "partner_identity" "observant" {
  partner    = "observant"
  name       = "exports"
  owner      = "platform@example.com"
  purpose    = "Reads usage exports for its dashboards"
  expires_at = var.expires_at
}

resource "partner_credential" "observant" {
  identity_id = partner_identity.observant.id
  owner       = "platform@example.com"
  expires_at  = var.expires_at

  federated = {
    aws_principal = "arn:aws:iam::444455556666:root"
    external_id   = "example-7f3a91c2"
  }
}

resource "partner_grant" "observant" {
  identity_id = partner_identity.observant.id
  resource    = "arn:aws:s3:::${var.exchange_bucket}/observant/exports/*"
  actions     = ["list", "read"]
  owner       = "platform@example.com"
  purpose     = "Reads usage exports for its dashboards"
  expires_at  = var.expires_at
}

# ACME reads its orders with tokens of its own issuer: there is no secret to keep.

resource "partner_identity" "acme" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into ACME's ERP"
  expires_at = var.expires_at
}

resource "partner_credential" "acme" {
  identity_id = partner_identity.acme.id
  owner       = "jane.doe@example.com"
  expires_at  = var.expires_at

  federated = {
    issuer    = var.acme_issuer
    subject   = "svc-orders"
    audiences = ["sts.amazonaws.com"]
  }
}

resource "partner_grant" "acme" {
  identity_id = partner_identity.acme.id
  resource    = "arn:aws:s3:::${var.exchange_bucket}/acme/daily/*"
  actions     = ["list", "read"]
  owner       = "jane.doe@example.com"
  purpose     = "Reads the daily order files"
  expires_at  = var.expires_at
}

# Globex's old system knows nothing but access keys: from one network, rotated each month, with two days to change over.

resource "partner_identity" "globex" {
  partner    = "globex"
  name       = "invoices"
  owner      = "finance-platform@example.com"
  purpose    = "Delivers invoices from Globex's old system"
  expires_at = var.expires_at
}

resource "partner_credential" "globex" {
  identity_id   = partner_identity.globex.id
  owner         = "finance-platform@example.com"
  expires_at    = var.expires_at
  secret        = { recipient = var.globex_recipient }
  rotation      = { every = "720h", overlap = "48h" }
  allowed_cidrs = var.globex_networks
}

resource "partner_grant" "globex" {
  identity_id = partner_identity.globex.id
  resource    = "arn:aws:s3:::${var.exchange_bucket}/globex/invoices/*"
  actions     = ["write"]
  owner       = "finance-platform@example.com"
  purpose     = "Delivers invoices"
  expires_at  = var.expires_at
}
