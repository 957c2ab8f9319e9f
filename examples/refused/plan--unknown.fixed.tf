# The owner comes from a variable, whose value is known at plan.

variable "owner" {
  type    = string
  default = "jane.doe@example.com"
}

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = var.owner
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"
}
