terraform {
  required_providers {
    partner = {
      source = "partner-access/partner"
    }
  }
}

# Without a block for another system, access lives in the directory .partner/prod: no server, no account.
provider "partner" {
  environment = "prod"

  guardrails = {
    owner_domains = ["example.com"]
  }

  # The register: with it, no other partner can appear, and all access ends with the agreement.
  partners = {
    acme = {
      kind    = "vendor"
      domains = ["acme.test"]
      contact = "noc@acme.test"

      agreement = {
        reference = "MSA-2026-014"
        ends_at   = "2027-06-30T00:00:00Z"
      }
    }
  }
}
