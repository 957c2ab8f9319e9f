# Support logs in with a certificate for its own SSH key, from its two offices.
# applied: yes

resource "partner_identity" "support" {
  partner    = "acme"
  name       = "support"
  owner      = "ops@example.com"
  purpose    = "Support of the order hosts"
  expires_at = "2027-03-31T00:00:00Z"
}

resource "partner_credential" "ssh" {
  identity_id   = partner_identity.support.id
  owner         = "ops@example.com"
  expires_at    = "2027-02-28T00:00:00Z"
  allowed_cidrs = ["198.51.100.16/28", "203.0.113.0/24"]
  rotation      = { every = "648h", overlap = "72h" }

  ssh_certificate = {
    public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMXTJu2tCNCUJKo+EvruDJ7nHdyeBKuoE8rynT83CV5s a@acme.test"
  }
}

resource "partner_grant" "diagnose" {
  identity_id = partner_identity.support.id
  resource    = "ssh/diagnose"
  actions     = ["login"]
  owner       = "ops@example.com"
  purpose     = "Log in as diagnose on the order hosts"
  expires_at  = "2027-02-28T00:00:00Z"
}
