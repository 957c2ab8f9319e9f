data "partner_offboarding" "acme" {
  partner = "acme"
}

# The kill kit: what the people on call run when Terraform is away. Keep it where they find it.
output "kill_kit" {
  value = join("\n", data.partner_offboarding.acme.steps)
}

# What somebody should look at before the partner's module is destroyed.
output "before_offboarding" {
  value = data.partner_offboarding.acme.notes
}
