# A certificate that lives for exactly 90 days, for a partner that can only install one by hand.

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"
}

resource "partner_credential" "key" {
  identity_id   = partner_identity.orders.id
  owner         = "jane.doe@example.com"
  expires_at    = "2027-02-28T00:00:00Z"
  allowed_cidrs = ["203.0.113.0/24"]
  rotation      = { every = "2136h", overlap = "24h" }

  certificate = {
    csr = <<-EOT
      -----BEGIN CERTIFICATE REQUEST-----
      MIHKMHECAQAwDzENMAsGA1UEAwwEYWNtZTBZMBMGByqGSM49AgEGCCqGSM49AwEH
      A0IABJzcUqcJqtg3xrqlreslYtjz4lUwHxShE9Vaec/9rhKiMKLnzanxzbThBEw0
      I/DRZAnILtuUj+389i9STIsOas6gADAKBggqhkjOPQQDAgNJADBGAiEAwowdAXvm
      7YDjvnTYV2ezenTbpsBUToe3UQGphqs/xzcCIQCdmldTffAWuAngP87Y028feo5D
      GxGaA43A9qP0KXcaiQ==
      -----END CERTIFICATE REQUEST-----
    EOT
  }
}
