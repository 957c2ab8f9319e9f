# terraform output -raw handover prints it, ready to be sent.
output "handover" {
  sensitive = true # not secret, but long: this keeps it out of every plan
  value = provider::partner::handover(
    partner_identity.orders,
    [partner_credential.certificate, partner_credential.key],
    [partner_grant.daily],
  )
}
