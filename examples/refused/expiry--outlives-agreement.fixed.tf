# The access ends with the contract.

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-06-30T00:00:00Z"

  agreement = {
    reference = "MSA-2026-014"
    ends_at   = "2027-06-30T00:00:00Z"
  }
}
