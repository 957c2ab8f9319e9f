resource "partner_grant" "daily" {
  identity_id = partner_identity.orders.id
  resource    = "orders/acme/daily/*"
  actions     = ["read", "list"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the daily order files"
  expires_at  = "2027-02-28T00:00:00Z"
}

# A login of sshd, on the embedded system. Commands only: login-pty adds a terminal, login-forward port forwarding.
resource "partner_grant" "diagnose" {
  identity_id = partner_identity.support.id
  resource    = "ssh/diagnose"
  actions     = ["login"]
  owner       = "ops@example.com"
  purpose     = "Log in as diagnose on the order hosts"
  expires_at  = "2027-02-28T00:00:00Z"
}
