# A carrier whose devices are anywhere in its own /8, and nowhere else.

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
  allowed_cidrs = ["10.0.0.0/9", "10.128.0.0/9"]
  rotation      = { every = "480h", overlap = "48h" }

  certificate = {
    csr = <<-EOT
      -----BEGIN CERTIFICATE REQUEST-----
      MIHKMHECAQAwDzENMAsGA1UEAwwEYWNtZTBZMBMGByqGSM49AgEGCCqGSM49AwEH
      A0IABITQ5RTiRU7CAzBCdxDx90ZvXemTl6KjScD/686mPApRSZnZ/bSfWXoJVUD7
      qM5PZyjVYewCWMrs2nBads+1BkegADAKBggqhkjOPQQDAgNJADBGAiEA7GvO+Toj
      Q8M8Tqi/gauMxfBCSFH0SZlWD7EdFYv/dTICIQC16mHuYES98rcik4KCqs9ZBsDk
      zCrwGkkCn4IAWM6COA==
      -----END CERTIFICATE REQUEST-----
    EOT
  }
}
