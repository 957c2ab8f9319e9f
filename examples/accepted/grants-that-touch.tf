# The feed itself and what lies below it, by different grants; reading and writing of the same files, too: none allows
# what another does.
# applied: yes

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"
}

resource "partner_grant" "daily" {
  identity_id = partner_identity.orders.id
  resource    = "orders/acme/daily"
  actions     = ["list"]
  owner       = "jane.doe@example.com"
  purpose     = "List the folder of the day"
  expires_at  = "2027-02-28T00:00:00Z"
}

resource "partner_grant" "files" {
  identity_id = partner_identity.orders.id
  resource    = "orders/acme/daily/*"
  actions     = ["read"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the daily order files"
  expires_at  = "2027-02-28T00:00:00Z"
}

resource "partner_grant" "receipts" {
  identity_id = partner_identity.orders.id
  resource    = "orders/acme/daily/*"
  actions     = ["acknowledge"]
  owner       = "jane.doe@example.com"
  purpose     = "Say which files have arrived"
  expires_at  = "2027-03-31T00:00:00Z"
}

resource "partner_grant" "yearly" {
  identity_id = partner_identity.orders.id
  resource    = "orders/acme/2026/+"
  actions     = ["read"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the closed year again"
  expires_at  = "2027-02-28T00:00:00Z"
}
