# Through a local, so that it is read after all of them were planned.
locals {
  ids = [partner_identity.orders.id, partner_credential.certificate.id, partner_grant.daily.id]
}

data "partner_guardrails" "orders" {
  ids = local.ids
}

output "warnings" {
  value = [for f in data.partner_guardrails.orders.findings : "${f.id}: ${f.problem}" if f.level == "warn"]
}
