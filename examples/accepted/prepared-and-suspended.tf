# Everything is ready for the day of the migration; until then the identity is suspended.
# applied: yes

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP"
  expires_at = "2027-03-31T00:00:00Z"
  suspended  = true
}

resource "partner_credential" "key" {
  identity_id   = partner_identity.orders.id
  owner         = "jane.doe@example.com"
  expires_at    = "2027-02-28T00:00:00Z"
  allowed_cidrs = ["203.0.113.0/24"]
  rotation      = { every = "480h", overlap = "48h" }

  certificate = {
    csr = <<-EOT
      -----BEGIN CERTIFICATE REQUEST-----
      MIHJMHECAQAwDzENMAsGA1UEAwwEYWNtZTBZMBMGByqGSM49AgEGCCqGSM49AwEH
      A0IABJbyQQb/tn1pAsgPztT6FS7SrRxy5CmxM4drh9edrq/EQTh0mncbpYvZ0Rrj
      l8FRv53HDK2r9S6g0guxHOw+7YegADAKBggqhkjOPQQDAgNIADBFAiEAk59rLcmA
      RFmI+gQ4uB79TFPdb9NFXwXlbcROQRJkoMMCIHTYk8XVrUqCwvXwZNppS2mTzBjw
      7pYhGzx9I8TfStJm
      -----END CERTIFICATE REQUEST-----
    EOT
  }
}

resource "partner_grant" "daily" {
  identity_id = partner_identity.orders.id
  resource    = "orders/acme/daily/*"
  actions     = ["read", "list"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the daily order files"
  expires_at  = "2027-02-28T00:00:00Z"
}
