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
  value       = partner_credential.globex.issued
}

output "initech_secret" {
  description = "Initech's secret, which only Initech can open."
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
