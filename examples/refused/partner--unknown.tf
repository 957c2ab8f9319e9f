# The register of partners does not hold this one: there is no agreement with it.

provider "partner" {
  environment = "prod"

  partners = {
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
