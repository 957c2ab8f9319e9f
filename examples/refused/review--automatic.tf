# The review is of this very minute, as plantimestamp() writes it: a clock looked, and no person.

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"

  review = {
    at     = "2026-11-24T11:59:40Z"
    by     = "john.roe@example.com"
    reason = "The feed still runs every night"
  }
}
