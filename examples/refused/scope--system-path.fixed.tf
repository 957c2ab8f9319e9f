# A login of its own, with the rights that the task needs.

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "support"
  owner      = "jane.doe@example.com"
  purpose    = "Support of the order hosts"
  expires_at = "2027-03-31T00:00:00Z"
}

resource "partner_grant" "daily" {
  identity_id = partner_identity.orders.id
  resource    = "ssh/order-service"
  actions     = ["login"]
  owner       = "jane.doe@example.com"
  purpose     = "Restart the order service"
  expires_at  = "2027-02-28T00:00:00Z"
}
