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
