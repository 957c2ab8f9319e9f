# Bringing what nobody declared under the rules, as many as there are. The first apply writes a sheet of it:
#
#     terraform apply
#     terraform output -raw sheet > legacy.csv
#
# Fill in the sheet: name, owner, purpose, and what each may read. Remove the lines that are to be ended instead. Then
# `terraform plan` says what becomes of each, and `terraform apply` adopts them.

terraform {
  required_version = ">= 1.7"

  required_providers {
    partner = {
      source = "partner-access/partner"
    }
  }
}

provider "partner" {
  environment = "prod"
  stack       = "legacy"
  openbao     = {}
  journal     = { path = "journal.jsonl" }
  guardrails  = { owner_domains = ["example.com"] }
  partners = {
    acme = { kind = "vendor", domains = ["acme.test"], contact = "noc@acme.test" }
  }
}

variable "expires_at" {
  description = "When the adopted access ends, if nobody renews it: an RFC 3339 moment."
  type        = string
}

data "partner_inventory" "ungoverned" {
  partner = "acme"
  flags   = ["ungoverned"]
}

output "sheet" {
  value = join("\n", concat(["native_id,name,owner,purpose,folder,why"], [
    for i in data.partner_inventory.ungoverned.items : "${i.native_id},,,,,\"${replace(i.why, "\"", "'")}\"" if i.import != null
  ], [""]))
}

locals {
  legacy = { for line in csvdecode(file("${path.module}/legacy.csv")) : line.name => line }
}

import {
  for_each = local.legacy
  to       = partner_identity.legacy[each.key]
  id       = "acme/prod/${each.key}@${each.value.native_id}"
}

resource "partner_identity" "legacy" {
  for_each = local.legacy

  partner    = "acme"
  name       = each.key
  owner      = each.value.owner
  purpose    = each.value.purpose
  expires_at = var.expires_at
}

resource "partner_grant" "legacy" {
  for_each = local.legacy

  identity_id = partner_identity.legacy[each.key].id
  resource    = "${each.value.folder}/*"
  actions     = ["read", "list"]
  owner       = each.value.owner
  purpose     = each.value.purpose
  expires_at  = var.expires_at
}
