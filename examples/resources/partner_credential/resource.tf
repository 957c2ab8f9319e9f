# Best: trust in the partner's own OIDC issuer. There is no secret at all.
resource "partner_credential" "federated" {
  identity_id = partner_identity.orders.id
  owner       = "jane.doe@example.com"
  expires_at  = "2027-02-28T00:00:00Z"

  federated = {
    issuer    = "https://login.acme.test"
    subject   = "svc-orders"
    audiences = ["orders.example.com"]
  }
}

# An X.509 certificate, signed from the partner's own request.
resource "partner_credential" "certificate" {
  identity_id   = partner_identity.orders.id
  owner         = "jane.doe@example.com"
  expires_at    = "2027-02-28T00:00:00Z"
  certificate   = { csr = file("${path.module}/acme/orders-etl.csr") }
  rotation      = { every = "720h", overlap = "48h" }
  allowed_cidrs = ["203.0.113.0/24"]
}

# An OpenSSH certificate, signed from the partner's own public key.
resource "partner_credential" "ssh" {
  identity_id     = partner_identity.support.id
  owner           = "ops@example.com"
  expires_at      = "2027-02-28T00:00:00Z"
  ssh_certificate = { public_key = file("${path.module}/acme/support.pub") }
  rotation        = { every = "168h", overlap = "24h" }
  allowed_cidrs   = ["203.0.113.0/24"]
}

# The last resort: an API key, sealed to the partner's age or SSH public key. sealed_secret can be sent by e-mail.
resource "partner_credential" "key" {
  identity_id   = partner_identity.invoices.id
  owner         = "jane.doe@example.com"
  expires_at    = "2027-02-28T00:00:00Z"
  secret        = { recipient = "age1g4cmkag7wz6v70vmx3zlacnx0ep6x2c4pa348w75gt6t4m97047sq7l5wg" }
  rotation      = { every = "720h", overlap = "48h" }
  allowed_cidrs = ["203.0.113.0/24"]
}
