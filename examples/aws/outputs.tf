output "logins" {
  description = "What each partner needs to come in. Nothing in it is secret."
  value = {
    observant = partner_credential.observant.login
    acme      = partner_credential.acme.login
    globex    = partner_credential.globex.login
  }
}

output "globex_key" {
  description = "Globex's access key, which only Globex can open."
  sensitive   = true # as it stands in no plan and no log, nobody keeps it until its key is broken
  value       = partner_credential.globex.sealed_secret
}

# What the people on call run when Terraform is away, with a login that has the policy cut. Keep it where they find it.
data "partner_offboarding" "each" {
  for_each   = toset(["observant", "acme", "globex"])
  partner    = each.key
  depends_on = [partner_grant.observant, partner_grant.acme, partner_grant.globex, partner_credential.observant, partner_credential.acme, partner_credential.globex]
}

output "kill_kit" {
  description = "The commands that cut each partner off."
  value       = { for partner, goes in data.partner_offboarding.each : partner => goes.steps }
}
