terraform {
  required_providers {
    partner = {
      source = "registry.terraform.io/partner-access/partner"
    }
  }
}

provider "partner" {
  environment = "prod"
  guardrails  = { owner_domains = ["example.com"] }
  partners = {
    acme = {
      kind      = "vendor"
      domains   = ["acme.test"]
      contact   = "noc@acme.test"
      agreement = { reference = "MSA-2026-014", ends_at = "+200d" }
    }
  }
}
