# The owner is one of the partner's own people: it would decide alone how long it keeps its access.

provider "partner" {
  environment = "prod"

  guardrails = {
    owner_domains = ["example.com"]
  }

  partners = {
    acme = {
      domains = ["acme.test"]
    }
  }
}

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "pat@acme.test"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"
}
