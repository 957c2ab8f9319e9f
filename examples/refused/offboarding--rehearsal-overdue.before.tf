# A partner was onboarded, and nobody has tried since how it would be cut off.
# clock: +200d

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-09-30T00:00:00Z"
}
