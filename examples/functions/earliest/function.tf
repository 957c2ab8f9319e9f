resource "partner_grant" "daily" {
  identity_id = partner_identity.orders.id
  resource    = "orders/acme/daily/*"
  actions     = ["read", "list"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the daily order files"
  expires_at  = provider::partner::earliest(partner_identity.orders.expires_at, "2027-04-30T00:00:00Z")
}
