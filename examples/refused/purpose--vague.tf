# A purpose that would fit any access of any partner.

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Temporary access for ACME integration"
  expires_at = "2027-03-31T00:00:00Z"
}
