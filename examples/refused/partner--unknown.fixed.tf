# The partner is in the register, with its agreement.

provider "partner" {
  environment = "prod"

  partners = {
    acme = {
      domains   = ["acme.test"]
      contact   = "noc@acme.test"
      agreement = { reference = "MSA-2026-014", ends_at = "2027-06-30T00:00:00Z" }
    }
    globex = {
      domains = ["globex.test"]
      contact = "noc@globex.test"
    }
  }
}

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"
}
