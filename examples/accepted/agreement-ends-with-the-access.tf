# The contract ends at the turn of a quarter in Berlin, and the access at that very moment.
# applied: yes

provider "partner" {
  environment = "prod"

  partners = {
    acme = {
      kind    = "vendor"
      domains = ["acme.test"]
      contact = "noc@acme.test"

      agreement = {
        reference = "MSA-2026-014"
        ends_at   = "2027-03-31T00:00:00+02:00"
      }
    }
  }
}

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-30T22:00:00Z"

  agreement = {
    reference = "SOW-7"
    ends_at   = "2027-06-30T00:00:00Z"
  }
}

resource "partner_grant" "daily" {
  identity_id = partner_identity.orders.id
  resource    = "orders/acme/daily/*"
  actions     = ["read", "list"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the daily order files"
  expires_at  = "2027-03-30T22:00:00Z"
}
