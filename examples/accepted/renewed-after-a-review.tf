# Somebody looked and found that the feed is still needed: it goes on for three months. Both stand for the review that
# was made a minute and a second ago.
# applied: yes

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-06-30T00:00:00Z"

  review = {
    at     = "2027-01-23T11:58:59Z"
    by     = "john.roe@example.com"
    reason = "The feed still runs every night"
  }
}

resource "partner_grant" "daily" {
  identity_id = partner_identity.orders.id
  resource    = "orders/acme/daily/*"
  actions     = ["read", "list"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the daily order files"
  expires_at  = "2027-06-30T00:00:00Z"
}
