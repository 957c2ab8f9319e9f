# What a pipeline runs every night: nothing is changed, and a finding that is new fails the job.
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
  embedded    = { directory = var.directory, use_logs = var.use_logs } # on OpenBao: stack, openbao and journal
  guardrails  = { active_owners = var.active_owners }
}

variable "directory" {
  description = "The directory of the embedded system."
  type        = string
}

variable "use_logs" {
  description = "The logs that the gateways write for it, by patterns: without them nobody knows what is dormant. OpenBao needs none."
  type        = list(string)
  default     = []
}

variable "active_owners" {
  description = "Everybody who may own access, from the directory of people: without them nobody knows who has left."
  type        = set(string)

  validation {
    condition     = length(var.active_owners) > 0
    error_message = "An empty list says that everybody has left: look at where it comes from."
  }
}

variable "warn_days" {
  description = "How many days before its end somebody is told of access."
  type        = number
  default     = 14
}

data "partner_inventory" "all" {}

locals {
  items   = data.partner_inventory.all.items
  flagged = { for flag in ["orphaned", "ungoverned", "drifted", "dormant", "unused"] : flag => [for i in local.items : coalesce(i.id, i.native_id) if contains(i.flags, flag)] }
  held    = [for i in local.items : coalesce(i.id, i.native_id) if i.status == "held"]
  ending  = [for i in local.items : i if i.ends_at != null && i.status != "expired" && timecmp(coalesce(i.ends_at, "9999-12-31T00:00:00Z"), timeadd(data.partner_inventory.all.at, "${var.warn_days * 24}h")) < 0]
}

check "somebody_answers_for_it" {
  assert {
    condition     = length(local.flagged.orphaned) + length(local.flagged.ungoverned) == 0
    error_message = "Nobody answers for: ${join(", ", concat(local.flagged.orphaned, local.flagged.ungoverned))}."
  }
}

check "it_is_as_declared" {
  assert {
    condition     = length(local.flagged.drifted) == 0
    error_message = "Changed by hand: ${join(", ", local.flagged.drifted)}."
  }
}

check "it_is_used" {
  assert {
    condition     = length(local.flagged.dormant) + length(local.flagged.unused) == 0
    error_message = "Nobody uses: ${join(", ", concat(local.flagged.dormant, local.flagged.unused))}."
  }
}

check "nothing_waits_for_a_decision" {
  assert {
    condition     = length(local.held) == 0
    error_message = "Cut by hand, and still declared: destroy it, or give it back with hold_released: ${join(", ", local.held)}."
  }
}

# Who is to be told, for the alert: terraform output -json ending.
output "ending" {
  value = [for i in local.ending : { id = i.id, owner = i.owner, ends_at = i.ends_at }]
}

data "partner_report" "now" {}

# The artifact of the job: terraform output -raw report > report.html.
output "report" {
  value = data.partner_report.now.html
}
