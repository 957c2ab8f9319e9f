# Every quarter: do the steps cut ACME off, and how fast?
resource "partner_rehearsal" "acme" {
  partner  = "acme"
  triggers = { quarter = "2026-Q4" }

  depends_on = [partner_credential.orders, partner_grant.orders]
}

output "seconds_to_refusal" {
  value = partner_rehearsal.acme.seconds
}
