# The owner sorts the mail about this partner by a tag behind the plus.

provider "partner" {
  environment = "prod"

  guardrails = {
    owner_domains = ["example.com"]
  }
}

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe+acme@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"
}
