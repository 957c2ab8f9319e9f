output "logins" {
  description = "What each partner needs to log in. Nothing in it is secret."
  value = {
    acme      = module.acme.login
    acme_test = module.acme_test.login
    globex    = partner_credential.globex.login
    initech   = partner_credential.initech.login
  }
}

output "globex_certificate" {
  description = "Globex's certificate, with its authority's."
  sensitive   = true # not secret, but long
  value       = partner_credential.globex.issued
}

output "initech_secret" {
  description = "Initech's secret, which only Initech can open."
  sensitive   = true # as it stands in no plan and no log, nobody keeps it until its key is broken
  value       = partner_credential.initech.sealed_secret
}

# What is wrong with partners' access in this OpenBao, also what was made by hand: for a check in CI, see partner_inventory.
data "partner_inventory" "neglected" {
  flags = ["ungoverned", "orphaned", "drifted", "dormant", "unused"]
}

output "neglected" {
  description = "Partner access that needs attention."
  value       = [for item in data.partner_inventory.neglected.items : "${coalesce(item.id, item.native_id)}: ${join(", ", item.flags)}"]
}

# What the people on call run when Terraform is away, with a login that has the policy cut. Keep it where they find it.
data "partner_offboarding" "each" {
  for_each   = toset(["acme", "globex", "initech"])
  partner    = each.key
  depends_on = [module.acme, module.acme_test, partner_grant.globex, partner_grant.initech, partner_credential.globex, partner_credential.initech]
}

output "kill_kit" {
  description = "The commands that cut each partner off."
  value       = { for partner, goes in data.partner_offboarding.each : partner => goes.steps }
}
