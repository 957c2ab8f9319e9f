output "ids" {
  description = "The ids of the identities, by name: parent_id of a subcontractor's, identity_id of a grant beside the module."
  value       = { for name, i in partner_identity.this : name => i.id }
}

output "credential_ids" {
  description = "The ids of the credentials, by identity and kind."
  value       = { for key, c in partner_credential.this : key => c.id }
}

output "grant_ids" {
  description = "The ids of the grants, by identity and name."
  value       = { for key, g in partner_grant.this : key => g.id }
}

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

output "sealed_secrets" {
  description = "The API keys, by credential: only the partner can open them."
  sensitive   = true
  value       = { for key, c in partner_credential.this : key => c.sealed_secret if c.sealed_secret != null }
}

output "revocation" {
  description = "How to cut it by hand when Terraform is away, by identity."
  value       = { for name, i in partner_identity.this : name => i.revocation }
}
