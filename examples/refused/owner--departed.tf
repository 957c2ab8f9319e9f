# The owner is not in the directory any more.

provider "partner" {
  environment = "prod"

  guardrails = {
    active_owners = ["john.roe@example.com", "ciso@example.com"]
  }
}

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"
}
