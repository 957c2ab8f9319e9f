terraform {
  required_providers {
    partner = {
      source = "partner-access/partner"
    }
  }
}

variable "actions" {
  type    = set(string)
  default = ["read"]
}

resource "partner_identity" "feed" {
  partner    = "acme"
  name       = "feed"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed"
  expires_at = "2027-02-01T00:00:00Z"
}

resource "partner_grant" "feed" {
  identity_id = partner_identity.feed.id
  resource    = "orders/acme/*"
  actions     = var.actions
  owner       = "jane.doe@example.com"
  purpose     = "Read the daily order files"
  expires_at  = "2027-02-01T00:00:00Z"
}

# Through a local, so that the findings are read after all resources were planned.
locals {
  ids = [partner_identity.feed.id, partner_grant.feed.id]
}

data "partner_guardrails" "this" {
  ids = local.ids
}

output "findings" {
  value = data.partner_guardrails.this.findings

  precondition {
    condition     = !contains(data.partner_guardrails.this.findings[*].level, "deny")
    error_message = "Rules refuse this: ${join(", ", data.partner_guardrails.this.findings[*].rule)}."
  }
}
