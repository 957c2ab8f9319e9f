output "handover" {
  description = "What to send to the partner, by credential. Nothing in it is secret."
  value       = { for key, c in partner_credential.this : key => c.handover }
}

output "issued" {
  description = "The certificates, by credential."
  value       = { for key, c in partner_credential.this : key => c.issued if c.issued != null }
}

output "revocation" {
  description = "How to cut it by hand when Terraform is away, by identity."
  value       = { for name, i in partner_identity.this : name => i.revocation }
}
