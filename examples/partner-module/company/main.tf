# All partners of a company, in one access system: one provider configuration, one state, and one file for each partner that
# calls the module. A root for each partner would have a directory, authorities and lists of its own for each of them, and no
# rule would see across partners.

terraform {
  required_providers {
    partner = {
      source = "partner-access/partner"
    }
  }
}

provider "partner" {
  environment = "prod" # the system is .partner/prod here: keep it on a volume that every run has

  guardrails = {
    owner_domains = ["example.com"]
  }

  partners = {
    acme = {
      kind      = "vendor"
      domains   = ["acme.test"]
      contact   = "noc@acme.test"
      agreement = { reference = "MSA-2026-014", ends_at = "2027-06-30T00:00:00Z" }
    }

    globex = {
      kind      = "integrator"
      domains   = ["globex.test"]
      contact   = "access@globex.test"
      agreement = { reference = "MSA-2025-202", ends_at = "2027-12-31T00:00:00Z" }
    }

    initech = {
      kind      = "subcontractor"
      domains   = ["initech.test"]
      contact   = "desk@initech.test"
      agreement = { reference = "MSA-2026-014/1", ends_at = "2027-06-30T00:00:00Z" }
    }
  }
}

output "handover" {
  description = "What to send to each partner: terraform output -json handover."
  sensitive   = true
  value       = { acme = module.acme.handover, globex = module.globex.handover, initech = module.initech.handover }
}
