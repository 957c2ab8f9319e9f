# An API key that is issued anew every week. The one before works for two days more: time enough for the partner to take up
# the new one.
# applied: yes
# warns: credential/static-secret

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into ACME's ERP"
  expires_at = "2027-03-31T00:00:00Z"
}

resource "partner_credential" "orders" {
  identity_id   = partner_identity.orders.id
  owner         = "jane.doe@example.com"
  expires_at    = "2027-02-28T00:00:00Z"
  allowed_cidrs = ["203.0.113.0/24"]

  secret = {
    recipient = "age13a6ggl074f9l9el7ge2aqn09m5seuk9mrtc6ceqlz0640l7qvy9ssmwv00"
  }
  rotation = {
    every   = "168h"
    overlap = "48h"
  }
}

resource "partner_grant" "orders" {
  identity_id = partner_identity.orders.id
  resource    = "orders/acme/daily/*"
  actions     = ["read", "list"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the daily order files"
  expires_at  = "2027-02-28T00:00:00Z"
}

output "handover" {
  sensitive = true # not secret, but long: this keeps it out of every plan
  value     = provider::partner::handover(partner_identity.orders, [partner_credential.orders], [partner_grant.orders])
}
