# A key for each of the two.

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"
}

resource "partner_identity" "stock" {
  partner    = "acme"
  name       = "stock-sync"
  owner      = "jane.doe@example.com"
  purpose    = "Hourly stock levels for the shop"
  expires_at = "2027-03-31T00:00:00Z"
}

resource "partner_credential" "orders" {
  identity_id   = partner_identity.orders.id
  owner         = "jane.doe@example.com"
  expires_at    = "2027-02-28T00:00:00Z"
  allowed_cidrs = ["203.0.113.0/24"]
  rotation      = { every = "480h", overlap = "48h" }

  ssh_certificate = {
    public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJzFhUueXHNEwk3lYCWW8S0n9MjnrwiklkqxInceBpHm b@acme.test"
  }
}

resource "partner_credential" "stock" {
  identity_id   = partner_identity.stock.id
  owner         = "jane.doe@example.com"
  expires_at    = "2027-02-28T00:00:00Z"
  allowed_cidrs = ["203.0.113.0/24"]
  rotation      = { every = "480h", overlap = "48h" }

  ssh_certificate = {
    public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMXTJu2tCNCUJKo+EvruDJ7nHdyeBKuoE8rynT83CV5s a@acme.test"
  }
}
