# The owner is computed at apply: nobody can see in the plan who answers for the access.

resource "terraform_data" "team" {
  input = "jane.doe@example.com"
}

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = terraform_data.team.output
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"
}
