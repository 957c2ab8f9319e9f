# A terminal for three months; thirty days is the most for what gives more than single commands.

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
  expires_at  = "2027-02-28T00:00:00Z"
}
