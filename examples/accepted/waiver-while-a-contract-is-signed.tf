# The new contract lies with the lawyers. The access may go on for exactly 90 days, and ends then by itself.
# applied: yes

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"

  agreement = {
    reference = "MSA-2026-014"
    ends_at   = "2026-12-31T00:00:00Z"
  }

  waivers = {
    "expiry/outlives-agreement" = {
      reason   = "MSA-2027-003 is being signed"
      approver = "ciso@example.com"
      until    = "2027-02-22T12:00:00Z"
    }
  }
}
