# Our own domain ends with the same letters as the partner's, and is another one.

provider "partner" {
  environment = "prod"

  guardrails = {
    owner_domains = ["notacme.test"]
  }

  partners = {
    acme = {
      domains = ["acme.test"]
      contact = "noc@acme.test"
    }
  }
}

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@notacme.test"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"
}
