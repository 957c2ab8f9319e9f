# For the migration the partner needs a terminal, for thirty days and no longer.
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
  allowed_cidrs = ["203.0.113.0/24"]
  rotation      = { every = "480h", overlap = "48h" }

  ssh_certificate = {
    public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOmsUS0+gXCK+EGIt6HCDcAix3yL351/PxcflXS7GqmZ c@acme.test"
  }
}

resource "partner_grant" "migrate" {
  identity_id = partner_identity.support.id
  resource    = "ssh/migrate"
  actions     = ["login", "login-pty"]
  owner       = "ops@example.com"
  purpose     = "Move the order database to its new host"
  expires_at  = "2026-12-24T12:00:00Z"
}
