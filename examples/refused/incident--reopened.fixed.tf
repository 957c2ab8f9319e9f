# The incident is closed, and its number releases the hold, once.

resource "partner_identity" "orders" {
  partner       = "acme"
  name          = "orders-etl"
  owner         = "jane.doe@example.com"
  purpose       = "Nightly order feed into the ERP"
  expires_at    = "2027-03-31T00:00:00Z"
  hold_released = "INC-2026-117"
}
