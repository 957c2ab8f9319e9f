# The partner answers tickets that its users file under "admin". The word stands in the path of the data, and
# administers nothing.
# applied: yes

resource "partner_identity" "tickets" {
  partner    = "acme"
  name       = "admin-tickets"
  owner      = "jane.doe@example.com"
  purpose    = "Answers the tickets of the admin console"
  expires_at = "2027-03-31T00:00:00Z"
  ceiling    = ["tickets/acme/admin/*"]
}

resource "partner_grant" "tickets" {
  identity_id = partner_identity.tickets.id
  resource    = "tickets/acme/admin/*"
  actions     = ["read", "reply"]
  owner       = "jane.doe@example.com"
  purpose     = "Read and answer tickets about the admin console"
  expires_at  = "2027-02-28T00:00:00Z"
}
