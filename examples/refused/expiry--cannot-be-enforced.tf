# The system ends access by itself at midnight only, and so not at the end of the shift that is declared.
# system: ends access at midnight

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T22:00:00Z"
}
