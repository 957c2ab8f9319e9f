# A terminal for less than thirty days.

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "support"
  owner      = "jane.doe@example.com"
  purpose    = "Support of the order hosts"
  expires_at = "2027-03-31T00:00:00Z"
}

resource "partner_grant" "diagnose" {
  identity_id = partner_identity.orders.id
  resource    = "ssh/diagnose"
  actions     = ["login", "login-pty"]
  owner       = "jane.doe@example.com"
  purpose     = "Look into stuck orders on the hosts"
  expires_at  = "2026-12-20T00:00:00Z"
}
