output "handover" {
  description = "What to send to the partner, by identity. Not secret, but long: \"sensitive\" keeps it out of every plan."
  sensitive   = true

  value = {
    for name, i in partner_identity.this : name => provider::partner::handover(
      i,
      [for key, c in partner_credential.this : c if local.credentials[key].identity == name],
      [for key, g in partner_grant.this : g if local.grants[key].identity == name],
    )
  }
}

output "issued" {
  description = "The certificates, by credential."
  sensitive   = true
  value       = { for key, c in partner_credential.this : key => c.issued if c.issued != null }
}

output "revocation" {
  description = "How to cut it by hand when Terraform is away, by identity."
  value       = { for name, i in partner_identity.this : name => i.revocation }
}
